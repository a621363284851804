//! Which machine this is and what may be done to it. Must not change anything.

use std::os::unix::fs::MetadataExt;

use crate::run;

/// The distribution whose package names are used here.
const DEBIAN_VERSION: &str = "12";

/// What was found out about this machine.
pub(crate) struct Host {
    name: String,
    is_debian: bool,
    has_apt: bool,
    is_root: bool,
}

impl Host {
    /// Reads `/etc/os-release` and the own user id.
    pub(crate) fn look() -> Self {
        let release = std::fs::read_to_string("/etc/os-release").unwrap_or_default();
        Self {
            name: value(&release, "PRETTY_NAME")
                .unwrap_or("an unknown system")
                .to_owned(),
            is_debian: value(&release, "ID") == Some("debian")
                && value(&release, "VERSION_ID") == Some(DEBIAN_VERSION),
            has_apt: run::find_program("apt-get").is_some(),
            is_root: is_root(),
        }
    }

    /// The system's own name for itself.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Whether packages may be installed and file systems mounted. Other systems with apt may have the packages too;
    /// apt says so itself if they do not.
    pub(crate) fn may_install(&self) -> bool {
        self.is_root && self.has_apt
    }

    /// Why [`Self::may_install`] says no.
    pub(crate) fn why_not(&self) -> String {
        if !self.is_debian {
            format!("this is {}, not Debian {DEBIAN_VERSION}", self.name)
        } else if !self.is_root {
            "this needs root".to_owned()
        } else {
            "there is no apt-get".to_owned()
        }
    }
}

/// Whether the effective user is root: the owner of this process's entry under `/proc`.
pub(crate) fn is_root() -> bool {
    std::fs::metadata("/proc/self").is_ok_and(|entry| entry.uid() == 0)
}

/// The value of one `NAME=value` line, without quotes.
fn value<'a>(release: &'a str, name: &str) -> Option<&'a str> {
    release
        .lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix('='))
        .map(|value| value.trim().trim_matches('"'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn os_release_values_lose_their_quotes() {
        let release = "PRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\nVERSION_ID=\"12\"\nID=debian\n";
        assert_eq!(value(release, "ID"), Some("debian"));
        assert_eq!(value(release, "VERSION_ID"), Some("12"));
        assert_eq!(
            value(release, "PRETTY_NAME"),
            Some("Debian GNU/Linux 12 (bookworm)")
        );
        assert_eq!(value(release, "VERSION"), None);
    }
}
