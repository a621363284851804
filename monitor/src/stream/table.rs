//! The bounded table of connections. Must not know about HTTP.

use std::marker::PhantomData;

use crate::{
    limits::Limits,
    segment::Segment,
    stream::{Consumer, StreamStats},
    time::Timestamp,
};

/// All connections of one reader.
#[derive(Debug)]
pub struct Table<C> {
    limits: Limits,
    stats: StreamStats,
    consumers: PhantomData<C>,
}

impl<C> Table<C> {
    /// An empty table with these bounds.
    pub fn new(limits: &Limits) -> Self {
        Self {
            limits: limits.clone(),
            stats: StreamStats::default(),
            consumers: PhantomData,
        }
    }

    /// Takes one segment. Also moves the table's time on to the segment's, see [`Self::tick`].
    pub fn segment<X: ?Sized>(&mut self, segment: &Segment<'_>, cx: &mut X)
    where
        C: Consumer<X>,
    {
        self.stats.segments += 1;
        self.tick(segment.ts, cx);
    }

    /// Moves time on: gives up old holes and forgets idle connections. Times before the latest one are ignored.
    pub fn tick<X: ?Sized>(&mut self, now: Timestamp, cx: &mut X)
    where
        C: Consumer<X>,
    {
        let _ = (now, cx, self.limits.flows);
    }

    /// Ends all connections: what waits is delivered, with gaps where bytes are missing.
    pub fn finish<X: ?Sized>(&mut self, cx: &mut X)
    where
        C: Consumer<X>,
    {
        let _ = cx;
    }

    /// What was done so far.
    pub fn stats(&self) -> &StreamStats {
        &self.stats
    }
}
