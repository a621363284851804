//! The bounded table of connections. Must not know about HTTP.
//!
//! One lookup a segment. Nothing depends on the order of the hash table: connections end in the order of their last
//! segments. Full, the table forgets half-open and ended connections first, then the idlest.

use std::{collections::VecDeque, hash::BuildHasher, time::Duration};

use hashbrown::HashTable;

use super::{
    Consumer, StreamStats,
    conn::{Conn, Env},
    order::{Class, Order},
};
use crate::{flow::FlowKey, limits::Limits, segment::Segment, time::Timestamp};

/// How soon a connection in which something waits is looked at again, at the soonest.
const ALARM_MIN: Duration = Duration::from_millis(1);

/// All connections of one reader.
pub struct Table<C> {
    limits: Limits,
    stats: StreamStats,
    /// Keyed at random, so that nobody outside can choose connections that collide.
    hasher: foldhash::fast::RandomState,
    index: HashTable<u32>,
    slots: Vec<Slot<C>>,
    free: Vec<u32>,
    order: Order,
    /// Connections in which something waits, and when to look at them: in order of time, since all wait equally long.
    alarms: VecDeque<Alarm>,
    now: Timestamp,
    /// Before this time no alarm and no silence is due.
    quiet_until: Timestamp,
}

struct Slot<C> {
    conn: Conn<C>,
    /// Tells alarms of an earlier connection in this slot.
    generation: u32,
    /// Whether an alarm is set.
    alarm: bool,
}

#[derive(Clone, Copy)]
struct Alarm {
    at: Timestamp,
    slot: u32,
    generation: u32,
}

impl<C: Default> Table<C> {
    /// An empty table with these bounds.
    pub fn new(limits: &Limits) -> Self {
        Self {
            limits: Limits {
                flows: limits.flows.clamp(1, u32::MAX as usize - 1),
                ..limits.clone()
            },
            stats: StreamStats::default(),
            hasher: foldhash::fast::RandomState::default(),
            index: HashTable::new(),
            slots: Vec::new(),
            free: Vec::new(),
            order: Order::new(),
            alarms: VecDeque::new(),
            now: Timestamp::ZERO,
            quiet_until: Timestamp::ZERO,
        }
    }

    /// What was done so far.
    pub fn stats(&self) -> &StreamStats {
        &self.stats
    }

