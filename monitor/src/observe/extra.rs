//! What few requests have: logins, tokens handed out, secrets, flaws of a token, ... Must not know about detectors.
//!
//! It stands in a box of its own, so that the many observations that have none of it stay small.

use super::{Fingerprint, ObjectId};
use crate::named_set::named_set;

/// The rare parts of an observation. Every list is bounded by its reader.
#[derive(Clone, PartialEq, Debug, Default, serde::Serialize, serde::Deserialize)]
pub struct Extra {
    /// The request tries to log in.
    pub login: Option<Login>,
    /// Credentials that the answer hands to the client (`access_token`, `Set-Cookie`), by [`super::Credential`]'s
    /// fingerprint, so that each is known again when it is used.
    pub handed_out: Vec<Fingerprint>,
    /// The credential that those take the place of: a refresh token, or the session that the answer replaced, be it
    /// with one that is worth nothing, because it refuses.
    pub renews: Option<Fingerprint>,
    /// Secrets where none should be.
    pub secrets: Vec<Secret>,
    /// A parameter was given more than once.
    pub repeated: Option<Repeated>,
    /// What is wrong with the token of the request.
    pub token_flaws: TokenFlawSet,
    /// The name of a GraphQL operation: `[A-Za-z0-9_]` only, bounded.
    pub operation: Option<Box<str>>,
    /// Which part of a list is asked for.
    pub page: Option<Page>,
    /// The answer says no, although its status does not: a success whose body is an error, or a redirect back up.
    pub declined: bool,
    /// The user whom a letter is asked for who lost his password, as [`Login::user`].
    pub lost_by: Option<Fingerprint>,
}

/// One attempt to log in: the body, query or Basic credential names a user and proves it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, serde::Serialize, serde::Deserialize)]
pub struct Login {
    /// The user it names, in small letters, by the fingerprint of [`super::PrincipalKind::User`].
    pub user: Option<Fingerprint>,
    /// Keyed hash of the password or code, if one was found.
    pub password: Option<u64>,
    /// How it ended.
    pub outcome: LoginOutcome,
}

/// How an attempt to log in ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug, serde::Serialize, serde::Deserialize)]
pub enum LoginOutcome {
    /// The answer is a success: a token or session was handed out, or 2xx.
    Accepted,
    /// The answer says no: 400, 401, 403, 422, or a redirect back to the login, or a body that says so.
    Refused,
    /// No answer was seen, or none that says (429, 5xx).
    Unclear,
}

/// A secret that was seen where none should be.
#[derive(Clone, Copy, PartialEq, Eq, Debug, serde::Serialize, serde::Deserialize)]
pub struct Secret {
    /// What it looks like.
    pub kind: SecretKind,
    /// Where it stood.
    pub place: SecretPlace,
    /// By [`super::Credential`]'s fingerprint.
    pub fingerprint: Fingerprint,
}

/// What a secret looks like. Only forms that nothing else has: no guess by entropy.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, serde::Serialize, serde::Deserialize)]
pub enum SecretKind {
    /// A key that names its issuer by its first letters (`AKIA`, `ghp_`, `sk_live_`, `xoxb-`, ...).
    ProviderKey,
    /// `-----BEGIN ... PRIVATE KEY-----`.
    PrivateKey,
    /// A JSON Web Token.
    Jwt,
    /// The value of a parameter named like a credential (`access_token`, `api_key`, `password`).
    Named,
}

/// Where a secret stood.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, serde::Serialize, serde::Deserialize)]
pub enum SecretPlace {
    /// In the target of the request: it will be in logs and histories.
    Url,
    /// In the body of the answer.
    Answer,
}

/// A parameter that was given more than once, with different values.
#[derive(Clone, PartialEq, Eq, Debug, serde::Serialize, serde::Deserialize)]
pub struct Repeated {
    /// Its name: short, `[A-Za-z0-9_.-]` only.
    pub name: Box<str>,
    /// How often it was given.
    pub times: u16,
    /// Whether the name says that it carries an object id.
    pub is_id: bool,
    /// Whether it stands both in the target and in the body.
    pub across: bool,
    /// The first two different values.
    pub values: [ObjectId; 2],
}

/// Which part of a list a request asks for.
#[derive(Clone, Copy, PartialEq, Eq, Debug, serde::Serialize, serde::Deserialize)]
pub struct Page {
    /// Keyed hash of the name of the parameter (`page`, `offset`, `cursor`).
    pub parameter: u64,
    /// Its number; `None` for a cursor.
    pub number: Option<u64>,
    /// How many elements are asked for, if the request says (`limit`, `per_page`).
    pub limit: Option<u64>,
}

named_set! {
    /// Something wrong with a JSON Web Token (RFC 7519, RFC 8725) at the time of the request. If the answer is a
    /// success all the same, the server did not look.
    TokenFlaw,
    /// A set of [`TokenFlaw`]s.
    TokenFlawSet(u8);
    /// `exp` is past, by more than the allowed skew.
    Expired = 0, "expired";
    /// `nbf` or `iat` lies in the future, by more than the allowed skew.
    NotYetValid = 1, "not-yet-valid";
    /// `alg` is `none`, in any case of letters, or there is no signature.
    Unsigned = 2, "unsigned";
    /// `aud` is none of the audiences that were configured.
    WrongAudience = 3, "wrong-audience";
    /// `iss` is none of the issuers that were configured.
    WrongIssuer = 4, "wrong-issuer";
    /// The signature is not that of a key that was configured.
    WrongSignature = 5, "wrong-signature";
}

impl Extra {
    /// Nothing.
    pub const NONE: &'static Self = &Self {
        login: None,
        handed_out: Vec::new(),
        renews: None,
        secrets: Vec::new(),
        repeated: None,
        token_flaws: TokenFlawSet::EMPTY,
        operation: None,
        page: None,
        declined: false,
        lost_by: None,
    };
}
