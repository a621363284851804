//! The first question about nets: which lengths can a leased net around this address have? A table answers it for an
//! area of addresses at a time, so that leased nets cost those far from them one look, and those near them one search
//! for each length that occurs there.
//!
//! An area of IPv4 is a /20. An area of IPv6 is all that has the same hash of its /48, and speaks only of nets of that
//! length or longer; shorter ones, of which there are few lengths, are always looked for. Lengths come in 32 classes:
//! of IPv4 each is one, of IPv6 four neighbours are (so /48, /56 and /64 are in three of them). Bits of a mask stand
//! for classes, the longest first. Must not know what a lease does.

use crate::table::{V4, V6, mix};

/// Areas of IPv4.
pub const AREAS_V4: u32 = 1 << AREA_BITS_V4;
/// Areas of IPv6.
pub const AREAS_V6: u32 = 1 << AREA_BITS_V6;
/// Leading bits of an address that say in which area of IPv4 it is.
pub const AREA_BITS_V4: u32 = 20;
const AREA_BITS_V6: u32 = 18;
/// IPv6 nets of at least this length are in the table. A multiple of four: no class is on both sides.
pub const AREA_LENGTH_V6: u8 = 48;
/// Masks in a word of the table.
pub const MASKS: u32 = 2;
/// Words of the IPv4 table.
pub const WORDS_V4: u32 = AREAS_V4 / MASKS;
/// Words of the IPv6 table.
pub const WORDS_V6: u32 = AREAS_V6 / MASKS;

/// Lengths of a class, as a power of two: of IPv4 and IPv6.
pub const CLASS_SHIFT_V4: u32 = 0;
/// The same of IPv6.
pub const CLASS_SHIFT_V6: u32 = 2;

/// The area of an IPv4 address.
#[inline(always)]
pub const fn area_v4(addr: V4) -> u32 {
    addr.0 >> (32 - AREA_BITS_V4)
}

/// The area of an IPv6 address.
#[inline(always)]
pub const fn area_v6(addr: V6, seed: u64) -> u32 {
    (mix(addr.high >> (64 - AREA_LENGTH_V6), seed) >> (64 - AREA_BITS_V6)) as u32
}

/// The word in which the mask of an area is.
#[inline(always)]
pub const fn word(area: u32) -> u32 {
    area / MASKS
}

/// How far the mask of an area stands from the low end of its word.
#[inline(always)]
pub const fn shift(area: u32) -> u32 {
    area % MASKS * 32
}

/// The bit of the class of a length in a mask: the greater the length, the lower the bit.
#[inline(always)]
pub const fn bit(length: u8, class_shift: u32) -> u32 {
    1 << (31 - ((length as u32 >> class_shift) & 31))
}

/// The longest length of the class at a bit of a mask.
#[inline(always)]
#[expect(clippy::cast_possible_truncation, reason = "below 128")]
pub const fn longest(place: u32, class_shift: u32) -> u8 {
    ((32 << class_shift) - 1 - (place << class_shift)) as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_length_is_in_the_class_of_its_bit() {
        for (lengths, class_shift) in [(32_u8, CLASS_SHIFT_V4), (128, CLASS_SHIFT_V6)] {
            let mut before = 0;
            for length in (0..lengths).rev() {
                let place = bit(length, class_shift).trailing_zeros();
                assert!(place >= before, "longest first");
                before = place;
                let longest = longest(place, class_shift);
                assert!(length <= longest && longest - length < 1 << class_shift);
            }
        }
        assert_eq!(
            bit(AREA_LENGTH_V6, CLASS_SHIFT_V6) << 1,
            bit(AREA_LENGTH_V6 - 1, CLASS_SHIFT_V6),
            "no class is both in the table and not"
        );
    }

    #[test]
    fn masks_share_words_and_not_bits() {
        for area in [0, 1, 2, AREAS_V4 - 1] {
            assert!(word(area) < WORDS_V4 && shift(area) <= 32);
        }
        assert_eq!(
            [word(6), word(7), shift(6), shift(7)],
            [3, 3, 0, 32],
            "two to a word"
        );
    }
}
