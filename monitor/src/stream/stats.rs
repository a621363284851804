//! What the stream stage did, in numbers. Must not know how they are shown.

/// Counters of one [`super::Table`]; all only grow.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct StreamStats {
    /// Segments given to the table.
    pub segments: u64,
    /// Connections entered.
    pub connections: u64,
    /// Payload bytes delivered in order.
    pub delivered_bytes: u64,
}
