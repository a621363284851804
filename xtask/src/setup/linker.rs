//! `bpf-linker`: turns what the compiler emits for the BPF target into an object that the kernel loads.
//!
//! Its LLVM must be of the major version of the compiler's. Must not know which compiler is used.

use anyhow::Result;

use super::packages::{Package, Sign};
use crate::run;

/// The version that was tried with the compilers of `bpf.rs`.
const VERSION: &str = "0.13.0";
/// The LLVM it is built with.
const LLVM: &str = "/usr/lib/llvm-22";

/// What building it needs.
pub(crate) const DEBIAN_PACKAGES: &[Package] = &[
    Package {
        name: "llvm-22-dev",
        sign: Sign::Path("/usr/lib/llvm-22/include/llvm-c"),
        why: "the LLVM that bpf-linker is built with",
    },
    Package {
        name: "build-essential",
        sign: Sign::Program("c++"),
        why: "the C++ compiler that bpf-linker's bindings to LLVM are built with",
    },
];

/// Whether there is one.
pub(crate) fn present() -> bool {
    run::find_program("bpf-linker").is_some()
}

/// The arguments for cargo.
fn install_args() -> [&'static str; 9] {
    [
        "install",
        "bpf-linker",
        "--version",
        VERSION,
        "--locked",
        "--no-default-features",
        "--features",
        "llvm-22",
        "--quiet",
    ]
}

/// The command that installs it.
pub(crate) fn install_line() -> String {
    format!(
        "LLVM_SYS_221_PREFIX={LLVM} PATH={LLVM}/bin:$PATH cargo {}",
        install_args().join(" ")
    )
}

/// Builds and installs it into cargo's directory.
pub(crate) fn install() -> Result<()> {
    println!("setup: building bpf-linker {VERSION} from crates.io (about 90 s): links the kernel programs");
    let path = std::env::var("PATH").unwrap_or_default();
    run::run(
        run::cargo(install_args())
            .env("LLVM_SYS_221_PREFIX", LLVM)
            .env("PATH", format!("{LLVM}/bin:{path}")),
    )
}
