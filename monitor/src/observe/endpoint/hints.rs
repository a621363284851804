//! What the words of a path say that an endpoint is for: logging in, administration, everybody. Must not know who used
//! it.
//!
//! The lists are short on purpose: a word stands here only if it hardly ever means anything else. They are hints for
//! detectors, which ask for more evidence than a word.

use super::tree::Label;
use crate::observe::{
    identity::{InstallKey, space},
    method::Method,
};

/// What the words of a path say.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Hints {
    /// Somebody proves there who he is: passwords and codes.
    pub login: bool,
    /// Answers who has no valid credential, by design: refresh, logout, registration, health.
    pub open: bool,
    /// For administrators.
    pub admin: bool,
    /// Keyed hash of method and template with the version (`v1`) left out: the same for all versions of an endpoint.
    /// 0 if the path has no version.
    pub family: u64,
}

const LOGIN: [&str; 14] = [
    "login",
    "signin",
    "logon",
    "authenticate",
    "otp",
    "checkotp",
    "verifyotp",
    "validateotp",
    "totp",
    "mfa",
    "2fa",
    "passcode",
    "checkpin",
    "verifycode",
];
/// Only as the last word: `POST /sessions` logs in, `/sessions/{id}/talks` does not.
const LOGIN_LAST: [&str; 3] = ["session", "sessions", "auth"];
const OPEN: [&str; 28] = [
    "refresh",
    "refreshtoken",
    "logout",
    "signout",
    "logoff",
    "revoke",
    "introspect",
    "token",
    "register",
    "signup",
    "forgotpassword",
    "resetpassword",
    "passwordreset",
    "health",
    "healthz",
    "healthcheck",
    "livez",
    "readyz",
    "liveness",
    "readiness",
    "ping",
    "status",
    "metrics",
    "version",
    "wellknown",
    "csrf",
    "favicon.ico",
    "robots.txt",
];
const ADMIN: [&str; 16] = [
    "internal",
    "manage",
    "management",
    "actuator",
    "jolokia",
    "debug",
    "console",
    "superuser",
    "sysadmin",
    "backoffice",
    "staff",
    "moderation",
    "impersonate",
    "roles",
    "permissions",
    "administration",
];

/// Reads the labels of a template.
pub(super) fn hints(labels: &[&Label], method: Method, key: &InstallKey) -> Hints {
    let mut hints = Hints::default();
    let mut family = method.name().to_owned();
    let mut versions = 0;
    let last = labels.len().saturating_sub(1);
    for (at, label) in labels.iter().enumerate() {
        family.push('/');
        let Label::Literal { text, .. } = label else {
            family.push_str("{}");
            continue;
        };
        if is_version(text) {
            versions += 1;
            continue;
        }
        family.push_str(text);
        let word = plain(text);
        hints.login |= LOGIN.contains(&&*word) || (at == last && LOGIN_LAST.contains(&&*word));
        hints.open |= OPEN.contains(&&*word);
        hints.admin |= ADMIN.contains(&&*word) || is_admin(text);
    }
    if versions > 0 {
        hints.family = key.hash(space::PARAMETER, family.as_bytes()).max(1);
    }
    hints
}

/// Whether a word of a path says that it is for administrators: for paths that are no endpoint's.
pub fn for_administrators(path: &str) -> bool {
    let words = path.split('/').take(16).filter(|word| !word.is_empty());
    words
        .into_iter()
        .any(|word| is_admin(word) || ADMIN.contains(&&*plain(word)))
}

/// In small letters, without what separates words; a dot stays, for names of files.
fn plain(text: &str) -> String {
    text.chars()
        .filter(|c| !matches!(c, '-' | '_'))
        .map(|c| c.to_ascii_lowercase())
        .skip_while(|c| *c == '.')
        .collect()
}

/// `admin`, `admins`, `admin-users`, `is_admin`: the word, not a part of one (`administrator` too, `badminton` not).
fn is_admin(text: &str) -> bool {
    text.split(['-', '_', '.']).any(|part| {
        part.get(..5)
            .is_some_and(|head| head.eq_ignore_ascii_case("admin"))
    })
}

/// `v1`, `V2`, `v1.1`.
pub(super) fn is_version(text: &str) -> bool {
    let digits = text.strip_prefix(['v', 'V']).unwrap_or_default();
    digits.len() <= 4
        && digits.starts_with(|c: char| c.is_ascii_digit())
        && digits.chars().all(|c| c.is_ascii_digit() || c == '.')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(path: &str) -> Hints {
        let labels: Vec<_> = path
            .split('/')
            .map(|text| match text {
                "{id}" => Label::Id,
                _ => Label::Literal {
                    text: text.into(),
                    doubtful: false,
                },
            })
            .collect();
        let labels: Vec<_> = labels.iter().collect();
        hints(&labels, Method::from("POST"), &InstallKey([1; 16]))
    }

    #[test]
    fn words_say_what_it_is_for() {
        for (path, login, open, admin) in [
            ("api/v1/login", true, false, false),
            ("api/auth/Sign-In", true, false, false),
            ("identity/api/auth/v3/check-otp", true, false, false),
            ("sessions", true, false, false),
            ("sessions/{id}/talks", false, false, false),
            ("oauth/token", false, true, false),
            (".well-known/jwks", false, true, false),
            ("users/v1/_debug", false, false, true),
            ("api/admin-users/{id}", false, false, true),
            ("api/administrators", false, false, true),
            ("sports/badminton", false, false, false),
            ("orders/{id}/login-hints", false, false, false),
        ] {
            let hints = of(path);
            assert_eq!(
                (hints.login, hints.open, hints.admin),
                (login, open, admin),
                "{path}"
            );
        }
    }

    #[test]
    fn versions_of_an_endpoint_are_a_family() {
        assert_eq!(of("api/v1/orders/{id}").family, of("api/v2/orders/{id}").family);
        assert_eq!(of("v1.1/orders").family, of("V2/orders").family);
        assert_ne!(of("api/v1/orders").family, of("api/v1/carts").family);
        assert_eq!(of("api/orders").family, 0);
        assert_eq!(of("api/vx/vendors").family, 0);
    }
}
