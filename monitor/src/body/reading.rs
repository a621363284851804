//! One body being read: its decoders and its walker, and the pool they come from. Must not know messages.

use super::{
    coding::{Coding, Codings},
    decode::{self, Chain, DecoderPool, Scratch, Stop},
    fact::{BodyFact, BodyFactSet},
    media::{Media, parameter},
    stats::BodyStats,
    walk::{Going, Visitor, Walker},
};
use crate::limits::BodyLimits;

/// Walkers kept for reuse; a few KiB each.
const KEPT_WALKERS: usize = 32;

/// What the head of a message says about its body.
#[derive(Clone, Copy, Debug, Default)]
pub struct Described<'a> {
    /// `Content-Type`.
    pub content_type: Option<&'a [u8]>,
    /// `Content-Encoding`, all of them.
    pub codings: Codings,
}

/// A body being read.
#[derive(Debug)]
pub struct Reading {
    walker: Box<Walker>,
    chain: Chain,
    /// The coding that is undone last.
    coding: Option<Coding>,
    /// Bytes on the wire so far.
    wire: usize,
    /// Decoded bytes walked so far, and how many may be.
    walked: usize,
    max_walked: usize,
    /// Memory of the decoders as it stands in the budget.
    charged: usize,
    facts: BodyFactSet,
    stopped: bool,
}

/// What was read of a body.
#[derive(Clone, Copy, PartialEq, Eq, Debug, serde::Serialize, serde::Deserialize)]
pub struct Read {
    /// How it was walked; `None` if it was not after all.
    pub media: Option<Media>,
    /// Its coding, the innermost where there are several.
    pub coding: Option<Coding>,
    /// Bytes of it that were read, as on the wire.
    pub read_bytes: u64,
    /// Bytes that were walked, decoded.
    pub walked_bytes: u64,
    /// Fields seen.
    pub fields: u32,
    /// What was found beyond them.
    pub facts: BodyFactSet,
}

/// Opens and closes readings, within the limits of one reader.
#[derive(Debug)]
#[expect(
    clippy::vec_box,
    reason = "walkers go in and out of readings, and are large to move"
)]
pub struct ReadingPool {
    limits: BodyLimits,
    walkers: Vec<Box<Walker>>,
    decoders: DecoderPool,
    scratch: Scratch,
    open: usize,
    decoder_bytes: usize,
    closed: bool,
    /// What was read and what not.
    pub stats: BodyStats,
}

impl ReadingPool {
    /// Nothing is open.
    pub fn new(limits: BodyLimits) -> Self {
        Self {
            limits,
            walkers: Vec::new(),
            decoders: DecoderPool::default(),
            scratch: decode::scratch(),
            open: 0,
            decoder_bytes: 0,
            closed: false,
            stats: BodyStats::default(),
        }
    }

    /// The limits.
    pub fn limits(&self) -> &BodyLimits {
        &self.limits
    }

    /// Bytes that decoders hold now.
    pub fn decoder_bytes(&self) -> usize {
        self.decoder_bytes
    }

    /// Whether further bodies are read at all; those that are open go on. What is not read is counted as shed.
    pub fn set_open(&mut self, open: bool) {
        self.closed = !open;
    }

    /// Begins to read a body of which at most `max_walked` decoded bytes are walked. `None` (and counted) if too many
    /// are open.
    pub fn open(&mut self, media: Media, described: &Described<'_>, max_walked: usize) -> Option<Reading> {
        if self.closed || self.open >= self.limits.readings || self.decoder_bytes > self.limits.decoder_bytes
        {
            self.stats.shed += 1;
            return None;
        }
        let Some(chain) = self.decoders.chain(described.codings) else {
            self.stats.shed += 1;
            return None;
        };
        let kept = self.walkers.pop();
        let mut walker = kept.unwrap_or_else(|| Box::new(Walker::new(&self.limits)));
        let boundary = (media == Media::Multipart)
            .then(|| parameter(described.content_type.unwrap_or_default(), b"boundary"))
            .flatten();
        walker.begin(media, boundary);
        self.open += 1;
        let mut reading = Reading {
            walker,
            chain,
            coding: described.codings.to_undo().last(),
            wire: 0,
            walked: 0,
            max_walked,
            charged: 0,
            facts: BodyFactSet::default(),
            stopped: false,
        };
        self.charge(&mut reading);
        Some(reading)
    }

