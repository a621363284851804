//! What the HTTP sides of all connections of one reader share: scratch buffers, counters, the budget of kept bytes.
//! Must not know about messages.

use crate::{
    http::{
        h1::{former::Formers, head::Store},
        stats::HttpStats,
        transaction::FieldSpan,
    },
    limits::Limits,
};

/// Buffers kept for reuse. More than this many heads are seldom open at once; the rest is freed.
const POOL: usize = 1024;
/// A buffer that grew beyond this is freed instead of reused, so that one long head does not cost for ever.
const REUSE_BYTES: usize = 8 << 10;

/// What a kept message costs beyond its buffer, bytes: its place in a queue, and room for that queue to grow.
pub(crate) const MESSAGE_BYTES: usize = 512;

/// State shared by the HTTP side of all connections of one reader.
#[derive(Debug)]
pub struct Shared {
    pub(crate) limits: Limits,
    /// What was read and lost.
    pub stats: HttpStats,
    /// Not charged to the budget: bounded by themselves.
    pub(crate) formers: Formers,
    #[expect(clippy::vec_box, reason = "they are handed on as they are")]
    pool: Vec<Box<Store>>,
    kept_bytes: usize,
    ordinals: u64,
}

impl Shared {
    /// Empty, within these limits.
    pub fn new(limits: Limits) -> Self {
        Self {
            formers: Formers::new(limits.former_heads),
            limits,
            stats: HttpStats::default(),
            pool: Vec::new(),
            kept_bytes: 0,
            ordinals: 0,
        }
    }

    /// The position of the next request in capture order.
    pub(crate) fn next_ordinal(&mut self) -> u64 {
        let ordinal = self.ordinals;
        self.ordinals += 1;
        ordinal
    }

    /// An empty buffer.
    pub(crate) fn store(&mut self) -> Box<Store> {
        self.pool.pop().unwrap_or_default()
    }

    /// Takes a buffer back.
    pub(crate) fn recycle(&mut self, mut store: Box<Store>) {
        self.release(store.charged);
        if self.pool.len() < POOL && store.bytes.capacity() <= REUSE_BYTES {
            store.clear();
            self.pool.push(store);
        }
    }

    /// Charges a message and what its buffer holds now to the budget. `false`, and nothing charged, if the budget does
    /// not allow it.
    #[must_use]
    pub(crate) fn charge(&mut self, store: &mut Store) -> bool {
        let fields = store.fields.capacity() * size_of::<FieldSpan>();
        let held = store.bytes.capacity() + fields + MESSAGE_BYTES;
        let more = held.saturating_sub(store.charged);
        let granted = self.reserve(store.bytes.len(), more);
        if granted {
            store.charged += more;
        }
        granted
    }

    /// Takes `more` bytes from the budget for something that holds `size` bytes in all. The second half of the budget
    /// is only for the small: a few greedy connections cannot shut out the many.
    #[must_use]
    pub(crate) fn reserve(&mut self, size: usize, more: usize) -> bool {
        let budget = self.limits.http_bytes;
        let allowed = if size > REUSE_BYTES { budget / 2 } else { budget };
        let granted = self.kept_bytes.saturating_add(more) <= allowed;
        if granted {
            self.kept_bytes += more;
        }
        granted
    }

    /// Half of the budget is spent: those who keep much have to give some of it back.
    pub(crate) fn is_tight(&self) -> bool {
        self.kept_bytes > self.limits.http_bytes / 2
    }

    /// Gives bytes back to the budget.
    pub(crate) fn release(&mut self, bytes: usize) {
        self.kept_bytes = self.kept_bytes.saturating_sub(bytes);
    }

    /// Bytes charged to the budget now.
    pub fn kept_bytes(&self) -> usize {
        self.kept_bytes
    }
}
