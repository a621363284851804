//! Reassembly of IP fragments, bounded. Must not know TCP.
//!
//! Overlaps as Linux has them since 4.19 (`inet_frag_queue_insert`, RFC 5722 for both versions): a fragment that lies
//! within what is already there is a duplicate and ignored; any other overlap makes the whole packet void. Only
//! captures need this: the tap sits behind the host's own reassembly.

use std::collections::BTreeMap;

use hashbrown::HashMap;
use monitor_common::{
    IpKey,
    wire::{FragmentView, Network, ether_type},
};

use super::Skip;
use crate::{limits::Limits, time::Timestamp};

/// The greatest IP payload, bytes.
const PAYLOAD_MAX: u32 = 65_515;
/// What a kept fragment costs beyond its bytes.
const FRAGMENT_OVERHEAD: usize = 64;

/// What makes fragments parts of one packet (RFC 791 section 3.2, RFC 8200 section 4.5).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
struct Key {
    src: IpKey,
    dst: IpKey,
    id: u32,
    protocol: u8,
}

/// A packet of which some fragments are there.
#[derive(Debug)]
struct Partial {
    serial: u64,
    first: Timestamp,
    /// Sorted, without overlap.
    parts: Vec<(u32, Vec<u8>)>,
    /// Payload length, once the last fragment is there.
    total: Option<u32>,
    /// An overlap was seen: further fragments are ignored.
    void: bool,
    bytes: usize,
}

/// Packets that wait for fragments.
#[derive(Debug)]
pub(super) struct Defrag {
    packets_max: usize,
    bytes_max: usize,
    age_max: std::time::Duration,
    partials: HashMap<Key, Partial, foldhash::fast::RandomState>,
    /// Oldest first, by serial number.
    order: BTreeMap<u64, Key>,
    bytes: usize,
    serial: u64,
    /// Packets given up, by age or for room.
    shed: u64,
    whole: Vec<u8>,
}

impl Defrag {
    pub(super) fn new(limits: &Limits) -> Self {
        Self {
            packets_max: limits.fragment_packets,
            bytes_max: limits.fragment_bytes,
            age_max: limits.fragment_age,
            partials: HashMap::default(),
            order: BTreeMap::new(),
            bytes: 0,
            serial: 0,
            shed: 0,
            whole: Vec::new(),
        }
    }

    /// Packets that were given up before all fragments were there.
    pub(super) fn shed(&self) -> u64 {
        self.shed
    }

    /// The packet completed last.
    pub(super) fn whole(&self) -> &[u8] {
        &self.whole
    }

    /// Takes a fragment. If it completes a packet, [`Self::whole`] is that packet, with a network header of its own.
    pub(super) fn add(&mut self, view: &FragmentView, frame: &[u8], ts: Timestamp) -> Result<Network, Skip> {
        self.expire(ts);
        let part = frame
            .get(view.payload_off..)
            .and_then(|rest| rest.get(..view.payload_len as usize))
            .ok_or(Skip::FragmentBad)?;
        // All but the last are multiples of eight bytes; no packet is longer than its length field can say.
        let end = view.offset + view.payload_len;
        if part.is_empty() || end > PAYLOAD_MAX || (view.more && !part.len().is_multiple_of(8)) {
            return Err(Skip::FragmentBad);
        }
        let key = Key {
            src: view.src,
            dst: view.dst,
            id: view.id,
            protocol: view.protocol,
        };
        let before = self.bytes;
        let partial = self.entry(key, ts);
        let had = partial.bytes;
        let kept = partial.insert(view, part, end);
        let (grown, done) = (partial.bytes, partial.is_complete());
        self.bytes = before + grown - had;
        kept?;
        if done {
            return Ok(self.complete(&key));
        }
        while self.bytes > self.bytes_max {
            self.shed_oldest();
        }
        Err(Skip::FragmentKept)
    }

    fn entry(&mut self, key: Key, ts: Timestamp) -> &mut Partial {
        if !self.partials.contains_key(&key) {
            while self.partials.len() >= self.packets_max {
                self.shed_oldest();
            }
            self.serial += 1;
            self.order.insert(self.serial, key);
        }
        let serial = self.serial;
        self.partials
            .entry(key)
            .or_insert_with(|| Partial::new(serial, ts))
    }

