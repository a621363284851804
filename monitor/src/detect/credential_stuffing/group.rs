//! Logins of one group (an endpoint, one program there, ...) in bins of ten minutes: who failed for good, who got in,
//! and what is normal. Must not know how it is weighed.

use std::time::Duration;

use crate::{detect::share, time::Timestamp};

/// Length of a bin.
const BIN: Duration = Duration::from_mins(10);
/// Bins remembered: the long window.
pub(super) const BINS: u32 = 36;
/// Bins of the short window: the running one and the one before.
pub(super) const SHORT: u32 = 2;
/// Weight of a new bin in what is normal: half is forgotten after eleven hours.
const LEARNING: f64 = 0.01;
/// Bins after which what is normal is known.
const LEARNED: u32 = 18;
/// A bin where more failed than this is no normal one.
const NORMAL_SHARE: f64 = 0.5;

#[derive(Clone, Copy, Debug, Default)]
struct Bin {
    number: u32,
    /// Pairs of client and user that were refused and did not get in since.
    loose: u16,
    accepted: u16,
    /// Clients among the loose.
    clients: u16,
    /// The loose that tried again.
    repeated: u16,
}

/// One group.
#[derive(Debug)]
pub(super) struct Group {
    bins: [Bin; BINS as usize],
    /// The running bin.
    now: u32,
    /// Mean loose pairs of a bin.
    normal: f64,
    learned: u32,
    /// Whether anybody was ever accepted.
    pub(super) ever_accepted: bool,
    /// When it was last found to be under attack.
    pub(super) found: Option<Timestamp>,
}

/// What a window shows.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Shown {
    pub(super) loose: u32,
    pub(super) accepted: u32,
    pub(super) clients: u32,
    pub(super) repeated: u32,
    /// The loose pairs that are normal in a window of this length, if that is known.
    pub(super) normal: Option<f64>,
}

impl Shown {
    /// Share of those who failed for good.
    pub(super) fn loose_share(&self) -> f64 {
        share(self.loose, self.loose + self.accepted)
    }
}

impl Default for Group {
    fn default() -> Self {
        Self {
            bins: [Bin::default(); BINS as usize],
            now: 0,
            normal: 0.0,
            learned: 0,
            ever_accepted: false,
            found: None,
        }
    }
}

/// The number of the bin that holds `at`. Never 0.
pub(super) fn bin_number(at: Timestamp) -> u32 {
    let number = at.as_nanos() / 1_000_000_000 / BIN.as_secs();
    u32::try_from(number).unwrap_or(u32::MAX).max(1)
}

impl Group {
    /// Time goes on to the bin `number`; what is over teaches what is normal.
    fn advance(&mut self, number: u32) {
        if number <= self.now {
            return;
        }
        let first = if self.now == 0 { number } else { self.now };
        // After a long silence nothing is left of what was normal in the middle of it.
        for over in first..number.min(first.saturating_add(2 * LEARNED)) {
            let bin = self.bin(over).map_or_else(Bin::default, |bin| *bin);
            let loose = u32::from(bin.loose);
            if share(loose, loose + u32::from(bin.accepted)) > NORMAL_SHARE {
                continue;
            }
            self.learned = self.learned.saturating_add(1);
            let weight = LEARNING.max(1.0 / f64::from(self.learned));
            self.normal += weight * (f64::from(bin.loose) - self.normal);
        }
        self.now = number;
        if let Some(slot) = self.bins.get_mut((number % BINS) as usize) {
            *slot = Bin {
                number,
                ..Bin::default()
            };
        }
    }

    fn bin(&mut self, number: u32) -> Option<&mut Bin> {
        let bin = self.bins.get_mut((number % BINS) as usize)?;
        (bin.number == number).then_some(bin)
    }

    /// A pair failed; `new_client`: the first of its client in this bin.
    pub(super) fn failed(&mut self, number: u32, new_client: bool) {
        self.advance(number);
        if let Some(bin) = self.bin(number) {
            bin.loose = bin.loose.saturating_add(1);
            bin.clients = bin.clients.saturating_add(u16::from(new_client));
        }
    }

    /// A pair that had failed in this bin failed again.
    pub(super) fn again(&mut self, number: u32) {
        if let Some(bin) = self.bin(number) {
            bin.repeated = bin.repeated.saturating_add(1);
        }
    }

    /// A login was accepted.
    pub(super) fn accepted(&mut self, number: u32) {
        self.advance(number);
        self.ever_accepted = true;
        if let Some(bin) = self.bin(number) {
            bin.accepted = bin.accepted.saturating_add(1);
        }
    }

    /// A pair that had failed in this bin got in after all.
    pub(super) fn resolved(&mut self, number: u32) {
        if let Some(bin) = self.bin(number) {
            bin.loose = bin.loose.saturating_sub(1);
        }
    }

    /// The last `bins` bins.
    pub(super) fn shown(&self, bins: u32) -> Shown {
        let from = self.now.saturating_sub(bins - 1);
        let mut shown =
            self.bins
                .iter()
                .filter(|bin| bin.number >= from.max(1))
                .fold(Shown::default(), |sum, bin| Shown {
                    loose: sum.loose + u32::from(bin.loose),
                    accepted: sum.accepted + u32::from(bin.accepted),
                    clients: sum.clients + u32::from(bin.clients),
                    repeated: sum.repeated + u32::from(bin.repeated),
                    normal: None,
                });
        shown.normal = (self.learned >= LEARNED).then_some(self.normal * f64::from(bins));
        shown
    }
}
