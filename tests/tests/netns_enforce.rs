//! What is dropped, what is not, and for how long: through the real kernel path, on real HTTP.
#![expect(clippy::unwrap_used, reason = "a suite fails by panicking")]

use std::time::Duration;

use anyhow::Context;
use apimon::control::dto::Lease;
use apimon_tests::{client::Tally, scene::Scene, wait};

const WALKER: &str = "203.0.113.66";
const WALKER_V6: &str = "2001:db8:bad::66";
const PEOPLE: [&str; 3] = ["192.0.2.11", "10.20.3.7", "2001:db8:77::3"];
/// Long enough for a finding on a busy machine.
const FOUND: Duration = Duration::from_secs(10);

fn everybody() -> Vec<&'static str> {
    PEOPLE.into_iter().chain([WALKER, WALKER_V6]).collect()
}

/// Waits until `source` holds a lease.
fn lease_of(scene: &Scene, source: &str) -> Lease {
    let leases = || scene.apimon.client().leases().unwrap_or_default();
    let held = || leases().into_iter().find(|lease| lease.source == source);
    let found = wait::until(&format!("a lease of {source}"), FOUND, held);
    found.with_context(|| scene.apimon.everything_said()).unwrap()
}

fn assert_all_served(tallies: &[Tally]) {
    assert_eq!(tallies.len(), PEOPLE.len());
    for tally in tallies {
        assert!(tally.answered > 2 && tally.failed == 0, "{tally:?}");
    }
}

#[test]
fn observe_mode_drops_nothing_though_a_case_is_open() {
    let scene = Scene::open("observe", "observe", &everybody()).unwrap();
    let _daemon = scene.apimon.start(scene.host()).unwrap();
    let people = scene.clients("honest", &PEOPLE, 1, 0).unwrap();
    let walker = scene.clients("walk", &[WALKER], 31, 5).unwrap();
    let client = scene.apimon.client();
    wait::until_true("a case", FOUND, || {
        client.status().is_ok_and(|status| status.totals.cases > 0)
    })
    .unwrap();
    // What would be dropped goes on being answered.
    let before = client.status().unwrap().totals.transactions;
    wait::until_true("200 transactions more", FOUND, || {
        client
            .status()
            .is_ok_and(|status| status.totals.transactions > before + 200)
    })
    .unwrap();
    let walker = walker.stop().unwrap();
    assert_eq!(walker[0].failed, 0, "{walker:?}");
    assert_all_served(&people.stop().unwrap());
    assert_eq!(client.status().unwrap().totals.dropped, 0);
    let case = client
        .cases()
        .unwrap()
        .into_iter()
        .find(|case| case.rule == "id-enumeration")
        .unwrap();
    assert_eq!(case.sources[0].source, WALKER);
    assert!(client.leases().unwrap().iter().all(|lease| !lease.enforced));
}

#[test]
fn enforce_mode_drops_the_walker_and_serves_the_others() {
    let scene = Scene::open("enforce", "enforce", &everybody()).unwrap();
    let _daemon = scene.apimon.start(scene.host()).unwrap();
    let people = scene.clients("honest", &PEOPLE, 1, 0).unwrap();
    for (source, user) in [(WALKER, 31), (WALKER_V6, 32)] {
        let walker = scene.clients("walk", &[source], user, 5).unwrap();
        let lease = lease_of(&scene, source);
        assert!(lease.enforced && lease.case > 0, "{lease:?}");
        wait::until_true("dropped packets", FOUND, || lease_of(&scene, source).packets > 3).unwrap();
        assert!(
            scene.curl(source, &url_for(source)).is_err(),
            "a new connection got through"
        );
        let tally = walker.stop().unwrap().remove(0);
        let first = tally.first_failure.unwrap();
        assert!(
            first.asked_ns > tally.last_answer_ns,
            "answered after its first loss"
        );
    }
    assert_all_served(&people.stop().unwrap());
    let sources = scene.apimon.client().sources(100).unwrap();
    for source in &sources {
        let abuser = source.source == WALKER || source.source == WALKER_V6;
        assert_eq!(source.dropped > 0, abuser, "{source:?}");
    }
}

