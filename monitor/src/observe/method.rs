//! Request methods that are told apart. Must not know what is asked for.

/// A request method: one of those that APIs use, or any other.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, serde::Serialize, serde::Deserialize)]
pub struct Method(u8);

/// By their number; the last stands for all others. The frequent ones come first.
const NAMES: [&str; 18] = [
    "GET",
    "POST",
    "PUT",
    "PATCH",
    "DELETE",
    "HEAD",
    "OPTIONS",
    "CONNECT",
    "TRACE",
    "QUERY",
    "PROPFIND",
    "PROPPATCH",
    "MKCOL",
    "COPY",
    "MOVE",
    "LOCK",
    "REPORT",
    "OTHER",
];

impl Method {
    /// Any that is not told apart.
    pub const OTHER: Self = Self(17);

    /// The method of a token as on the wire (RFC 9110 section 9.1: methods have letter case).
    pub fn of(token: &[u8]) -> Self {
        let at = NAMES.iter().position(|name| name.as_bytes() == token);
        at.and_then(|at| u8::try_from(at).ok()).map_or(Self::OTHER, Self)
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        NAMES.get(usize::from(self.0)).copied().unwrap_or("OTHER")
    }
}

impl From<&str> for Method {
    fn from(token: &str) -> Self {
        Self::of(token.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letter_case_counts_and_the_unknown_are_one() {
        for name in NAMES {
            assert_eq!(Method::from(name).name(), name);
        }
        for token in ["get", "", "G", "BREW", "\u{e9}"] {
            assert_eq!(Method::from(token), Method::OTHER, "{token}");
        }
    }
}
