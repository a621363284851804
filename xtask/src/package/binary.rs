//! The program that is packaged: built, stripped, and asked what it is and needs.

use std::path::PathBuf;

use anyhow::{Context as _, Result, bail};

use crate::run;

/// How the C library gets in.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Linking {
    /// From the system, when it starts.
    Dynamic,
    /// Inside. Rust's target for musl is not everywhere, glibc's is: with it name services would not work, and apimon
    /// uses none.
    Static,
}

/// A program that is ready to be packaged.
pub(super) struct Binary {
    pub(super) path: PathBuf,
    /// As it says itself.
    pub(super) version: String,
    pub(super) linking: Linking,
}

impl Binary {
    pub(super) fn build(profile: &str, linking: Linking) -> Result<Self> {
        let built = build(profile, linking)?;
        let path = built.with_file_name("apimon-stripped");
        run::run(
            run::command("strip", ["--strip-debug", "-o"])
                .arg(&path)
                .arg(&built),
        )?;
        let said =
            run::output(&path.to_string_lossy(), &["version"]).context("the program does not start")?;
        let version = said
            .strip_prefix("apimon ")
            .context("the program does not say its version")?;
        Ok(Self {
            version: version.to_owned(),
            path,
            linking,
        })
    }

    /// The least glibc that it asks for, as `2.34`: the highest version that its symbols name.
    pub(super) fn glibc(&self) -> Result<String> {
        let bytes =
            std::fs::read(&self.path).with_context(|| format!("cannot read {}", self.path.display()))?;
        newest(&bytes).context("the program names no version of glibc")
    }
}

/// The highest version `GLIBC_2.N` that is named in these bytes.
fn newest(bytes: &[u8]) -> Option<String> {
    const NAME: &[u8] = b"GLIBC_2.";
    let named = bytes
        .windows(NAME.len())
        .enumerate()
        .filter(|(_, window)| *window == NAME);
    let minor = |at: usize| {
        let digits = bytes
            .get(at + NAME.len()..)?
            .iter()
            .take_while(|byte| byte.is_ascii_digit());
        let digits: String = digits.map(|byte| char::from(*byte)).collect();
        digits.parse::<u32>().ok()
    };
    let highest = named.filter_map(|(at, _)| minor(at)).max()?;
    Some(format!("2.{highest}"))
}

fn build(profile: &str, linking: Linking) -> Result<PathBuf> {
    let mut args = vec![
        "build",
        "--profile",
        profile,
        "--package",
        "apimon",
        "--bin",
        "apimon",
    ];
    let host = host()?;
    let target = run::target_dir()?;
    // Cargo's names of the directories of its two built-in profiles.
    let of_profile = if profile == "dev" { "debug" } else { profile };
    let dir = match linking {
        Linking::Dynamic => target.join(of_profile),
        Linking::Static => {
            // With a target the flags are not those of build scripts and macros, which cannot be static.
            args.extend(["--target", &host]);
            target.join(&host).join(of_profile)
        }
    };
    let mut cargo = run::cargo_with_kernel(args);
    if linking == Linking::Static {
        let key = format!("CARGO_TARGET_{}_RUSTFLAGS", host.to_uppercase().replace('-', "_"));
        cargo.env(key, "-C target-feature=+crt-static");
    }
    run::run(&mut cargo)?;
    Ok(dir.join("apimon"))
}

/// The target that rustc builds for by itself.
fn host() -> Result<String> {
    let said = run::output("rustc", &["-vV"]).context("rustc does not start")?;
    match said.lines().find_map(|line| line.strip_prefix("host: ")) {
        Some(host) => Ok(host.to_owned()),
        None => bail!("rustc does not say which machine it is for"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_highest_version_counts() {
        let bytes = b"\0GLIBC_2.2.5\0GLIBC_2.34\0GLIBC_2.9\0GLIBC_PRIVATE\0";
        assert_eq!(newest(bytes).as_deref(), Some("2.34"));
        assert_eq!(newest(b"GLIBC_2."), None);
    }
}
