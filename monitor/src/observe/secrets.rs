//! Secrets where none should be: keys that name their issuer by their first letters, private keys, tokens. Must not
//! guess: only forms that nothing else has.

use super::{
    extra::{Secret, SecretKind, SecretPlace},
    identity::{InstallKey, jwt_parts},
};

/// Most secrets kept of one message.
pub(super) const SECRETS: usize = 4;
/// Shortest of all forms, bytes.
const SHORTEST: usize = 20;
/// Shortest JSON Web Token, bytes: what is shorter has no claim.
const JWT_BYTES: usize = 40;

/// A form of key: what it begins with, the characters behind that, and how many there are at least and at most.
struct Form {
    begins: &'static [u8],
    is: fn(u8) -> bool,
    least: usize,
    most: usize,
}

const fn form(begins: &'static [u8], is: fn(u8) -> bool, least: usize, most: usize) -> Form {
    Form {
        begins,
        is,
        least,
        most,
    }
}

fn capital(byte: u8) -> bool {
    byte.is_ascii_uppercase() || byte.is_ascii_digit()
}

fn letter(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
}

fn dashed(byte: u8) -> bool {
    letter(byte) || matches!(byte, b'-' | b'_')
}

fn dotted(byte: u8) -> bool {
    dashed(byte) || byte == b'.'
}

/// As their issuers document them.
const FORMS: [Form; 18] = [
    form(b"AKIA", capital, 16, 16),
    form(b"ASIA", capital, 16, 16),
    form(b"AIza", dashed, 35, 35),
    form(b"ghp_", letter, 36, 255),
    form(b"gho_", letter, 36, 255),
    form(b"ghu_", letter, 36, 255),
    form(b"ghs_", letter, 36, 255),
    form(b"ghr_", letter, 36, 255),
    form(b"github_pat_", dashed, 40, 255),
    form(b"glpat-", dashed, 20, 255),
    form(b"sk_live_", letter, 16, 255),
    form(b"rk_live_", letter, 16, 255),
    form(b"npm_", letter, 36, 36),
    form(b"xoxb-", dashed, 20, 255),
    form(b"xoxp-", dashed, 20, 255),
    form(b"xoxa-", dashed, 20, 255),
    form(b"xoxs-", dashed, 20, 255),
    form(b"SG.", dotted, 66, 66),
];

/// The first secret in a value: what it is, and its bytes.
#[inline]
pub(super) fn find(value: &[u8]) -> Option<(SecretKind, &[u8])> {
    if value.len() < SHORTEST {
        return None;
    }
    search(value)
}

/// Each form has a letter by which it is looked for; most text has few of these.
fn search(value: &[u8]) -> Option<(SecretKind, &[u8])> {
    if let Some(found) = at(value, 0) {
        return Some(found);
    }
    memchr::memchr3_iter(b'_', b'-', b'A', value).find_map(|hit| {
        // The dash or underscore is the last byte of the beginning, or stands in the middle of it.
        let back: &[usize] = match value.get(hit)? {
            b'_' => &[3, 2, 6],
            b'-' => &[4, 5, 0],
            _ => &[0],
        };
        back.iter().find_map(|back| at(value, hit.checked_sub(*back)?))
    })
}

/// What [`FORMS`] begin with, as far as all of them go.
#[expect(
    clippy::indexing_slicing,
    reason = "evaluated by the compiler, which refuses what is out of bounds"
)]
const FRONTS: [[u8; 3]; FORMS.len()] = {
    let mut fronts = [[0; 3]; FORMS.len()];
    let mut at = 0;
    while at < FORMS.len() {
        let begins = FORMS[at].begins;
        fronts[at] = [begins[0], begins[1], begins[2]];
        at += 1;
    }
    fronts
};

/// Whether one of [`FORMS`] begins with this byte, or a private key: what most places fail.
#[expect(
    clippy::indexing_slicing,
    reason = "evaluated by the compiler, which refuses what is out of bounds"
)]
const BEGINS: [bool; 256] = {
    let mut table = [false; 256];
    let mut at = 0;
    while at < FORMS.len() {
        table[FORMS[at].begins[0] as usize] = true;
        at += 1;
    }
    table[b'-' as usize] = true;
    table
};

/// A secret that begins here, and not in the middle of a word.
#[inline]
fn at(value: &[u8], begin: usize) -> Option<(SecretKind, &[u8])> {
    let first = value.get(begin)?;
    let may_be = BEGINS.get(usize::from(*first)).is_some_and(|begins| *begins);
    if may_be { surely_at(value, begin) } else { None }
}

fn surely_at(value: &[u8], begin: usize) -> Option<(SecretKind, &[u8])> {
    let before = begin.checked_sub(1).and_then(|at| value.get(at));
    if before.is_some_and(u8::is_ascii_alphanumeric) {
        return None;
    }
    let text = value.get(begin..)?;
    if text.starts_with(b"-----BEGIN ") {
        return private_key(text);
    }
    let front = text.first_chunk()?;
    let forms = FORMS.iter().zip(&FRONTS).filter(|(_, begins)| *begins == front);
    forms.map(|(form, _)| form).find_map(|form| {
        let rest = text.strip_prefix(form.begins)?;
        let len = rest
            .iter()
            .take(form.most + 1)
            .take_while(|byte| (form.is)(**byte))
            .count();
        let all = form.begins.len() + len;
        (form.least..=form.most)
            .contains(&len)
            .then(|| Some((SecretKind::ProviderKey, text.get(..all)?)))?
    })
}

