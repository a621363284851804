use super::*;

const SECOND_NS: u64 = 1_000_000_000;

/// What goes by in seconds: each source's SYNs and packets a second.
struct Traffic {
    floods: Floods,
    snapshot: Snapshot,
    second: u64,
}

impl Traffic {
    fn new() -> Self {
        let mut traffic = Self {
            floods: Floods::new(SynFlood::default(), PacketRate::default()),
            snapshot: Snapshot::default(),
            second: 1000,
        };
        traffic.seconds(1, &[]);
        traffic
    }

    fn seconds(&mut self, seconds: u32, rates: &[(&str, u64, u64)]) -> Vec<Finding> {
        let mut found = Vec::new();
        for _ in 0..seconds {
            let first = Timestamp::from_nanos(self.second * SECOND_NS + 1);
            self.second += 1;
            self.snapshot.at = Timestamp::from_nanos(self.second * SECOND_NS);
            for (source, syns, packets) in rates {
                let addr: IpKey = source.parse().unwrap();
                self.total(*syns, *packets);
                let known = self.snapshot.sources.iter_mut().find(|known| known.addr == addr);
                match known {
                    Some(known) => {
                        known.counts.syns += syns;
                        known.counts.packets += packets;
                    }
                    None => self.snapshot.sources.push(SourceCounts {
                        addr,
                        counts: Counts {
                            packets: *packets,
                            syns: *syns,
                        },
                        first,
                    }),
                }
            }
            found.extend(self.floods.observe(&self.snapshot));
        }
        found
    }

    fn total(&mut self, syns: u64, packets: u64) {
        self.snapshot.total.syns += syns;
        self.snapshot.total.packets += packets;
    }
}

fn names(found: &[Finding]) -> Vec<(&str, String)> {
    found
        .iter()
        .map(|f| (f.detector.name, f.actor.to_string()))
        .collect()
}

#[test]
fn one_source_that_asks_too_often_is_named() {
    let mut traffic = Traffic::new();
    assert_eq!(traffic.seconds(30, &[("192.0.2.1", 150, 1000)]), []);
    let found = traffic.seconds(3, &[("192.0.2.1", 150, 1000), ("203.0.113.5", 1500, 1500)]);
    assert_eq!(names(&found), [("syn-flood", "client:203.0.113.5".to_owned())]);
    assert_eq!((found[0].suspects.len(), found[0].suspects[0].proven), (1, false));
    let evidence = &found[0].evidence;
    assert_eq!(
        (evidence.value, evidence.threshold, evidence.baseline),
        (1500.0, 200.0, None)
    );
    assert!(found[0].confidence >= 70 && found[0].detector.strongest == Remedy::Throttle);
}

#[test]
fn made_up_sources_are_one_finding_about_the_total_without_a_suspect() {
    let mut traffic = Traffic::new();
    traffic.seconds(70, &[("192.0.2.1", 100, 3000)]);
    for _ in 0..3 {
        traffic.total(50_000, 50_000);
        traffic.snapshot.sources_new += 50_000;
        let found = traffic.seconds(1, &[("192.0.2.1", 100, 3000)]);
        if let [finding] = found.as_slice() {
            assert_eq!(finding.detector.name, "syn-flood");
            assert_eq!((finding.actor, finding.suspects.len()), (Actor::Several, 0));
            assert!(finding.evidence.measures[0].value > 49_999.0);
            // What is usual was known by then.
            assert!(
                finding
                    .evidence
                    .baseline
                    .is_some_and(|usual| (99.0..101.0).contains(&usual))
            );
            return;
        }
    }
    panic!("nothing was found");
}

#[test]
fn who_sent_much_before_is_judged_by_what_is_usual_for_him() {
    let balancer: (&str, u64, u64) = ("10.0.0.9", 1000, 5000);
    let mut traffic = Traffic::new();
    traffic.snapshot.sources.push(SourceCounts {
        addr: balancer.0.parse().unwrap(),
        counts: Counts {
            packets: 1 << 40,
            syns: 1 << 30,
        },
        first: Timestamp::ZERO,
    });
    traffic.floods = Floods::new(SynFlood::default(), PacketRate::default());
    let quiet = |found: Vec<Finding>| found.iter().all(|finding| finding.actor == Actor::Several);
    assert!(quiet(traffic.seconds(300, &[balancer])), "it was there before");
    assert!(
        quiet(traffic.seconds(20, &[("10.0.0.9", 4000, 5000)])),
        "four times as much"
    );
    assert!(!quiet(traffic.seconds(5, &[("10.0.0.9", 20_000, 20_000)])));
}

#[test]
fn a_first_packet_long_before_gives_nobody_time_to_flood() {
    let mut traffic = Traffic::new();
    traffic.seconds(100, &[]);
    traffic.snapshot.sources.push(SourceCounts {
        addr: "203.0.113.5".parse().unwrap(),
        counts: Counts {
            packets: 40,
            syns: 40,
        },
        first: Timestamp::ZERO,
    });
    let found = traffic.seconds(5, &[("203.0.113.5", 1500, 1500)]);
    assert_eq!(names(&found), [("syn-flood", "client:203.0.113.5".to_owned())]);
}

#[test]
fn packets_are_counted_too_and_either_can_be_off() {
    let flood = [("203.0.113.5", 0, 400_000)];
    let mut traffic = Traffic::new();
    let found = traffic.seconds(5, &flood);
    let named = names(&found);
    assert!(named.contains(&("packet-rate", "client:203.0.113.5".to_owned())));
    assert!(named.contains(&("packet-rate", "several".to_owned())));
    let mut traffic = Traffic::new();
    traffic.floods.packet.enabled = false;
    assert_eq!(traffic.seconds(20, &flood), []);
}

#[test]
fn gaps_restarts_and_numbers_of_sources_are_bounded() {
    let mut traffic = Traffic::new();
    traffic.seconds(5, &[("192.0.2.1", 10, 10)]);
    // A minute of sleep, then counters that began anew.
    traffic.second += 60;
    traffic.total(1_000_000, 1_000_000);
    assert_eq!(traffic.seconds(1, &[("192.0.2.1", 100_000, 100_000)]), []);
    traffic.snapshot.total = Counts::default();
    traffic.snapshot.sources[0].counts = Counts::default();
    assert_eq!(traffic.seconds(5, &[("192.0.2.1", 10, 10)]), []);
    let addr = |number: u32| IpKey::from_v4((0x0a00_0000 + number).to_be_bytes());
    for second in 1..=4 {
        traffic.snapshot.sources = (0..10_000)
            .map(|number| SourceCounts {
                addr: addr(number),
                counts: Counts {
                    packets: 1000 * second,
                    syns: 1000 * second,
                },
                first: traffic.snapshot.at,
            })
            .collect();
        let found = traffic.seconds(1, &[]);
        assert!(found.len() <= FINDINGS_MAX + 2, "{}", found.len());
        assert!(traffic.floods.len() <= SOURCES_MAX);
    }
}
