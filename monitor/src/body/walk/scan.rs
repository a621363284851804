//! Finds either of two bytes, quickly also where it is near. Must not know what they mean.

/// Bytes looked at by words of eight; farther away a search in vectors is quicker, whose call costs more.
const NEAR: usize = 32;

/// Where the first `A` or `B` is.
#[inline]
pub(super) fn find2<const A: u8, const B: u8>(bytes: &[u8]) -> Option<usize> {
    let mut at = 0;
    let mut rest = bytes;
    while let Some((word, tail)) = rest.split_first_chunk() {
        let word = u64::from_le_bytes(*word);
        let hit = zeros(word ^ every(A)) | zeros(word ^ every(B));
        if hit != 0 {
            return Some(at + hit.trailing_zeros() as usize / 8);
        }
        at += 8;
        rest = tail;
        if at >= NEAR {
            return memchr::memchr2(A, B, rest).map(|far| at + far);
        }
    }
    let near = rest.iter().position(|byte| *byte == A || *byte == B)?;
    Some(at + near)
}

const fn every(byte: u8) -> u64 {
    u64::from_le_bytes([byte; 8])
}

/// The top bit of each zero byte. Bytes above the first zero may be marked wrongly.
#[inline]
fn zeros(word: u64) -> u64 {
    word.wrapping_sub(every(1)) & !word & every(0x80)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_a_plain_search() {
        let mut bytes = Vec::new();
        for len in 0..80 {
            bytes.resize(len, b'#');
            assert_eq!(find2::<b'"', b'\\'>(&bytes), None);
            for at in 0..len {
                // Neighbours of the wanted bytes are where such tricks go wrong.
                for (wanted, behind) in [(b'"', b'#'), (b'\\', b']'), (b'"', b'!'), (b'\\', b'"')] {
                    let mut bytes = bytes.clone();
                    bytes[at] = wanted;
                    if let Some(next) = bytes.get_mut(at + 1) {
                        *next = behind;
                    }
                    assert_eq!(find2::<b'"', b'\\'>(&bytes), Some(at), "{len} {at}");
                }
            }
        }
    }
}
