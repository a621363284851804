//! Every counter by stage and name, with its meaning. The names are stable: they stand in `apimon status --json`, and
//! as `apimon_STAGE_NAME` (`_total` behind those that only grow) among the metrics. docs/metrics.md is made of this
//! list.

/// How a number goes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// Only grows while the daemon runs.
    Counter,
    /// Goes up and down.
    Gauge,
}

/// What a counter means.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Told {
    /// Its name within its stage.
    pub name: &'static str,
    /// How it goes.
    pub kind: Kind,
    /// One sentence.
    pub help: &'static str,
}

const fn counter(name: &'static str, help: &'static str) -> Told {
    Told {
        name,
        kind: Kind::Counter,
        help,
    }
}

const fn gauge(name: &'static str, help: &'static str) -> Told {
    Told {
        name,
        kind: Kind::Gauge,
        help,
    }
}

/// The counters of one stage.
#[derive(Clone, Copy, Debug)]
pub struct Stage {
    /// Its name.
    pub name: &'static str,
    /// What is counted there, in one sentence.
    pub about: &'static str,
    /// Its counters.
    pub counters: &'static [Told],
}

/// All stages, in the order of the data.
pub const STAGES: &[Stage] = &[
    Stage {
        name: "kernel",
        about: "The kernel programs. Shield: seen = passed + not_ip + malformed + dropped_lease. Tap: seen = skipped + copied + \
                lost_ring + lost_read. Counted since the maps were made, which may be before this daemon.",
        counters: KERNEL,
    },
    Stage {
        name: "ring",
        about: "The rings between the tap and the parse threads.",
        counters: RING,
    },
    Stage {
        name: "reader",
        about: "From packets to transactions, and bodies. What is a loss here was on the wire and is not in any observation.",
        counters: READER,
    },
    Stage {
        name: "judge",
        about: "From observations to leases. `evicted_TABLE` counts entries of a bounded table that gave way.",
        counters: JUDGE,
    },
    Stage {
        name: "log",
        about: "The log, and the other places its lines go to.",
        counters: LOG,
    },
    Stage {
        name: "verify",
        about: "Comparing the ledger with the kernel, every 15 seconds and on request.",
        counters: VERIFY,
    },
    Stage {
        name: "record",
        about: "The record of observations, where `record.enabled` is set.",
        counters: RECORD,
    },
    Stage {
        name: "limits",
        about: "Seconds in which work was left undone because apimon took too much of the host.",
        counters: LIMITS,
    },
    Stage {
        name: "connections",
        about: "Connections cut, where the mode is enforce.",
        counters: CONNECTIONS,
    },
    Stage {
        name: "control",
        about: "The control socket.",
        counters: CONTROL,
    },
];

/// What is known of a counter; the entries of tables that gave way are one metric with the table as label, not here.
pub fn find(stage: &str, name: &str) -> Option<&'static Told> {
    let stage = STAGES.iter().find(|there| there.name == stage)?;
    stage.counters.iter().find(|told| told.name == name)
}

