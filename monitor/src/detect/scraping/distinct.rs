//! How many different objects one actor took, in little memory. Must not know which.

/// Objects that are remembered as they are: most actors take no more.
const FEW: usize = 4;
/// Words of the map that more are counted with.
const WORDS: usize = 32;

/// The objects of one actor.
#[derive(Debug, Default)]
pub(super) struct Objects {
    /// How many, exactly up to [`FEW`], else estimated.
    pub(super) distinct: u32,
    few: [u32; FEW],
    map: Option<Box<Map>>,
}

#[derive(Debug, Default)]
struct Map {
    words: [u64; WORDS],
    set: u32,
}

impl Objects {
    /// Takes in an object, by a key that nobody outside can choose.
    pub(super) fn add(&mut self, key: u64) {
        if let Some(map) = &mut self.map {
            if map.add(key) {
                self.distinct = map.estimate();
            }
            return;
        }
        let held = self.distinct as usize;
        // All bits of a map are in this half of the key.
        let half = (key & 0xffff_ffff) as u32;
        if self.few.iter().take(held).any(|known| *known == half) {
            return;
        }
        if let Some(slot) = self.few.get_mut(held) {
            (*slot, self.distinct) = (half, self.distinct + 1);
            return;
        }
        let mut map = Box::<Map>::default();
        for known in self.few {
            map.add(u64::from(known));
        }
        map.add(key);
        self.distinct = map.estimate();
        self.map = Some(map);
    }
}

impl Map {
    /// Whether the object is a new one, as far as can be told.
    fn add(&mut self, key: u64) -> bool {
        let bit = key % (WORDS as u64 * 64);
        let Some(word) = self.words.get_mut((bit / 64) as usize) else {
            return false;
        };
        let new = *word & 1 << (bit % 64) == 0;
        *word |= 1 << (bit % 64);
        self.set += u32::from(new);
        new
    }

    /// How many objects set so many bits, by linear counting: exact enough up to 10,000.
    fn estimate(&self) -> u32 {
        let all = f64::from(u32::try_from(WORDS * 64).unwrap_or(u32::MAX));
        let free = (all - f64::from(self.set)).max(1.0);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "at most 16,000"
        )]
        let estimate = (-all * (free / all).ln()).round() as u32;
        estimate
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observe::identity::InstallKey;

    #[test]
    fn few_are_counted_and_many_estimated() {
        let mut objects = Objects::default();
        for n in 0..2000u64 {
            let key = InstallKey([1; 16]).hash(1, &n.to_le_bytes());
            objects.add(key);
            objects.add(key);
            let error = (n + 1) / 10;
            assert!(
                u64::from(objects.distinct).abs_diff(n + 1) <= error,
                "{} of {}",
                objects.distinct,
                n + 1
            );
        }
        assert!(objects.map.is_some_and(|map| map.set > 1000));
    }
}
