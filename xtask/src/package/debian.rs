//! What makes a tree a Debian package: its control files (deb-control(5), deb-conffiles(5), deb-md5sums(5)).

use std::{
    fmt::Write as _,
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result, bail};

use super::{
    binary::{Binary, Linking},
    make,
    stage::CONFFILES,
};
use crate::run;

/// Scripts of `packaging/debian`, run when the package comes and goes.
const SCRIPTS: [&str; 3] = ["postinst", "prerm", "postrm"];

/// Debian's name for this machine.
pub(super) fn architecture() -> Result<&'static str> {
    match std::env::consts::ARCH {
        "x86_64" => Ok("amd64"),
        "aarch64" => Ok("arm64"),
        other => bail!("there is no package for {other} yet"),
    }
}

pub(super) fn control(root: &Path, binary: &Binary) -> Result<()> {
    let dir = root.join("DEBIAN");
    let files = files(root)?;
    make(&dir)?;
    let write = |name: &str, text: String| {
        fs::write(dir.join(name), text).with_context(|| format!("cannot write the control file {name}"))
    };
    write("control", fields(binary, size(&files)?)?)?;
    write("conffiles", CONFFILES.map(|file| format!("{file}\n")).concat())?;
    write("md5sums", sums(root, &files)?)?;
    for script in SCRIPTS {
        let to = dir.join(script);
        fs::copy(run::workspace().join("packaging/debian").join(script), &to)
            .with_context(|| format!("cannot copy {script}"))?;
        fs::set_permissions(&to, fs::Permissions::from_mode(0o755))?;
    }
    Ok(())
}

fn fields(binary: &Binary, bytes: u64) -> Result<String> {
    let depends = match binary.linking {
        Linking::Dynamic => format!("libc6 (>= {}), libgcc-s1", binary.glibc()?),
        Linking::Static => String::new(),
    };
    let mut text = String::new();
    let mut field = |name: &str, value: &str| {
        if !value.is_empty() {
            // Writing to a String cannot fail.
            let _ = writeln!(text, "{name}: {value}");
        }
    };
    field("Package", "apimon");
    field("Version", &binary.version);
    field("Architecture", architecture()?);
    field("Maintainer", "apimon maintainers <apimon@localhost>");
    field("Section", "net");
    field("Priority", "optional");
    field("Installed-Size", &bytes.div_ceil(1024).to_string());
    field("Depends", &depends);
    field("Recommends", "systemd, logrotate");
    field("Homepage", "https://github.com/apimon/apimon");
    field(
        "Description",
        "API security monitor for the host that serves the API\n \
         Reads the plaintext HTTP conversations of the host beside the service, finds\n \
         abuse of the API, writes each case to a log, and, where the operator allows\n \
         it, drops the source in the kernel (XDP).",
    );
    Ok(text)
}

/// Every file below a directory, in order.
fn files(root: &Path) -> Result<Vec<PathBuf>> {
    let mut dirs = vec![root.to_owned()];
    let mut files = Vec::new();
    while let Some(dir) = dirs.pop() {
        for entry in fs::read_dir(&dir).with_context(|| format!("cannot read {}", dir.display()))? {
            let entry = entry?;
            let list = if entry.file_type()?.is_dir() {
                &mut dirs
            } else {
                &mut files
            };
            list.push(entry.path());
        }
    }
    files.sort();
    Ok(files)
}

fn size(files: &[PathBuf]) -> Result<u64> {
    files.iter().map(|file| Ok(fs::metadata(file)?.len())).sum()
}

fn sums(root: &Path, files: &[PathBuf]) -> Result<String> {
    let names = files.iter().filter_map(|file| file.strip_prefix(root).ok());
    let output = run::command("md5sum", ["--"])
        .args(names)
        .current_dir(root)
        .output()
        .context("cannot start md5sum")?;
    anyhow::ensure!(output.status.success(), "md5sum failed");
    Ok(String::from_utf8(output.stdout)?)
}
