//! Values as people write them: spans of time, nets, interface names. Must not know which keys use them.

use std::{path::Path, time::Duration};

use monitor_common::Prefix;
use serde::Deserialize;

/// Longest name of a Linux network interface, bytes (`IFNAMSIZ` less the terminating zero).
const IFNAME_BYTES: usize = 15;

/// A span of time as people write it: `90s`, `10m`, `1h30m`, `2d`. A unit is needed.
pub fn parse_ttl(text: &str) -> Result<Duration, String> {
    let mend =
        || format!("`{text}` is no span of time; write a number with a unit, like 90s, 10m, 1h30m or 2d");
    let mut total: u64 = 0;
    let mut rest = text.trim();
    if rest.is_empty() {
        return Err(mend());
    }
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit()).ok_or_else(mend)?;
        let (number, tail) = rest.split_at(digits);
        let mut chars = tail.chars();
        let unit = match chars.next() {
            Some('s') => 1,
            Some('m') => 60,
            Some('h') => 3600,
            Some('d') => 86_400,
            _ => return Err(mend()),
        };
        let number: u64 = number.parse().map_err(|_| mend())?;
        total = number
            .checked_mul(unit)
            .and_then(|seconds| total.checked_add(seconds))
            .ok_or_else(mend)?;
        rest = chars.as_str();
    }
    Ok(Duration::from_secs(total))
}

/// A value that is written as a string and read by its own parser.
#[derive(Clone, Debug)]
pub(super) struct Text<T>(pub(super) T);

/// The parser of a [`Text`].
pub(super) trait Written: Sized {
    fn read(text: &str) -> Result<Self, String>;
}

impl Written for Prefix {
    fn read(text: &str) -> Result<Self, String> {
        text.parse().map_err(|error| format!("`{text}` is {error}"))
    }
}

impl<'de, T: Written> Deserialize<'de> for Text<T> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        T::read(&text).map(Self).map_err(serde::de::Error::custom)
    }
}

/// Refuses what cannot be the name of an interface.
pub(super) fn check_interface(name: &str) -> Result<(), String> {
    let fits = (1..=IFNAME_BYTES).contains(&name.len());
    if fits && !name.contains(['/', ' ', '\t', '\n']) && name != "." && name != ".." {
        return Ok(());
    }
    Err(format!(
        "`{}` is no interface name; `ip link` lists them",
        name.escape_debug()
    ))
}

/// Refuses a path that would depend on where the daemon was started.
pub(super) fn check_path(path: &Path) -> Result<(), String> {
    if path.is_absolute() {
        return Ok(());
    }
    Err(format!(
        "`{}` is not an absolute path; start it with /",
        path.display()
    ))
}
