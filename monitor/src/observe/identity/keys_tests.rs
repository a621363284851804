//! Tests of [`super`]: keys and tokens that were made once with OpenSSL; the private keys are gone.

use super::*;
use crate::{
    observe::{
        extra::TokenFlaw,
        identity::{InstallKey, jwt::JwtReader, signature::Verifier},
    },
    time::Timestamp,
};

const JWKS: &[u8] = include_bytes!("keys_tests/jwks.json");
const RSA: &[u8] = include_bytes!("keys_tests/rsa.pem");
const TOKENS: &str = include_str!("keys_tests/tokens.txt");

fn token(name: &str) -> &'static str {
    let mut lines = TOKENS.lines().filter_map(|line| line.split_once('\t'));
    lines.find(|(known, _)| *known == name).unwrap().1
}

fn keys(files: &[&[u8]]) -> Keys {
    let mut keys = Keys::default();
    for file in files {
        keys.add(file).unwrap();
    }
    keys
}

/// Whether a token has a wrong signature, and what was counted.
fn flawed(keys: &Keys, token: &str, accepted: bool) -> (bool, Vec<u64>) {
    let mut verifier = Verifier::new(keys.clone());
    let mut reader = JwtReader::new(&["sub".to_owned()], &[], &[]);
    verifier.begin(Timestamp::from_nanos(1), accepted);
    let claims = reader.read(token.as_bytes(), &InstallKey([1; 16]), &mut verifier);
    let counts = verifier.stats().counters().map(|(_, count)| count).collect();
    (claims.unwrap().flaws.contains(TokenFlaw::WrongSignature), counts)
}

const GOOD: [u64; 4] = [1, 0, 0, 0];
const WRONG: [u64; 4] = [0, 1, 0, 0];
const UNKNOWN: [u64; 4] = [0, 0, 1, 0];

#[test]
fn each_algorithm_of_a_key_set() {
    let keys = keys(&[JWKS]);
    for line in TOKENS.lines() {
        let (name, token) = line.split_once('\t').unwrap();
        let expected = match name {
            "confused rsa" => WRONG,
            "gone kid" => UNKNOWN,
            _ => GOOD,
        };
        let (wrong, counts) = flawed(&keys, token, true);
        assert_eq!((wrong, counts), (expected == WRONG, expected.to_vec()), "{name}");
    }
}

#[test]
fn a_byte_more_or_less_is_wrong() {
    let keys = keys(&[JWKS]);
    for name in ["RS256 rsa", "ES256 p256", "EdDSA ed", "HS256 mac", "RS512 -"] {
        let token = token(name);
        let (message, signature) = token.rsplit_once('.').unwrap();
        let longer = format!("{message}.{signature}AA");
        let shorter = format!("{message}.{}", &signature[4..]);
        // `eyJzdWIiOiJqYW5lIn0` is {"sub":"jane"}; this is {"sub":"root"}.
        let (head, _) = message.split_once('.').unwrap();
        let other = format!("{head}.eyJzdWIiOiJyb290In0.{signature}");
        for forged in [longer, shorter, other, format!("{message}.{}", "A".repeat(4_000))] {
            assert_eq!(flawed(&keys, &forged, true).1, WRONG, "{name}: {forged}");
        }
    }
}

#[test]
fn public_keys_as_pem() {
    for (file, name) in [
        (RSA, "RS256 rsa"),
        (include_bytes!("keys_tests/p256.pem").as_slice(), "ES256 p256"),
        (include_bytes!("keys_tests/p384.pem").as_slice(), "ES384 p384"),
        (include_bytes!("keys_tests/ed25519.pem").as_slice(), "EdDSA ed"),
    ] {
        let keys = keys(&[file]);
        assert_eq!(flawed(&keys, token(name), true).1, GOOD, "{name}");
        // The public key taken as a secret: the old trick.
        assert_eq!(flawed(&keys, token("confused rsa"), true).1, WRONG, "{name}");
    }
}

#[test]
fn what_was_refused_is_not_verified() {
    let keys = keys(&[RSA]);
    assert_eq!(flawed(&keys, token("HS256 mac"), false), (false, vec![0; 4]));
    assert_eq!(
        flawed(&Keys::default(), token("HS256 mac"), true),
        (false, vec![0; 4])
    );
}

#[test]
fn so_many_a_second() {
    let mut verifier = Verifier::new(keys(&[JWKS]));
    let mut reader = JwtReader::new(&["sub".to_owned()], &[], &[]);
    let key = InstallKey([1; 16]);
    let mut read = |at: u64, times: usize| {
        for _ in 0..times {
            verifier.begin(Timestamp::from_nanos(at), true);
            reader
                .read(token("HS256 mac").as_bytes(), &key, &mut verifier)
                .unwrap();
        }
        (verifier.stats().good, verifier.stats().shed)
    };
    assert_eq!(read(1, 1_001), (1_000, 1));
    assert_eq!(read(1_000_000_001, 1), (1_001, 1));
}

#[test]
fn files_that_are_none() {
    let add = |file: &[u8]| Keys::default().add(file).unwrap_err().to_string();
    for (file, says) in [
        (b"".as_slice(), "neither"),
        (b"{}", "neither"),
        (b"{\"keys\":[]}", "no key for signatures"),
        (
            b"{\"kty\":\"RSA\",\"n\":\"!\",\"e\":\"AQAB\"}",
            "no key for signatures",
        ),
        (
            b"-----BEGIN RSA PRIVATE KEY-----\nAAAA\n-----END RSA PRIVATE KEY-----\n",
            "neither",
        ),
        (
            b"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n",
            "no key for signatures",
        ),
    ] {
        assert!(
            add(file).contains(says),
            "{:?}: {}",
            String::from_utf8_lossy(file),
            add(file)
        );
    }
    let many = format!(
        "{{\"keys\":[{}]}}",
        vec![r#"{"kty":"oct","k":"AAAA"}"#; KEYS_MAX + 1].join(",")
    );
    assert!(add(many.as_bytes()).contains("more than 64"));
    assert_eq!(format!("{:?}", keys(&[JWKS])), "Keys(5)");
}
