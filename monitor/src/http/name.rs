//! The names of header fields that somebody asks for, told apart once: where the head is read. And the commonest of
//! those that nobody does: who looks for one that is configured need not look at them. Must not know what they mean.

/// A field name, whatever its letter case.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[expect(missing_docs, reason = "each is the name of a field")]
pub enum Name {
    /// Any that is not told apart.
    Other,
    Accept,
    AcceptEncoding,
    AcceptLanguage,
    AcceptRanges,
    Authorization,
    CacheControl,
    Connection,
    ContentEncoding,
    ContentLength,
    ContentType,
    Cookie,
    Date,
    Dnt,
    Etag,
    Host,
    LastModified,
    Location,
    Origin,
    Referer,
    SecChUa,
    SecChUaPlatform,
    Server,
    SetCookie,
    Te,
    TransferEncoding,
    Upgrade,
    UserAgent,
    Vary,
    XRequestId,
    XSubjectToken,
}

/// A set of names.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct NameSet(u32);

impl NameSet {
    /// Of these.
    pub(crate) const fn of(names: &[Name]) -> Self {
        let mut set = Self(0);
        let mut left = names;
        while let [name, rest @ ..] = left {
            set.0 |= 1 << *name as u32;
            left = rest;
        }
        set
    }

    /// With those of another one.
    pub(crate) const fn and(self, more: Self) -> Self {
        Self(self.0 | more.0)
    }

    /// Whether the name is in it.
    #[inline]
    pub(crate) fn has(self, name: Name) -> bool {
        self.0 >> name as u32 & 1 != 0
    }
}

const _: () = assert!((Name::XSubjectToken as u32) < u32::BITS, "each name has a bit");

impl Name {
    /// Which one it is. By length first: most names are none of the same length.
    #[inline]
    pub fn of(name: &[u8]) -> Self {
        match name.len() {
            2 if is_name(name, b"te") => Self::Te,
            3 if is_name(name, b"dnt") => Self::Dnt,
            4 if is_name(name, b"host") => Self::Host,
            4 if is_name(name, b"date") => Self::Date,
            4 if is_name(name, b"etag") => Self::Etag,
            4 if is_name(name, b"vary") => Self::Vary,
            6 if is_name(name, b"accept") => Self::Accept,
            6 if is_name(name, b"cookie") => Self::Cookie,
            6 if is_name(name, b"server") => Self::Server,
            6 if is_name(name, b"origin") => Self::Origin,
            7 if is_name(name, b"upgrade") => Self::Upgrade,
            7 if is_name(name, b"referer") => Self::Referer,
            8 if is_name(name, b"location") => Self::Location,
            9 if is_name(name, b"sec-ch-ua") => Self::SecChUa,
            10 if is_name(name, b"user-agent") => Self::UserAgent,
            10 if is_name(name, b"connection") => Self::Connection,
            10 if is_name(name, b"set-cookie") => Self::SetCookie,
            12 if is_name(name, b"content-type") => Self::ContentType,
            12 if is_name(name, b"x-request-id") => Self::XRequestId,
            13 if is_name(name, b"authorization") => Self::Authorization,
            13 if is_name(name, b"cache-control") => Self::CacheControl,
            13 if is_name(name, b"last-modified") => Self::LastModified,
            13 if is_name(name, b"accept-ranges") => Self::AcceptRanges,
            14 if is_name(name, b"content-length") => Self::ContentLength,
            15 if is_name(name, b"accept-encoding") => Self::AcceptEncoding,
            15 if is_name(name, b"accept-language") => Self::AcceptLanguage,
            15 if is_name(name, b"x-subject-token") => Self::XSubjectToken,
            16 if is_name(name, b"content-encoding") => Self::ContentEncoding,
            17 if is_name(name, b"transfer-encoding") => Self::TransferEncoding,
            18 if is_name(name, b"sec-ch-ua-platform") => Self::SecChUaPlatform,
            _ => Self::Other,
        }
    }

    /// Whether it says where a body ends, or what follows.
    #[inline]
    pub(crate) fn is_framing(self) -> bool {
        matches!(
            self,
            Self::Connection | Self::ContentLength | Self::TransferEncoding | Self::Upgrade
        )
    }
}

/// Whether a header name, or a value that is a word, is this one, which is given in small letters. Without a branch a
/// byte.
#[inline]
pub fn is_name<const N: usize>(name: &[u8], small: &[u8; N]) -> bool {
    <&[u8; N]>::try_from(name).is_ok_and(|name| {
        let pairs = name.iter().zip(small);
        pairs.fold(0, |differ, (a, b)| differ | (a.to_ascii_lowercase() ^ b)) == 0
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_name_in_any_case_and_nothing_else() {
        for (name, expected) in [
            ("accept", Name::Accept),
            ("accept-encoding", Name::AcceptEncoding),
            ("accept-language", Name::AcceptLanguage),
            ("accept-ranges", Name::AcceptRanges),
            ("authorization", Name::Authorization),
            ("cache-control", Name::CacheControl),
            ("connection", Name::Connection),
            ("content-encoding", Name::ContentEncoding),
            ("content-length", Name::ContentLength),
            ("content-type", Name::ContentType),
            ("cookie", Name::Cookie),
            ("date", Name::Date),
            ("dnt", Name::Dnt),
            ("etag", Name::Etag),
            ("host", Name::Host),
            ("last-modified", Name::LastModified),
            ("location", Name::Location),
            ("origin", Name::Origin),
            ("referer", Name::Referer),
            ("sec-ch-ua", Name::SecChUa),
            ("sec-ch-ua-platform", Name::SecChUaPlatform),
            ("server", Name::Server),
            ("set-cookie", Name::SetCookie),
            ("te", Name::Te),
            ("transfer-encoding", Name::TransferEncoding),
            ("upgrade", Name::Upgrade),
            ("user-agent", Name::UserAgent),
            ("vary", Name::Vary),
            ("x-request-id", Name::XRequestId),
            ("x-subject-token", Name::XSubjectToken),
        ] {
            assert_eq!(Name::of(name.as_bytes()), expected);
            assert_eq!(Name::of(name.to_ascii_uppercase().as_bytes()), expected, "{name}");
            for other in [
                format!("{name}s"),
                format!("_{}", &name[1..]),
                name.replace('e', "\u{0}"),
            ] {
                let of_other = Name::of(other.as_bytes());
                assert!(of_other == Name::Other || other == name, "{other:?}");
            }
        }
        assert_eq!(Name::of(b""), Name::Other);
    }
}
