//! The head of a gzip member (RFC 1952 section 2.3), byte by byte, keeping nothing. Must not inflate.

const FHCRC: u8 = 1 << 1;
const FEXTRA: u8 = 1 << 2;
const FNAME: u8 = 1 << 3;
const FCOMMENT: u8 = 1 << 4;
/// Bits that must be zero.
const RESERVED: u8 = 0xe0;
/// Magic number and compression method.
const MAGIC: [u8; 3] = [0x1f, 0x8b, 8];

/// A head in progress.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Head {
    at: At,
    flags: u8,
}

/// Where in the head.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum At {
    Fixed(u8),
    ExtraLen(Option<u8>),
    Extra(u16),
    Name,
    Comment,
    Crc(u8),
    Over,
}

/// What one more byte does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Taken {
    More,
    Over,
    /// This is no gzip.
    Broken,
}

impl Head {
    pub(super) const NEW: Self = Self {
        at: At::Fixed(0),
        flags: 0,
    };

    /// Whether a head may begin with this byte.
    pub(super) fn may_begin(byte: u8) -> bool {
        MAGIC.first() == Some(&byte)
    }

    /// Takes the next byte.
    pub(super) fn take(&mut self, byte: u8) -> Taken {
        self.at = match self.at {
            At::Fixed(at @ 0..3) if MAGIC.get(usize::from(at)) != Some(&byte) => return Taken::Broken,
            At::Fixed(3) if byte & RESERVED != 0 => return Taken::Broken,
            At::Fixed(9) => self.behind(0),
            At::Fixed(at) => {
                if at == 3 {
                    self.flags = byte;
                }
                At::Fixed(at + 1)
            }
            At::ExtraLen(None) => At::ExtraLen(Some(byte)),
            At::ExtraLen(Some(low)) => match u16::from_le_bytes([low, byte]) {
                0 => self.behind(FEXTRA),
                len => At::Extra(len),
            },
            At::Extra(1) => self.behind(FEXTRA),
            At::Extra(left) => At::Extra(left - 1),
            At::Name if byte == 0 => self.behind(FNAME),
            At::Comment if byte == 0 => self.behind(FCOMMENT),
            At::Crc(0) => At::Crc(1),
            At::Crc(_) => At::Over,
            same @ (At::Name | At::Comment | At::Over) => same,
        };
        if self.at == At::Over {
            Taken::Over
        } else {
            Taken::More
        }
    }

    /// What comes behind the part of this flag (0: behind the fixed part). The parts come in the order of this list.
    fn behind(self, part: u8) -> At {
        let parts = [
            (FEXTRA, At::ExtraLen(None)),
            (FNAME, At::Name),
            (FCOMMENT, At::Comment),
            (FHCRC, At::Crc(0)),
        ];
        let done = parts
            .iter()
            .position(|(flag, _)| *flag == part)
            .map_or(0, |at| at + 1);
        parts
            .into_iter()
            .skip(done)
            .find(|(flag, _)| self.flags & flag != 0)
            .map_or(At::Over, |(_, at)| at)
    }
}
