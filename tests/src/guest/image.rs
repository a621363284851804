//! Packs the root file system of a guest. Must not know what runs there.

use std::{
    collections::BTreeSet,
    fs,
    os::unix::fs::{PermissionsExt as _, symlink},
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result};

use super::Kernel;
use crate::{process::output, programs};

/// Programs taken from this host, with their libraries.
const PROGRAMS: [&str; 5] = ["bash", "ip", "tc", "nginx", "curl"];
/// What busybox does in the guest.
const SMALL: [&str; 9] = [
    "grep", "head", "modprobe", "mount", "poweroff", "sed", "sh", "sleep", "uname",
];
const DIRS: [&str; 13] = [
    "usr/bin",
    "usr/sbin",
    "usr/lib/modules",
    "usr/lib64",
    "dev",
    "etc",
    "proc",
    "root",
    "run/netns",
    "sys",
    "tmp",
    "var/lib/nginx",
    "var/log/nginx",
];
/// Directories that are one with those below `usr`, as in Debian.
const MERGED: [&str; 4] = ["bin", "sbin", "lib", "lib64"];
/// The users that nginx and apimon become.
const PASSWD: &str = "root:x:0:0::/root:/bin/sh\nwww-data:x:33:33::/:/bin/sh\nnobody:x:65534:65534::/:/bin/sh\n\
                      apimon:x:990:990::/:/bin/sh\n";
const GROUP: &str = "root:x:0:\nwww-data:x:33:\nnogroup:x:65534:\napimon:x:990:\n";
/// The directories of modules that the checks use.
const MODULES: [&str; 2] = ["kernel/net", "kernel/drivers/net"];

/// The root file system, packed below `dir`.
pub(super) fn pack(kernel: &Kernel, apimon: &Path, dir: &Path) -> Result<PathBuf> {
    let root = dir.join(format!("root-{}", kernel.release));
    for name in DIRS {
        fs::create_dir_all(root.join(name)).context("no room for a guest")?;
    }
    for name in MERGED {
        symlink(format!("usr/{name}"), root.join(name))?;
    }
    symlink("../run", root.join("var/run"))?;
    let mut libraries = BTreeSet::new();
    for name in PROGRAMS {
        let found = programs::on_path(name).with_context(|| format!("this host has no {name}"))?;
        program(&found, &root.join("usr/bin").join(name), &mut libraries)?;
    }
    program(apimon, &root.join("usr/bin/apimon"), &mut libraries)?;
    for library in libraries {
        let to = root.join(library.trim_start_matches('/'));
        fs::create_dir_all(to.parent().unwrap_or(&root))?;
        fs::copy(&library, to).with_context(|| format!("cannot copy {library}"))?;
    }
    let busybox = programs::on_path("busybox").context("this host has no busybox")?;
    fs::copy(busybox, root.join("usr/bin/busybox"))?;
    for name in SMALL {
        symlink("busybox", root.join("usr/bin").join(name))?;
    }
    texts(&root)?;
    modules(kernel, &root)?;
    archive(&root, &dir.join(format!("guest-{}", kernel.release)))
}

/// Copies a program without what only debuggers read, and notes its libraries.
fn program(from: &Path, to: &Path, libraries: &mut BTreeSet<String>) -> Result<()> {
    output(Command::new("strip").arg("-o").arg(to).arg(from))?;
    let listed = output(Command::new("ldd").arg(from))?;
    let paths = listed.split_whitespace().filter(|word| word.starts_with('/'));
    libraries.extend(paths.map(|path| path.trim_end_matches(':').to_owned()));
    Ok(())
}

fn texts(root: &Path) -> Result<()> {
    let texts = [
        ("init", include_str!("init")),
        ("checks", include_str!("checks")),
        ("nginx.conf", include_str!("nginx.conf")),
        ("etc/passwd", PASSWD),
        ("etc/group", GROUP),
    ];
    for (name, text) in texts {
        fs::write(root.join(name), text).with_context(|| format!("cannot write {name}"))?;
    }
    fs::set_permissions(root.join("init"), fs::Permissions::from_mode(0o755))?;
    Ok(())
}

fn modules(kernel: &Kernel, root: &Path) -> Result<()> {
    let to = root.join("usr/lib/modules").join(&kernel.release);
    for name in MODULES {
        let from = kernel.modules.join(name);
        let parent = to.join(Path::new(name).parent().unwrap_or_else(|| Path::new("")));
        if from.is_dir() {
            fs::create_dir_all(&parent)?;
            output(Command::new("cp").arg("-a").arg(from).arg(parent))?;
        }
    }
    for name in ["modules.order", "modules.builtin"] {
        fs::copy(kernel.modules.join(name), to.join(name)).with_context(|| format!("no {name}"))?;
    }
    output(Command::new("depmod").arg("-b").arg(root).arg(&kernel.release))?;
    Ok(())
}

fn archive(root: &Path, to: &Path) -> Result<PathBuf> {
    let mut pack = Command::new("sh");
    pack.args(["-c", "find . | cpio --quiet -o -H newc | gzip -1 > \"$IMAGE\""]);
    output(pack.current_dir(root).env("IMAGE", to))?;
    Ok(to.to_owned())
}
