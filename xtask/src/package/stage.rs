//! The tree that is packaged, below a directory that stands for the root: what the program writes about itself, and the
//! files of `packaging/`. Must not know about packages.

use std::{fs, os::unix::fs::PermissionsExt as _, path::Path, process::Stdio};

use anyhow::{Context as _, Result};

use super::{binary::Binary, make};
use crate::run;

/// File of the workspace, and where it goes.
const FILES: [(&str, &str); 12] = [
    ("docs/apimon.toml", "etc/apimon/apimon.toml"),
    ("packaging/apimon.logrotate", "etc/logrotate.d/apimon"),
    (
        "packaging/apimon.service",
        "usr/lib/systemd/system/apimon.service",
    ),
    ("packaging/apimon.sysusers", "usr/lib/sysusers.d/apimon.conf"),
    ("packaging/apimon.tmpfiles", "usr/lib/tmpfiles.d/apimon.conf"),
    ("README.md", "usr/share/doc/apimon/README.md"),
    ("CHANGELOG.md", "usr/share/doc/apimon/changelog"),
    ("LICENSE-APACHE", "usr/share/doc/apimon/LICENSE-APACHE"),
    ("LICENSE-MIT", "usr/share/doc/apimon/LICENSE-MIT"),
    ("docs/configuration.md", "usr/share/doc/apimon/configuration.md"),
    ("docs/detectors.md", "usr/share/doc/apimon/detectors.md"),
    ("docs/install.md", "usr/share/doc/apimon/install.md"),
];

/// Shell, and where its completions go.
const COMPLETIONS: [(&str, &str); 3] = [
    ("bash", "usr/share/bash-completion/completions/apimon"),
    ("zsh", "usr/share/zsh/vendor-completions/_apimon"),
    ("fish", "usr/share/fish/vendor_completions.d/apimon.fish"),
];

/// Configuration files: what the operator changes there stays.
pub(super) const CONFFILES: [&str; 2] = ["/etc/apimon/apimon.toml", "/etc/logrotate.d/apimon"];

pub(super) fn tree(root: &Path, binary: &Binary) -> Result<()> {
    let program = root.join("usr/bin/apimon");
    place(&binary.path, &program, 0o755)?;
    for (from, to) in FILES {
        place(&run::workspace().join(from), &root.join(to), 0o644)?;
    }
    for (shell, to) in COMPLETIONS {
        let text = said(&program, &["completions", shell])?;
        write(&root.join(to), &text)?;
    }
    manual(root, &program)
}

/// Copies one file, with these permissions.
fn place(from: &Path, to: &Path, mode: u32) -> Result<()> {
    let text = fs::read(from).with_context(|| format!("cannot read {}", from.display()))?;
    write(to, &text)?;
    fs::set_permissions(to, fs::Permissions::from_mode(mode)).with_context(|| to.display().to_string())
}

/// Writes one file, readable for all, in directories that all can enter.
fn write(to: &Path, text: &[u8]) -> Result<()> {
    let dir = to.parent().context("a file has a directory")?;
    make(dir)?;
    fs::write(to, text).with_context(|| format!("cannot write {}", to.display()))?;
    fs::set_permissions(to, fs::Permissions::from_mode(0o644)).with_context(|| to.display().to_string())
}

/// A page for each command, compressed without time and name, so that the same program gives the same bytes.
fn manual(root: &Path, program: &Path) -> Result<()> {
    let dir = root.join("usr/share/man/man1");
    said(program, &["man", "--dir", &dir.to_string_lossy()])?;
    let pages: Vec<_> = fs::read_dir(&dir)?.collect::<Result<_, _>>()?;
    anyhow::ensure!(pages.len() > 10, "there are only {} manual pages", pages.len());
    let files = pages.iter().map(fs::DirEntry::path);
    run::run(run::command("gzip", ["-9n"]).args(files))
}

/// What the program prints.
fn said(program: &Path, args: &[&str]) -> Result<Vec<u8>> {
    let output = run::command(&program.to_string_lossy(), args)
        .stderr(Stdio::inherit())
        .output()
        .context("the program does not start")?;
    anyhow::ensure!(output.status.success(), "`apimon {}` failed", args.join(" "));
    Ok(output.stdout)
}
