//! Ids of objects: what is read from one, and how it is shown. Must not know where it stood.

use std::fmt;

use super::identity::{InstallKey, space};

/// Which object a request is about: a keyed hash, and the number in it if there is one.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, serde::Serialize, serde::Deserialize)]
pub struct ObjectId {
    /// Keyed hash of the id as sent.
    pub hash: u64,
    /// The number it is (`1042`) or ends with (`INV-1042`).
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
        let digits = text.iter().rev().take_while(|b| b.is_ascii_digit()).count();
        let (head, tail) = text.split_at_checked(text.len() - digits).unwrap_or_default();
        // Behind anything but a short word a number is chance: hashes and UUIDs end with digits, too.
        let worded = head.len() <= 12 && head.iter().all(|b| b.is_ascii_alphabetic() || b"-_.".contains(b));
        let number = (1..=Self::DIGITS).contains(&digits) && worded;
        Self {
            hash: key.hash(space::OBJECT, text),
            // So few digits fit.
            number: number.then(|| tail.iter().fold(0, |n, digit| n * 10 + u64::from(digit & 0xf))),
            plain: digits == text.len() && digits <= Self::PLAIN_DIGITS,
        }
    }
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
