//! Who sends packets: a table of each CPU for each address family, in which heavy senders outlast a flood of made-up
//! ones. A set of four slots is found by hash; where it is full, the slot with the fewest packets gives way (each 17 s
//! of silence halve what they weigh), which is counted. What gives way last is therefore whoever sends much.
//!
//! Nothing is allocated and nothing locked, so an unknown source costs what a known one does. What a lease stopped is
//! counted in the lease. Must not know about leases.

use crate::{
    table::{V4, V6, mix},
    words::{Words, high, join, low, short_time},
};

/// Slots of a set.
pub const WAYS: usize = 4;
/// Sets of each CPU's IPv4 table.
pub const SETS_V4: u32 = 1 << SET_BITS_V4;
/// Sets of each CPU's IPv6 table.
pub const SETS_V6: u32 = 1 << SET_BITS_V6;
/// Words of a set of IPv4 sources.
pub const SET_WORDS_V4: usize = WAYS * V4::SOURCE_WORDS;
/// Words of a set of IPv6 sources.
pub const SET_WORDS_V6: usize = WAYS * V6::SOURCE_WORDS;

const SET_BITS_V4: u32 = 12;
const SET_BITS_V6: u32 = 11;
/// What a slot weighs is halved by each 2^14 units of silence, about 17 s.
const FADE_BITS: u32 = 14;

/// What one source sent, as far as it passed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct SourceEntry {
    /// Packets from the source that the shield passed.
    pub packets: u64,
    /// Bytes of those packets, on the wire.
    pub bytes: u64,
    /// Of those packets, the ones that ask for a connection: TCP with SYN and without ACK.
    pub syns: u64,
    /// First packet, nanoseconds of `CLOCK_MONOTONIC` (about a millisecond coarse).
    pub first_ns: u64,
    /// Last packet, same clock.
    pub last_ns: u64,
}

impl SourceEntry {
    /// Adds what another CPU counted.
    pub fn merge(&mut self, other: &Self) {
        self.packets = self.packets.wrapping_add(other.packets);
        self.bytes = self.bytes.wrapping_add(other.bytes);
        self.syns = self.syns.wrapping_add(other.syns);
        self.last_ns = self.last_ns.max(other.last_ns);
        self.first_ns = match (self.first_ns, other.first_ns) {
            (0, first) | (first, 0) => first,
            (a, b) => a.min(b),
        };
    }
}

/// A packet that passed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Passed {
    /// Its bytes on the wire.
    pub bytes: u64,
    /// Whether it asks for a connection.
    pub syn: bool,
    /// When, nanoseconds of `CLOCK_MONOTONIC`.
    pub now_ns: u64,
}

/// What was done with a packet's source.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[must_use]
pub enum Counted {
    /// It is known.
    Known,
    /// It is new, and there was room.
    New,
    /// It is new, and another gave way, of which this many packets were counted.
    Instead(u64),
}

/// An address as the key of a slot. A slot ends in packets, bytes and times; SYNs stand where the family has room.
pub trait SourceKey: Copy {
    /// Words of a slot.
    const SOURCE_WORDS: usize;
    /// The set in which it is. `seed` is odd and secret.
    fn set(self, seed: u64) -> u32;
    /// Whether the slot at word `at` is its.
    fn is_in<W: Words + ?Sized>(self, set: &W, at: usize) -> bool;
    /// Takes the slot at word `at`, without a count.
    fn take<W: Words + ?Sized>(self, set: &W, at: usize, syn: bool);
    /// Counts a SYN.
    fn add_syn<W: Words + ?Sized>(set: &W, at: usize);
    /// Key and SYNs of the slot at word `at`.
    fn read<W: Words + ?Sized>(set: &W, at: usize) -> (Self, u64);
}

/// Words of a slot, counted from its end.
const PACKETS: usize = 3;
const BYTES: usize = 2;
const TIMES: usize = 1;

impl SourceKey for V4 {
    const SOURCE_WORDS: usize = 4;

    #[inline(always)]
    fn set(self, seed: u64) -> u32 {
        (mix(u64::from(self.0), seed) >> (64 - SET_BITS_V4)) as u32
    }

    #[inline(always)]
    fn is_in<W: Words + ?Sized>(self, set: &W, at: usize) -> bool {
        low(set.word(at)) == self.0
    }

    #[inline(always)]
    fn take<W: Words + ?Sized>(self, set: &W, at: usize, syn: bool) {
        set.set_word(at, join(self.0, u32::from(syn)));
    }

