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
    /// Bytes to come of a body that are worth telling the tap that nobody wants them. Many bodies of moderate length
    /// would make for more telling than copying.
    pub unwanted_bytes: u64,
    /// Bytes of a message head. Endless headers; the connection is marked blind.
    pub head_bytes: usize,
    /// Fields of a message head. As above.
    pub header_fields: usize,
    /// Heads remembered to compare the next ones with, per reader and direction; 0: none. More connections than this
    /// that speak in turn, and each head is read anew. Each takes at most [`FORMER_BYTES`] and [`FORMER_FIELDS`].
    pub former_heads: usize,
    /// Requests without a response, per connection. Pipelining without end; the oldest is given out unanswered. While
    /// half of `http_bytes` is spent, 4.
    pub pending_requests: usize,
    /// Bytes that one side of a connection may wait with until the other side has said what they mean: a response
    /// captured before its request, client bytes behind an Upgrade. A one-sided capture; parsing goes on without.
    pub held_bytes: usize,
    /// Bytes of heads and waiting data kept by the HTTP stage of one reader in total. Many connections each below
    /// their own limit; what does not fit is not parsed (large ones first). Room for one small request on each of
    /// `flows` connections.
    pub http_bytes: usize,
    /// Silence after which an established connection is forgotten, in capture time.
    pub idle: Duration,
    /// Silence after which a connection that carried no data is forgotten.
    pub half_open: Duration,
}

/// Longest head that is remembered, bytes. Long heads on many connections would stay in memory; they are read anew.
pub const FORMER_BYTES: usize = 4 << 10;
/// Most fields of a head that is remembered. As above.
pub const FORMER_FIELDS: usize = 64;

/// Deepest nesting of a body that is walked. Brackets without end; nothing behind is read.
pub const BODY_DEPTH: usize = 64;

/// The bounds of body reading, per reader. How much of one body is read is the operator's to say
/// (`crate::body::BodySettings`).
#[derive(Clone, Debug)]
pub struct BodyLimits {
    /// Bodies being read at once. Many slow uploads; further bodies are not read.
    pub readings: usize,
    /// Bytes that all decoders hold. Bodies that ask for large windows and tables; those over it are not read on. One
    /// decoder can hold about 5 MiB before this is looked at.
    pub decoder_bytes: usize,
    /// Bytes that one content coding of a body may give. Bombs within bombs; nothing behind is read. Below 1 MiB, which
    /// is the window that decoders are held to.
    pub layer_bytes: usize,
    /// Decoded bytes for each byte on the wire, above which a body is called a bomb and not read on.
    pub ratio: usize,
    /// Decoded bytes below which no body is called a bomb: short dull texts.
    pub ratio_floor_bytes: usize,
    /// Bytes of a path that are kept. Endless names; what is behind is cut.
    pub path_bytes: usize,
    /// Bytes of a value that are kept while it is read: as many as the longest token. Endless values; what is behind is
    /// only counted.
    pub value_bytes: usize,
    /// Fields of one body. Bodies of nothing but tiny fields; nothing behind is read.
    pub fields: u32,
    /// Bytes of the head of a part of a multipart body. Endless part heads; the part is passed over.
    pub part_head_bytes: usize,
    /// Fields of a request body kept as possible object ids.
    pub request_ids: usize,
    /// The same of a response body.
    pub response_ids: usize,
    /// Bytes of what was found of bodies whose transactions are not over. Requests that are never answered; further
    /// bodies are not read.
    pub found_bytes: usize,
}

impl Default for BodyLimits {
    fn default() -> Self {
        Self {
            readings: 256,
            decoder_bytes: 16 << 20,
            layer_bytes: (1 << 20) - 1024,
            ratio: 200,
            ratio_floor_bytes: 32 << 10,
            path_bytes: 512,
            value_bytes: 8 << 10,
            fields: 16_384,
            part_head_bytes: 1024,
            request_ids: 64,
            response_ids: 1024,
            found_bytes: 4 << 20,
        }
    }
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
            unwanted_bytes: 32 << 10,
            head_bytes: 64 << 10,
            header_fields: 128,
            former_heads: 256,
            pending_requests: 256,
            held_bytes: 256 << 10,
            http_bytes: 64 << 20,
            idle: Duration::from_mins(5),
            half_open: Duration::from_secs(30),
        }
    }
}
