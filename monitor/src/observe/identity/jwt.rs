//! JSON Web Tokens (RFC 7519): who it is, what it may do, when it is valid. Must not judge, nor know keys.
//!
//! Claims are read by the walker of bodies, which is bounded, and are gone when the token was read.

use base64::{
    Engine as _,
    alphabet::URL_SAFE,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};

use super::{
    InstallKey,
    signature::{Signed, Verifier},
    space,
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
pub(super) const BASE64: GeneralPurpose = GeneralPurpose::new(
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
    /// Keyed hash of whom it is for; 0 if it does not say.
    pub(super) audience: u32,
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
    pub(in crate::observe) fn read(
        &mut self,
        token: &[u8],
        key: &InstallKey,
        verifier: &mut Verifier,
    ) -> Option<Claims> {
        let [header, claims, signature] = jwt_parts(token)?;
        let mut said = Header::default();
        let (walker, room) = (&mut self.walker, &mut self.room);
        walk(walker, room, header, &mut said)?;
        let mut reading = ClaimsReading {
            names: &self.names,
            audiences: &self.audiences,
            issuers: &self.issuers,
            key,
            found: Found::default(),
        };
        walk(walker, room, claims, &mut reading)?;
        let found = reading.found;
        let unsigned = said.algorithm.eq_ignore_ascii_case(b"none") || signature.is_empty();
        let signed = Signed {
            algorithm: &said.algorithm,
            key: said.key.as_deref(),
            message: token.get(..header.len() + 1 + claims.len()).unwrap_or_default(),
            signature,
        };
        let mut flaws = TokenFlawSet::EMPTY;
        for (wrong, flaw) in [
            (unsigned, TokenFlaw::Unsigned),
            (!unsigned && verifier.is_wrong(&signed), TokenFlaw::WrongSignature),
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

/// The header of a token (RFC 7515 section 4.1).
#[derive(Default)]
struct Header {
    /// `alg`.
    algorithm: Vec<u8>,
    /// `kid`.
    key: Option<Vec<u8>>,
}

impl Visitor for Header {
    fn field(&mut self, path: Path<'_>, value: Value<'_>) {
        match path.bytes {
            b"/alg" => self.algorithm = value.bytes.to_vec(),
            b"/kid" => self.key = Some(value.bytes.to_vec()),
            _ => {}
        }
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
            b"/aud" | b"/aud/~" => {
                found.audience |= is_one_of(self.audiences);
                let hash = (self.key.hash(space::AUDIENCE, value.bytes) >> 32) as u32;
                found.claims.audience = found.claims.audience.wrapping_add(hash).max(1);
            }
            b"/sub" => {
                found.subject = value.bytes.to_vec();
                found.says_service |= is_service(value.bytes);
            }
            b"/exp" => found.claims.expires = seconds(value.bytes),
            b"/nbf" | b"/iat" => found.claims.begins = found.claims.begins.max(seconds(value.bytes)),
            b"/client_id" | b"/azp" | b"/appid" | b"/cid" => found.client = value.bytes.to_vec(),
            b"/gty" => found.says_service |= value.bytes == b"client-credentials",
            // Supabase and many of one's own making.
            b"/role" => found.says_service |= matches!(value.bytes, b"service" | b"service_role"),
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
#[path = "jwt_tests.rs"]
mod tests;
