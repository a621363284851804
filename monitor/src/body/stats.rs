//! What was read of bodies and what could not be. Must not know who asks.

use super::{fact::BodyFact, reading::Read};

/// Counters of body reading. Only bodies of media that are walked count at all.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct BodyStats {
    /// Bodies that were read, as far as the settings say.
    pub read: u64,
    /// Of these, coded.
    pub decoded: u64,
    /// Bytes read of them, as on the wire.
    pub read_bytes: u64,
    /// Bytes walked, decoded.
    pub walked_bytes: u64,
    /// Fields seen.
    pub fields: u64,
    /// Bodies of which the rest was not read because enough had been.
    pub capped: u64,
    /// Bodies that ended early or had holes.
    pub incomplete: u64,
    /// Bodies not read, or not to their end, because too many were being read.
    pub shed: u64,
    /// Bodies whose coding is not known.
    pub unknown_coding: u64,
    /// Bodies whose coding was broken.
    pub broken_coding: u64,
    /// Bodies that were bombs.
    pub bombs: u64,
    /// Bodies that were not well-formed.
    pub broken: u64,
}

impl BodyStats {
    /// Every counter with its stable name.
    pub fn counters(&self) -> impl Iterator<Item = (&'static str, u64)> + use<> {
        [
            ("bodies_read", self.read),
            ("bodies_decoded", self.decoded),
            ("bodies_read_bytes", self.read_bytes),
            ("bodies_walked_bytes", self.walked_bytes),
            ("bodies_fields", self.fields),
            ("bodies_capped", self.capped),
            ("bodies_incomplete", self.incomplete),
            ("bodies_shed", self.shed),
            ("bodies_unread_coding", self.unknown_coding),
            ("bodies_broken_coding", self.broken_coding),
            ("bodies_bombs", self.bombs),
            ("bodies_broken", self.broken),
        ]
        .into_iter()
    }

    /// Counts a body that was read.
    pub(super) fn add(&mut self, read: &Read) {
        self.read += 1;
        self.decoded += u64::from(read.coding.is_some());
        self.read_bytes += read.read_bytes;
        self.walked_bytes += read.walked_bytes;
        self.fields += u64::from(read.fields);
        let by_fact = [
            (BodyFact::Cut, &mut self.capped),
            (BodyFact::Incomplete, &mut self.incomplete),
            (BodyFact::Shed, &mut self.shed),
            (BodyFact::BrokenCoding, &mut self.broken_coding),
            (BodyFact::Bomb, &mut self.bombs),
            (BodyFact::Broken, &mut self.broken),
        ];
        for (fact, counter) in by_fact {
            *counter += u64::from(read.facts.contains(fact));
        }
    }
}