    /// Reads on. What stopped a reading stands in its facts.
    pub fn feed<V: Visitor>(&mut self, reading: &mut Reading, bytes: &[u8], visitor: &mut V) -> Going {
        if reading.stopped {
            return Going::Stopped;
        }
        reading.wire = reading.wire.saturating_add(bytes.len());
        if reading.chain.is_empty() {
            let going = walk(
                &mut reading.walker,
                &mut reading.walked,
                reading.max_walked,
                bytes,
                visitor,
            );
            return reading.go(going);
        }
        let Reading {
            walker,
            chain,
            walked,
            max_walked,
            ..
        } = reading;
        let result = chain.push(
            bytes,
            reading.wire,
            &mut self.scratch,
            &self.limits,
            &mut |decoded| match walk(walker, walked, *max_walked, decoded, visitor) {
                Ok(going) => going,
                Err(_) => Going::Stopped,
            },
        );
        self.charge(reading);
        if self.decoder_bytes > self.limits.decoder_bytes {
            return reading.go(Err(BodyFact::Shed));
        }
        match result {
            Ok(()) => Going::On,
            Err(Stop::Because(fact)) => reading.go(Err(fact)),
            Err(Stop::Enough) if reading.walker.going() == Going::On => reading.go(Err(BodyFact::Cut)),
            Err(Stop::Enough) => reading.go(Ok(Going::Stopped)),
        }
    }

    /// Ends a reading: the body was seen `whole`, or no more of it will be seen.
    pub fn close<V: Visitor>(&mut self, mut reading: Reading, whole: bool, visitor: &mut V) -> Read {
        let decoded = reading.wire == 0 || reading.chain.is_complete();
        if !reading.stopped {
            // A coding without its end leaves a text without its end.
            reading.walker.finish(whole && decoded, visitor);
            if whole && !decoded {
                reading.facts.insert(BodyFact::BrokenCoding);
            }
        }
        reading.facts.merge(reading.walker.facts());
        let read = Read {
            media: reading.walker.media(),
            coding: reading.coding,
            read_bytes: reading.wire as u64,
            walked_bytes: reading.walked as u64,
            fields: reading.walker.fields(),
            facts: reading.facts,
        };
        self.stats.add(&read);
        self.recycle(reading);
        read
    }

    fn recycle(&mut self, reading: Reading) {
        self.open = self.open.saturating_sub(1);
        self.decoder_bytes = self.decoder_bytes.saturating_sub(reading.charged);
        self.decoders.recycle(reading.chain);
        if self.walkers.len() < KEPT_WALKERS {
            self.walkers.push(reading.walker);
        }
    }

    /// Brings the budget up to what the decoders of a reading hold.
    fn charge(&mut self, reading: &mut Reading) {
        let holds = reading.chain.memory();
        self.decoder_bytes = (self.decoder_bytes + holds).saturating_sub(reading.charged);
        reading.charged = holds;
    }
}

impl Reading {
    /// Whether it goes on; if not, because of this.
    fn go(&mut self, going: Result<Going, BodyFact>) -> Going {
        let going = going.unwrap_or_else(|fact| {
            self.facts.insert(fact);
            Going::Stopped
        });
        self.stopped |= going == Going::Stopped;
        going
    }
}

/// Walks decoded bytes, as many as may be.
fn walk<V: Visitor>(
    walker: &mut Walker,
    walked: &mut usize,
    max: usize,
    bytes: &[u8],
    visitor: &mut V,
) -> Result<Going, BodyFact> {
    let allowed = bytes.get(..max - (*walked).min(max)).unwrap_or(bytes);
    *walked += allowed.len();
    let going = walker.feed(allowed, visitor);
    if going == Going::On && allowed.len() < bytes.len() {
        return Err(BodyFact::Cut);
    }
    Ok(going)
}

#[cfg(test)]
mod tests;
