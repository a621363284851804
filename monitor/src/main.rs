//! The `apimon` binary.

fn main() -> std::process::ExitCode {
    apimon::cli::main()
}
