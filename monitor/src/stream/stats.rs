//! What the stream stage did, in numbers. Must not know how they are shown.

/// Declares the counters once: field, stable name and meaning.
macro_rules! counters {
    ($($(#[doc = $doc:literal])+ $field:ident = $name:literal,)+) => {
        /// Counters of one [`super::Table`]; all but `open` and `buffered_bytes` only grow.
        #[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
        pub struct StreamStats {
            $($(#[doc = $doc])+ pub $field: u64,)+
        }

        impl StreamStats {
            /// Every counter with its stable name.
            pub fn counters(&self) -> impl Iterator<Item = (&'static str, u64)> + use<> {
                [$(($name, self.$field)),+].into_iter()
            }
        }
    };
}

counters! {
    /// Segments given to the table.
    segments = "stream_segments",
    /// Segments that no receiver takes (contradicting flags, data without ACK, both ends the same).
    impossible_segments = "impossible_segments",
    /// Segments of no known connection that begin none: bare acknowledgements and resets.
    stray_segments = "stray_segments",
    /// Connections entered.
    connections = "connections",
    /// Connections tracked now.
    open = "open_connections",
    /// Connections forgotten after silence.
    expired = "expired_connections",
    /// Connections forgotten for room: half-open and ended ones first, then the idlest.
    evicted = "evicted_connections",
    /// Connections replaced by a new one of the same ports.
    replaced = "replaced_connections",
    /// Connections that went on after an end that the receiver did not accept.
    revived = "revived_connections",
    /// Payload bytes delivered in order.
    delivered_bytes = "delivered_bytes",
    /// Of these, bytes that had to wait.
    delivered_late_bytes = "delivered_late_bytes",
    /// Payload bytes that nobody wanted, and that were left out before they came here.
    left_out_bytes = "left_out_bytes",
    /// Cost of what waits now, bytes.
    buffered_bytes = "buffered_bytes",
    /// Payload bytes seen again, and not used.
    duplicate_bytes = "duplicate_bytes",
    /// Segments whose bytes differ from ones that waited already.
    conflicts = "conflicting_segments",
    /// Segments further ahead than any window reaches, or far behind.
    out_of_window_segments = "out_of_window_segments",
    /// Payload bytes behind the end of their side's stream.
    after_end_bytes = "after_end_bytes",
    /// SYN, SYN-ACK, FIN or RST that the receiver does not accept.
    refused_control_segments = "refused_control_segments",
    /// Bytes given up because the receiver has them and the capture has not.
    gap_acked_bytes = "gap_acked_bytes",
    /// Bytes given up because they did not come in time, and the receiver is not in the capture.
    gap_aged_bytes = "gap_aged_bytes",
    /// Bytes given up because too much waited behind them.
    gap_limit_bytes = "gap_limit_bytes",
    /// Bytes that the capture cut off (snap length).
    gap_cut_bytes = "gap_cut_bytes",
    /// Bytes that were missing when their connection ended.
    gap_end_bytes = "gap_end_bytes",
    /// Waiting bytes dropped because the receiver did not accept them, or there was no room.
    dropped_bytes = "dropped_bytes",
}
