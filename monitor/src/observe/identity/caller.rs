//! The principal and the credential of a request, from whichever of its places says most. Must not know bodies.
//!
//! On a connection the same client sends the same credential again and again: what was made of it is remembered, so
//! that a token is parsed once.

use super::{
    InstallKey, PrincipalKind,
    authorization::{self, Authorization},
    certificate::certificate,
    connection::{Connections, Message, message},
    cookie,
    jwt::{Claims, JwtReader},
    settings::IdentitySettings,
    signature::{SignatureStats, Verifier},
    token::{stands_for_nothing, token},
};
use crate::{
    flow::Peer,
    http::{
        name::{Name, NameSet},
        transaction::{Field, Head, Request},
    },
    observe::{
        Credential, Fingerprint, Principal,
        extra::{TokenFlaw, TokenFlawSet},
        login::{self, Attempt},
        recent::Recent,
    },
    time::Timestamp,
};

/// Who asks, and what proves it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::observe) struct Caller {
    pub(in crate::observe) principal: Principal,
    pub(in crate::observe) credential: Credential,
    /// User and password of Basic: each request is an attempt to log in.
    pub(in crate::observe) basic: Option<Attempt>,
    /// What is always wrong with its token.
    flaws: TokenFlawSet,
    /// `exp` and the later of `nbf` and `iat`, seconds.
    expires: Option<i64>,
    begins: Option<i64>,
}

/// Finds callers. One for each parse worker.
#[derive(Debug)]
pub(in crate::observe) struct Callers {
    key: InstallKey,
    settings: IdentitySettings,
    /// Last letters of the names of headers that carry keys and tokens, by their length: what most names fail. Many
    /// begin with the same.
    last_letters: [u64; LENGTHS],
    /// Names of headers that may say who it is, and of those of answers that may give a credential.
    saying: NameSet,
    giving: NameSet,
    tokens: Tokens,
    authorizations: Recent<Verifies, Option<Caller>>,
    cookies: Recent<Verifies, Option<Caller>>,
    keys: Recent<(Verifies, PrincipalKind), Option<Caller>>,
    connections: Connections,
}

/// Whether the signature of the token is verified: what is known of one that is not must not stand for one that is. And
/// what was not verified for lack of time must not stand for good: on another connection it is tried again.
type Verifies = bool;

/// What reads tokens.
#[derive(Debug)]
struct Tokens {
    reader: JwtReader,
    verifier: Verifier,
}

/// When a request was sent, and what became of it.
#[derive(Clone, Copy)]
pub(in crate::observe) struct Sent {
    pub(in crate::observe) client: Peer,
    pub(in crate::observe) at: Timestamp,
    /// A trusted proxy sent it.
    pub(in crate::observe) trusted: bool,
    /// It was answered with success.
    pub(in crate::observe) accepted: bool,
}

/// What of a head may say who it is.
#[derive(Default)]
struct Said<'a> {
    authorization: Option<&'a [u8]>,
    token: Option<&'a [u8]>,
    key: Option<&'a [u8]>,
    /// The first header with cookies, and whether there are more.
    cookies: Option<&'a [u8]>,
    more_cookies: bool,
}

impl Callers {
    pub(in crate::observe) fn new(key: InstallKey, settings: IdentitySettings) -> Self {
        let mut last_letters = [0; LENGTHS];
        let mut carrying = NameSet::default();
        for name in settings.api_key_headers.iter().chain(&settings.token_headers) {
            carrying = carrying.and(NameSet::of(&[Name::of(name.as_bytes())]));
            if let Some(letters) = last_letters.get_mut(length(name.as_bytes())) {
                *letters |= letter(name.as_bytes());
            }
        }
        let reader = JwtReader::new(&settings.principal_claims, &settings.audiences, &settings.issuers);
        Self {
            key,
            last_letters,
            saying: carrying.and(SAYING),
            giving: carrying.and(GIVING),
            tokens: Tokens {
                reader,
                verifier: Verifier::new(settings.keys.clone()),
            },
            settings,
            authorizations: Recent::new(),
            cookies: Recent::new(),
            keys: Recent::new(),
            connections: Connections::new(),
        }
    }

    /// Who sends this request. `parameter` is the credential in its query, if there is one.
    pub(in crate::observe) fn caller(
        &mut self,
        sent: Sent,
        request: &Request<'_>,
        parameter: Option<(PrincipalKind, &[u8])>,
    ) -> Option<Caller> {
        let said = self.said(request.head);
        let slot = (sent.client, self.tokens.verifier.begin(sent.at, sent.accepted));
        // Most come this way, and a caller is large: no chain to go through.
        if let Some(value) = said.authorization
            && let Some(caller) = self.authorization(slot, value)
        {
            return Some(caller);
        }
        let whole = said
            .authorization
            .and_then(|value| self.whole_connection(sent, value));
        said.token
            .and_then(|value| self.keyed(slot, PrincipalKind::Bearer, value))
            .or_else(|| self.cookies(slot, request.head, &said))
            .or_else(|| {
                said.key
                    .and_then(|value| self.keyed(slot, PrincipalKind::ApiKey, value))
            })
            .or_else(|| parameter.and_then(|(kind, value)| self.keyed(slot, kind, value)))
            .or_else(|| sent.trusted.then(|| certified(request.head, &self.key))?)
            .or(whole)
            .or_else(|| self.connections.who(sent.client, sent.at))
    }

