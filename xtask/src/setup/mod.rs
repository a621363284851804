//! Brings a machine that has only Debian 12, root and rustup's stable toolchain to where everything here works.
//!
//! Each step looks first and installs only what is missing, says what and why before it acts, and never asks. Where
//! it cannot act (not root, not Debian), it ends with the commands to type. Must not know what is built afterwards.

mod bpf;
mod host;
mod linker;
mod mounts;
mod packages;

use anyhow::{Result, bail};

pub(crate) use host::is_root;
use packages::Package;

/// What the machine is prepared for. Each purpose includes building the kernel programs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Purpose {
    /// Building only.
    Build,
    /// The demo: network namespaces.
    Demo,
    /// The privileged suites: namespaces, real servers and clients.
    Test,
    /// Other kernels, in virtual machines.
    Kernels,
    /// The benches: real servers, load generators and the programs we compare with.
    Bench,
}

/// Prepares this machine.
pub(crate) fn run(purpose: Purpose) -> Result<()> {
    let host = host::Host::look();
    let bpf = bpf::find();
    println!("setup: preparing this machine ({})", host.name());

    let mut missing = packages::missing(purpose);
    if let bpf::Toolchain::None = bpf {
        missing.extend(packages::absent(bpf::DEBIAN_PACKAGES));
    }
    let needs_linker = !linker::present();
    if needs_linker {
        missing.extend(packages::absent(linker::DEBIAN_PACKAGES));
    }
    let plan = Plan {
        missing,
        link_toolchain: bpf == bpf::Toolchain::None,
        build_linker: needs_linker,
        mount_bpffs: purpose != Purpose::Build && !mounts::bpffs_mounted(),
    };
    println!("setup: compiler for the kernel programs: {}", bpf.describe());
    plan.carry_out(&host)?;
    println!("setup: ready");
    Ok(())
}

/// What is still to be done. An empty plan needs no privilege.
struct Plan {
    missing: Vec<Package>,
    link_toolchain: bool,
    build_linker: bool,
    mount_bpffs: bool,
}

impl Plan {
    fn carry_out(&self, host: &host::Host) -> Result<()> {
        if (!self.missing.is_empty() || self.mount_bpffs) && !host.may_install() {
            println!("{}", self.by_hand());
            bail!(
                "{}; the commands above do by hand what is missing",
                host.why_not()
            );
        }
        if self.missing.is_empty() {
            println!("setup: Debian packages: already there");
        } else {
            packages::install(&self.missing)?;
        }
        if self.link_toolchain {
            bpf::link()?;
        }
        if self.build_linker {
            linker::install()?;
        } else {
            println!("setup: bpf-linker: already there");
        }
        if self.mount_bpffs {
            mounts::mount_bpffs()?;
        }
        Ok(())
    }

    /// The commands that do the same by hand.
    fn by_hand(&self) -> String {
        let mut lines = vec!["Run these as root (Debian 12), then try again:".to_owned()];
        if !self.missing.is_empty() {
            lines.push("  apt-get update".to_owned());
            lines.push(format!("  {}", packages::install_line(&self.missing)));
        }
        if self.mount_bpffs {
            lines.push(format!("  {}", mounts::MOUNT_LINE));
        }
        if self.link_toolchain || self.build_linker {
            lines.push("and these as the user who builds:".to_owned());
        }
        if self.link_toolchain {
            lines.push(format!("  {}", bpf::LINK_LINE));
        }
        if self.build_linker {
            lines.push(format!("  {}", linker::install_line()));
        }
        if self.link_toolchain {
            lines.push("Elsewhere, instead of the packages *-web and llvm-*:".to_owned());
            lines.push("  rustup toolchain install nightly --component rust-src".to_owned());
            lines.push("  cargo install bpf-linker --locked".to_owned());
        }
        lines.join("\n")
    }
}
