//! Every bound of the core in one place: unit, default, and the attack or accident it stops.
//!
//! Reaching a limit evicts or sheds by the rule stated at the field, and is counted. Must not know who uses them.

use std::time::Duration;

/// The bounds of one reader (one parse worker).
#[derive(Clone, Debug)]
pub struct Limits {
    /// Connections tracked at once, per reader. A flood of half-open connections; the idlest gives way.
    pub flows: usize,
    /// Bytes buffered out of order, per direction of a connection. Segments after a hole that is never filled; the
    /// hole becomes a gap.
    pub reorder_bytes: usize,
    /// Ranges buffered out of order, per direction. Tiny segments with holes between them; as above.
    pub reorder_ranges: usize,
    /// Bytes buffered by one reader in total. Many connections each below their own limit; as above, the idlest first.
    pub buffered_bytes: usize,
    /// How long a hole may stay open while later data waits, where the receiver is not in the capture. A lost packet;
    /// the hole becomes a gap. Also how long a connection joined midstream waits for earlier bytes.
    pub hole_age: Duration,
    /// The same where the receiver has acknowledged what is missing: it can only come late, by the disorder of the
    /// capture itself (several CPUs or network queues).
    pub acked_hole_age: Duration,
    /// How long data waits that the receiver, who is in the capture, does not acknowledge. Segments sent to be seen
    /// here and refused there; they are dropped.
    pub unacked_age: Duration,
    /// Fragmented IP packets waiting for parts, per reader. First fragments without end; the oldest gives way.
    pub fragment_packets: usize,
    /// Bytes of fragments waiting, per reader. As above.
    pub fragment_bytes: usize,
    /// How long fragments wait for the others, in capture time. As Linux (`net.ipv4.ipfrag_time`).
    pub fragment_age: Duration,
    /// Bytes of a message head. Endless headers; the connection is marked blind.
    pub head_bytes: usize,
    /// Fields of a message head. As above.
    pub header_fields: usize,
    /// Requests without a response, per connection. Pipelining without end; the oldest is given out unanswered.
    pub pending_requests: usize,
    /// Bytes that one side of a connection may wait with until the other side has said what they mean: a response
    /// captured before its request, client bytes behind an Upgrade. A one-sided capture; parsing goes on without.
    pub held_bytes: usize,
    /// Bytes of heads and waiting data kept by the HTTP stage of one reader in total. Many connections each below
    /// their own limit; what does not fit is not parsed (large ones first).
    pub http_bytes: usize,
    /// Silence after which an established connection is forgotten, in capture time.
    pub idle: Duration,
    /// Silence after which a connection that carried no data is forgotten.
    pub half_open: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            flows: 65_536,
            reorder_bytes: 1 << 20,
            reorder_ranges: 256,
            buffered_bytes: 32 << 20,
            hole_age: Duration::from_secs(2),
            acked_hole_age: Duration::from_millis(200),
            unacked_age: Duration::from_secs(30),
            fragment_packets: 1024,
            fragment_bytes: 4 << 20,
            fragment_age: Duration::from_secs(30),
            head_bytes: 64 << 10,
            header_fields: 128,
            pending_requests: 256,
            held_bytes: 256 << 10,
            http_bytes: 32 << 20,
            idle: Duration::from_mins(5),
            half_open: Duration::from_secs(30),
        }
    }
}
