//! What the fields of an answer say: credentials handed out, and whether it says yes or no. Must not know requests.

use crate::{
    body::walk::{Path, Value, ValueKind},
    observe::{
        Fingerprint,
        extra::{Secret, SecretKind, SecretPlace},
        identity::{InstallKey, token},
        person::{self, Person},
        role, secrets,
        words::{self, Tells},
    },
};

/// Most credentials kept of one answer. A list of them without end.
pub(in crate::observe) const HANDED_OUT: usize = 8;

/// What was found in one answer.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(in crate::observe) struct Told {
    /// Credentials.
    pub(in crate::observe) tokens: Vec<Fingerprint>,
    /// A flag says that it went wrong.
    pub(in crate::observe) no: bool,
    /// And not only a word for its state, which may be that of an object.
    pub(in crate::observe) error: bool,
    /// Secrets that no answer should have.
    pub(in crate::observe) secrets: Vec<Secret>,
    /// JSON Web Tokens where none is expected by its name.
    pub(in crate::observe) jwts: Vec<Secret>,
    /// The persons that it names; bounded.
    pub(in crate::observe) persons: Vec<Person>,
    /// Keyed hash of the roles that somebody has; 0 for none.
    pub(in crate::observe) roles: u64,
}

impl Told {
    /// Whether it says nothing, but perhaps yes or no, which counts where something was asked.
    pub(in crate::observe) fn is_silent(&self) -> bool {
        self.tokens.is_empty() && self.secrets.is_empty() && self.jwts.is_empty() && !self.error
    }

    /// Whether a field of this value may say something, whatever its name.
    #[inline]
    pub(in crate::observe) fn wants(value: &[u8]) -> bool {
        secrets::is_jwt(value) || secrets::find(value).is_some()
    }

    /// Whether a field whose name says this may say something with this value.
    #[inline]
    pub(in crate::observe) fn wants_of(tells: Tells, kind: ValueKind, bytes: &[u8]) -> bool {
        let value = Value {
            kind,
            bytes,
            len: bytes.len() as u64,
        };
        match tells {
            Tells::Token | Tells::Message => true,
            Tells::Fault => is_something(value),
            Tells::Success => is_nothing(value),
            Tells::Status => is_bad(value),
            Tells::Person => person::may_be(kind, bytes),
            Tells::Role => role::may_be(kind, bytes),
        }
    }

    /// Takes a field.
    #[inline]
    pub(in crate::observe) fn field(&mut self, path: Path<'_>, value: Value<'_>, key: &InstallKey) {
        let tells = words::tells(path.name);
        if let Some(tells) = tells {
            self.take(tells, path, value, key);
        }
        if let Some((kind, found)) = secrets::find(value.bytes) {
            secrets::add(&mut self.secrets, kind, SecretPlace::Answer, found, key);
        } else if tells != Some(Tells::Token) && value.is_whole() && secrets::is_jwt(value.bytes) {
            secrets::add(
                &mut self.jwts,
                SecretKind::Jwt,
                SecretPlace::Answer,
                value.bytes,
                key,
            );
        }
    }

    #[inline(never)]
    fn take(&mut self, tells: Tells, path: Path<'_>, value: Value<'_>, key: &InstallKey) {
        if tells == Tells::Token
            && let Some(token) = token(value.bytes).filter(|_| value.is_whole())
        {
            self.handed_out(key.credential(token));
        }
        if tells == Tells::Person {
            person::add(&mut self.persons, path, value, key);
        }
        if tells == Tells::Role {
            role::add(&mut self.roles, path, value, key);
        }
        if tells == Tells::Message {
            let error = path.bytes.starts_with(b"/error") && is_something(value);
            self.no |= error;
            self.error |= error;
        }
        // Only what stands near the outside speaks of the whole.
        let outside = !path.in_list && !is_deep(path.bytes);
        if outside {
            let error = match tells {
                Tells::Token | Tells::Message | Tells::Status | Tells::Person | Tells::Role => false,
                Tells::Fault => is_something(value),
                Tells::Success => is_nothing(value),
            };
            self.error |= error;
            self.no |= error || tells == Tells::Status && is_bad(value);
        }
    }

    /// Adds a credential, once.
    pub(in crate::observe) fn handed_out(&mut self, credential: Fingerprint) {
        if self.tokens.len() < HANDED_OUT && !self.tokens.contains(&credential) {
            self.tokens.push(credential);
        }
    }
}

