//! Attempts to log in: what a request offers, what the answer says of it, how it ended. Must not know detectors.
//!
//! Users, passwords and tokens are here for as long as a field is read; what stays are keyed hashes.

mod asked;
mod outcome;
mod told;

pub(super) use self::{
    asked::{Asked, Attempt},
    outcome::{Answer, AnswerBody, is_sent_back, outcome},
    told::Told,
};

use super::{
    Fingerprint, PrincipalKind,
    identity::{InstallKey, space},
};

/// Longest name of a user, bytes.
const USER_BYTES: usize = 254;
/// Longest password that is told from others, bytes.
const PASSWORD_BYTES: usize = 1024;

/// Who a user name stands for: equal names have equal fingerprints, whatever their letter case and the blanks around
/// them, and wherever they are written. `None` where it is no name.
pub(super) fn user(name: &[u8], key: &InstallKey) -> Option<Fingerprint> {
    let name = name.trim_ascii();
    if name.is_empty() || name.len() > USER_BYTES {
        return None;
    }
    let small = match std::str::from_utf8(name) {
        Ok(name) => name.to_lowercase().into_bytes(),
        Err(_) => name.to_ascii_lowercase(),
    };
    Some(key.fingerprint(PrincipalKind::User, &small))
}

/// A password, as it can be compared; `None` where there is none.
pub(super) fn password(text: &[u8], key: &InstallKey) -> Option<u64> {
    let text = text.get(..PASSWORD_BYTES).unwrap_or(text);
    (!text.is_empty()).then(|| key.hash(space::PASSWORD, text))
}

/// The words of a path in which credentials are proven.
const LOGIN: [&str; 22] = [
    "login",
    "signin",
    "sign-in",
    "sign_in",
    "logon",
    "log-in",
    "log_in",
    "auth",
    "oauth",
    "oauth2",
    "authenticate",
    "authentication",
    "authorize",
    "session",
    "sessions",
    "token",
    "tokens",
    "otp",
    "2fa",
    "mfa",
    "verify",
    "graphql",
];

/// The words of a path in which accounts are made or passwords changed.
const NO_LOGIN: [&str; 13] = [
    "register",
    "registration",
    "signup",
    "sign-up",
    "sign_up",
    "join",
    "users",
    "accounts",
    "customers",
    "members",
    "invite",
    "setup",
    "install",
];

/// Segments of a path that are looked at, from its end.
const SEGMENTS: usize = 8;

/// What the path says about logging in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Place {
    /// Here one logs in.
    Login,
    /// Here accounts are made.
    NoLogin,
    /// Nothing.
    Unsaid,
}

impl Place {
    /// What this path says: its last telling segment counts.
    pub(super) fn of(path: &str) -> Self {
        let telling = path.rsplit('/').take(SEGMENTS).find_map(|segment| {
            let word = |list: &[&str]| list.iter().any(|word| begins_with(segment, word));
            if word(&NO_LOGIN) {
                Some(Self::NoLogin)
            } else if word(&LOGIN) || contains_login(segment) {
                Some(Self::Login)
            } else {
                None
            }
        });
        telling.unwrap_or(Self::Unsaid)
    }
}

/// Whether a path is where one asks for a letter who lost his password: `forgot-password`, `password/reset`,
/// `account/recover`.
fn is_of_lost_passwords(path: &str) -> bool {
    let has = |word: &[u8]| {
        let mut windows = path.as_bytes().windows(word.len()).take(256);
        windows.any(|window| window.eq_ignore_ascii_case(word))
    };
    let with_password = || (has(b"reset") || has(b"lost")) && has(b"passw");
    has(b"forgot") || has(b"forget") || has(b"recover") || with_password()
}

/// Whether a segment is this word, or this word and an ending (`login.php`, `login;jsessionid=..`).
fn begins_with(segment: &str, word: &str) -> bool {
    let Some((head, tail)) = segment.split_at_checked(word.len()) else {
        return false;
    };
    let ended = tail
        .bytes()
        .next()
        .is_none_or(|byte| !byte.is_ascii_alphanumeric() && byte != b'_' && byte != b'-');
    ended && head.eq_ignore_ascii_case(word)
}

/// Names like `wp-login.php`, `userLogin`, `doSignIn`, `check-otp`.
fn contains_login(segment: &str) -> bool {
    const PARTS: [&[u8]; 5] = [b"login", b"signin", b"logon", b"authenticat", b"otp"];
    let segment = segment.as_bytes();
    PARTS.iter().any(|part| {
        segment
            .windows(part.len())
            .take(64)
            .any(|window| window.eq_ignore_ascii_case(part))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: InstallKey = InstallKey([3; 16]);

    #[test]
    fn where_one_asks_who_lost_his_password() {
        for path in [
            "/ForgotPassword",
            "/v9/auth/forgot",
            "/identity/api/auth/forget-password",
            "/api/password/reset",
            "/account/recover",
        ] {
            assert!(is_of_lost_passwords(path), "{path}");
        }
        for path in [
            "/login",
            "/api/reset",
            "/api/password",
            "/lost-items",
            "/users/17",
            "",
        ] {
            assert!(!is_of_lost_passwords(path), "{path}");
        }
        let asked = |fields: &[(&str, &str)]| {
            let mut asked = Asked::default();
            for (name, value) in fields {
                asked.field(
                    name.as_bytes(),
                    value.as_bytes(),
                    format!("/{name}").as_bytes(),
                    &KEY,
                );
            }
            asked.lost_by("/password/forgot")
        };
        assert_eq!(
            asked(&[("email", "Ann@example.org")]),
            user(b"ann@example.org", &KEY)
        );
        assert_eq!(asked(&[("email", "a@b.example"), ("new_password", "x")]), None);
        assert_eq!(asked(&[("email", "a@b.example"), ("otp", "123456")]), None);
        assert_eq!(asked(&[("note", "x")]), None);
    }

    #[test]
    fn users_are_the_same_in_any_letter_case() {
        let jane = user(b"jane@example.org", &KEY).unwrap();
        assert_eq!(user(b" Jane@Example.ORG ", &KEY), Some(jane));
        assert_ne!(user(b"john@example.org", &KEY), Some(jane));
        assert_eq!(
            user("J\u{c4}NE".as_bytes(), &KEY),
            user("j\u{e4}ne".as_bytes(), &KEY)
        );
        assert_eq!(user(b"  ", &KEY), None);
        assert_eq!(user(&[b'x'; 300], &KEY), None);
    }

    #[test]
    fn places() {
        for (path, place) in [
            ("/login", Place::Login),
            ("/api/v1/auth/login", Place::Login),
            ("/wp-login.php", Place::Login),
            ("/users/login", Place::Login),
            ("/users/v1/login", Place::Login),
            ("/identity/api/auth/v3/check-otp", Place::Login),
            ("/oauth2/token", Place::Login),
            ("/auth/register", Place::NoLogin),
            ("/identity/api/auth/signup", Place::NoLogin),
            ("/users", Place::NoLogin),
            ("/orders/7", Place::Unsaid),
            ("/", Place::Unsaid),
            ("", Place::Unsaid),
        ] {
            assert_eq!(Place::of(path), place, "{path}");
        }
    }
}
