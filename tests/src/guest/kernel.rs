//! Kernels of Debian's packages. Must not start them.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, ensure};

use crate::process::output;

/// A kernel with its modules.
#[derive(Debug)]
pub struct Kernel {
    /// `6.1.0-50-cloud-amd64`
    pub release: String,
    /// The file to boot.
    pub image: PathBuf,
    /// `lib/modules/RELEASE`
    pub modules: PathBuf,
}

impl Kernel {
    /// The newest one that this package stands for, such as `linux-image-cloud-amd64`, below `dir`.
    pub fn of_package(package: &str, dir: &Path) -> Result<Self> {
        let real = newest(package)?;
        let root = dir.join(&real);
        if !root.is_dir() {
            let making = dir.join(format!("making-{}", std::process::id()));
            unpack(&real, &making, &root)?;
        }
        let release = real.trim_start_matches("linux-image-").to_owned();
        let kernel = Self {
            image: root.join("boot").join(format!("vmlinuz-{release}")),
            modules: root.join("lib/modules").join(&release),
            release,
        };
        ensure!(
            kernel.image.is_file(),
            "{real} holds no {}",
            kernel.image.display()
        );
        Ok(kernel)
    }
}

/// Such a package holds nothing: it depends on the one of the present version.
fn newest(package: &str) -> Result<String> {
    let printed = output(Command::new("apt-cache").args(["depends", "--important", package]))?;
    printed
        .lines()
        .filter_map(|line| line.trim().strip_prefix("Depends: "))
        .find(|name| name.starts_with("linux-image-"))
        .map(str::to_owned)
        .with_context(|| format!("apt knows no kernel of {package}: run `apt-get update`"))
}

/// Fetches a package and takes it apart. It becomes visible when it is whole.
fn unpack(real: &str, making: &Path, root: &Path) -> Result<()> {
    let (parts, fetched) = (making.join("parts"), making.join("fetched"));
    fs::create_dir_all(&fetched).context("no room for a kernel")?;
    output(
        Command::new("apt-get")
            .args(["download", real])
            .current_dir(&fetched),
    )?;
    for package in fs::read_dir(&fetched)? {
        output(
            Command::new("dpkg-deb")
                .arg("--extract")
                .arg(package?.path())
                .arg(&parts),
        )?;
    }
    // The small modprobe of the guest reads plain modules only.
    let mut unpack = Command::new("find");
    unpack
        .arg(&parts)
        .args(["-name", "*.ko.xz", "-exec", "xz", "--decompress", "{}", "+"]);
    output(&mut unpack)?;
    fs::rename(&parts, root).context("cannot keep a kernel")?;
    fs::remove_dir_all(making).context("cannot clean up after unpacking")
}
