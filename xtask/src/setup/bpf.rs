//! The compiler for the BPF target: a nightly with `rust-src`, or Debian's `rustc-web` with its ready-made `core`.
//!
//! `monitor/build.rs` chooses by the same rules when it builds. Must not know how packages are installed.

use std::path::Path;

use anyhow::Result;

use super::packages::{Package, Sign};
use crate::run;

/// Name of the rustup toolchain that stands for Debian's compiler.
const LINKED: &str = "ebpf";

/// Debian's compiler with a `core` for the BPF target.
pub(crate) const DEBIAN_PACKAGES: &[Package] = &[
    Package {
        name: "rustc-web",
        sign: Sign::Installed("rustc-web"),
        why: "a Rust compiler whose `core` also exists for the BPF target",
    },
    Package {
        name: "cargo-web",
        sign: Sign::Installed("cargo-web"),
        why: "the cargo that belongs to it",
    },
    Package {
        name: "libstd-rust-web-dev-bpf",
        sign: Sign::Path("/usr/lib/rustlib/bpfel-unknown-none"),
        why: "that `core`, ready-made",
    },
];

/// The command that makes Debian's compiler a rustup toolchain.
pub(crate) const LINK_LINE: &str = "rustup toolchain link ebpf /usr";

/// Which compiler there is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Toolchain {
    /// rustup's nightly with the sources of `core`.
    Nightly,
    /// Debian's, linked into rustup.
    Debian,
    /// None yet.
    None,
}

impl Toolchain {
    /// For the person who waits.
    pub(crate) fn describe(self) -> &'static str {
        match self {
            Self::Nightly => "nightly with rust-src: already there",
            Self::Debian => "Debian's rustc-web, linked as toolchain `ebpf`: already there",
            Self::None => "none (neither nightly with rust-src nor Debian's rustc-web)",
        }
    }
}

/// Looks for a compiler, in the order of preference.
pub(crate) fn find() -> Toolchain {
    if sysroot("nightly").is_some_and(|root| Path::new(&root).join("lib/rustlib/src/rust/library").is_dir()) {
        Toolchain::Nightly
    } else if sysroot(LINKED)
        .is_some_and(|root| Path::new(&root).join("lib/rustlib/bpfel-unknown-none").is_dir())
    {
        Toolchain::Debian
    } else {
        Toolchain::None
    }
}

/// Makes Debian's compiler a rustup toolchain.
pub(crate) fn link() -> Result<()> {
    println!(
        "setup: linking Debian's compiler as rustup toolchain `{LINKED}`, so that cargo can choose it by name"
    );
    let words: Vec<_> = LINK_LINE.split(' ').collect();
    match words.as_slice() {
        [program, args @ ..] => run::run(&mut run::command(program, args)),
        [] => Ok(()),
    }
}

/// The directory of a rustup toolchain. The variable keeps rustup from downloading one that is not there.
fn sysroot(toolchain: &str) -> Option<String> {
    let installed = run::output("rustup", &["toolchain", "list"])?;
    installed
        .lines()
        .any(|line| {
            line == toolchain
                || line.starts_with(&format!("{toolchain}-"))
                || line.starts_with(&format!("{toolchain} "))
        })
        .then(|| run::output("rustup", &["run", toolchain, "rustc", "--print", "sysroot"]))?
}
