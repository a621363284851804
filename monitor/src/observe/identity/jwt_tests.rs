//! Tests of [`super`].

use base64::prelude::BASE64_URL_SAFE_NO_PAD;

use super::*;
use crate::observe::identity::{keys::Keys, settings::IdentitySettings};

const KEY: InstallKey = InstallKey([3; 16]);

fn jwt(header: &str, claims: &str, signature: &str) -> Vec<u8> {
    let coded = |text: &str| BASE64_URL_SAFE_NO_PAD.encode(text);
    format!("{}.{}.{signature}", coded(header), coded(claims)).into_bytes()
}

fn read(claims: &str) -> Claims {
    let names = IdentitySettings::default().principal_claims;
    let mut verifier = Verifier::new(Keys::default());
    let mut reader = JwtReader::new(&names, &["api".to_owned()], &["https://idp".to_owned()]);
    reader
        .read(&jwt("{\"alg\":\"RS256\"}", claims, "c2ln"), &KEY, &mut verifier)
        .unwrap()
}

fn who(claims: &str) -> String {
    String::from_utf8(read(claims).who.unwrap_or_default()).unwrap()
}

#[test]
fn who_it_is() {
    for (claims, expected) in [
        (r#"{"iss":"https://idp","sub":"jane"}"#, "https://idp\0jane"),
        (r#"{"sub":"jane","iss":"https://idp"}"#, "https://idp\0jane"),
        (r#"{"email":"j@example.org","sub":"jane"}"#, "\0jane"),
        (
            r#"{"status":"success","data":{"id":7,"email":"j@example.org"},"iat":1}"#,
            "\x007",
        ),
        (r#"{"user_id":7,"exp":1}"#, "\x007"),
        (r#"{"client_id":"app","scope":"a"}"#, "\0app"),
        (r#"{"sub":null,"uid":"x"}"#, "\0x"),
        (r#"{"foo":1}"#, ""),
    ] {
        assert_eq!(who(claims), expected, "{claims}");
    }
}

#[test]
fn programs_say_so() {
    for (claims, service) in [
        (r#"{"sub":"app","client_id":"app"}"#, true),
        (r#"{"client_id":"app"}"#, true),
        (r#"{"sub":"x@clients","gty":"client-credentials"}"#, true),
        (r#"{"sub":"system:serviceaccount:default:api"}"#, true),
        (
            r#"{"sub":"1","azp":"web","preferred_username":"service-account-x"}"#,
            true,
        ),
        (r#"{"sub":"svc-orders","role":"service"}"#, true),
        (r#"{"sub":"jane","role":"customer service"}"#, false),
        (r#"{"sub":"jane","azp":"web"}"#, false),
        (r#"{"user_id":7,"client_id":"web"}"#, false),
        (r#"{"sub":"jane"}"#, false),
    ] {
        assert_eq!(read(claims).service, service, "{claims}");
    }
}

#[test]
fn roles_in_any_order() {
    let of = |claims: &str| read(claims).roles;
    assert_eq!(of(r#"{"sub":"a"}"#), 0);
    assert_ne!(of(r#"{"role":"user"}"#), of(r#"{"role":"admin"}"#));
    assert_eq!(of(r#"{"roles":["a","b"]}"#), of(r#"{"roles":["b","a"]}"#));
    assert_eq!(of(r#"{"scope":"a b"}"#), of(r#"{"scp":["a","b"]}"#));
    assert_ne!(of(r#"{"realm_access":{"roles":["a"]}}"#), 0);
    assert_ne!(of(r#"{"https://example.org/roles":["a"]}"#), 0);
}

#[test]
fn times_and_who_it_is_for() {
    let claims = read(r#"{"exp":1700000000,"nbf":5,"iat":1.6e9,"aud":["x","api"],"iss":"https://other"}"#);
    assert_eq!(
        (claims.expires, claims.begins),
        (Some(1_700_000_000), Some(1_600_000_000))
    );
    assert_eq!(claims.flaws.names().collect::<Vec<_>>(), ["wrong-issuer"]);
    let wrong = read(r#"{"aud":"x"}"#).flaws;
    assert!(wrong.contains(TokenFlaw::WrongAudience) && wrong.contains(TokenFlaw::WrongIssuer));
    assert!(read(r#"{"aud":"api","iss":"https://idp"}"#).flaws.is_empty());
    assert_eq!(read(r#"{"exp":"soon"}"#).expires, None);
}

#[test]
fn what_is_not_signed() {
    let mut verifier = Verifier::new(Keys::default());
    let mut reader = JwtReader::new(&["sub".to_owned()], &[], &[]);
    let mut unsigned = |header: &str, signature: &str| {
        let claims = reader.read(&jwt(header, "{\"sub\":\"a\"}", signature), &KEY, &mut verifier);
        claims.map(|claims| claims.flaws.contains(TokenFlaw::Unsigned))
    };
    assert_eq!(unsigned("{\"alg\":\"HS256\"}", "c2ln"), Some(false));
    assert_eq!(unsigned("{\"alg\":\"HS256\"}", ""), Some(true));
    assert_eq!(unsigned("{\"alg\":\"none\"}", ""), Some(true));
    assert_eq!(unsigned("{ \"alg\" : \"nOnE\" }", "c2ln"), Some(true));
    assert_eq!(unsigned("[]", "c2ln"), None);
    assert_eq!(unsigned("{\u{1}", "c2ln"), None);
}

#[test]
fn hostile_tokens_are_bounded() {
    let mut verifier = Verifier::new(Keys::default());
    let mut reader = JwtReader::new(&["sub".to_owned()], &[], &[]);
    let deep = format!("{{\"a\":{}", "[".repeat(5000));
    let _ = reader.read(&jwt("{\"alg\":\"HS256\"}", &deep, "x"), &KEY, &mut verifier);
    let wide = format!("{{{}\"sub\":\"a\"}}", "\"scope\":\"r\",".repeat(1000));
    let _ = reader.read(&jwt("{\"alg\":\"HS256\"}", &wide, "x"), &KEY, &mut verifier);
    assert_eq!(reader.read(&[b'e'; 9000], &KEY, &mut verifier), None);
}
