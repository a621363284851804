//! Which version of an API a path belongs to: `/v2/orders`, `/books/v1/{id}`, `/app-legacy/files`. Must not know who
//! asks for it.

/// Where a path says nothing: newer than `v0`, older than `v1`.
pub const UNVERSIONED: u32 = 1000;
/// What a whole installation is called once another one has taken its place.
const LEGACY: [&str; 3] = ["legacy", "old", "deprecated"];

/// The releases of FHIR as servers name them in addresses, and what they are the number of.
const FHIR: [(&str, u32, u32); 6] = [
    ("dstu2", 2, 0),
    ("stu3", 3, 0),
    ("r4", 4, 0),
    ("r4b", 4, 1),
    ("r5", 5, 0),
    ("r6", 6, 0),
];

/// `v1`, `V2`, `v1.1`; `DSTU2` or `R4`.
pub(super) fn is_version(text: &str) -> bool {
    is_number(text) || fhir(text).is_some()
}

fn fhir(text: &str) -> Option<(u32, u32)> {
    let known = FHIR.iter().find(|(name, ..)| name.eq_ignore_ascii_case(text));
    known.map(|(_, major, minor)| (*major, *minor))
}

fn is_number(text: &str) -> bool {
    let digits = text.strip_prefix(['v', 'V']).unwrap_or_default();
    digits.len() <= 4
        && digits.starts_with(|c: char| c.is_ascii_digit())
        && digits.chars().all(|c| c.is_ascii_digit() || c == '.')
}

/// The number of a version, for comparison: `v1.2` is newer than `v1`. `None` if this is no version.
pub(super) fn generation(text: &str) -> Option<u32> {
    let (major, minor) = match fhir(text) {
        Some(release) => release,
        None => numbers(text)?,
    };
    let above = major.saturating_mul(UNVERSIONED);
    let within = minor.saturating_add(1).min(UNVERSIONED - 1);
    Some(above.saturating_add(within))
}

/// Both numbers of `v1.2`.
fn numbers(text: &str) -> Option<(u32, u32)> {
    let digits = text.get(1..).filter(|_| is_number(text))?;
    let (major, minor) = digits.split_once('.').unwrap_or((digits, ""));
    let minor = minor
        .split('.')
        .next()
        .and_then(|minor| minor.parse::<u32>().ok());
    Some((major.parse::<u32>().ok()?, minor.unwrap_or_default()))
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
        let releases = ["DSTU2", "stu3", "R4", "R4B", "R5"].map(of);
        assert!(releases.is_sorted_by(|a, b| a < b), "{releases:?}");
        assert!((of("v0.9") + 1..of("v1")).contains(&UNVERSIONED));
        for none in [
            "vendors", "v", "v.1", "version1", "v12345", "1", "vé1", "R2D2", "r",
        ] {
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
