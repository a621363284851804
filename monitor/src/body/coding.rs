//! `Content-Encoding` (RFC 9110 section 8.4): which codings were applied, in which order. Must not decode.

/// A content coding that can be undone.
#[derive(Clone, Copy, PartialEq, Eq, Debug, serde::Serialize, serde::Deserialize)]
pub enum Coding {
    /// RFC 1952; `x-gzip` is the same.
    Gzip,
    /// RFC 1950, or RFC 1951 without a wrapper: servers send both under this name, and browsers take both.
    Deflate,
    /// RFC 7932.
    Brotli,
    /// RFC 8878, window as RFC 9659.
    Zstd,
}

/// Most codings undone of one body. Nobody needs two; each multiplies what a bomb can do.
pub const LAYERS: usize = 3;

/// The codings of one body, in the order in which they were applied.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Codings {
    applied: [Option<Coding>; LAYERS],
}

impl Codings {
    /// Adds those of one field value. `false` if one is not known, or if there are too many.
    #[must_use]
    pub fn add(&mut self, value: &[u8]) -> bool {
        value
            .split(|byte| *byte == b',')
            .map(<[u8]>::trim_ascii)
            .filter(|name| !name.is_empty() && !name.eq_ignore_ascii_case(b"identity"))
            .all(|name| {
                let room = self.applied.iter_mut().find(|slot| slot.is_none());
                match (room, Coding::named(name)) {
                    (Some(slot), Some(coding)) => *slot = Some(coding),
                    _ => return false,
                }
                true
            })
    }

    /// Those of one field value; `None` as above.
    pub fn parse(value: &[u8]) -> Option<Self> {
        let mut codings = Self::default();
        codings.add(value).then_some(codings)
    }

    /// Whether there is none.
    pub fn is_identity(&self) -> bool {
        self.applied == [None; LAYERS]
    }

    /// The codings in the order in which they are to be undone.
    pub fn to_undo(self) -> impl Iterator<Item = Coding> {
        self.applied.into_iter().rev().flatten()
    }
}

impl Coding {
    fn named(name: &[u8]) -> Option<Self> {
        const NAMES: [(&[u8], Coding); 5] = [
            (b"gzip", Coding::Gzip),
            (b"x-gzip", Coding::Gzip),
            (b"deflate", Coding::Deflate),
            (b"br", Coding::Brotli),
            (b"zstd", Coding::Zstd),
        ];
        let found = NAMES.iter().find(|(known, _)| name.eq_ignore_ascii_case(known))?;
        Some(found.1)
    }

    /// Its registered name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            Self::Deflate => "deflate",
            Self::Brotli => "br",
            Self::Zstd => "zstd",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values() {
        let undone = |value: &str| {
            let codings = Codings::parse(value.as_bytes())?;
            Some(
                codings
                    .to_undo()
                    .map(Coding::as_str)
                    .collect::<Vec<_>>()
                    .join(" "),
            )
        };
        for (value, expected) in [
            ("", Some("")),
            ("identity", Some("")),
            ("GZip", Some("gzip")),
            ("x-gzip, identity ,br", Some("br gzip")),
            ("deflate,zstd,gzip", Some("gzip zstd deflate")),
            (", ,br,", Some("br")),
            ("gzip,gzip,gzip,gzip", None),
            ("compress", None),
            ("gzip;q=1", None),
            ("aws-chunked", None),
        ] {
            assert_eq!(undone(value).as_deref(), expected, "{value:?}");
        }
        assert!(Codings::parse(b"identity").unwrap().is_identity());
    }
}