    fn expire(&mut self, now: Timestamp) {
        while let Some((_, key)) = self.order.first_key_value() {
            let old = self
                .partials
                .get(key)
                .is_none_or(|partial| now.since(partial.first) > self.age_max);
            if !old {
                break;
            }
            self.shed_oldest();
        }
    }

    fn shed_oldest(&mut self) {
        if let Some((_, key)) = self.order.pop_first() {
            self.shed += 1;
            if let Some(partial) = self.partials.remove(&key) {
                self.bytes -= partial.bytes;
            }
        } else {
            self.bytes = 0;
        }
    }

    /// Writes the packet anew: the fixed header of its IP version, then the payload.
    fn complete(&mut self, key: &Key) -> Network {
        self.whole.clear();
        let Some(partial) = self.partials.remove(key) else {
            return Network {
                ether_type: 0,
                off: 0,
            };
        };
        self.order.remove(&partial.serial);
        self.bytes -= partial.bytes;
        let ether_type = header(&mut self.whole, key, partial.total.unwrap_or(0));
        for (_, part) in &partial.parts {
            self.whole.extend_from_slice(part);
        }
        Network { ether_type, off: 0 }
    }
}

/// An unfragmented IP header with what matters behind it: lengths, protocol, addresses.
fn header(out: &mut Vec<u8>, key: &Key, payload: u32) -> u16 {
    if let ([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, src @ ..], [.., d1, d2, d3, d4]) =
        (key.src.0, key.dst.0)
    {
        let total = u16::try_from(payload + 20).unwrap_or(0).to_be_bytes();
        out.extend_from_slice(&[0x45, 0]);
        out.extend_from_slice(&total);
        out.extend_from_slice(&[0, 0, 0, 0, 64, key.protocol, 0, 0]);
        out.extend_from_slice(&src);
        out.extend_from_slice(&[d1, d2, d3, d4]);
        return ether_type::IPV4;
    }
    out.extend_from_slice(&[0x60, 0, 0, 0]);
    out.extend_from_slice(&u16::try_from(payload).unwrap_or(0).to_be_bytes());
    out.extend_from_slice(&[key.protocol, 64]);
    out.extend_from_slice(&key.src.0);
    out.extend_from_slice(&key.dst.0);
    ether_type::IPV6
}

impl Partial {
    fn new(serial: u64, first: Timestamp) -> Self {
        Self {
            serial,
            first,
            parts: Vec::new(),
            total: None,
            void: false,
            bytes: 0,
        }
    }

    fn insert(&mut self, view: &FragmentView, part: &[u8], end: u32) -> Result<(), Skip> {
        if self.void || self.is_duplicate(view.offset, end) {
            return Err(Skip::FragmentBad);
        }
        let at = self.parts.partition_point(|(offset, _)| *offset < view.offset);
        let before = at
            .checked_sub(1)
            .and_then(|i| self.parts.get(i))
            .map_or(0, end_of);
        let after = self.parts.get(at).map_or(u32::MAX, |(offset, _)| *offset);
        let ends_wrong = match self.total {
            Some(total) => end > total || (!view.more && end != total),
            None => !view.more && self.parts.last().is_some_and(|last| end_of(last) > end),
        };
        if before > view.offset || after < end || ends_wrong {
            self.void = true;
            self.parts = Vec::new();
            self.bytes = 0;
            return Err(Skip::FragmentBad);
        }
        if !view.more {
            self.total = Some(end);
        }
        self.bytes += part.len() + FRAGMENT_OVERHEAD;
        self.parts.insert(at, (view.offset, part.to_vec()));
        Ok(())
    }

    /// Whether the bytes from `offset` to `end` are all there already.
    fn is_duplicate(&self, offset: u32, end: u32) -> bool {
        let mut at = offset;
        for part in &self.parts {
            if part.0 <= at && end_of(part) > at {
                at = end_of(part);
            }
        }
        at >= end
    }

    fn is_complete(&self) -> bool {
        let mut at = 0;
        for part in &self.parts {
            if part.0 != at {
                return false;
            }
            at = end_of(part);
        }
        self.total == Some(at)
    }
}

#[expect(clippy::cast_possible_truncation, reason = "a part is at most 65,515 bytes")]
fn end_of(part: &(u32, Vec<u8>)) -> u32 {
    part.0 + part.1.len() as u32
}