    #[inline(always)]
    fn add_syn<W: Words + ?Sized>(set: &W, at: usize) {
        let word = set.word(at);
        // 2^32 SYNs of one source are more than any figure of them needs.
        set.set_word(at, join(low(word), high(word).saturating_add(1)));
    }

    #[inline(always)]
    fn read<W: Words + ?Sized>(set: &W, at: usize) -> (Self, u64) {
        let word = set.word(at);
        (Self(low(word)), u64::from(high(word)))
    }
}

impl SourceKey for V6 {
    const SOURCE_WORDS: usize = 6;

    #[inline(always)]
    fn set(self, seed: u64) -> u32 {
        (mix(self.low ^ mix(self.high, seed), seed) >> (64 - SET_BITS_V6)) as u32
    }

    #[inline(always)]
    fn is_in<W: Words + ?Sized>(self, set: &W, at: usize) -> bool {
        set.word(at + 1) == self.low && set.word(at) == self.high
    }

    #[inline(always)]
    fn take<W: Words + ?Sized>(self, set: &W, at: usize, syn: bool) {
        set.set_word(at, self.high);
        set.set_word(at + 1, self.low);
        set.set_word(at + 2, u64::from(syn));
    }

    #[inline(always)]
    fn add_syn<W: Words + ?Sized>(set: &W, at: usize) {
        set.set_word(at + 2, set.word(at + 2).wrapping_add(1));
    }

    #[inline(always)]
    fn read<W: Words + ?Sized>(set: &W, at: usize) -> (Self, u64) {
        let key = Self {
            high: set.word(at),
            low: set.word(at + 1),
        };
        (key, set.word(at + 2))
    }
}

/// Counts a passed packet in the set of its source. `room` is [`WAYS`] words to think in.
#[inline(always)]
pub fn count<K: SourceKey, W: Words + ?Sized, R: Words + ?Sized>(
    set: &W,
    room: &R,
    key: K,
    packet: Passed,
) -> Counted {
    let now = short_time(packet.now_ns);
    for way in 0..WAYS {
        let (at, end) = (way * K::SOURCE_WORDS, (way + 1) * K::SOURCE_WORDS);
        let packets = set.word(end - PACKETS);
        if packets != 0 && key.is_in(set, at) {
            set.set_word(end - PACKETS, packets.wrapping_add(1));
            set.set_word(end - BYTES, set.word(end - BYTES).wrapping_add(packet.bytes));
            set.set_word(end - TIMES, join(low(set.word(end - TIMES)), now));
            if packet.syn {
                K::add_syn(set, at);
            }
            return Counted::Known;
        }
    }
    let way = weakest::<K, W, R>(set, room, now) & (WAYS - 1);
    let (at, end) = (way * K::SOURCE_WORDS, (way + 1) * K::SOURCE_WORDS);
    let before = set.word(end - PACKETS);
    key.take(set, at, packet.syn);
    set.set_word(end - PACKETS, 1);
    set.set_word(end - BYTES, packet.bytes);
    set.set_word(end - TIMES, join(now, now));
    if before == 0 {
        Counted::New
    } else {
        Counted::Instead(before)
    }
}

/// The slot that weighs least. The weights go through `room`, so that the verifier forgets how each came about and does
/// not look at every way to have four of them.
#[inline(always)]
fn weakest<K: SourceKey, W: Words + ?Sized, R: Words + ?Sized>(set: &W, room: &R, now: u32) -> usize {
    for way in 0..WAYS {
        let end = (way + 1) * K::SOURCE_WORDS;
        let (packets, last) = (set.word(end - PACKETS), high(set.word(end - TIMES)));
        room.set_word(way, weight(packets, last, now));
    }
    let [a, b, c, d] = [0, 1, 2, 3].map(|way| room.word(way));
    let (ab, first) = if b < a { (b, 1) } else { (a, 0) };
    let (cd, second) = if d < c { (d, 3) } else { (c, 2) };
    if cd < ab { second } else { first }
}

/// What a slot weighs: its packets, faded by silence; among equals the one silent for longer weighs less.
#[inline(always)]
fn weight(packets: u64, last: u32, now: u32) -> u64 {
    if packets == 0 {
        return 0;
    }
    let age = now.wrapping_sub(last);
    let faded = (packets >> (age >> FADE_BITS).min(63)).min(u64::from(u32::MAX) - 1) + 1;
    faded << 32 | u64::from(!age)
}