/// Whether a path has three names or more.
fn is_deep(path: &[u8]) -> bool {
    /// Most paths are shorter, and then a call costs more than a look at each byte.
    const SHORT: usize = 32;
    if path.len() <= SHORT {
        path.iter().filter(|byte| **byte == b'/').nth(2).is_some()
    } else {
        memchr::memchr_iter(b'/', path).nth(2).is_some()
    }
}

fn is_something(value: Value<'_>) -> bool {
    const NOTHING: [&[u8]; 6] = [b"", b"0", b"false", b"none", b"null", b"ok"];
    value.kind != ValueKind::Null && !NOTHING.iter().any(|word| value.bytes.eq_ignore_ascii_case(word))
}

fn is_nothing(value: Value<'_>) -> bool {
    const NO: [&[u8]; 4] = [b"false", b"0", b"no", b"ko"];
    NO.iter().any(|word| value.bytes.eq_ignore_ascii_case(word))
}

fn is_bad(value: Value<'_>) -> bool {
    const BAD: [&[u8]; 14] = [
        b"error",
        b"fail",
        b"failed",
        b"failure",
        b"ko",
        b"nok",
        b"denied",
        b"invalid",
        b"rejected",
        b"refused",
        b"unauthorized",
        b"unauthenticated",
        b"forbidden",
        b"false",
    ];
    if value.kind == ValueKind::Number {
        return matches!(value.bytes, [b'4', _, _]);
    }
    BAD.iter().any(|word| value.bytes.eq_ignore_ascii_case(word))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        body::{
            Media,
            walk::{Visitor, Walker},
        },
        limits::BodyLimits,
    };

    const KEY: InstallKey = InstallKey([3; 16]);

    #[derive(Default)]
    struct Telling(Told);

    impl Visitor for Telling {
        fn field(&mut self, path: Path<'_>, value: Value<'_>) {
            self.0.field(path, value, &KEY);
        }
    }

    fn told(body: &str) -> Told {
        let mut telling = Telling::default();
        let mut walker = Walker::new(&BodyLimits::default());
        walker.begin(Media::Json, None);
        walker.feed(body.as_bytes(), &mut telling);
        walker.finish(true, &mut telling);
        telling.0
    }

    #[test]
    fn tokens_wherever_they_stand() {
        let token = "0123456789abcdef0123";
        let expected = vec![KEY.credential(token.as_bytes())];
        for body in [
            format!("{{\"access_token\":\"{token}\",\"token_type\":\"Bearer\",\"expires_in\":3600}}"),
            format!("{{\"token\":\"{token}\"}}"),
            format!("{{\"authentication\":{{\"token\":\"{token}\",\"bid\":1}}}}"),
            format!("{{\"data\":{{\"login\":{{\"accessToken\":\"{token}\"}}}}}}"),
            format!("{{\"Authorization\":\"Bearer {token}\"}}"),
            format!("{{\"sessionToken\":\"{token}\",\"token\":\"{token}\"}}"),
        ] {
            assert_eq!(told(&body).tokens, expected, "{body}");
        }
        let long = format!("eyJhbGciOiJIUzI1NiJ9.{}.{}", "a".repeat(3000), "b".repeat(43));
        let body = format!("{{\"jwt\":\"{long}\"}}");
        assert_eq!(told(&body).tokens, [KEY.credential(long.as_bytes())]);
        for none in [
            "{\"token\":\"short\"}",
            "{\"token\":\"a sentence about a token\"}",
            "{\"token\":null}",
        ] {
            assert!(told(none).tokens.is_empty(), "{none}");
        }
        let many: Vec<_> = (0..50).map(|n| format!("{{\"token\":\"{token}{n}\"}}")).collect();
        assert_eq!(told(&format!("[{}]", many.join(","))).tokens.len(), HANDED_OUT);
    }

    #[test]
    fn answers_that_say_no() {
        for (body, no) in [
            (
                "{\"status\":\"fail\",\"message\":\"Password is not correct\"}",
                true,
            ),
            ("{\"success\":false}", true),
            ("{\"success\":true,\"error\":null}", false),
            ("{\"error\":\"invalid_grant\"}", true),
            ("{\"error\":0,\"errors\":[]}", false),
            (
                "{\"errors\":[{\"message\":\"Invalid credentials\"}],\"data\":{\"login\":null}}",
                true,
            ),
            ("{\"data\":{\"ok\":false}}", true),
            ("{\"status\":401}", true),
            ("{\"status\":\"active\"}", false),
            ("{\"items\":[{\"status\":\"failed\",\"success\":false}]}", false),
            ("{}", false),
        ] {
            assert_eq!(told(body).no, no, "{body}");
        }
    }
}
