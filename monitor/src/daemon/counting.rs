//! Brings the kernel's counters of packets before the judge, once a second. Must not know what is too much.

use std::collections::BTreeMap;

use monitor_common::{IpKey, counter::Counter, source::SourceEntry};

use super::{
    desk::{Desk, Maps, locked},
    judging::Bench,
};
use crate::{
    detect::flood::{Counts, SOURCES_MAX, Snapshot, SourceCounts},
    kernel::{KernelError, TimeBase},
    time::Timestamp,
};

/// Packets on one CPU from which on a source is looked at: in a flood of made-up sources nearly all have sent one.
const PACKETS_MIN: u64 = 32;

/// Reads the counters and lets the judge judge them; nothing where no detector asks for them.
pub(super) fn round(desk: &Desk) {
    let settings = desk.settings();
    let detect = &settings.judge.detect;
    if !detect.syn_flood.enabled && !detect.packet_rate.enabled {
        return;
    }
    let (base, now) = (desk.clock.base(), desk.clock.now());
    let snapshot = match snapshot(&locked(&desk.maps), base, now) {
        Ok(snapshot) => snapshot,
        Err(error) => return log::warn!("{error}"),
    };
    let judged = desk.judge.call(move |bench| {
        let Bench {
            judge,
            leases,
            events,
            ..
        } = bench;
        judge.count_packets(&snapshot, &mut **leases, events);
    });
    if judged.is_err() {
        // The next round sees the same counters, and two seconds of them.
        log::debug!("the judge had no time for the counters of packets");
    }
}

fn snapshot(maps: &Maps, base: TimeBase, at: Timestamp) -> Result<Snapshot, KernelError> {
    let mut snapshot = Snapshot {
        at,
        ..Snapshot::default()
    };
    for (counter, _, count) in maps.counters.read()? {
        match counter {
            Counter::ShieldPassed => snapshot.total.packets = count,
            Counter::ShieldSyn => snapshot.total.syns = count,
            Counter::SourcesNew => snapshot.sources_new = count,
            _ => {}
        }
    }
    let mut heavy: BTreeMap<IpKey, SourceEntry> = BTreeMap::new();
    maps.sources.for_each_passed(|source, passed| {
        if passed.packets >= PACKETS_MIN {
            heavy.entry(source).or_default().merge(&passed);
        }
    });
    let counts = heavy.into_iter().map(|(addr, passed)| SourceCounts {
        addr,
        counts: Counts {
            packets: passed.packets,
            syns: passed.syns,
        },
        first: base.wall(passed.first_ns),
    });
    snapshot.sources = counts.collect();
    if snapshot.sources.len() > SOURCES_MAX {
        snapshot
            .sources
            .sort_unstable_by_key(|source| std::cmp::Reverse(source.counts.packets));
        snapshot.sources.truncate(SOURCES_MAX);
    }
    Ok(snapshot)
}