/// `-----BEGIN RSA PRIVATE KEY-----` (RFC 7468), with what follows as far as it was kept.
fn private_key(text: &[u8]) -> Option<(SecretKind, &[u8])> {
    const LABEL_BYTES: usize = 64;
    let label = text.get(..LABEL_BYTES).unwrap_or(text);
    let found = memchr::memmem::find(label, b"PRIVATE KEY-----");
    found.map(|_| (SecretKind::PrivateKey, text))
}

/// Whether a value is a JSON Web Token.
#[inline]
pub(super) fn is_jwt(value: &[u8]) -> bool {
    value.len() >= JWT_BYTES && value.starts_with(b"eyJ") && jwt_parts(value).is_some()
}

/// What a path has of them.
pub(super) fn in_path(path: &str, key: &InstallKey) -> Vec<Secret> {
    let mut secrets = Vec::new();
    if path.len() < SHORTEST {
        return secrets;
    }
    for segment in path.as_bytes().split(|byte| *byte == b'/') {
        let found = if is_jwt(segment) {
            Some((SecretKind::Jwt, segment))
        } else {
            find(segment)
        };
        if let Some((kind, text)) = found {
            add(&mut secrets, kind, SecretPlace::Url, text, key);
        }
    }
    secrets
}

/// Adds a secret, once, if there is room.
pub(super) fn add(
    secrets: &mut Vec<Secret>,
    kind: SecretKind,
    place: SecretPlace,
    text: &[u8],
    key: &InstallKey,
) {
    let fingerprint = key.credential(text);
    let secret = Secret {
        kind,
        place,
        fingerprint,
    };
    keep(secrets, secret);
}

/// As [`add`].
pub(super) fn keep(secrets: &mut Vec<Secret>, secret: Secret) {
    let known = |known: &Secret| known.fingerprint == secret.fingerprint;
    if secrets.len() < SECRETS && !secrets.iter().any(known) {
        secrets.push(secret);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // Put together here, so that no scanner of this repository takes them for real ones.
    fn keys() -> Vec<String> {
        let of = |begins: &str, len: usize| format!("{begins}{}", "A1b2C3d4".repeat(20).get(..len).unwrap());
        vec![
            format!("{}{}", "AKIA", "IOSFODNN7EXAMPLE"),
            of("AIza", 35),
            of("ghp_", 36),
            of("gho_", 36),
            of("github_pat_", 60),
            of("glpat-", 20),
            of("sk_live_", 24),
            of("rk_live_", 24),
            of("npm_", 36),
            of("xoxb-", 40),
            of("SG.", 66),
        ]
    }

    #[test]
    fn keys_of_issuers_wherever_they_stand() {
        for key in keys() {
            let found = |text: &str| find(text.as_bytes()).map(|(kind, found)| (kind, found.to_vec()));
            let expected = Some((SecretKind::ProviderKey, key.clone().into_bytes()));
            assert_eq!(found(&key), expected, "{key}");
            if !key.starts_with("SG.") {
                assert_eq!(found(&format!("key = {key}; more_text-and A")), expected, "{key}");
                assert_eq!(found(&format!("a_b-c-d_e \"{key}\"")), expected, "{key}");
            }
            assert_eq!(found(&format!("x{key}")), None, "{key}");
            assert_eq!(
                found(key.get(..key.len() - 6).unwrap()).filter(|_| key.starts_with("AK")),
                None
            );
        }
    }

    #[test]
    fn private_keys() {
        for label in [
            "RSA PRIVATE KEY",
            "PRIVATE KEY",
            "OPENSSH PRIVATE KEY",
            "EC PRIVATE KEY",
        ] {
            let text = format!("-----BEGIN {label}-----\nMIIE\n-----END {label}-----");
            assert_eq!(
                find(text.as_bytes()).map(|(kind, _)| kind),
                Some(SecretKind::PrivateKey)
            );
            assert!(find(format!("pem: {text}").as_bytes()).is_some());
        }
        let public = b"-----BEGIN PUBLIC KEY-----\nMIIE\n-----END PUBLIC KEY-----";
        assert_eq!(find(public), None);
    }

    #[test]
    fn what_is_none() {
        for text in [
            "d2c7a9f0-aaaa-4bbb-8ccc-000000000017",
            "2026-01-01T00:00:00Z and_so_on-and-so-forth",
            "sk_test_A1b2C3d4A1b2C3d4A1b2C3d4",
            "AKIA is how keys of a cloud begin",
            "A long text about A-levels_and ghp_ and xoxb- and glpat-",
            "",
        ] {
            assert_eq!(find(text.as_bytes()), None, "{text}");
        }
        assert_eq!(find("-A_".repeat(3000).as_bytes()), None);
    }

    #[test]
    fn tokens() {
        assert!(is_jwt(b"eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJqYW5lIn0.c2lnbmF0dXJl"));
        assert!(!is_jwt(b"eyJhbGciOiJIUzI1NiJ9"));
        assert!(!is_jwt(b"a.b.c"));
    }
}
