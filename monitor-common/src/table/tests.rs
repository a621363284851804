//! The table against an ordinary map, at homes that collide and at full load.

use core::sync::atomic::AtomicU64;
use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

fn room(shape: Shape, words: usize) -> Vec<AtomicU64> {
    (0..shape.buckets() as usize * words)
        .map(|_| AtomicU64::new(0))
        .collect()
}

fn slot(number: u32) -> Slot {
    Slot {
        index: number,
        terms: u64::from(number + 1) << 16,
    }
}

/// A multiplier with which the low 16 bits of an IPv4 address are its home.
const CROWDED: u64 = 1 << 40;

/// An address that has its home in bucket `(home - 1) mod 2^16`, under [`CROWDED`].
fn key_of(number: u32, home: u32) -> u32 {
    number << 16 | home.wrapping_sub(1) & 0xffff
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn says_what_a_map_says(steps in prop::collection::vec((0_u32..60, 0_u32..3, any::<bool>()), 1..300)) {
        let words = room(EXACT, WORDS_V4);
        let table = Table::new(&words, EXACT, CROWDED);
        let mut map: BTreeMap<u32, Slot> = BTreeMap::new();
        for (number, (low, high, insert)) in (0_u32..).zip(steps) {
            // Keys of three homes next to each other, in the last buckets and the first: more than fit.
            let key = V4(key_of(low, high));
            if insert && !map.contains_key(&key.0) {
                if table.insert(key, 32, slot(number)).is_ok() {
                    map.insert(key.0, slot(number));
                } else {
                    prop_assert!(map.len() >= EXACT.probes as usize * SLOTS);
                }
            } else if !insert {
                prop_assert_eq!(table.remove(key, 32), map.remove(&key.0));
            }
            for (key, slot) in &map {
                prop_assert_eq!(table.find(V4(*key), 32), Some(*slot));
            }
        }
        let mut listed = BTreeMap::new();
        table.for_each(|V4(key), _, slot| listed.extend([(key, slot)]));
        prop_assert_eq!(&listed, &map);
        // When all are gone, no bucket sends anybody on.
        for key in map.keys() {
            table.remove(V4(*key), 32);
        }
        prop_assert!((0..EXACT.buckets() as usize).all(|bucket| words[..].word(bucket * WORDS_V4 + 1) & OVERFLOWED == 0));
    }

    #[test]
    fn masks_cut_behind_the_length(addr in any::<u128>(), bits in 0_u8..=128) {
        let number = |V6 { high, low }: V6| u128::from(high) << 64 | u128::from(low);
        let key = V6 { high: u64::try_from(addr >> 64).unwrap(), low: u64::try_from(addr & u128::from(u64::MAX)).unwrap() };
        let wanted = if bits == 0 { 0 } else { addr & u128::MAX << (128 - bits) };
        prop_assert_eq!(number(key.masked(bits)), wanted);
        let v4 = u32::try_from(addr >> 96).unwrap();
        let wanted = if bits == 0 { 0 } else { v4 & u32::MAX << (32 - bits.min(32)) };
        prop_assert_eq!(V4(v4).masked(bits).0, wanted);
    }
}

/// As many as there can be, one after the other and far apart.
#[test]
fn a_full_ledger_fits() {
    const SEED: u64 = 0x9e37_79b9_7f4a_7c15;
    for spread in [1, 0x0001_0001, 256, 0x9e37_79b1] {
        let (v4, v6) = (room(EXACT, WORDS_V4), room(EXACT, WORDS_V6));
        let (v4, v6) = (Table::new(&v4, EXACT, SEED), Table::new(&v6, EXACT, SEED));
        for number in 0..crate::names::LEASES_MAX {
            let addr = number.wrapping_mul(spread);
            let high = 0x2001_0db8_0000_0000 | u64::from(addr);
            v4.insert(V4(addr), 32, slot(number)).unwrap();
            v6.insert(V6 { high, low: 1 }, 128, slot(number)).unwrap();
        }
        assert_eq!(v4.find(V4(5_u32.wrapping_mul(spread)), 32), Some(slot(5)));
        assert_eq!(
            v4.find(V4(5_u32.wrapping_mul(spread)), 31),
            None,
            "another length is another key"
        );
    }
}

/// As many nets as there can be, in their smaller table.
#[test]
fn all_nets_fit() {
    let words = room(NETS, WORDS_V6);
    let table = Table::new(&words, NETS, 0x9e37_79b9_7f4a_7c15);
    for number in 0..crate::names::NETS_MAX {
        let high = 0x2001_0db8_0000_0000 | u64::from(number) << 8;
        table.insert(V6 { high, low: 0 }, 56, slot(number)).unwrap();
    }
}

#[test]
fn terms_change_in_place_and_keep_the_way_on() {
    let words = room(EXACT, WORDS_V4);
    let table = Table::new(&words, EXACT, CROWDED);
    let keys: Vec<V4> = (0..9).map(|n| V4(n << 16 | 0x700)).collect();
    for (number, key) in (0..).zip(&keys) {
        table.insert(*key, 32, slot(number)).unwrap();
    }
    assert!(table.update(keys[0], 32, 0xabc0_0000));
    assert!(!table.update(V4(1), 32, 0xabc0_0000));
    assert_eq!(table.find(keys[0], 32).unwrap().terms, 0xabc0_0000);
    assert_eq!(
        table.find(keys[8], 32),
        Some(slot(8)),
        "the last is two buckets on"
    );
    table.clear();
    assert_eq!(table.find(keys[8], 32), None);
}
