//! `cargo xtask package`: a Debian package and a tarball of the same tree.
//!
//! The control files are written here and `dpkg-deb`, which every Debian has, makes the package: cargo-deb does no more
//! for one binary, and is a hundred crates to build on each fresh machine. Must not know how apimon works.

mod binary;
mod debian;
mod stage;

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use crate::run;
use binary::{Binary, Linking};

/// Flags of `cargo xtask package`.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// The profile to build with.
    #[arg(long, default_value = "dist")]
    profile: String,
    /// Only one of the two.
    #[arg(long, value_enum)]
    only: Option<Kind>,
}

#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Kind {
    Deb,
    Tarball,
}

/// Makes what is asked for, and says where it is.
pub(crate) fn run(options: &Options) -> Result<()> {
    let wanted = |kind| options.only.is_none_or(|only| only == kind);
    if wanted(Kind::Deb) {
        let deb = deb(&options.profile)?;
        println!("package: {}", deb.display());
    }
    if wanted(Kind::Tarball) {
        let tarball = tarball(&options.profile)?;
        println!("package: {}", tarball.display());
    }
    Ok(())
}

/// The Debian package, linked to the C library that every Debian has.
pub(crate) fn deb(profile: &str) -> Result<PathBuf> {
    let binary = Binary::build(profile, Linking::Dynamic)?;
    let name = format!("apimon_{}_{}", binary.version, debian::architecture()?);
    let root = fresh(&name)?;
    stage::tree(&root, &binary)?;
    debian::control(&root, &binary)?;
    let deb = root.with_extension("").with_file_name(format!("{name}.deb"));
    let words = ["--root-owner-group", "-Zxz", "--build"].map(PathBuf::from);
    run::run(&mut run::command(
        "dpkg-deb",
        words.into_iter().chain([root.clone(), deb.clone()]),
    ))?;
    Ok(deb)
}

/// The same tree in a tarball, with the C library inside, for other systems.
fn tarball(profile: &str) -> Result<PathBuf> {
    let binary = Binary::build(profile, Linking::Static)?;
    let name = format!("apimon-{}-{}-linux", binary.version, std::env::consts::ARCH);
    let root = fresh(&name)?;
    stage::tree(&root, &binary)?;
    let parent = root.parent().context("a directory has one above it")?;
    let tarball = parent.join(format!("{name}.tar.gz"));
    run::run(
        run::command(
            "tar",
            ["--owner=0", "--group=0", "--numeric-owner", "--sort=name", "-czf"],
        )
        .arg(&tarball)
        .arg("-C")
        .arg(parent)
        .arg(&name),
    )?;
    Ok(tarball)
}

/// An empty directory of that name.
fn fresh(name: &str) -> Result<PathBuf> {
    let dir = run::target_dir()?.join("package").join(name);
    if dir.exists() {
        std::fs::remove_dir_all(&dir).with_context(|| format!("cannot empty {}", dir.display()))?;
    }
    make(&dir)?;
    Ok(dir)
}

fn make(dir: &Path) -> Result<()> {
    std::fs::create_dir_all(dir).with_context(|| format!("cannot make {}", dir.display()))
}