const KERNEL: &[Told] = &[
    counter(
        "shield_seen_packets",
        "Packets that came in on the guarded interfaces",
    ),
    counter(
        "shield_passed_packets",
        "Packets let through after the look at the leases",
    ),
    counter(
        "shield_not_ip_packets",
        "Packets let through because they are neither IPv4 nor IPv6",
    ),
    counter(
        "shield_malformed_packets",
        "Packets let through because their headers cannot be walked",
    ),
    counter(
        "shield_dropped_lease_packets",
        "Packets dropped because of a lease",
    ),
    counter(
        "shield_dropped_lease_bytes",
        "Bytes of the packets dropped because of a lease",
    ),
    counter(
        "shield_never_block_packets",
        "Packets let through although a lease fits: their source is never blocked",
    ),
    counter(
        "shield_would_drop_packets",
        "Packets that a lease would have dropped in enforce mode",
    ),
    counter(
        "shield_lease_over_packets",
        "Packets let through because the lease that fits is over",
    ),
    counter(
        "shield_sources_evicted",
        "Sources that gave way to others in the tables of sources",
    ),
    counter("tap_seen_packets", "Packets that the tap saw"),
    counter(
        "tap_skipped_packets",
        "Packets without interest: other ports, not TCP, or nothing to copy",
    ),
    counter(
        "tap_copied_packets",
        "Packets copied for reading, or told of without a payload that nobody wanted",
    ),
    counter("tap_copied_bytes", "TCP payload bytes copied"),
    counter(
        "tap_lost_ring_packets",
        "Packets lost, at least in part, because a ring was full",
    ),
    counter(
        "tap_lost_ring_bytes",
        "TCP payload bytes lost because a ring was full",
    ),
    counter(
        "tap_lost_read_packets",
        "Packets lost, at least in part, because they could not be read",
    ),
    counter(
        "tap_lost_read_bytes",
        "TCP payload bytes lost because the packet could not be read",
    ),
    counter(
        "tap_fragment_packets",
        "IP fragments that may belong to a TCP segment, and are not read",
    ),
    counter(
        "tap_malformed_packets",
        "Packets skipped because their headers cannot be walked",
    ),
    counter("tap_wakeups", "Times that the tap woke the reader of a ring"),
    counter(
        "tap_body_skipped_packets",
        "Packets of long bodies told of without their payload",
    ),
    counter(
        "tap_body_skipped_bytes",
        "Bytes of long bodies that nobody wanted, and that were not copied",
    ),
    counter(
        "shield_sources_evicted_packets",
        "Packets counted of the sources that gave way",
    ),
    counter(
        "shield_throttled_packets",
        "Packets dropped by a lease that slows down",
    ),
    counter(
        "shield_within_rate_packets",
        "Packets let through within the rates of a lease that slows down",
    ),
    counter("shield_syn_packets", "TCP segments that ask for a connection"),
    counter(
        "shield_sources_new",
        "Packets whose source was not in the tables of sources before",
    ),
    counter(
        "egress_dropped_packets",
        "Packets on the way out to sources whose lease drops them",
    ),
    counter(
        "egress_dropped_bytes",
        "Bytes of the packets dropped on the way out",
    ),
];

const RING: &[Told] = &[
    counter("records", "Records read from the rings"),
    counter("malformed_records", "Records that could not be read"),
    counter("rounds", "Times that a reader of a ring had something to read"),
    counter(
        "shed_records",
        "Records not read because apimon took too much of the host",
    ),
];

