//! What the words of a path say that an endpoint is for: logging in, administration, everybody. Must not know who used
//! it.
//!
//! The lists are short on purpose: a word stands here only if it hardly ever means anything else. They are hints for
//! detectors, which ask for more evidence than a word.

use super::{
    node::Label,
    version::{UNVERSIONED, generation, without_legacy},
};
use crate::observe::{
    identity::{InstallKey, space},
    method::Method,
};

/// What the words of a path say.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
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
    /// The same for all versions of an endpoint, with that which names none, and what an old installation is called.
    pub kin: u64,
    /// Which of its kin this is: the greater, the newer; [`UNVERSIONED`] where the path says nothing.
    pub generation: u32,
}

impl Default for Hints {
    fn default() -> Self {
        Self {
            login: false,
            open: false,
            admin: false,
            family: 0,
            kin: 0,
            generation: UNVERSIONED,
        }
    }
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
    let mut names = Names::new(method);
    let last = labels.len().saturating_sub(1);
    for (at, label) in labels.iter().enumerate() {
        let Label::Literal { text, .. } = label else {
            names.push("{}");
            continue;
        };
        if let Some(generation) = generation(text) {
            names.version(generation);
            continue;
        }
        names.word(text, at == 0 && last > 0);
        let word = plain(text);
        hints.login |= LOGIN.contains(&&*word) || (at == last && LOGIN_LAST.contains(&&*word));
        hints.open |= OPEN.contains(&&*word);
        hints.admin |= ADMIN.contains(&&*word) || is_admin(text);
    }
    if names.versions > 0 {
        hints.family = key.hash(space::PARAMETER, names.family.as_bytes()).max(1);
    }
    hints.kin = key.hash(space::PARAMETER, names.kin.as_bytes());
    hints.generation = names.generation.unwrap_or(UNVERSIONED);
    hints
}

/// What all versions of an endpoint have in common.
struct Names {
    family: String,
    kin: String,
    versions: u32,
    /// Of the first word that says so.
    generation: Option<u32>,
}

impl Names {
    fn new(method: Method) -> Self {
        Self {
            family: method.name().to_owned(),
            kin: method.name().to_owned(),
            versions: 0,
            generation: None,
        }
    }

    fn version(&mut self, generation: u32) {
        self.versions += 1;
        self.family.push('/');
        self.generation.get_or_insert(generation);
    }

    /// A word of the path; the first may say that all behind it is an old installation.
    fn word(&mut self, text: &str, first: bool) {
        match without_legacy(text).filter(|_| first) {
            Some(rest) => {
                self.generation = Some(0);
                self.family.push('/');
                self.family.push_str(text);
                if !rest.is_empty() {
                    self.kin.push('/');
                    self.kin.push_str(rest);
                }
            }
            None => self.push(text),
        }
    }

    fn push(&mut self, text: &str) {
        for name in [&mut self.family, &mut self.kin] {
            name.push('/');
            name.push_str(text);
        }
    }
}

/// Whether a name says more than that there is something: a version, a login, what is for administrators.
pub(super) fn is_telling(text: &str) -> bool {
    let word = plain(text);
    let login = LOGIN.contains(&&*word) || LOGIN_LAST.contains(&&*word);
    login || is_for_administrators(text) || generation(text).is_some()
}

/// Whether a word of a path says that it is for administrators: for paths that are no endpoint's.
pub fn for_administrators(path: &str) -> bool {
    let words = path.split('/').take(16).filter(|word| !word.is_empty());
    words.into_iter().any(is_for_administrators)
}

/// Whether a word in the name of an operation says so.
pub(super) fn says_administrators(word: &str) -> bool {
    matches!(&*plain(word), "role" | "permission") || is_for_administrators(word)
}

/// Whether a word says so.
pub(super) fn is_for_administrators(word: &str) -> bool {
    is_admin(word) || ADMIN.contains(&&*plain(word))
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

    #[test]
    fn kin_has_an_order() {
        let kin = |path| (of(path).kin, of(path).generation);
        for (older, newer) in [
            ("v1/orders/{id}", "v2/orders/{id}"),
            ("api/orders/v0/{id}", "api/orders/v1/{id}"),
            ("v0/orders", "orders"),
            ("orders", "v1/orders"),
            ("app-legacy/files/{id}", "app/files/{id}"),
            ("legacy/api/files", "api/files"),
        ] {
            let (older, newer) = (kin(older), kin(newer));
            assert_eq!(older.0, newer.0);
            assert!(older.1 < newer.1);
        }
        assert_ne!(kin("cars/old").0, kin("cars").0);
        assert_ne!(kin("orders-old").0, kin("orders").0);
    }
}
