//! How an attempt to log in ended, by everything that the answer says. Must not know what was asked.

use super::Place;
use crate::observe::extra::LoginOutcome;

/// What decides it.
#[derive(Clone, Copy, Debug)]
pub(in crate::observe) struct Answer<'a> {
    /// Status code.
    pub(in crate::observe) status: Option<u16>,
    /// `Location`.
    pub(in crate::observe) location: Option<&'a [u8]>,
    /// The path that was asked.
    pub(in crate::observe) path: &'a str,
    /// A token or a new session was handed out.
    pub(in crate::observe) handed_out: bool,
    /// The body says that it went wrong.
    pub(in crate::observe) no: bool,
    /// What the body is.
    pub(in crate::observe) body: AnswerBody,
    /// The request was a form.
    pub(in crate::observe) form: bool,
}

/// What the body of an answer is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::observe) enum AnswerBody {
    /// JSON.
    Json,
    /// A page.
    Page,
    /// Anything else, or nothing.
    Other,
}

/// How it ended.
pub(in crate::observe) fn outcome(answer: &Answer<'_>) -> LoginOutcome {
    match answer.status {
        Some(200..=299) => succeeded(answer),
        Some(400 | 401 | 403 | 422) => LoginOutcome::Refused,
        // "No such user", where an interface says so: a login that is not there at all answers with a page.
        Some(404 | 409 | 412 | 423) if answer.body == AnswerBody::Json => LoginOutcome::Refused,
        Some(300..=303 | 307 | 308) => redirected(answer),
        _ => LoginOutcome::Unclear,
    }
}

/// A success that may be none: interfaces that say so in the body, and pages that show the form again. Whoever has sent
/// a form and got in is sent elsewhere; a page in its place is the form once more, unless a session comes with it.
fn succeeded(answer: &Answer<'_>) -> LoginOutcome {
    match answer.body {
        AnswerBody::Page if answer.form && answer.handed_out => LoginOutcome::Unclear,
        AnswerBody::Page if answer.form => LoginOutcome::Refused,
        AnswerBody::Json if answer.no => LoginOutcome::Refused,
        _ => LoginOutcome::Accepted,
    }
}

/// Words in the place that one is sent to which say that it went wrong.
const WRONG: [&[u8]; 5] = [b"error", b"fail", b"denied", b"invalid", b"incorrect"];
/// Words which say that the password was right and more is asked for.
const SECOND_STEP: [&[u8]; 7] = [
    b"otp",
    b"mfa",
    b"2fa",
    b"two-factor",
    b"two_factor",
    b"challenge",
    b"verify",
];
/// Bytes of a place that are looked at.
const LOCATION_BYTES: usize = 512;

fn redirected(answer: &Answer<'_>) -> LoginOutcome {
    let Some(location) = answer.location else {
        return LoginOutcome::Unclear;
    };
    let location = location.get(..LOCATION_BYTES).unwrap_or(location);
    let question = memchr::memchr(b'?', location);
    let path = question.and_then(|at| location.get(..at)).unwrap_or(location);
    let has = |text: &[u8], words: &[&[u8]]| words.iter().any(|word| contains(text, word));
    if has(location, &WRONG) {
        return LoginOutcome::Refused;
    }
    if has(path, &SECOND_STEP) {
        return LoginOutcome::Accepted;
    }
    let path = local(path);
    if path == answer.path.as_bytes() || std::str::from_utf8(path).is_ok_and(is_login_page) {
        return LoginOutcome::Refused;
    }
    LoginOutcome::Accepted
}

/// Whether a redirect leads from an object back to where one came from, or says that it went wrong: `/orders` in place
/// of `/orders/17`. Not to the login, which says nothing of the object.
pub(in crate::observe) fn is_sent_back(path: &str, location: &[u8]) -> bool {
    let location = location.get(..LOCATION_BYTES).unwrap_or(location);
    let question = memchr::memchr(b'?', location);
    let (place, query) = location
        .split_at_checked(question.unwrap_or(location.len()))
        .unwrap_or_default();
    let place = local(place);
    let to_another_host = contains(location, b"://") && place == b"/";
    let to_login = std::str::from_utf8(place).is_ok_and(is_login_page);
    if to_another_host || to_login || !place.starts_with(b"/") {
        return false;
    }
    let place = place.strip_suffix(b"/").unwrap_or(place);
    let above = path
        .as_bytes()
        .strip_prefix(place)
        .is_some_and(|rest| rest.len() > 1 && rest.starts_with(b"/"));
    above || WRONG.iter().any(|word| contains(query, word))
}

