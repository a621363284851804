//! Ids of objects: what is read from one, and how it is shown. Must not know where it stood.

use std::fmt;

use super::identity::{InstallKey, space};

/// Which object a request is about: a keyed hash, and the number in it if there is one.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, serde::Serialize, serde::Deserialize)]
pub struct ObjectId {
    /// Keyed hash of the id as sent.
    pub hash: u64,
    /// The number it is (`1042`) or ends with (`INV-1042`, `2026-00123.pdf`).
    #[serde(serialize_with = "shown")]
    pub number: Option<u64>,
    /// Whether it is nothing but the number, which then may be shown.
    pub plain: bool,
}

/// The number as it may leave memory.
#[expect(clippy::ref_option, reason = "the shape that serde wants")]
fn shown<S: serde::Serializer>(number: &Option<u64>, s: S) -> Result<S::Ok, S::Error> {
    serde::Serialize::serialize(&number.map(ObjectId::shortened), s)
}

impl fmt::Display for ObjectId {
    /// The number, or the hash where the id is more than a number.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.number {
            Some(number) if self.plain => write!(f, "{number}"),
            _ => write!(f, "id:{:012x}", self.hash >> 16),
        }
    }
}

impl ObjectId {
    /// Longest number that may be shown, digits. Longer ones can be card or telephone numbers.
    const PLAIN_DIGITS: usize = 12;
    /// The first number with more.
    const LONG: u64 = 1_000_000_000_000;
    /// Most digits of a number (10^18 fits in 64 bits).
    const DIGITS: usize = 18;

    /// The number as it may leave memory: of one that can be a card or telephone number the last digits, which tell
    /// neighbours still.
    pub(super) fn shown_number(&self) -> Option<u64> {
        self.number.map(Self::shortened)
    }

    fn shortened(number: u64) -> u64 {
        if number < Self::LONG {
            number
        } else {
            number % 1_000_000
        }
    }

    /// The id that `text` stands for.
    pub fn new(text: &[u8], key: &InstallKey) -> Self {
        let hash = key.hash(space::OBJECT, text);
        // Nearly all are numbers or far from one.
        if let Some(number) = whole_number(text) {
            return Self {
                hash,
                number: Some(number),
                plain: text.len() <= Self::PLAIN_DIGITS,
            };
        }
        let name = without_extension(text);
        let digits = name.iter().rev().take_while(|b| b.is_ascii_digit()).count();
        let (head, tail) = name.split_at_checked(name.len() - digits).unwrap_or_default();
        let number = (1..=Self::DIGITS).contains(&digits) && may_count(head, digits);
        Self {
            hash,
            // So few digits fit.
            number: number.then(|| tail.iter().fold(0, |n, digit| n * 10 + u64::from(digit & 0xf))),
            plain: false,
        }
    }
}

/// The number that a text is, if it is nothing else and fits.
#[inline]
fn whole_number(text: &[u8]) -> Option<u64> {
    if text.is_empty() || text.len() > ObjectId::DIGITS {
        return None;
    }
    text.iter().try_fold(0, |number, byte| {
        let digit = byte.wrapping_sub(b'0');
        (digit <= 9).then_some(number * 10 + u64::from(digit))
    })
}

/// A name without what says in which form it is wanted: `1042` of `1042.pdf`. Others are files by their names: what
/// photographs are called counts up, too, wherever they are kept.
fn without_extension(text: &[u8]) -> &[u8] {
    const FORMS: [&[u8]; 8] = [b"json", b"xml", b"pdf", b"csv", b"html", b"htm", b"txt", b"xlsx"];
    let dot = memchr::memrchr(b'.', text).filter(|dot| {
        let extension = text.get(dot + 1..).unwrap_or_default();
        FORMS.iter().any(|form| extension.eq_ignore_ascii_case(form))
    });
    dot.and_then(|dot| text.get(..dot)).unwrap_or(text)
}

/// Whether so many digits behind this are a number that counts. Behind anything but a short word, or a year, they are
/// chance: hashes and UUIDs end with digits, too. Two behind another number are a day or a month.
fn may_count(head: &[u8], digits: usize) -> bool {
    /// Longest head.
    const LONGEST: usize = 12;
    /// Longest part of it that is a number, and fewest digits behind one.
    const YEAR: usize = 4;
    const BEHIND: usize = 3;
    let is_join = |byte: &u8| b"-_.".contains(byte);
    let is_word = |part: &[u8]| part.iter().all(u8::is_ascii_alphabetic);
    let is_year = |part: &[u8]| part.len() <= YEAR && part.iter().all(u8::is_ascii_digit);
    let mut parts = head.split(is_join);
    if head.len() > LONGEST
        || head
            .iter()
            .any(|byte| !byte.is_ascii_alphanumeric() && !is_join(byte))
    {
        return false;
    }
    if !head.iter().any(u8::is_ascii_digit) {
        return true;
    }
    let joined = parts.next_back().is_none_or(<[u8]>::is_empty);
    joined && digits >= BEHIND && parts.all(|part| is_word(part) || is_year(part))
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: InstallKey = InstallKey([1; 16]);

    #[test]
    fn numbers_are_read_and_only_short_ones_shown() {
        for (text, number, shown) in [
            ("1042", Some(1042), "1042"),
            ("INV-1042", Some(1042), "id:"),
            ("2026-01843.pdf", Some(1843), "id:"),
            ("INV-2026-00017", Some(17), "id:"),
            ("1042.json", Some(1042), "id:"),
            ("2026-05-17", None, "id:"),
            ("2026-05", None, "id:"),
            ("a1b2c3-d4417", None, "id:"),
            ("IMG_0042.jpg", None, "id:"),
            ("1.5", None, "id:"),
            ("4111111111111111", Some(4_111_111_111_111_111), "id:"),
            ("99999999999999999999", None, "id:"),
            ("d2c7a9f0-aaaa-4bbb-8ccc-000000000017", None, "id:"),
        ] {
            let id = ObjectId::new(text.as_bytes(), &KEY);
            assert_eq!(id.number, number, "{text}");
            assert!(id.to_string().starts_with(shown), "{id}");
        }
    }
}