/// The shop's address in the family of `source`.
fn url_for(source: &str) -> String {
    if source.contains(':') {
        "http://[fd77:0:0:1::10]:8080/health".to_owned()
    } else {
        "http://10.77.0.10:8080/health".to_owned()
    }
}

#[test]
fn blocks_by_hand_are_added_listed_and_removed_in_both_families() {
    let scene = Scene::open("byhand", "enforce", &everybody()).unwrap();
    let _daemon = scene.apimon.start(scene.host()).unwrap();
    for source in [WALKER, WALKER_V6] {
        assert_eq!(scene.curl(source, &url_for(source)).unwrap(), "200");
        scene
            .apimon
            .ask(&["block", "add", source, "--ttl", "5m", "--reason", "a drill"])
            .unwrap();
        assert!(
            scene.curl(source, &url_for(source)).is_err(),
            "{source} is not dropped"
        );
        let list = scene.apimon.ask(&["block", "list"]).unwrap();
        assert!(list.contains(source) && list.contains("a drill"), "{list}");
        scene.apimon.ask(&["block", "remove", source]).unwrap();
        assert_eq!(scene.curl(source, &url_for(source)).unwrap(), "200");
    }
    assert_eq!(scene.apimon.client().leases().unwrap(), []);
}

#[test]
fn nets_are_blocked_and_slowed_down_by_hand() {
    let scene = Scene::open("nets", "enforce", &everybody()).unwrap();
    let _daemon = scene.apimon.start(scene.host()).unwrap();
    let answer = |source: &str| scene.curl(source, &url_for(source)).ok();
    let ok = Some("200".to_owned());
    for (source, net) in [(WALKER, "203.0.113.0/24"), (WALKER_V6, "2001:db8:bad::/48")] {
        scene.apimon.ask(&["block", "add", net, "--ttl", "5m"]).unwrap();
        assert_eq!(answer(source), None, "{net} is not dropped");
        let lease = lease_of(&scene, net);
        assert!(lease.packets > 0 && lease.bytes > 0, "{lease:?}");
        for person in PEOPLE {
            assert_eq!(answer(person), ok, "{person} is not in {net}");
        }
        let rates = "pps=100000,bps=100000000";
        scene
            .apimon
            .ask(&["block", "add", net, "--throttle", rates])
            .unwrap();
        assert_eq!(answer(source), ok, "{net} is within its rates");
        let list = scene.apimon.ask(&["block", "list"]).unwrap();
        assert!(list.contains("held to 100000 packets/s"), "{list}");
        scene
            .apimon
            .ask(&["block", "add", net, "--throttle", "pps=1"])
            .unwrap();
        assert_eq!(answer(source), None, "one packet a second is no conversation");
        scene.apimon.ask(&["block", "remove", net]).unwrap();
        assert_eq!(answer(source), ok);
    }
}

#[test]
fn a_tagged_frame_of_a_blocked_source_is_dropped() {
    use apimon_tests::{
        forge::{End, Segment, Wire, flag},
        site::{HOST_V4, INTERFACE, PORT, ROUTER_INTERFACE},
    };
    let scene = Scene::open("tagged", "enforce", &everybody()).unwrap();
    let _daemon = scene.apimon.start(scene.host()).unwrap();
    scene.apimon.ask(&["block", "add", WALKER]).unwrap();
    let segment = Segment {
        from: End {
            addr: WALKER.parse().unwrap(),
            port: 4000,
        },
        to: End {
            addr: HOST_V4,
            port: PORT,
        },
        seq: 1,
        ack: 0,
        flags: flag::SYN,
    };
    let wire = Wire {
        to: scene.host().mac(INTERFACE).unwrap(),
        from: scene.site.router.mac(ROUTER_INTERFACE).unwrap(),
        vlan: Some(7),
    };
    scene.inject(&vec![segment.frame(wire, b""); 10]).unwrap();
    wait::until_true("ten drops", FOUND, || lease_of(&scene, WALKER).packets == 10).unwrap();
}
