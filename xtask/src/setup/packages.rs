//! Debian packages: which are missing for a purpose, and one call of apt for all of them.
//!
//! Must not know about toolchains.

use std::{os::unix::fs::PermissionsExt, path::Path};

use anyhow::{Context, Result};

use super::Purpose;
use crate::run;

/// One Debian package: how to see that it is not needed, and what it is for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Package {
    /// Its name in Debian 12.
    pub(crate) name: &'static str,
    /// What is there when it is installed.
    pub(crate) sign: Sign,
    /// What it is for, to complete "NAME: ...".
    pub(crate) why: &'static str,
}

/// What shows that a package, or something as good, is there.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Sign {
    /// A program that can be found.
    Program(&'static str),
    /// A file or directory.
    Path(&'static str),
    /// Only the package itself will do.
    Installed(&'static str),
}

const IPROUTE2: Package = Package {
    name: "iproute2",
    sign: Sign::Program("ip"),
    why: "makes the network namespaces",
};
const UTIL_LINUX: Package = Package {
    name: "util-linux",
    sign: Sign::Program("nsenter"),
    why: "runs programs inside them",
};
const CHROMIUM: Package = Package {
    name: "chromium",
    sign: Sign::Program("chromium"),
    why: "a real browser, which the report is looked at with",
};
const CURL: Package = Package {
    name: "curl",
    sign: Sign::Program("curl"),
    why: "a real client",
};
const NGINX: Package = Package {
    name: "nginx-light",
    sign: Sign::Program("nginx"),
    why: "a real server",
};
const HAPROXY: Package = Package {
    name: "haproxy",
    sign: Sign::Program("haproxy"),
    why: "a real proxy, which the rules of cases are loaded into",
};
const TCPDUMP: Package = Package {
    name: "tcpdump",
    sign: Sign::Program("tcpdump"),
    why: "captures what apimon sees, to replay it",
};
const BPFTOOL: Package = Package {
    name: "bpftool",
    sign: Sign::Program("bpftool"),
    why: "changes programs and maps behind apimon's back",
};
const DEBOOTSTRAP: Package = Package {
    name: "debootstrap",
    sign: Sign::Program("debootstrap"),
    why: "makes the clean Debian that the package is installed in",
};
const WRK: Package = Package {
    name: "wrk",
    sign: Sign::Program("wrk"),
    why: "generates load",
};
const LOGROTATE: Package = Package {
    name: "logrotate",
    sign: Sign::Program("logrotate"),
    why: "rotates the log under load",
};
const RSYSLOG: Package = Package {
    name: "rsyslog",
    sign: Sign::Program("rsyslogd"),
    why: "reads the log as syslog messages",
};
const PROMETHEUS: Package = Package {
    name: "prometheus",
    sign: Sign::Program("promtool"),
    why: "checks the metrics and the alert rules",
};
const QEMU: Package = Package {
    name: "qemu-system-x86",
    sign: Sign::Program("qemu-system-x86_64"),
    why: "runs other kernels",
};
const BUSYBOX: Package = Package {
    name: "busybox-static",
    sign: Sign::Installed("busybox-static"),
    why: "small programs for the machines that other kernels run in",
};
const CPIO: Package = Package {
    name: "cpio",
    sign: Sign::Program("cpio"),
    why: "packs what those machines boot",
};
const KMOD: Package = Package {
    name: "kmod",
    sign: Sign::Program("depmod"),
    why: "lists the modules of other kernels",
};
const XZ: Package = Package {
    name: "xz-utils",
    sign: Sign::Program("xz"),
    why: "unpacks the modules of other kernels",
};
const XDP_TOOLS: Package = Package {
    name: "xdp-tools",
    sign: Sign::Program("xdp-filter"),
    why: "the XDP filter to compare with",
};

/// What each purpose runs.
fn wanted(purpose: Purpose) -> &'static [Package] {
    match purpose {
        Purpose::Build => &[],
        Purpose::Demo => &[IPROUTE2, UTIL_LINUX],
        Purpose::Test => &[
            IPROUTE2,
            UTIL_LINUX,
            CHROMIUM,
            CURL,
            NGINX,
            HAPROXY,
            TCPDUMP,
            BPFTOOL,
            WRK,
            DEBOOTSTRAP,
            LOGROTATE,
            RSYSLOG,
            PROMETHEUS,
        ],
        Purpose::Kernels => &[IPROUTE2, CURL, NGINX, QEMU, BUSYBOX, CPIO, KMOD, XZ],
        Purpose::Bench => &[IPROUTE2, UTIL_LINUX, NGINX, TCPDUMP, BPFTOOL, WRK, XDP_TOOLS],
    }
}

/// The packages that `purpose` runs and this machine lacks.
pub(crate) fn missing(purpose: Purpose) -> Vec<Package> {
    absent(wanted(purpose))
}

/// Those of `packages` whose sign is not there.
pub(crate) fn absent(packages: &[Package]) -> Vec<Package> {
    packages
        .iter()
        .filter(|package| !package.sign.is_there())
        .copied()
        .collect()
}

impl Sign {
    fn is_there(self) -> bool {
        match self {
            Self::Program(name) => run::find_program(name).is_some(),
            Self::Path(path) => Path::new(path).exists(),
            Self::Installed(name) => {
                let status = run::output("dpkg-query", &["-W", "-f=${db:Status-Status}", name]);
                status.as_deref() == Some("installed")
            }
        }
    }
}

/// The command that installs `packages`.
pub(crate) fn install_line(packages: &[Package]) -> String {
    let names: Vec<_> = packages.iter().map(|package| package.name).collect();
    format!("apt-get install -y --no-install-recommends {}", names.join(" "))
}

/// Installs `packages`, each announced with its reason.
pub(crate) fn install(packages: &[Package]) -> Result<()> {
    println!("setup: installing Debian packages:");
    for package in packages {
        println!("setup:   {}: {}", package.name, package.why);
    }
    apt(&["update"])?;
    let mut args = vec!["install", "-y", "--no-install-recommends", "--no-remove"];
    args.extend(packages.iter().map(|package| package.name));
    let _services = NoServices::hold();
    apt(&args).with_context(|| format!("by hand: {}", install_line(packages)))
}

/// One quiet run of apt-get that never asks; its errors are shown.
fn apt(args: &[&str]) -> Result<()> {
    let quiet = ["-qq", "-o", "Dpkg::Use-Pty=0", "-o", "DPkg::Lock::Timeout=300"];
    run::run(
        run::command("apt-get", quiet.iter().chain(args))
            .env("DEBIAN_FRONTEND", "noninteractive")
            .stdout(std::process::Stdio::null()),
    )
}

/// While it lives, packages do not start the services they bring: nobody who runs a test wants a web server on
/// port 80. Debian asks this program first (invoke-rc.d(8)); one that is there already is left alone.
struct NoServices {
    ours: bool,
}

impl NoServices {
    const PROGRAM: &str = "/usr/sbin/policy-rc.d";
    /// "Action forbidden by policy", deb-systemd-invoke(1p).
    const REFUSE: &str = "#!/bin/sh\nexit 101\n";

    fn hold() -> Self {
        let program = Path::new(Self::PROGRAM);
        let ours = !program.exists()
            && std::fs::write(program, Self::REFUSE).is_ok()
            && std::fs::set_permissions(program, std::fs::Permissions::from_mode(0o755)).is_ok();
        Self { ours }
    }
}

impl Drop for NoServices {
    fn drop(&mut self) {
        if self.ours {
            drop(std::fs::remove_file(Self::PROGRAM));
        }
    }
}
