//! Boots the kernels that Debian has packages of, one after the other, and checks in each that apimon starts, reads and
//! blocks there: before a plain card, a VLAN, a bond and a bridge.
//!
//! `kernels [PACKAGE ...]`. Prints every check; exits with 1 where one failed.

use std::{fs, path::Path, process::ExitCode};

use anyhow::{Context, Result};
use apimon_tests::{guest, programs};

/// Debian 12's own, and the newest that Debian offers for it.
const PACKAGES: [&str; 2] = ["linux-image-cloud-amd64", "linux-image-6.12-cloud-amd64"];

fn main() -> Result<ExitCode> {
    let named: Vec<String> = std::env::args().skip(1).collect();
    let packages = if named.is_empty() {
        PACKAGES.map(str::to_owned).to_vec()
    } else {
        named
    };
    let apimon = programs::sibling("apimon")?;
    let kept = apimon.parent().context("apimon lies nowhere")?.join("guests");
    clean(&kept)?;
    let mut failed = 0;
    for package in packages {
        let kernel = guest::Kernel::of_package(&package, &kept)?;
        println!(
            "{}: booting, emulated; the checks take some minutes",
            kernel.release
        );
        let dir = kept.join(format!("guest-{}", std::process::id()));
        let checked = guest::check(&kernel, &apimon, &dir, |line| println!("  {line}"));
        fs::remove_dir_all(&dir).context("cannot clean up after a guest")?;
        let checked = checked?;
        println!(
            "{}: {} checks held, {} failed",
            kernel.release,
            checked.held,
            checked.failed.len()
        );
        failed += checked.failed.len();
    }
    Ok(if failed == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Removes what runs that were interrupted left here: directories named after processes that are gone.
fn clean(kept: &Path) -> Result<()> {
    let Ok(entries) = fs::read_dir(kept) else {
        return Ok(());
    };
    for entry in entries {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let process = name
            .strip_prefix("guest-")
            .or_else(|| name.strip_prefix("making-"));
        let process = process.and_then(|number| number.parse::<u32>().ok());
        if process.is_some_and(|process| !Path::new(&format!("/proc/{process}")).exists()) {
            fs::remove_dir_all(&path).with_context(|| format!("cannot remove {}", path.display()))?;
        }
    }
    Ok(())
}