    /// Who authenticates this connection as a whole, if he is let in.
    fn whole_connection(&mut self, sent: Sent, value: &[u8]) -> Option<Caller> {
        let caller = match message(value)? {
            Message::Begins => {
                self.connections.begins(sent.client);
                return None;
            }
            Message::User(name) => {
                let mut caller = plain(PrincipalKind::User, &name, &self.key);
                caller.principal.fingerprint = login::user(&name, &self.key)?;
                caller
            }
            Message::Somebody => plain(PrincipalKind::Session, value, &self.key),
        };
        if sent.accepted {
            self.connections.lets_in(sent.client, caller, sent.at);
        }
        Some(caller)
    }

    /// What became of the signatures of tokens.
    pub(in crate::observe) fn signature_stats(&self) -> SignatureStats {
        self.tokens.verifier.stats()
    }

    /// The credential that a `Set-Cookie` header sets, if it is one.
    pub(in crate::observe) fn session_set(&self, header: &[u8]) -> Option<Fingerprint> {
        let more = &self.settings.session_cookies;
        let value = cookie::set(header, more, &self.settings.other_cookies)?;
        Some(self.key.credential(value))
    }

    /// Whether a header of this name may be one that carries a key or a token.
    #[inline]
    fn may_carry(&self, name: &[u8]) -> bool {
        let letters = self.last_letters.get(length(name));
        letters.is_some_and(|letters| letters & letter(name) != 0)
    }

    /// Whether the head of an answer may give a token or a session: what most do not.
    #[inline]
    pub(in crate::observe) fn may_give(&self, head: Head<'_>) -> bool {
        let gives = |field: Field<'_>| GIVING.has(field.is) || self.may_carry(field.name);
        head.fields_of(self.giving).any(gives)
    }

    /// The token that a header of an answer gives, if it does.
    #[inline]
    pub(in crate::observe) fn token_given(&self, field: Field<'_>) -> Option<Fingerprint> {
        let gives = self.may_carry(field.name) && is_one_of(field.name, &self.settings.token_headers)
            || matches!(field.is, Name::Authorization | Name::XSubjectToken);
        gives.then(|| token(field.value).map(|token| self.key.credential(token)))?
    }

    /// What a query parameter of this name carries, if it is a credential: an API key, or a token (RFC 6750 section
    /// 2.3).
    pub(in crate::observe) fn kind_of_parameter(&self, name: &[u8]) -> Option<PrincipalKind> {
        if name.eq_ignore_ascii_case(b"access_token") {
            Some(PrincipalKind::Bearer)
        } else {
            is_one_of(name, &self.settings.api_key_parameters).then_some(PrincipalKind::ApiKey)
        }
    }

    /// How far clocks may be apart, seconds.
    pub(in crate::observe) fn skew_seconds(&self) -> u32 {
        self.settings.skew_seconds
    }

    /// One look at each header.
    fn said<'a>(&self, head: Head<'a>) -> Said<'a> {
        let mut said = Said::default();
        for field in head.fields_of(self.saying) {
            let name = field.name;
            if self.may_carry(name) {
                if said.token.is_none() && is_one_of(name, &self.settings.token_headers) {
                    said.token = Some(field.value);
                } else if said.key.is_none() && is_one_of(name, &self.settings.api_key_headers) {
                    said.key = Some(field.value);
                }
            }
            match field.is {
                Name::Authorization => said.authorization = said.authorization.or(Some(field.value)),
                Name::Cookie => {
                    said.more_cookies = said.cookies.is_some();
                    said.cookies = said.cookies.or(Some(field.value));
                }
                _ => {}
            }
        }
        said
    }

    fn authorization(&mut self, (client, verifies): (Peer, Verifies), value: &[u8]) -> Option<Caller> {
        let (key, tokens) = (&self.key, &mut self.tokens);
        self.authorizations.get(
            (client, !verifies),
            verifies,
            value,
            || match authorization::parse(value)? {
                Authorization::Token(token) => Some(bearer(token, key, tokens, PrincipalKind::Bearer)),
                Authorization::Key(secret) => Some(plain(PrincipalKind::ApiKey, secret, key)),
                Authorization::User(user) => {
                    let mut caller = plain(PrincipalKind::User, user, key);
                    caller.principal.fingerprint = login::user(user, key)?;
                    Some(caller)
                }
                Authorization::Basic { user, password } => {
                    let mut caller = plain(PrincipalKind::User, value, key);
                    let user = login::user(&user, key)?;
                    caller.principal.fingerprint = user;
                    caller.basic = Some(Attempt {
                        user: Some(user),
                        password: login::password(&password, key),
                    });
                    Some(caller)
                }
            },
        )
    }

    /// HTTP/2 may send each cookie in a field of its own (RFC 9113 section 8.2.3).
    fn cookies(
        &mut self,
        (client, verifies): (Peer, Verifies),
        head: Head<'_>,
        said: &Said<'_>,
    ) -> Option<Caller> {
        let first = said.cookies?;
        let (key, tokens, settings) = (&self.key, &mut self.tokens, &self.settings);
        let (more, others) = (&settings.session_cookies, &settings.other_cookies);
        let mut make = |found: Option<(usize, &[u8])>| {
            found.map(|(_, value)| bearer(value, key, tokens, PrincipalKind::Session))
        };
        if !said.more_cookies {
            return self.cookies.get((client, !verifies), verifies, first, || {
                make(cookie::session(first, more, others))
            });
        }
        let fields = head.fields().filter(|field| field.is == Name::Cookie);
        make(
            fields
                .take(64)
                .filter_map(|field| cookie::session(field.value, more, others))
                .min_by_key(|(rank, _)| *rank),
        )
    }

    /// A header or parameter that is nothing but the secret.
    fn keyed(
        &mut self,
        (client, verifies): (Peer, Verifies),
        kind: PrincipalKind,
        value: &[u8],
    ) -> Option<Caller> {
        let (key, tokens) = (&self.key, &mut self.tokens);
        let is_key = |value: &[u8]| value.len() >= KEY_BYTES && !stands_for_nothing(value);
        let make = || is_key(value).then(|| bearer(value, key, tokens, kind));
        self.keys.get((client, !verifies), (verifies, kind), value, make)
    }
}