/// The sources of one set.
#[cfg(any(test, feature = "user"))]
pub fn entries<K: SourceKey, W: Words + ?Sized>(
    set: &W,
    now_ns: u64,
) -> impl Iterator<Item = (K, SourceEntry)> {
    use crate::words::long_time;
    (0..WAYS).filter_map(move |way| {
        let (at, end) = (way * K::SOURCE_WORDS, (way + 1) * K::SOURCE_WORDS);
        let packets = set.word(end - PACKETS);
        let (key, syns) = K::read(set, at);
        let times = set.word(end - TIMES);
        let entry = SourceEntry {
            packets,
            bytes: set.word(end - BYTES),
            syns,
            first_ns: long_time(low(times), now_ns),
            last_ns: long_time(high(times), now_ns),
        };
        (packets != 0).then_some((key, entry))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::sync::atomic::AtomicU64;

    fn set(words: usize) -> Vec<AtomicU64> {
        (0..words).map(|_| AtomicU64::new(0)).collect()
    }

    const SECOND_NS: u64 = 1_000_000_000;

    fn pass<K: SourceKey>(set: &[AtomicU64], key: K, bytes: u64, syn: bool, now_ns: u64) -> Counted {
        let room: [AtomicU64; WAYS] = Default::default();
        count(set, &room[..], key, Passed { bytes, syn, now_ns })
    }

    fn known<K: SourceKey>(set: &[AtomicU64]) -> Vec<u64> {
        entries::<K, _>(set, 1 << 50)
            .map(|(_, entry)| entry.packets)
            .collect()
    }

    #[test]
    fn counts_both_families() {
        let (v4, v6) = (set(SET_WORDS_V4), set(SET_WORDS_V6));
        let key = V6 { high: 1, low: 2 };
        for (at, syn) in [(1, true), (2, false), (3, true)] {
            let now = at * SECOND_NS;
            let first = at == 1;
            let wanted = if first { Counted::New } else { Counted::Known };
            assert_eq!(pass(&v4, V4(0), 60, syn, now), wanted, "the address 0 is one too");
            assert_eq!(pass(&v6, key, 80, syn, now), wanted);
        }
        let (V4(0), entry) = entries::<V4, _>(&v4[..], 4 * SECOND_NS).next().unwrap() else {
            panic!("another address");
        };
        assert_eq!((entry.packets, entry.bytes, entry.syns), (3, 180, 2));
        assert!(
            entry.first_ns.abs_diff(SECOND_NS) < 1 << 20 && entry.last_ns.abs_diff(3 * SECOND_NS) < 1 << 20
        );
        let (found, entry) = entries::<V6, _>(&v6[..], 4 * SECOND_NS).next().unwrap();
        assert_eq!((found, entry.packets, entry.syns), (key, 3, 2));
    }

    #[test]
    fn heavy_senders_outlast_a_flood_and_fade_in_silence() {
        let set = set(SET_WORDS_V4);
        for sender in 0..3 {
            for _ in 0..1000 {
                let _known = pass(&set, V4(sender), 60, false, SECOND_NS);
            }
        }
        let mut gone = 0;
        for spoofed in 100..10_100 {
            if let Counted::Instead(packets) = pass(&set, V4(spoofed), 60, true, 2 * SECOND_NS) {
                gone += packets;
            }
        }
        assert_eq!(gone, 9_999, "each but the first took the place of one before it");
        assert_eq!(known::<V4>(&set), [1000, 1000, 1000, 1]);
        let later = 600 * SECOND_NS;
        for spoofed in 1..5 {
            let _instead = pass(&set, V4(spoofed << 16), 60, true, later);
        }
        assert_eq!(
            known::<V4>(&set),
            [1, 1, 1, 1],
            "ten minutes of silence weigh nothing"
        );
    }

    #[test]
    fn merging_knows_a_cpu_that_saw_nothing() {
        let one = SourceEntry {
            packets: 2,
            bytes: 100,
            syns: 1,
            first_ns: 5,
            last_ns: 9,
        };
        let two = SourceEntry {
            packets: 3,
            bytes: 200,
            syns: 0,
            first_ns: 3,
            last_ns: 7,
        };
        let mut sum = SourceEntry::default();
        for cpu in [SourceEntry::default(), one, two, SourceEntry::default()] {
            sum.merge(&cpu);
        }
        assert_eq!(
            sum,
            SourceEntry {
                packets: 5,
                bytes: 300,
                syns: 1,
                first_ns: 3,
                last_ns: 9
            }
        );
    }
}
