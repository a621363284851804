//! `Content-Type` (RFC 9110 section 8.3): how a body is to be walked. Must not look into the body.

/// How a body is walked.
#[derive(Clone, Copy, PartialEq, Eq, Debug, serde::Serialize, serde::Deserialize)]
pub enum Media {
    /// `application/json`, `text/json`, anything `+json`, and sequences of JSON texts.
    Json,
    /// `application/x-www-form-urlencoded`.
    Form,
    /// `multipart/form-data` and its relatives.
    Multipart,
    /// The type is absent or known to be used for anything: JSON if the first byte says so, else not walked.
    Unsaid,
}

impl Media {
    /// How a body of this type is walked; `None` if it is not.
    pub fn of(content_type: Option<&[u8]>) -> Option<Self> {
        let Some(value) = content_type else {
            return Some(Self::Unsaid);
        };
        let name = value
            .split(|byte| matches!(byte, b';' | b','))
            .next()
            .unwrap_or_default()
            .trim_ascii();
        Self::named(name)
    }

    fn named(name: &[u8]) -> Option<Self> {
        const NAMES: [(&[u8], Media); 15] = [
            (b"application/json", Media::Json),
            (b"application/x-www-form-urlencoded", Media::Form),
            (b"multipart/form-data", Media::Multipart),
            (b"text/json", Media::Json),
            (b"application/x-json", Media::Json),
            (b"application/ndjson", Media::Json),
            (b"application/x-ndjson", Media::Json),
            (b"application/jsonl", Media::Json),
            (b"application/json-seq", Media::Json),
            (b"application/csp-report", Media::Json),
            (b"multipart/mixed", Media::Multipart),
            (b"multipart/related", Media::Multipart),
            (b"text/plain", Media::Unsaid),
            (b"application/octet-stream", Media::Unsaid),
            (b"", Media::Unsaid),
        ];
        let is_json = || {
            let suffix = name.len().checked_sub(5).and_then(|at| name.get(at..));
            suffix.is_some_and(|suffix| suffix.eq_ignore_ascii_case(b"+json"))
        };
        NAMES
            .iter()
            .find(|(known, _)| name.eq_ignore_ascii_case(known))
            .map(|(_, media)| *media)
            .or_else(|| is_json().then_some(Self::Json))
    }

    /// As the output writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Form => "form",
            Self::Multipart => "multipart",
            Self::Unsaid => "unsaid",
        }
    }
}

/// The value of a parameter of a field value like `Content-Type` or `Content-Disposition`, without quotes; backslash
/// escapes in quoted strings stand as they are, which no name that is used has. Names have no letter case.
pub fn parameter<'a>(value: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    let mut rest = behind(value, b';')?;
    loop {
        let equals = memchr::memchr2(b'=', b';', rest)?;
        let (key, tail) = rest.split_at_checked(equals)?;
        if tail.first() == Some(&b';') {
            rest = tail.get(1..)?;
            continue;
        }
        let tail = tail.get(1..)?.trim_ascii_start();
        let (found, after) = match tail.strip_prefix(b"\"") {
            Some(quoted) => quoted.split_at_checked(end_of_quoted(quoted))?,
            None => tail.split_at_checked(memchr::memchr(b';', tail).unwrap_or(tail.len()))?,
        };
        if key.trim_ascii().eq_ignore_ascii_case(name) {
            let bare = !tail.starts_with(b"\"");
            return Some(if bare { found.trim_ascii() } else { found });
        }
        rest = behind(after, b';')?;
    }
}

/// What stands behind the first `byte`.
fn behind(text: &[u8], byte: u8) -> Option<&[u8]> {
    text.get(memchr::memchr(byte, text)? + 1..)
}

/// Where the closing quote of a quoted string is, or its end.
fn end_of_quoted(text: &[u8]) -> usize {
    let mut escaped = false;
    let quote = |byte: &u8| {
        let ends = *byte == b'"' && !escaped;
        escaped = *byte == b'\\' && !escaped;
        ends
    };
    text.iter().position(quote).unwrap_or(text.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types() {
        use Media::{Form, Json, Multipart, Unsaid};
        for (value, expected) in [
            (None, Some(Unsaid)),
            (Some(""), Some(Unsaid)),
            (Some("application/json"), Some(Json)),
            (Some("Application/JSON ; charset=utf-8"), Some(Json)),
            (Some("application/vnd.api+json"), Some(Json)),
            (Some("application/problem+JSON;x"), Some(Json)),
            (Some("application/json, text/html"), Some(Json)),
            (Some("application/x-www-form-urlencoded"), Some(Form)),
            (Some("multipart/form-data; boundary=x"), Some(Multipart)),
            (Some("text/plain"), Some(Unsaid)),
            (Some("image/png"), None),
            (Some("text/html"), None),
            (Some("+json"), Some(Json)),
            (Some("json"), None),
        ] {
            assert_eq!(Media::of(value.map(str::as_bytes)), expected, "{value:?}");
        }
    }

    #[test]
    fn parameters() {
        for (value, expected) in [
            ("multipart/form-data; boundary=abc", Some("abc")),
            (
                "multipart/form-data;charset=x;BOUNDARY = \"a b;c\" ; y",
                Some("a b;c"),
            ),
            (
                "multipart/form-data; x=\"boundary=no\"; boundary=yes",
                Some("yes"),
            ),
            ("multipart/form-data; x=\"\\\"\"; boundary=yes", Some("yes")),
            ("multipart/form-data; flag; boundary=yes ", Some("yes")),
            ("multipart/form-data; boundary=\"open", Some("open")),
            ("multipart/form-data; boundary", None),
            ("multipart/form-data", None),
            ("boundary=abc", None),
        ] {
            let found = parameter(value.as_bytes(), b"boundary");
            assert_eq!(found, expected.map(str::as_bytes), "{value:?}");
        }
    }
}
