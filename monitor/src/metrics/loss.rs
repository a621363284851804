//! Which of the counters are losses, by their names. Must not know where they are counted.

/// Beginnings of words that mark the name of a counter as a loss: something came and was not read, or had to give way.
const LOSS_WORDS: [&str; 15] = [
    "abandoned",
    "blind",
    "cut",
    "evict",
    "full",
    "gap",
    "http2",
    "lost",
    "malformed",
    "orphan",
    "shed",
    "tunnel",
    "unanswered",
    "unread",
    "unsynced",
];

/// Beginnings of names that mark a loss, where one word alone would also mark others.
const LOSS_NAMES: [&str; 5] = ["after_end", "dropped", "not_http", "skipped", "tap_fragment"];

/// Whether a counter of this name counts a loss.
pub fn is_loss(name: &str) -> bool {
    let marked = |word: &str| LOSS_WORDS.iter().any(|loss| word.starts_with(loss));
    LOSS_NAMES.iter().any(|start| name.starts_with(start)) || name.split('_').any(marked)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn losses_are_told_by_name() {
        for name in [
            "tap_lost_ring_packets",
            "gap_bytes",
            "not_http_bytes",
            "skipped_malformed_packets",
            "tap_fragment_packets",
            "shield_sources_evicted_packets",
        ] {
            assert!(is_loss(name), "{name}");
        }
        for name in [
            "tap_copied_bytes",
            "transactions",
            "segments",
            "shield_passed_packets",
            "shield_not_ip_packets",
            "shield_dropped_lease_packets",
            "tap_skipped_packets",
            "tap_body_skipped_bytes",
            "left_out_bytes",
            "tap_wakeups",
            "findings",
            // What no receiver takes is not read on purpose.
            "impossible_segments",
            "out_of_window_segments",
        ] {
            assert!(!is_loss(name), "{name}");
        }
    }
}