/// The path of an absolute address.
fn local(address: &[u8]) -> &[u8] {
    let Some(at) = address.windows(3).position(|window| window == b"://") else {
        return address;
    };
    let behind = address.get(at + 3..).unwrap_or_default();
    memchr::memchr(b'/', behind)
        .and_then(|at| behind.get(at..))
        .unwrap_or(b"/")
}

/// Whether one logs in there. The last segment only: `/auth/home` is behind the login.
fn is_login_page(path: &str) -> bool {
    let last = path.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
    Place::of(last) == Place::Login
}

/// Whether `word`, in small letters, stands in `text` in any.
fn contains(text: &[u8], word: &[u8]) -> bool {
    text.windows(word.len())
        .any(|window| window.eq_ignore_ascii_case(word))
}

#[cfg(test)]
mod tests {
    use super::*;
    use LoginOutcome::{Accepted, Refused, Unclear};

    const JSON: Answer<'_> = Answer {
        status: Some(200),
        location: None,
        path: "/login",
        handed_out: false,
        no: false,
        body: AnswerBody::Json,
        form: false,
    };

    #[test]
    fn sent_back_from_an_object() {
        for (location, back) in [
            ("/account/addresses", true),
            ("/account/addresses?e=denied", true),
            ("/other?error=1", true),
            ("/", true),
            ("https://api.example/account", true),
            ("/login?next=/account/addresses/17", false),
            ("/account/addresses/17/", false),
            ("/account/addresses/17-home", false),
            ("/account/addr", false),
            ("https://files.example/", false),
            ("https://files.example/x?sig=1", false),
            ("", false),
        ] {
            let found = is_sent_back("/account/addresses/17", location.as_bytes());
            assert_eq!(found, back, "{location}");
        }
    }

    #[test]
    fn by_status() {
        for (status, expected) in [
            (Some(200), Accepted),
            (Some(204), Accepted),
            (Some(400), Refused),
            (Some(401), Refused),
            (Some(403), Refused),
            (Some(404), Refused),
            (Some(422), Refused),
            (Some(429), Unclear),
            (Some(302), Unclear),
            (Some(500), Unclear),
            (Some(503), Unclear),
            (None, Unclear),
        ] {
            assert_eq!(outcome(&Answer { status, ..JSON }), expected, "{status:?}");
        }
        let page = Answer {
            status: Some(404),
            body: AnswerBody::Page,
            ..JSON
        };
        assert_eq!(outcome(&page), Unclear);
    }

    #[test]
    fn a_body_may_say_no() {
        assert_eq!(outcome(&Answer { no: true, ..JSON }), Refused);
        // Whatever else it hands out: an anonymous session comes with many refusals.
        assert_eq!(
            outcome(&Answer {
                no: true,
                handed_out: true,
                ..JSON
            }),
            Refused
        );
        let form = Answer {
            body: AnswerBody::Page,
            form: true,
            ..JSON
        };
        assert_eq!(outcome(&form), Refused);
        assert_eq!(
            outcome(&Answer {
                handed_out: true,
                ..form
            }),
            Unclear
        );
    }

    #[test]
    fn redirects() {
        for (location, expected) in [
            ("/", Accepted),
            ("/home", Accepted),
            ("https://example.org/", Accepted),
            ("https://example.org", Accepted),
            ("/auth/home", Accepted),
            ("/login", Refused),
            ("https://example.org/login?next=/", Refused),
            ("/wp-login.php?reauth=1", Refused),
            ("/?error=bad", Refused),
            ("/accessDenied", Refused),
            ("/login/otp", Accepted),
            ("https://app.example/cb?code=abc", Accepted),
        ] {
            let answer = Answer {
                status: Some(302),
                location: Some(location.as_bytes()),
                ..JSON
            };
            assert_eq!(outcome(&answer), expected, "{location}");
        }
    }
}
