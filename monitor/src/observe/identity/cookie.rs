//! Session cookies: which of the cookies of a request says who it is, and which an answer sets. Must not hash.
//!
//! Frameworks name them after themselves, applications after their own; nearly all say session, auth, token or sid.

use super::token::is_opaque;

/// Cookies looked at of one request.
const COOKIES: usize = 64;
/// Longest name of a cookie that is looked at.
const NAME_BYTES: usize = 64;

/// Names that are session cookies and do not say so.
const KNOWN: [&str; 16] = [
    "connect.sid",
    "phpsessid",
    "jsessionid",
    "cfid",
    "cftoken",
    "aspxauth",
    "koa.sess",
    "express:sess",
    "ci_session",
    "sso",
    "identity",
    "_identity",
    "fe_typo_user",
    "be_typo_user",
    "remember_me",
    "_oauth2_proxy",
];

/// Beginnings of such names: ASP.NET numbers the parts of long ones.
const KNOWN_BEGIN: [&str; 4] = [
    "aspnetcore.cookies",
    "aspnetcore.identity.application",
    "aspnet.applicationcookie",
    "aspnet.cookies",
];

/// Parts of names that say so, the surest first.
const PARTS: [&str; 6] = ["jwt", "access", "auth", "token", "sess", "logged_in"];

/// Parts of names that are something else: what counts visits, and what stands against forgery.
const OTHERS: [&str; 23] = [
    "csrf",
    "xsrf",
    "forgery",
    "verificationtoken",
    "nonce",
    "state",
    "consent",
    "analytics",
    "intercom",
    "amplitude",
    "mixpanel",
    "hubspot",
    "optimizely",
    "visit",
    "guest",
    "anon",
    "track",
    "device",
    "cart",
    "refresh",
    "datadog",
    "sentry",
    "pkce",
];
/// Beginnings of such names.
const OTHERS_BEGIN: [&str; 7] = ["_ga", "_gid", "_hj", "_pk_", "_hs", "ai_", "s_sess"];

/// The session cookie among the cookies of one `Cookie` header, and how sure its name is: the lower, the surer.
/// `more` are names that the operator gave, `others` names that are none.
pub(super) fn session<'a>(header: &'a [u8], more: &[String], others: &[String]) -> Option<(usize, &'a [u8])> {
    header
        .split(|byte| *byte == b';')
        .take(COOKIES)
        .filter_map(|pair| {
            let (name, value) = pair_of(pair)?;
            Some((rank(name, more, others)?, value))
        })
        .filter(|(_, value)| is_opaque(value))
        .min_by_key(|(rank, _)| *rank)
}

/// The session cookie that a `Set-Cookie` header sets, if it does.
pub(super) fn set<'a>(header: &'a [u8], more: &[String], others: &[String]) -> Option<&'a [u8]> {
    let (pair, attributes) = match memchr::memchr(b';', header) {
        Some(at) => header.split_at_checked(at)?,
        None => (header, &b""[..]),
    };
    let (name, value) = pair_of(pair)?;
    rank(name, more, others)?;
    let ends = attributes
        .split(|byte| *byte == b';')
        .take(16)
        .any(|attribute| attribute.trim_ascii().eq_ignore_ascii_case(b"max-age=0"));
    (is_opaque(value) && !ends).then_some(value)
}

/// Name and value, without the quotes that some put around it.
fn pair_of(pair: &[u8]) -> Option<(&[u8], &[u8])> {
    let (name, value) = pair.split_at_checked(memchr::memchr(b'=', pair)?)?;
    let value = value.get(1..)?.trim_ascii();
    let bare = value
        .strip_prefix(b"\"")
        .and_then(|value| value.strip_suffix(b"\""));
    Some((name.trim_ascii(), bare.unwrap_or(value)))
}

/// How surely a cookie of that name says who it is; `None` if it does not.
fn rank(name: &[u8], more: &[String], others: &[String]) -> Option<usize> {
    let is = |known: &str| name.eq_ignore_ascii_case(known.as_bytes());
    if name.len() > NAME_BYTES || others.iter().any(|known| is(known)) {
        return None;
    }
    if more.iter().any(|known| is(known)) {
        return Some(0);
    }
    let mut small = [0; NAME_BYTES];
    let small = small.get_mut(..name.len())?;
    small.copy_from_slice(name);
    small.make_ascii_lowercase();
    let small = without_prefix(small);
    let begins = || {
        KNOWN_BEGIN
            .iter()
            .any(|begin| small.starts_with(begin.as_bytes()))
    };
    let known = || KNOWN.iter().any(|known| known.as_bytes() == small) || begins() || is_sid(small);
    let rank = PARTS
        .iter()
        .position(|part| has(small, part))
        .or_else(|| known().then_some(PARTS.len()))?;
    (!is_other(small)).then_some(rank + 1)
}