    /// Takes one segment. Also moves the table's time on to the segment's, see [`Self::tick`].
    #[inline]
    pub fn segment<X: ?Sized>(&mut self, segment: &Segment<'_>, cx: &mut X)
    where
        C: Consumer<X>,
    {
        self.stats.segments += 1;
        self.tick(segment.ts, cx);
        if is_impossible(segment) {
            self.stats.impossible_segments += 1;
            return;
        }
        let (key, from_low) = FlowKey::new(segment.src, segment.dst);
        let hash = self.hasher.hash_one(key);
        let slots = &self.slots;
        let found = self.index.find(hash, |slot| {
            slots.get(*slot as usize).is_some_and(|s| s.conn.key == key)
        });
        let slot = match found {
            Some(slot) => *slot,
            None if begins_nothing(segment) => {
                self.stats.stray_segments += 1;
                return;
            }
            None => self.enter(hash, key, segment, from_low, cx),
        };
        let Some(Slot { conn, alarm, .. }) = self.slots.get_mut(slot as usize) else {
            return;
        };
        let mut env = Env {
            limits: &self.limits,
            stats: &mut self.stats,
            now: self.now,
            cx,
        };
        conn.segment(segment, from_low, &mut env);
        let class = if conn.is_established() {
            Class::Lasting
        } else {
            Class::Brief
        };
        let ring = conn.waits() && !*alarm;
        self.order.touch(slot, class, self.now);
        if ring {
            self.set_alarm(slot);
        }
        if self.stats.buffered_bytes > self.limits.buffered_bytes as u64 {
            self.shed(cx);
        }
    }

    /// Moves time on: gives up old holes and forgets idle connections. Times before the latest one are ignored.
    #[inline]
    pub fn tick<X: ?Sized>(&mut self, now: Timestamp, cx: &mut X)
    where
        C: Consumer<X>,
    {
        if now <= self.now {
            return;
        }
        self.now = now;
        if now >= self.quiet_until {
            self.due(cx);
        }
    }

    /// Does what may be due.
    #[cold]
    fn due<X: ?Sized>(&mut self, cx: &mut X)
    where
        C: Consumer<X>,
    {
        self.ring(cx);
        self.expire(Class::Brief, cx);
        self.expire(Class::Lasting, cx);
        let brief = self.order.oldest_move(Class::Brief).unwrap_or(self.now);
        let lasting = self.order.oldest_move(Class::Lasting).unwrap_or(self.now);
        let silence = brief
            .after(self.limits.half_open)
            .min(lasting.after(self.limits.idle));
        self.quiet_until = self.alarms.front().map_or(silence, |alarm| silence.min(alarm.at));
    }

    /// Ends all connections: what waits is delivered, with gaps where bytes are missing.
    pub fn finish<X: ?Sized>(&mut self, cx: &mut X)
    where
        C: Consumer<X>,
    {
        for class in [Class::Brief, Class::Lasting] {
            while let Some((slot, _)) = self.order.oldest(class) {
                self.remove(slot, cx);
            }
        }
    }

    #[cold]
    fn enter<X: ?Sized>(
        &mut self,
        hash: u64,
        key: FlowKey,
        segment: &Segment<'_>,
        from_low: bool,
        cx: &mut X,
    ) -> u32
    where
        C: Consumer<X>,
    {
        while self.index.len() >= self.limits.flows {
            let oldest = self
                .order
                .oldest(Class::Brief)
                .or(self.order.oldest(Class::Lasting));
            let Some((slot, _)) = oldest else { break };
            self.stats.evicted += 1;
            self.remove(slot, cx);
        }
        self.stats.connections += 1;
        self.stats.open += 1;
        let conn = Conn::new(key, segment, from_low);
        let index = if let Some(index) = self.free.pop() {
            if let Some(slot) = self.slots.get_mut(index as usize) {
                slot.conn = conn;
            }
            index
        } else {
            self.slots.push(Slot {
                conn,
                generation: 0,
                alarm: false,
            });
            u32::try_from(self.slots.len() - 1).unwrap_or(u32::MAX)
        };
        let (slots, hasher) = (&self.slots, &self.hasher);
        self.index.insert_unique(hash, index, |slot| {
            slots
                .get(*slot as usize)
                .map_or(0, |s| hasher.hash_one(s.conn.key))
        });
        index
    }

    /// Ends a connection and forgets it.
    fn remove<X: ?Sized>(&mut self, index: u32, cx: &mut X)
    where
        C: Consumer<X>,
    {
        self.order.remove(index);
        let Some(slot) = self.slots.get_mut(index as usize) else {
            return;
        };
        let mut env = Env {
            limits: &self.limits,
            stats: &mut self.stats,
            now: self.now,
            cx,
        };
        slot.conn.finish(&mut env);
        slot.generation = slot.generation.wrapping_add(1);
        slot.alarm = false;
        self.stats.open -= 1;
        let hash = self.hasher.hash_one(slot.conn.key);
        if let Ok(entry) = self.index.find_entry(hash, |slot| *slot == index) {
            entry.remove();
        }
        self.free.push(index);
    }

    fn expire<X: ?Sized>(&mut self, class: Class, cx: &mut X)
    where
        C: Consumer<X>,
    {
        let silence = match class {
            Class::Brief => self.limits.half_open,
            Class::Lasting => self.limits.idle,
        };
        while let Some((slot, last)) = self.order.oldest(class) {
            if self.now.since(last) < silence {
                return;
            }
            self.stats.expired += 1;
            self.remove(slot, cx);
        }
    }

    #[cold]
    fn set_alarm(&mut self, index: u32) {
        if let Some(slot) = self.slots.get_mut(index as usize) {
            slot.alarm = true;
            let at = self.now.after(self.limits.acked_hole_age.max(ALARM_MIN));
            self.quiet_until = self.quiet_until.min(at);
            self.alarms.push_back(Alarm {
                at,
                slot: index,
                generation: slot.generation,
            });
        }
    }

    /// Looks at the connections whose time has come.
    fn ring<X: ?Sized>(&mut self, cx: &mut X)
    where
        C: Consumer<X>,
    {
        while let Some(alarm) = self.alarms.front().copied().filter(|alarm| alarm.at <= self.now) {
            self.alarms.pop_front();
            if self.settle(alarm, cx, Conn::tick) {
                self.set_alarm(alarm.slot);
            }
        }
    }

    /// Too much waits: the holes that are oldest are given up.
    #[cold]
    fn shed<X: ?Sized>(&mut self, cx: &mut X)
    where
        C: Consumer<X>,
    {
        while self.stats.buffered_bytes > self.limits.buffered_bytes as u64 {
            let Some(alarm) = self.alarms.pop_front() else {
                return;
            };
            self.settle(alarm, cx, Conn::shed);
        }
    }

    /// Does something to the connection of an alarm, if it is still there. Tells whether it still waits.
    fn settle<'a, X: ?Sized>(
        &'a mut self,
        alarm: Alarm,
        cx: &'a mut X,
        what: impl FnOnce(&mut Conn<C>, &mut Env<'a, X>),
    ) -> bool
    where
        C: Consumer<X>,
    {
        let slot = self.slots.get_mut(alarm.slot as usize);
        let Some(slot) = slot.filter(|slot| slot.generation == alarm.generation) else {
            return false;
        };
        slot.alarm = false;
        let mut env = Env {
            limits: &self.limits,
            stats: &mut self.stats,
            now: self.now,
            cx,
        };
        what(&mut slot.conn, &mut env);
        slot.conn.waits()
    }
}

/// Segments that no receiver takes: contradicting flags, data without ACK (RFC 9293 section 3.10.7.4), both ends the
/// same.
#[inline]
fn is_impossible(segment: &Segment<'_>) -> bool {
    let flags = segment.flags;
    (flags.syn() && (flags.rst() || flags.fin()))
        || (!flags.ack() && !flags.syn() && !flags.rst())
        || segment.src == segment.dst
}

/// Segments that say nothing of a connection nobody knows.
#[inline]
fn begins_nothing(segment: &Segment<'_>) -> bool {
    let flags = segment.flags;
    flags.rst() || (segment.wire_len == 0 && !flags.syn() && !flags.fin())
}

impl<C> std::fmt::Debug for Table<C> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Table")
            .field("stats", &self.stats)
            .finish_non_exhaustive()
    }
}
