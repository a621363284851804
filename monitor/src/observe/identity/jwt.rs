//! JSON Web Tokens (RFC 7519): who it is, what it may do, when it is valid. Must not judge, nor verify signatures.
//!
//! Claims are read by the walker of bodies, which is bounded, and are gone when the token was read.

use base64::{
    Engine as _,
    alphabet::URL_SAFE,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};

use super::{
    InstallKey, space,
    token::{TOKEN_BYTES, jwt_parts},
};
use crate::{
    body::{
        BodyFact, Media,
        walk::{Path, Value, ValueKind, Visitor, Walker},
    },
    limits::BodyLimits,
    observe::extra::{TokenFlaw, TokenFlawSet},
};

/// Tokens are written without padding (RFC 7515 section 2); some libraries write it all the same.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &URL_SAFE,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Longest issuer and subject that are told from others, bytes.
const CLAIM_BYTES: usize = 512;
/// Most claims of one token. Those of honest ones are some dozens.
const CLAIMS: u32 = 512;

/// What a token says.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(in crate::observe) struct Claims {
    /// Issuer and who it is, behind one another; `None` if it does not say who.
    pub(super) who: Option<Vec<u8>>,
    /// Keyed hash of the roles and scopes that it claims; 0 if it claims none.
    pub(super) roles: u64,
    /// It says that it belongs to a program.
    pub(super) service: bool,
    /// `exp`, seconds since the epoch.
    pub(super) expires: Option<i64>,
    /// The later of `nbf` and `iat`.
    pub(super) begins: Option<i64>,
    /// What is wrong with it at any time.
    pub(super) flaws: TokenFlawSet,
}

/// Reads tokens. Its buffers are used again.
#[derive(Debug)]
pub(in crate::observe) struct JwtReader {
    walker: Walker,
    room: Vec<u8>,
    /// The claims that say who it is, with `/` for the way down.
    names: Vec<Box<[u8]>>,
    audiences: Vec<String>,
    issuers: Vec<String>,
}

impl JwtReader {
    /// With the names of the claims that say who it is, and what is expected of the others.
    pub(in crate::observe) fn new(names: &[String], audiences: &[String], issuers: &[String]) -> Self {
        let limits = BodyLimits {
            value_bytes: CLAIM_BYTES,
            path_bytes: 256,
            fields: CLAIMS,
            ..BodyLimits::default()
        };
        let path = |name: &String| {
            format!("/{}", name.replace('.', "/"))
                .into_bytes()
                .into_boxed_slice()
        };
        Self {
            walker: Walker::new(&limits),
            room: Vec::new(),
            names: names.iter().map(path).collect(),
            audiences: audiences.to_vec(),
            issuers: issuers.to_vec(),
        }
    }

    /// What a token says; `None` if it is none.
    pub(in crate::observe) fn read(&mut self, token: &[u8], key: &InstallKey) -> Option<Claims> {
        let [header, claims, signature] = jwt_parts(token)?;
        let mut algorithm = Algorithm::default();
        let (walker, room) = (&mut self.walker, &mut self.room);
        walk(walker, room, header, &mut algorithm)?;
        let mut reading = ClaimsReading {
            names: &self.names,
            audiences: &self.audiences,
            issuers: &self.issuers,
            key,
            found: Found::default(),
        };
        walk(walker, room, claims, &mut reading)?;
        let found = reading.found;
        let mut flaws = TokenFlawSet::EMPTY;
        for (wrong, flaw) in [
            (algorithm.none || signature.is_empty(), TokenFlaw::Unsigned),
            (
                !found.audience && !self.audiences.is_empty(),
                TokenFlaw::WrongAudience,
            ),
            (
                !found.issuer_known && !self.issuers.is_empty(),
                TokenFlaw::WrongIssuer,
            ),
        ] {
            if wrong {
                flaws.insert(flaw);
            }
        }
        Some(Claims {
            flaws,
            ..found.finish()
        })
    }
}

/// Decodes and walks one part; `None` if it is no JSON object.
fn walk<V: Visitor>(walker: &mut Walker, room: &mut Vec<u8>, part: &[u8], visitor: &mut V) -> Option<()> {
    room.resize(part.len().min(TOKEN_BYTES), 0);
    let len = BASE64.decode_slice(part, room).ok()?;
    let text = room.get(..len)?;
    if text.trim_ascii_start().first() != Some(&b'{') {
        return None;
    }
    walker.begin(Media::Json, None);
    walker.feed(text, visitor);
    walker.finish(true, visitor);
    let facts = walker.facts();
    let well = !facts.contains(BodyFact::Broken);
    // The token is a secret, and so may be what is decoded of it.
    room.fill(0);
    well.then_some(())
}

/// The header of a token.
#[derive(Default)]
struct Algorithm {
    none: bool,
}

impl Visitor for Algorithm {
    fn field(&mut self, path: Path<'_>, value: Value<'_>) {
        self.none |= path.bytes == b"/alg" && value.bytes.eq_ignore_ascii_case(b"none");
    }
}

struct ClaimsReading<'a> {
    names: &'a [Box<[u8]>],
    audiences: &'a [String],
    issuers: &'a [String],
    key: &'a InstallKey,
    found: Found,
}

/// The claims so far.
#[derive(Default)]
struct Found {
    claims: Claims,
    issuer: Vec<u8>,
    /// Who it is, and the place of that claim in the list.
    who: Option<(usize, Vec<u8>)>,
    subject: Vec<u8>,
    client: Vec<u8>,
    says_service: bool,
    /// It is for one of the expected audiences, and from one of the expected issuers.
    audience: bool,
    issuer_known: bool,
}

