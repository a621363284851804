//! Which version of an API a path belongs to: `/v2/orders`, `/books/v1/{id}`, `/app-legacy/files`. Must not know who
//! asks for it.

/// Where a path says nothing: newer than `v0`, older than `v1`.
pub const UNVERSIONED: u32 = 1000;
/// What a whole installation is called once another one has taken its place.
const LEGACY: [&str; 3] = ["legacy", "old", "deprecated"];

/// `v1`, `V2`, `v1.1`.
pub(super) fn is_version(text: &str) -> bool {
    let digits = text.strip_prefix(['v', 'V']).unwrap_or_default();
    digits.len() <= 4
        && digits.starts_with(|c: char| c.is_ascii_digit())
        && digits.chars().all(|c| c.is_ascii_digit() || c == '.')
}

/// The number of a version, for comparison: `v1.2` is newer than `v1`. `None` if this is no version.
pub(super) fn generation(text: &str) -> Option<u32> {
    let digits = text.get(1..).filter(|_| is_version(text))?;
    let (major, minor) = digits.split_once('.').unwrap_or((digits, ""));
    let minor = minor
        .split('.')
        .next()
        .and_then(|minor| minor.parse::<u32>().ok());
    let above = major.parse::<u32>().ok()?.saturating_mul(UNVERSIONED);
    let within = minor.unwrap_or_default().saturating_add(1).min(UNVERSIONED - 1);
    Some(above.saturating_add(within))
}

/// What remains of the first word of a path that says that it is the old installation: `app` of `app-legacy`, nothing
/// of `legacy`. Further back such a word is about things: `/cars/old`.
pub(super) fn without_legacy(text: &str) -> Option<&str> {
    if LEGACY.contains(&text) {
        return Some("");
    }
    let (before, last) = text.rsplit_once(['-', '_'])?;
    LEGACY.contains(&last).then_some(before)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_ordered() {
        let of = |text| generation(text).unwrap();
        let order = ["v0", "v0.9", "v1", "V1.1", "v1.2.", "v2", "v10"].map(of);
        assert!(order.is_sorted_by(|a, b| a < b), "{order:?}");
        assert!((of("v0.9") + 1..of("v1")).contains(&UNVERSIONED));
        for none in ["vendors", "v", "v.1", "version1", "v12345", "1", "vé1"] {
            assert_eq!(generation(none), None, "{none}");
        }
    }

    #[test]
    fn old_installations_say_so() {
        assert_eq!(without_legacy("app-legacy"), Some("app"));
        assert_eq!(without_legacy("api_old"), Some("api"));
        assert_eq!(without_legacy("legacy"), Some(""));
        assert_eq!(without_legacy("threshold"), None);
        assert_eq!(without_legacy("gold"), None);
    }
}