/// The name without `__Host-` and `__Secure-` (RFC 6265bis), and without dots and underscores before it.
fn without_prefix(name: &[u8]) -> &[u8] {
    let name = name
        .strip_prefix(b"__host-")
        .or_else(|| name.strip_prefix(b"__secure-"))
        .unwrap_or(name);
    name.strip_prefix(b".").unwrap_or(name)
}

fn is_other(name: &[u8]) -> bool {
    OTHERS.iter().any(|part| has(name, part))
        || OTHERS_BEGIN
            .iter()
            .any(|begin| name.starts_with(begin.as_bytes()))
}

/// Names are short: what prepares a search costs more than the search.
fn has(name: &[u8], part: &str) -> bool {
    name.windows(part.len()).any(|window| window == part.as_bytes())
}

/// `sid` as a word: `sid`, `app_sid`, `app.sid`, `sid-7`.
fn is_sid(name: &[u8]) -> bool {
    name.split(|byte| !byte.is_ascii_alphanumeric())
        .any(|word| word == b"sid")
}

#[cfg(test)]
mod tests {
    use super::*;

    const VALUE: &str = "0123456789abcdef";

    fn of(header: &str) -> Option<String> {
        let found = session(header.as_bytes(), &["who".to_owned()], &["app_token".to_owned()]);
        found.map(|(_, value)| String::from_utf8_lossy(value).into_owned())
    }

    #[test]
    fn session_cookies_by_name() {
        for name in [
            "PHPSESSID",
            "JSESSIONID",
            "connect.sid",
            "sessionid",
            "session",
            "_myapp_session",
            "laravel_session",
            "ASP.NET_SessionId",
            ".ASPXAUTH",
            ".AspNetCore.Cookies",
            ".AspNetCore.Identity.ApplicationC1",
            ".AspNet.ApplicationCookie",
            "__Host-session",
            "__Secure-next-auth.session-token",
            "access_token",
            "jwt",
            "auth_token",
            "app.sid",
            "sid",
            "grafana_session",
            "wordpress_logged_in_abc",
            "SSESSabc",
            "who",
        ] {
            assert_eq!(
                of(&format!("a=b; {name}={VALUE}")).as_deref(),
                Some(VALUE),
                "{name}"
            );
        }
        for name in [
            "_ga",
            "_gid",
            "csrftoken",
            "XSRF-TOKEN",
            "__RequestVerificationToken",
            "_hjSession_1",
            "intercom-session-x",
            "ai_session",
            "lang",
            "theme",
            "visitor_session",
            "app_token",
            "cart_token",
            "",
            "side",
            "refresh_token",
            ".AspNetCore.Antiforgery.abc",
            ".AspNetCore.Culture",
        ] {
            assert_eq!(of(&format!("{name}={VALUE}")), None, "{name}");
        }
    }

    #[test]
    fn values_must_be_secrets_and_the_surest_counts() {
        assert_eq!(of("session=short"), None);
        assert_eq!(of(&format!("session=\"{VALUE}\"")).as_deref(), Some(VALUE));
        let two = format!("session={VALUE}; access_token={VALUE}1; sid={VALUE}2");
        assert_eq!(of(&two).unwrap(), format!("{VALUE}1"));
        assert_eq!(of(&"x=1;".repeat(10_000)), None);
    }

    #[test]
    fn cookies_that_are_set() {
        let of = |header: &str| set(header.as_bytes(), &[], &[]).is_some();
        assert!(of(&format!("sessionid={VALUE}; Path=/; HttpOnly")));
        assert!(of(&format!("sessionid={VALUE}")));
        assert!(!of(&format!("sessionid={VALUE}; Max-Age=0")));
        assert!(!of("sessionid=deleted; expires=Thu, 01 Jan 1970 00:00:00 GMT"));
        assert!(!of(&format!("theme={VALUE}")));
    }
}
