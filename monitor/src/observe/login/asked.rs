//! What the fields of a request say about logging in. Must not know answers.

use super::{Place, is_of_lost_passwords, password, user};
use crate::observe::{
    Fingerprint,
    fields::in_list,
    identity::{InstallKey, token},
    words::{self, Asks},
};

/// Longest name of a GraphQL operation, bytes.
const OPERATION_BYTES: usize = 64;

/// What was found in the fields of one request: its body, its query, or both.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(in crate::observe) struct Asked {
    /// Who, and how sure the name of the field is.
    user: Option<(u8, Fingerprint)>,
    password: Option<u64>,
    code: Option<u64>,
    client: Option<Fingerprint>,
    client_secret: Option<u64>,
    grant: Option<Grant>,
    refresh: Option<Fingerprint>,
    /// A password is being set.
    sets_password: bool,
    /// Users stand in a list: an import, not a login.
    listed: bool,
    /// The name of a GraphQL operation.
    pub(in crate::observe) operation: Option<Box<str>>,
}

/// `grant_type` (RFC 6749 sections 4 and 6).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Grant {
    Password,
    ClientCredentials,
    Refresh,
    Other,
}

/// Who wants to be let in, and with what.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::observe) struct Attempt {
    pub(in crate::observe) user: Option<Fingerprint>,
    pub(in crate::observe) password: Option<u64>,
}

impl Asked {
    /// Takes a field. `path` is where in a body it stands ([`crate::body::walk::Path`]).
    #[inline]
    pub(in crate::observe) fn field(&mut self, name: &[u8], value: &[u8], path: &[u8], key: &InstallKey) {
        if let Some(asks) = words::asks(name) {
            self.take(asks, value, path, key);
        }
    }

    #[inline(never)]
    fn take(&mut self, asks: Asks, value: &[u8], path: &[u8], key: &InstallKey) {
        match asks {
            Asks::User(sure) => {
                self.listed |= in_list(path);
                if self.user.is_none_or(|(known, _)| known < sure) {
                    self.user = user(value, key).map(|user| (sure, user)).or(self.user);
                }
            }
            Asks::Password => self.password = self.password.or_else(|| password(value, key)),
            Asks::Code => self.code = self.code.or_else(|| password(value, key)),
            Asks::NewPassword => self.sets_password = true,
            Asks::Grant => self.grant = Some(Grant::of(value)),
            Asks::ClientId => self.client = self.client.or_else(|| user(value, key)),
            Asks::ClientSecret => self.client_secret = self.client_secret.or_else(|| password(value, key)),
            Asks::Refresh => {
                self.refresh = self
                    .refresh
                    .or_else(|| token(value).map(|token| key.credential(token)));
            }
            Asks::Operation => self.operation = operation_name(value).or_else(|| self.operation.take()),
            Asks::Query => {
                if self.operation.is_none() {
                    self.operation = first_operation(value);
                }
            }
        }
    }

    /// With what another part of the request says; what is here already stays.
    #[must_use]
    pub(in crate::observe) fn and(mut self, other: Self) -> Self {
        self.user = self.user.max(other.user);
        self.password = self.password.or(other.password);
        self.code = self.code.or(other.code);
        self.client = self.client.or(other.client);
        self.client_secret = self.client_secret.or(other.client_secret);
        self.grant = self.grant.or(other.grant);
        self.refresh = self.refresh.or(other.refresh);
        self.sets_password |= other.sets_password;
        self.listed |= other.listed;
        self.operation = self.operation.or(other.operation);
        self
    }

    /// The attempt to log in that this is, if it is one. `client` is the user and the password of Basic, which at a
    /// token endpoint prove the client (RFC 6749 section 2.3.1).
    pub(in crate::observe) fn attempt(&self, path: &str, client: Option<Attempt>) -> Option<Attempt> {
        if self.grant.is_none() && self.password.is_none() && self.code.is_none() {
            return None;
        }
        let place = Place::of(path);
        match self.grant {
            Some(Grant::ClientCredentials) => {
                let named = self.client_secret.map(|secret| Attempt {
                    user: self.client,
                    password: Some(secret),
                });
                return named.or(client);
            }
            Some(Grant::Refresh | Grant::Other) => return None,
            None if self.sets_password || place == Place::NoLogin => return None,
            None if self.listed && place != Place::Login => return None,
            Some(Grant::Password) | None => {}
        }
        let password = match (self.password, self.code) {
            (Some(password), Some(code)) => Some(password.wrapping_add(code)),
            (Some(password), None) => Some(password),
            (None, Some(code)) if place == Place::Login => Some(code),
            _ => None,
        };
        password.map(|password| Attempt {
            user: self.user.map(|(_, user)| user),
            password: Some(password),
        })
    }

    /// The user who lost his password, where only he is named.
    pub(in crate::observe) fn lost_by(&self, path: &str) -> Option<Fingerprint> {
        let proves = self.password.is_some() || self.code.is_some() || self.sets_password;
        let (_, user) = self.user.filter(|_| !proves && !self.listed)?;
        is_of_lost_passwords(path).then_some(user)
    }

    /// The token that another one is asked for with.
    pub(in crate::observe) fn renews(&self) -> Option<Fingerprint> {
        let plain = self.grant.is_none() && self.password.is_none();
        self.refresh
            .filter(|_| plain || self.grant == Some(Grant::Refresh))
    }
}

impl Grant {
    fn of(value: &[u8]) -> Self {
        match value {
            b"password" => Self::Password,
            b"client_credentials" => Self::ClientCredentials,
            b"refresh_token" => Self::Refresh,
            _ => Self::Other,
        }
    }
}