/// Headers that say who it is, whatever is configured.
const SAYING: NameSet = NameSet::of(&[Name::Authorization, Name::Cookie]);
/// Headers of answers that give a credential, whatever is configured.
const GIVING: NameSet = NameSet::of(&[Name::SetCookie, Name::Authorization, Name::XSubjectToken]);
/// Lengths of names of headers that are told apart.
const LENGTHS: usize = 32;
/// Shortest API key, bytes.
const KEY_BYTES: usize = 8;

impl Caller {
    /// What is wrong with its token at this time. Clocks may be `skew_seconds` apart.
    pub(in crate::observe) fn flaws(&self, at: Timestamp, skew_seconds: u32) -> TokenFlawSet {
        let mut flaws = self.flaws;
        let now = i64::try_from(at.as_nanos() / 1_000_000_000).unwrap_or(i64::MAX);
        let skew = i64::from(skew_seconds);
        if self
            .expires
            .is_some_and(|expires| expires.saturating_add(skew) < now)
        {
            flaws.insert(TokenFlaw::Expired);
        }
        if self
            .begins
            .is_some_and(|begins| begins.saturating_sub(skew) > now)
        {
            flaws.insert(TokenFlaw::NotYetValid);
        }
        flaws
    }

    /// With what the claims of its token say.
    fn with(mut self, claims: &Claims, key: &InstallKey) -> Self {
        self.credential.roles = claims.roles;
        self.credential.audience = claims.audience;
        self.credential.service = claims.service;
        (self.expires, self.begins) = (claims.expires, claims.begins);
        self.flaws = claims.flaws;
        if let Some(who) = &claims.who {
            self.principal = Principal {
                kind: PrincipalKind::Jwt,
                fingerprint: key.fingerprint(PrincipalKind::Jwt, who),
            };
        }
        self
    }
}

/// Of a client certificate.
fn certified(head: Head<'_>, key: &InstallKey) -> Option<Caller> {
    let (who, proof) = certificate(head)?;
    let mut caller = plain(PrincipalKind::Certificate, proof, key);
    caller.principal.fingerprint = key.fingerprint(PrincipalKind::Certificate, who);
    Some(caller)
}

/// Of a secret that says nothing itself.
fn plain(kind: PrincipalKind, secret: &[u8], key: &InstallKey) -> Caller {
    let fingerprint = key.credential(secret);
    Caller {
        principal: Principal { kind, fingerprint },
        credential: Credential {
            fingerprint,
            roles: 0,
            audience: 0,
            service: false,
        },
        basic: None,
        flaws: TokenFlawSet::EMPTY,
        expires: None,
        begins: None,
    }
}

/// Of a secret that may be a JSON Web Token.
fn bearer(token: &[u8], key: &InstallKey, tokens: &mut Tokens, kind: PrincipalKind) -> Caller {
    let caller = plain(kind, token, key);
    match tokens.reader.read(token, key, &mut tokens.verifier) {
        Some(claims) => caller.with(&claims, key),
        None => caller,
    }
}

fn is_one_of(name: &[u8], list: &[String]) -> bool {
    list.iter()
        .any(|known| name.eq_ignore_ascii_case(known.as_bytes()))
}

/// Place of a name's length; the long ones have one together.
fn length(name: &[u8]) -> usize {
    name.len().min(LENGTHS - 1)
}

/// The bit of a name's last letter, whatever its case, and of whether its first is an odd one, by which `Authorization`
/// is not taken for `Private-Token`. Other bytes have one of these too.
fn letter(name: &[u8]) -> u64 {
    let Some((first, last)) = name.first().zip(name.last()) else {
        return 0;
    };
    1 << (last & 0x1f | (first & 1) << 5)
}
