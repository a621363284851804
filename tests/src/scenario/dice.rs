//! Chance that is the same everywhere: seeded, without a clock. Must not know what is decided by it.

use std::fmt::Write as _;

/// `SplitMix64`.
#[derive(Clone, Debug)]
pub struct Dice(u64);

impl Dice {
    /// From a seed.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Dice of their own for one thing, so that what others throw changes nothing for it.
    #[must_use]
    pub fn of(seed: u64, name: &str) -> Self {
        let mixed = name.bytes().fold(seed ^ 0xcbf2_9ce4_8422_2325, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        let mut dice = Self(mixed);
        dice.roll();
        dice
    }

    /// The next 64 bits.
    pub fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// One of `0..n`; 0 for `n` of 0.
    pub fn below(&mut self, n: usize) -> usize {
        let n = u64::try_from(n).unwrap_or(u64::MAX).max(1);
        usize::try_from(self.roll() % n).unwrap_or(0)
    }

    /// A number in `0.0..1.0`.
    #[expect(clippy::cast_precision_loss, reason = "53 bits fit")]
    pub fn unit(&mut self) -> f64 {
        (self.roll() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// True so often.
    pub fn chance(&mut self, share: f64) -> bool {
        self.unit() < share
    }

    /// Between two positive numbers, every order of magnitude as likely as the others.
    pub fn between(&mut self, low: f64, high: f64) -> f64 {
        if high <= low {
            return low;
        }
        let low_ln = low.max(1e-6).ln();
        (low_ln + (high.ln() - low_ln) * self.unit()).exp()
    }

    /// A power law with exponent `s` between two counts: many small, few large.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "small positive counts"
    )]
    pub fn zipf(&mut self, s: f64, low: usize, high: usize) -> usize {
        let (from, to) = (low.max(1) as f64, high.max(1) as f64);
        let power = 1.0 - s;
        let (a, b) = (from.powf(power), (to + 1.0).powf(power));
        let x = (a + (b - a) * self.unit()).powf(1.0 / power);
        (x as usize).clamp(low, high)
    }

    /// So many hexadecimal digits.
    pub fn hex(&mut self, digits: usize) -> String {
        let mut text = String::with_capacity(digits + 16);
        while text.len() < digits {
            let _ = write!(text, "{:016x}", self.roll());
        }
        text.truncate(digits);
        text
    }

    /// A ULID whose time is that of the so-many-th of a row that are minutes apart.
    pub fn ulid(&mut self, nth: usize) -> String {
        const DIGITS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
        let time_ms = 1_760_000_000_000 + 60_000 * nth as u64 + self.roll() % 60_000;
        let digit = |bits: u64| char::from(DIGITS.get((bits % 32) as usize).copied().unwrap_or(b'0'));
        let time = (0..10).rev().map(|at| digit(time_ms >> (5 * at)));
        let mut text: String = time.collect();
        text.extend((0..16).map(|_| digit(self.roll())));
        text
    }

    /// A random UUID (RFC 9562, version 4).
    pub fn uuid(&mut self) -> String {
        let hex = self.hex(30);
        let part = |range: std::ops::Range<usize>| hex.get(range).unwrap_or_default().to_owned();
        format!(
            "{}-{}-4{}-a{}-{}",
            part(0..8),
            part(8..12),
            part(12..15),
            part(15..18),
            part(18..30)
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_throws_the_same() {
        let (mut a, mut b) = (Dice::of(7, "x"), Dice::of(7, "x"));
        assert!((0..100).all(|_| a.roll() == b.roll()));
        assert_ne!(Dice::of(7, "x").roll(), Dice::of(7, "y").roll());
        assert_ne!(Dice::of(7, "x").roll(), Dice::of(8, "x").roll());
    }

    #[test]
    fn ranges_are_kept() {
        let mut dice = Dice::new(1);
        for _ in 0..1000 {
            assert!((1..=40).contains(&dice.zipf(1.3, 1, 40)));
            let gap = dice.between(0.5, 20.0);
            assert!((0.5..=20.0).contains(&gap));
        }
        assert_eq!(dice.uuid().len(), 36);
    }
}
