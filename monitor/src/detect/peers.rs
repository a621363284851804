//! What the actors of one endpoint usually do, as a histogram that needs no memory of them: how many objects, pages or
//! requests each comes to. Must not know what is counted.

/// How far the actors of one endpoint go: a histogram by powers of two.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Peers {
    buckets: [u32; 12],
}

/// Fewer actors than this are no peers to compare with.
const PEERS_MIN: u32 = 8;
/// So many show what everybody does.
const MANY: u32 = 30;

impl Peers {
    /// A new actor, with nothing that counts.
    pub(super) fn enter(&mut self) {
        if self.buckets.iter().sum::<u32>() >= 8192 {
            self.buckets = self.buckets.map(|count| count / 2);
        }
        self.buckets[0] += 1;
    }

    /// An actor came to `total` distinct objects.
    pub(super) fn grew(&mut self, total: u32) {
        if total.is_power_of_two() {
            self.shift(bucket(total - 1), -1);
            self.shift(bucket(total), 1);
        }
    }

    /// An actor came to `total`, by more than one step.
    pub(super) fn arrive(&mut self, total: u32) {
        self.shift(bucket(total), 1);
    }

    /// An actor turned out to be no example.
    pub(super) fn leave(&mut self, total: u32) {
        self.shift(bucket(total), -1);
    }

    /// What `percent` of the actors stay below, if enough are known.
    pub(super) fn quantile(&self, percent: u32) -> Option<u32> {
        let actors: u32 = self.buckets.iter().sum();
        if actors < PEERS_MIN {
            return None;
        }
        let mut below = 0;
        let at = self.buckets.iter().position(|count| {
            below += count;
            u64::from(below) * 100 >= u64::from(actors) * u64::from(percent)
        })?;
        Some((1 << at) - 1)
    }

    /// Whether nearly everybody comes to one at most, of enough actors to say so.
    pub(super) fn have_one(&self) -> bool {
        self.buckets.iter().sum::<u32>() >= MANY && self.quantile(90).is_some_and(|usual| usual <= 1)
    }

    fn shift(&mut self, at: usize, by: i32) {
        if let Some(count) = self.buckets.get_mut(at) {
            *count = count.saturating_add_signed(by);
        }
    }
}

/// 0 for none, else one more than the power of two.
fn bucket(total: u32) -> usize {
    ((u32::BITS - total.leading_zeros()) as usize).min(11)
}