const READER: &[Told] = &[
    counter("packets", "Packets given to the decoder"),
    counter("segments", "Packets that are, or completed, a TCP segment"),
    counter(
        "fragmented_lost_packets",
        "Fragmented packets given up before all their parts were there",
    ),
    counter(
        "skipped_link_type_packets",
        "Packets of a link layer that is not known",
    ),
    counter(
        "skipped_link_header_packets",
        "Packets whose link header is cut or wrong",
    ),
    counter("skipped_encrypted_packets", "Packets encrypted below TCP"),
    counter("skipped_not_ip_packets", "Packets that are neither IPv4 nor IPv6"),
    counter(
        "skipped_malformed_packets",
        "Packets whose headers contradict themselves",
    ),
    counter("skipped_not_tcp_packets", "Packets that are not TCP"),
    counter("fragment_kept_packets", "Fragments kept until the others come"),
    counter("skipped_fragment_packets", "Fragments that fit no packet"),
    counter("stream_segments", "Segments given to the table of connections"),
    counter("impossible_segments", "Segments that no receiver takes"),
    counter(
        "stray_segments",
        "Segments of no known connection that begin none",
    ),
    counter("connections", "Connections entered"),
    gauge("open_connections", "Connections tracked now"),
    counter("expired_connections", "Connections forgotten after silence"),
    counter("evicted_connections", "Connections forgotten for room"),
    counter(
        "replaced_connections",
        "Connections replaced by a new one of the same ports",
    ),
    counter(
        "revived_connections",
        "Connections that went on after an end that the receiver did not accept",
    ),
    counter("delivered_bytes", "Payload bytes delivered in order"),
    counter(
        "delivered_late_bytes",
        "Delivered bytes that had to wait for others",
    ),
    counter(
        "left_out_bytes",
        "Payload bytes that nobody wanted, left out before they came here",
    ),
    gauge("buffered_bytes", "Bytes that wait for others before them"),
    counter("duplicate_bytes", "Payload bytes seen again, and not used"),
    counter(
        "conflicting_segments",
        "Segments whose bytes differ from ones that waited already",
    ),
    counter(
        "out_of_window_segments",
        "Segments further ahead than any window reaches, or far behind",
    ),
    counter(
        "after_end_bytes",
        "Payload bytes behind the end of their side's stream",
    ),
    counter(
        "refused_control_segments",
        "SYN, SYN-ACK, FIN or RST that the receiver does not accept",
    ),
    counter(
        "gap_acked_bytes",
        "Bytes given up because the receiver has them and the capture has not",
    ),
    counter(
        "gap_aged_bytes",
        "Bytes given up because they did not come in time",
    ),
    counter(
        "gap_limit_bytes",
        "Bytes given up because too much waited behind them",
    ),
    counter("gap_cut_bytes", "Bytes that the capture cut off"),
    counter(
        "gap_end_bytes",
        "Bytes that were missing when their connection ended",
    ),
    counter(
        "dropped_bytes",
        "Waiting bytes dropped: the receiver did not accept them, or there was no room",
    ),
    counter("transactions", "HTTP transactions read"),
    counter("unanswered", "Transactions without a response"),
    counter(
        "orphan_responses",
        "Responses whose request was not seen or cannot be told",
    ),
    counter(
        "unread_requests",
        "Of these, answers to requests that could not be read because of how they were written",
    ),
    counter("interim_responses", "Interim responses (1xx other than 101)"),
    counter(
        "abandoned_requests",
        "Requests that began and then turned out not to be any",
    ),
    counter("not_http_bytes", "Bytes of connections that do not speak HTTP"),
    counter(
        "http2_bytes",
        "Bytes of HTTP/2 connections with prior knowledge, which are not read",
    ),
    counter(
        "proxy_bytes",
        "Bytes of the PROXY protocol before the first request",
    ),
    counter("tunnel_bytes", "Bytes behind an Upgrade or CONNECT"),
    counter(
        "blind_bytes",
        "Bytes not parsed because framing before them was ambiguous or broken",
    ),
    counter(
        "unsynced_bytes",
        "Bytes behind a hole or a late join, up to the next certain message boundary",
    ),
    counter("gap_bytes", "Bytes of messages known to be missing"),
    counter(
        "shed_connections",
        "Connections whose next bytes were not parsed because a limit was reached",
    ),
    counter(
        "shed_requests",
        "Requests given out early, without their response, because a limit was reached",
    ),
    counter("bodies_read", "Bodies read, as far as the settings say"),
    counter("bodies_decoded", "Bodies that were read and had a content coding"),
    counter("bodies_read_bytes", "Bytes of bodies read, as on the wire"),
    counter("bodies_walked_bytes", "Bytes of bodies walked, decoded"),
    counter("bodies_fields", "Fields seen in bodies"),
    counter(
        "bodies_capped",
        "Bodies of which the rest was not read because enough had been",
    ),
    counter("bodies_incomplete", "Bodies that ended early or had holes"),
    counter(
        "bodies_shed",
        "Bodies not read, or not to their end, because too many were being read",
    ),
    counter("bodies_unread_coding", "Bodies whose content coding is not known"),
    counter("bodies_broken_coding", "Bodies whose content coding was broken"),
    counter(
        "bodies_bombs",
        "Bodies that would have grown without bound when decoded",
    ),
    counter("bodies_broken", "Bodies that were not well-formed"),
    counter(
        "signatures_good",
        "Accepted tokens signed with one of the configured keys",
    ),
    counter(
        "signatures_wrong",
        "Accepted tokens signed with none of the configured keys",
    ),
    counter(
        "signatures_unknown_key",
        "Accepted tokens that name a key that is not configured",
    ),
    counter(
        "signatures_shed",
        "Accepted tokens not verified because there were too many in one second",
    ),
];

