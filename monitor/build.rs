//! Builds the kernel object with whichever BPF toolchain this machine has, or writes an empty stub where it has none,
//! so that `cargo check`, clippy and the unprivileged tests work everywhere. The loader refuses the stub by name.
//!
//! `APIMON_EBPF=skip` writes the stub without looking; `APIMON_EBPF=require` fails where it would be written.

use std::{
    env,
    error::Error,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use aya_build::{Package, Toolchain};

/// Name of the object file, that is, of the binary of `monitor-ebpf`.
const OBJECT: &str = "apimon-ebpf";
/// Name under which `cargo xtask setup` links Debian's `rustc-web`, a compiler with a ready-made BPF `core`.
const LINKED: &str = "ebpf";
/// Set in the second run of this program; see [`run_quietly`].
const INNER: &str = "APIMON_BUILD_INNER";

type Outcome = Result<(), Box<dyn Error>>;

fn main() -> Outcome {
    println!("cargo:rerun-if-env-changed=APIMON_EBPF");
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-changed=../monitor-common");
    println!("cargo:rerun-if-changed=../monitor-ebpf");
    let wish = env::var("APIMON_EBPF").unwrap_or_default();
    if wish == "skip" {
        return write_stub("APIMON_EBPF=skip");
    }
    match toolchain() {
        Ok(toolchain) if env::var_os(INNER).is_some() => build(toolchain),
        Ok(_) => run_quietly(),
        Err(missing) if wish == "require" => Err(missing.into()),
        Err(missing) => {
            watch_for_toolchain();
            write_stub(&missing)
        }
    }
}

/// The toolchain that can build for BPF here, or what is missing.
fn toolchain() -> Result<Toolchain<'static>, String> {
    if !on_path("bpf-linker") {
        return Err("bpf-linker is not on PATH".into());
    }
    if sysroot("nightly").is_some_and(|root| root.join("lib/rustlib/src/rust/library/core").is_dir()) {
        return Ok(Toolchain::Nightly);
    }
    if sysroot(LINKED).is_some_and(|root| has_bpf_core(&root)) {
        return Ok(Toolchain::Custom(LINKED));
    }
    Err(format!(
        "neither nightly with rust-src nor a toolchain `{LINKED}` with a BPF core is installed"
    ))
}

fn on_path(program: &str) -> bool {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path).any(|dir| dir.join(program).is_file())
}

/// Where a toolchain lives, if rustup has it.
fn sysroot(toolchain: &str) -> Option<PathBuf> {
    let output = Command::new("rustup")
        .args(["run", toolchain, "rustc", "--print", "sysroot"])
        // These name the compiler of the outer build.
        .env_remove("RUSTC")
        .env_remove("RUSTUP_TOOLCHAIN")
        .output()
        .ok()?;
    output
        .status
        .success()
        .then(|| PathBuf::from(String::from_utf8_lossy(&output.stdout).trim()))
}

/// Whether a sysroot holds a compiled `core` for this machine's BPF target.
fn has_bpf_core(sysroot: &Path) -> bool {
    let endian = env::var("CARGO_CFG_TARGET_ENDIAN").unwrap_or_default();
    let target = if endian == "big" {
        "bpfeb-unknown-none"
    } else {
        "bpfel-unknown-none"
    };
    fs::read_dir(sysroot.join("lib/rustlib").join(target).join("lib")).is_ok_and(|mut files| {
        files.any(|file| file.is_ok_and(|file| file.file_name().to_string_lossy().starts_with("libcore-")))
    })
}

/// Runs this program again with an environment in which cargo prints errors and warnings only. Changing the
/// environment of a running process is not safe; giving one to a child is.
fn run_quietly() -> Outcome {
    let status = Command::new(env::current_exe()?)
        .env(INNER, "1")
        .env("CARGO_TERM_QUIET", "true")
        // Lets these crates, and no other, use the unstable assembly of the BPF target with a stable compiler.
        // aya-build reads the same variable: with this value it builds `core` only if the compiler is a nightly.
        .env("RUSTC_BOOTSTRAP", "aya_ebpf,apimon_ebpf")
        .status()?;
    if status.success() {
        Ok(())
    } else {
        Err("the kernel programs do not build; see above".into())
    }
}

fn build(toolchain: Toolchain<'_>) -> Outcome {
    let package = Package {
        name: "monitor-ebpf",
        root_dir: "../monitor-ebpf",
        ..Package::default()
    };
    // As text: the error's own form has a backtrace, which would bury the compiler's message.
    aya_build::build_ebpf([package], toolchain).map_err(|error| error.to_string().into())
}

fn write_stub(why: &str) -> Outcome {
    println!(
        "cargo:warning=built without kernel programs ({why}); `cargo xtask setup` installs what they need"
    );
    let out = env::var_os("OUT_DIR").ok_or("OUT_DIR is not set")?;
    Ok(fs::write(Path::new(&out).join(OBJECT), [])?)
}

/// Asks cargo to run this again when a toolchain may have appeared. Only small directories that exist: a missing path
/// would mean a rebuild every time, and a toolchain's own directory has thousands of files.
fn watch_for_toolchain() {
    let home = |variable: &str, dir: &str| {
        env::var_os(variable).map_or_else(
            || PathBuf::from(env::var_os("HOME").unwrap_or_default()).join(dir),
            PathBuf::from,
        )
    };
    let cargo = home("CARGO_HOME", ".cargo");
    let rustup = home("RUSTUP_HOME", ".rustup");
    let watched = [
        cargo.join("bin"),
        rustup.join("update-hashes"),
        rustup.join("settings.toml"),
    ];
    for path in watched.iter().filter(|path| path.exists()) {
        println!("cargo:rerun-if-changed={}", path.display());
    }
    if let Some(nightly) = sysroot("nightly") {
        println!(
            "cargo:rerun-if-changed={}",
            nightly.join("lib/rustlib/components").display()
        );
    }
}