/// A name as GraphQL has them (specification, section 2.1.9).
fn operation_name(text: &[u8]) -> Option<Box<str>> {
    let fits = !text.is_empty() && text.len() <= OPERATION_BYTES;
    let is_name = text
        .iter()
        .all(|byte| byte.is_ascii_alphanumeric() || *byte == b'_');
    std::str::from_utf8(text)
        .ok()
        .filter(|_| fits && is_name)
        .map(Into::into)
}

/// The name of the first operation of a document; of one without a name, that of its first field.
fn first_operation(document: &[u8]) -> Option<Box<str>> {
    let document = document.trim_ascii();
    let kinds: [&[u8]; 3] = [b"query", b"mutation", b"subscription"];
    let behind = kinds.iter().find_map(|kind| document.strip_prefix(*kind));
    let text = match behind {
        Some(behind)
            if behind
                .first()
                .is_some_and(|byte| byte.is_ascii_whitespace() || *byte == b'{') =>
        {
            behind
        }
        None if document.starts_with(b"{") => document,
        _ => return None,
    };
    let text = text.trim_ascii_start();
    let text = text.strip_prefix(b"{").unwrap_or(text).trim_ascii_start();
    let len = text
        .iter()
        .position(|byte| !byte.is_ascii_alphanumeric() && *byte != b'_')
        .unwrap_or(text.len());
    operation_name(text.get(..len)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: InstallKey = InstallKey([3; 16]);

    fn asked(fields: &[(&str, &str)]) -> Asked {
        let mut asked = Asked::default();
        for (name, value) in fields {
            asked.field(name.as_bytes(), value.as_bytes(), b"", &KEY);
        }
        asked
    }

    fn attempt(path: &str, fields: &[(&str, &str)]) -> Option<Attempt> {
        asked(fields).attempt(path, None)
    }

    #[test]
    fn logins_of_many_kinds() {
        let jane = user(b"jane", &KEY);
        let hunter = password(b"hunter2", &KEY);
        for fields in [
            [("username", "Jane"), ("password", "hunter2")],
            [("user_name", "jane"), ("passwd", "hunter2")],
            [("user[login]", "jane"), ("user[password]", "hunter2")],
            [("log", "jane"), ("pwd", "hunter2")],
            [("email", "jane"), ("pass", "hunter2")],
            [("phoneNumber", "jane"), ("PIN", "hunter2")],
            [("account", "jane"), ("code", "hunter2")],
        ] {
            let found = attempt("/login", &fields).unwrap();
            assert_eq!((found.user, found.password), (jane, hunter), "{fields:?}");
        }
    }

    #[test]
    fn the_surest_name_is_the_user() {
        let fields = [
            ("name", "Jane Doe"),
            ("email", "j@example.org"),
            ("username", "jane"),
            ("password", "x"),
        ];
        assert_eq!(attempt("/x", &fields).unwrap().user, user(b"jane", &KEY));
    }

    #[test]
    fn what_is_no_login() {
        let both = [("email", "jane"), ("password", "hunter2")];
        assert!(attempt("/orders", &both).is_some());
        assert_eq!(attempt("/users", &both), None);
        assert_eq!(attempt("/auth/register", &both), None);
        assert_eq!(attempt("/login", &[("email", "jane")]), None);
        assert_eq!(
            attempt("/coupons/redeem", &[("email", "jane"), ("code", "SAVE10")]),
            None
        );
        let change = [("old_password", "a"), ("password", "b"), ("email", "jane")];
        assert_eq!(attempt("/account/password", &change), None);
        let mut import = Asked::default();
        import.field(b"email", b"jane", b"/~/email", &KEY);
        import.field(b"password", b"x", b"/~/password", &KEY);
        assert_eq!(import.attempt("/import", None), None);
        assert!(import.attempt("/graphql", None).is_some());
    }

    #[test]
    fn token_endpoints() {
        let token = "0123456789abcdef0123";
        let client = [
            ("grant_type", "client_credentials"),
            ("client_id", "app"),
            ("client_secret", "s"),
        ];
        assert_eq!(attempt("/oauth/token", &client).unwrap().user, user(b"app", &KEY));
        let basic = Attempt {
            user: user(b"app", &KEY),
            password: Some(1),
        };
        assert_eq!(
            asked(&client[..1]).attempt("/oauth/token", Some(basic)),
            Some(basic)
        );
        let renew = [("grant_type", "refresh_token"), ("refresh_token", token)];
        assert_eq!(attempt("/oauth/token", &renew), None);
        assert_eq!(asked(&renew).renews(), Some(KEY.credential(token.as_bytes())));
        assert_eq!(asked(&[("refreshToken", token)]).renews(), asked(&renew).renews());
        let code = [("grant_type", "authorization_code"), ("code", "abc")];
        assert_eq!(attempt("/oauth/token", &code), None);
        let password = [
            ("grant_type", "password"),
            ("username", "jane"),
            ("password", "x"),
        ];
        assert!(attempt("/oauth/token", &password).is_some());
    }

    #[test]
    fn names_of_operations() {
        for (fields, name) in [
            (&[("operationName", "getOrder")][..], Some("getOrder")),
            (&[("query", "mutation Login($a: X) { login }")], Some("Login")),
            (&[("query", "{ me { id } }")], Some("me")),
            (&[("query", " query{me{id}}")], Some("me")),
            (&[("query", "queryable shoes")], None),
            (&[("query", "x"), ("operationName", "A-B")], None),
            (&[("query", "{a}"), ("operationName", "B")], Some("B")),
            (&[("operationName", "B"), ("query", "{a}")], Some("B")),
        ] {
            assert_eq!(asked(fields).operation.as_deref(), name, "{fields:?}");
        }
    }
}