const JUDGE: &[Told] = &[
    counter("observations", "Observations judged"),
    counter("findings", "Findings of all detectors"),
    counter(
        "findings_silenced",
        "Findings that a silence kept from becoming a case",
    ),
    counter("cases_opened", "Cases opened"),
    counter("leases_granted", "Leases granted or prolonged"),
    counter("leases_refused", "Blocks refused by the gate"),
    counter(
        "lost_observations",
        "Observations lost because the judge was too far behind",
    ),
];

const LOG: &[Told] = &[
    counter("written_lines", "Lines on the disk"),
    counter(
        "lost_lines",
        "Lines that found no room while the disk took nothing",
    ),
    counter("failures", "Times that the disk refused"),
    counter("reopened", "Times that the file was opened anew"),
    counter(
        "syslog_sent_messages",
        "Messages given to the syslog, where `log.syslog` is set",
    ),
    counter(
        "syslog_lost_messages",
        "Messages that the syslog did not take in time, or that are too long for a datagram",
    ),
    counter(
        "journald_sent_messages",
        "Entries given to the systemd journal, where `log.journald` is set",
    ),
    counter(
        "journald_lost_messages",
        "Entries that the systemd journal did not take in time",
    ),
];

const VERIFY: &[Told] = &[
    counter("rounds", "Comparisons of the ledger with the kernel"),
    counter("drift", "Differences found"),
    counter("repaired", "Differences mended"),
    counter("failures", "Comparisons that failed"),
    counter("reattached", "Programs attached again"),
];

const RECORD: &[Told] = &[
    counter("recorded_observations", "Observations recorded"),
    counter(
        "lost_observations",
        "Observations not recorded because the disk was too slow or refused",
    ),
];

const LIMITS: &[Told] = &[
    counter("shed_bodies_seconds", "Seconds in which bodies were not read"),
    counter(
        "shed_connections_seconds",
        "Seconds in which most connections were not read either",
    ),
    counter("shed_tap_seconds", "Seconds in which nothing was read"),
];

const CONNECTIONS: &[Told] = &[
    counter(
        "sources",
        "Sources whose connections were looked for, to cut them",
    ),
    counter("closed_sockets", "Sockets destroyed"),
    counter("refused_sockets", "Sockets that the kernel did not destroy"),
    counter(
        "lost_sources",
        "Sources whose connections were not looked for because too many waited",
    ),
];

const CONTROL: &[Told] = &[counter(
    "denied_requests",
    "Changes asked for by somebody who may not",
)];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_counter_of_the_kernel_is_told_of() {
        for (_, name) in monitor_common::counter::Counter::ALL {
            assert!(find("kernel", name).is_some(), "{name}");
        }
        assert_eq!(KERNEL.len(), monitor_common::counter::Counter::ALL.len());
    }

    #[test]
    fn names_are_told_once_and_are_words() {
        for stage in STAGES {
            for (at, told) in stage.counters.iter().enumerate() {
                let twice = stage
                    .counters
                    .iter()
                    .skip(at + 1)
                    .any(|other| other.name == told.name);
                assert!(!twice, "{}.{}", stage.name, told.name);
                let word = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
                assert!(told.name.chars().all(word), "{}", told.name);
                assert!(
                    !told.help.is_empty() && !told.help.ends_with('.'),
                    "{}",
                    told.name
                );
            }
        }
    }
}