impl Visitor for ClaimsReading<'_> {
    fn field(&mut self, path: Path<'_>, value: Value<'_>) {
        if value.kind == ValueKind::Null || value.bytes.is_empty() {
            return;
        }
        let found = &mut self.found;
        let place = self.names.iter().position(|name| **name == *path.bytes);
        if let Some(place) = place
            && found.who.as_ref().is_none_or(|(known, _)| place < *known)
        {
            found.who = Some((place, value.bytes.to_vec()));
        }
        let is_one_of = |list: &[String]| list.iter().any(|one| one.as_bytes() == value.bytes);
        match path.bytes {
            b"/iss" => {
                found.issuer = value.bytes.to_vec();
                found.issuer_known = is_one_of(self.issuers);
            }
            b"/aud" | b"/aud/~" => found.audience |= is_one_of(self.audiences),
            b"/sub" => {
                found.subject = value.bytes.to_vec();
                found.says_service |= is_service(value.bytes);
            }
            b"/exp" => found.claims.expires = seconds(value.bytes),
            b"/nbf" | b"/iat" => found.claims.begins = found.claims.begins.max(seconds(value.bytes)),
            b"/client_id" | b"/azp" | b"/appid" | b"/cid" => found.client = value.bytes.to_vec(),
            b"/gty" => found.says_service |= value.bytes == b"client-credentials",
            b"/idtyp" => found.says_service |= value.bytes == b"app",
            b"/preferred_username" => found.says_service |= value.bytes.starts_with(b"service-account-"),
            _ => {}
        }
        if says_role(path.name) {
            found.add_roles(value.bytes, self.key);
        }
    }
}

impl Found {
    /// The order in which roles stand means nothing.
    fn add_roles(&mut self, text: &[u8], key: &InstallKey) {
        for role in text
            .split(u8::is_ascii_whitespace)
            .filter(|role| !role.is_empty())
        {
            self.claims.roles = self.claims.roles.wrapping_add(key.hash(space::ROLE, role)).max(1);
        }
    }

    fn finish(mut self) -> Claims {
        let client_is_subject =
            !self.client.is_empty() && (self.subject.is_empty() || self.subject == self.client);
        let names_user = self.who.as_ref().is_some_and(|(_, who)| *who != self.client);
        self.claims.service = self.says_service || client_is_subject && !names_user;
        self.claims.who = self.who.map(|(_, who)| {
            let mut text = self.issuer;
            text.push(0);
            text.extend_from_slice(&who);
            text
        });
        self.claims
    }
}

/// Subjects that programs have: of Auth0, and of Kubernetes.
fn is_service(subject: &[u8]) -> bool {
    subject.ends_with(b"@clients") || subject.starts_with(b"system:serviceaccount:")
}

/// Whether a claim of this name says what its bearer may do. Some issuers write an address before the name.
fn says_role(name: &[u8]) -> bool {
    const ROLES: [&[u8]; 10] = [
        b"role",
        b"roles",
        b"scope",
        b"scopes",
        b"scp",
        b"groups",
        b"permissions",
        b"authorities",
        b"cognito:groups",
        b"isadmin",
    ];
    // A slash within a name is written so in a path.
    let last = memchr::memmem::rfind(name, b"~1")
        .and_then(|at| name.get(at + 2..))
        .unwrap_or(name);
    ROLES.iter().any(|role| last.eq_ignore_ascii_case(role))
}

/// A `NumericDate` (RFC 7519 section 2): seconds, perhaps with a fraction.
fn seconds(text: &[u8]) -> Option<i64> {
    let text = std::str::from_utf8(text).ok()?;
    if let Ok(seconds) = text.parse() {
        return Some(seconds);
    }
    let seconds: f64 = text.parse().ok()?;
    #[expect(
        clippy::cast_possible_truncation,
        reason = "saturates; no fraction of a second matters"
    )]
    seconds.is_finite().then_some(seconds as i64)
}

#[cfg(test)]
mod tests {
    use base64::prelude::BASE64_URL_SAFE_NO_PAD;

    use super::*;
    use crate::observe::identity::settings::IdentitySettings;

    const KEY: InstallKey = InstallKey([3; 16]);

    fn jwt(header: &str, claims: &str, signature: &str) -> Vec<u8> {
        let coded = |text: &str| BASE64_URL_SAFE_NO_PAD.encode(text);
        format!("{}.{}.{signature}", coded(header), coded(claims)).into_bytes()
    }

    fn read(claims: &str) -> Claims {
        let names = IdentitySettings::default().principal_claims;
        let mut reader = JwtReader::new(&names, &["api".to_owned()], &["https://idp".to_owned()]);
        reader
            .read(&jwt("{\"alg\":\"RS256\"}", claims, "c2ln"), &KEY)
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
        let claims =
            read(r#"{"exp":1700000000,"nbf":5,"iat":1.6e9,"aud":["x","api"],"iss":"https://other"}"#);
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
        let mut reader = JwtReader::new(&["sub".to_owned()], &[], &[]);
        let mut unsigned = |header: &str, signature: &str| {
            let claims = reader.read(&jwt(header, "{\"sub\":\"a\"}", signature), &KEY);
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
        let mut reader = JwtReader::new(&["sub".to_owned()], &[], &[]);
        let deep = format!("{{\"a\":{}", "[".repeat(5000));
        let _ = reader.read(&jwt("{\"alg\":\"HS256\"}", &deep, "x"), &KEY);
        let wide = format!("{{{}\"sub\":\"a\"}}", "\"scope\":\"r\",".repeat(1000));
        let _ = reader.read(&jwt("{\"alg\":\"HS256\"}", &wide, "x"), &KEY);
        assert_eq!(reader.read(&[b'e'; 9000], &KEY), None);
    }
}
