//! Every failure that docs/failures.md promises to bear: kills, upgrades, reboots, full tables, dead disks, broken
//! files, interfaces that go and come.
#![expect(clippy::unwrap_used, reason = "a suite fails by panicking")]

use std::time::Duration;

use anyhow::Context as _;
use apimon::{control::dto::Interface, kernel, state};
use apimon_tests::{barrage::Barrage, client::Tally, scene::Scene, site::INTERFACE, wait};

const BLOCKED: &str = "203.0.113.66";
const OTHER: &str = "192.0.2.11";
const URL: &str = "http://10.77.0.10:8080/health";
const PATIENCE: Duration = Duration::from_secs(20);
/// Kills and upgrades of one test.
const TIMES: u32 = 20;

fn scene(tag: &str) -> Scene {
    Scene::open(tag, "enforce", &[BLOCKED, OTHER]).unwrap()
}

fn block(scene: &Scene, source: &str) {
    scene
        .apimon
        .ask(&["block", "add", source, "--ttl", "30m", "--reason", "a drill"])
        .unwrap();
}

fn barrage(scene: &Scene) -> Barrage {
    let barrage = Barrage::start(scene.host(), &scene.site.clients, &[BLOCKED, OTHER]).unwrap();
    wait::until_true("packets of both", PATIENCE, || {
        barrage.arrived(BLOCKED) > 0 && barrage.arrived(OTHER) > 0
    })
    .unwrap();
    barrage
}

/// Packets that arrive once nothing more of them is on its way.
fn settled(barrage: &Barrage, source: &str) -> u64 {
    let (arrived, other, sent) = (barrage.arrived(source), barrage.arrived(OTHER), barrage.sent());
    wait::until_true("later packets", PATIENCE, || {
        barrage.arrived(OTHER) > other + 50 && barrage.sent() > sent + 50
    })
    .unwrap();
    barrage.arrived(source).max(arrived)
}

fn assert_served(tallies: &[Tally]) {
    for tally in tallies {
        assert!(tally.answered > 20 && tally.failed == 0, "{tally:?}");
    }
}

fn assert_shield_works(scene: &Scene) {
    assert_eq!(scene.curl(OTHER, URL).unwrap(), "200");
    assert!(
        scene.curl(BLOCKED, URL).is_err(),
        "the blocked source got through"
    );
}

/// Moments of a kill, milliseconds after the start: from before anything is loaded to long after.
fn moments() -> impl Iterator<Item = u64> {
    // A fixed row of dice, so that a failure can be seen again.
    (1..=u64::from(TIMES)).map(|turn| turn.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 54)
}

#[test]
fn kills_at_random_moments_under_load_lose_no_lease_and_no_request() {
    let scene = scene("kills");
    let clients = scene.clients("honest", &[OTHER], 1, 5).unwrap();
    let barrage = barrage(&scene);
    let mut first = scene.apimon.start(scene.host()).unwrap();
    block(&scene, BLOCKED);
    first.kill();
    let through = settled(&barrage, BLOCKED);
    for (turn, moment_ms) in moments().enumerate() {
        let mut daemon = scene.apimon.spawn(scene.host()).unwrap();
        let begun = wait::now_ns();
        while wait::elapsed(begun) < Duration::from_millis(moment_ms) {
            // The ledger is written while leases change; where there is no daemon yet, there is none to ask.
            drop(
                scene
                    .apimon
                    .ask(&["block", "add", &format!("198.51.100.{turn}"), "--ttl", "30m"]),
            );
        }
        daemon.kill();
        let ledger = state::ledger::read(&scene.apimon.dir.join("state"));
        assert!(ledger.is_ok(), "after {moment_ms} ms: {ledger:?}");
    }
    assert_eq!(
        settled(&barrage, BLOCKED),
        through,
        "the blocked source got through"
    );
    let _last = scene.apimon.start(scene.host()).unwrap();
    let leases = scene.apimon.client().leases().unwrap();
    assert!(
        leases
            .iter()
            .any(|lease| lease.source == BLOCKED && lease.packets > 0),
        "{leases:?}"
    );
    assert_shield_works(&scene);
    assert_served(&clients.stop().unwrap());
    assert!(!scene.apimon.dir.join("state/leases.corrupt").exists());
}

#[test]
fn upgrades_under_load_leave_no_packet_unshielded() {
    let scene = scene("upgrade");
    let barrage = barrage(&scene);
    let mut daemon = scene.apimon.start(scene.host()).unwrap();
    block(&scene, BLOCKED);
    let through = settled(&barrage, BLOCKED);
    for turn in 0..TIMES {
        daemon.terminate().unwrap();
        daemon = scene.apimon.start(scene.host()).unwrap();
        assert_eq!(
            barrage.arrived(BLOCKED),
            through,
            "a packet got through at replacement {turn}"
        );
    }
    assert_eq!(settled(&barrage, BLOCKED), through);
    assert!(
        daemon
            .process
            .stderr()
            .contains("adopted from before: 1 shield links")
    );
}

#[test]
fn after_a_reboot_leases_come_back_with_the_time_they_had_left() {
    let scene = scene("reboot");
    let mut daemon = scene.apimon.start(scene.host()).unwrap();
    block(&scene, BLOCKED);
    let before = scene.apimon.client().leases().unwrap().remove(0);
    let ledger = || state::ledger::read(&scene.apimon.dir.join("state")).unwrap().1;
    wait::until_true("the ledger on disk", PATIENCE, || ledger().len() == 1).unwrap();
    daemon.kill();
    // What a reboot takes away: everything in the kernel.
    kernel::remove_all(scene.apimon.pins()).unwrap();
    assert_eq!(scene.curl(BLOCKED, URL).unwrap(), "200");
    let _daemon = scene.apimon.start(scene.host()).unwrap();
    let after = scene.apimon.client().leases().unwrap().remove(0);
    assert_eq!(
        (&after.source, &after.reason, &after.until),
        (&before.source, &before.reason, &before.until)
    );
    assert!(
        after.left_seconds <= before.left_seconds && after.left_seconds > 1000,
        "{after:?}"
    );
    assert_shield_works(&scene);
}

#[test]
fn a_ledger_that_cannot_be_read_is_kept_aside_and_said() {
    let scene = scene("corrupt");
    let mut daemon = scene.apimon.start(scene.host()).unwrap();
    block(&scene, BLOCKED);
    daemon.terminate().unwrap();
    let state = scene.apimon.dir.join("state");
    std::fs::write(state.join("leases.json"), b"\0\xff{not json").unwrap();
    let daemon = scene.apimon.start(scene.host()).unwrap();
    assert_eq!(
        std::fs::read(state.join("leases.corrupt")).unwrap(),
        b"\0\xff{not json"
    );
    let said = daemon.process.stderr();
    assert!(
        said.contains("not a ledger") && said.contains("leases.corrupt"),
        "{said}"
    );
    assert_shield_works(&scene);
}

#[test]
fn a_disk_that_takes_nothing_stops_neither_blocks_nor_the_api() {
    let scene = scene("disk");
    // Writing to this file says that the disk is full.
    std::os::unix::fs::symlink("/dev/full", scene.apimon.log()).unwrap();
    let state = scene.apimon.dir.join("state");
    // The ledger is written beside its place first; a directory there refuses that, to root too.
    std::fs::create_dir_all(state.join("leases.new")).unwrap();
    let mut daemon = scene.apimon.start(scene.host()).unwrap();
    block(&scene, BLOCKED);
    assert_shield_works(&scene);
    wait::until_true("a failing log", PATIENCE, || {
        let status = scene.apimon.client().status().unwrap();
        status.log.report.failing.is_some()
    })
    .unwrap();
    wait::until_true("a failing ledger", PATIENCE, || {
        daemon
            .process
            .stderr()
            .contains("the ledger of leases: cannot write")
    })
    .unwrap();
    // What was not written down is in the kernel all the same.
    daemon.kill();
    assert_shield_works(&scene);
    std::fs::remove_dir(state.join("leases.new")).unwrap();
    std::fs::remove_file(scene.apimon.log()).unwrap();
    let _daemon = scene.apimon.start(scene.host()).unwrap();
    assert_eq!(scene.apimon.client().leases().unwrap().len(), 1);
    assert_shield_works(&scene);
}

#[test]
fn a_full_table_refuses_in_words_and_the_leases_in_it_hold() {
    let mut scene = scene("full");
    scene.apimon.config = "[verdict]\nleases_max = 2\n".to_owned();
    let _daemon = scene.apimon.start(scene.host()).unwrap();
    block(&scene, BLOCKED);
    block(&scene, "198.51.100.1");
    let refused = scene.apimon.ask(&["block", "add", "198.51.100.2"]).unwrap_err();
    assert!(refused.to_string().contains("leases_max"), "{refused:#}");
    assert_shield_works(&scene);
    scene.apimon.ask(&["block", "remove", "198.51.100.1"]).unwrap();
    block(&scene, "198.51.100.2");
}

fn interface(scene: &Scene, name: &str) -> Interface {
    let status = scene.apimon.client().status().unwrap();
    status
        .interfaces
        .into_iter()
        .find(|shown| shown.name == name)
        .unwrap()
}

#[test]
fn an_interface_that_goes_and_comes_back_is_guarded_again() {
    let mut scene = scene("comes");
    scene.host().connect("x0", &scene.site.router, "x1").unwrap();
    scene
        .apimon
        .flags
        .extend(["--interface", "x0"].map(str::to_owned));
    let daemon = scene.apimon.start(scene.host()).unwrap();
    assert_eq!(interface(&scene, "x0").shield, "native");
    block(&scene, BLOCKED);
    let guarded = || {
        scene
            .host()
            .ip("-d link show dev x0")
            .unwrap()
            .contains("prog/xdp")
    };
    for _ in 0..2 {
        scene.host().ip("link del x0").unwrap();
        wait::until_true("the end of x0", PATIENCE, || {
            interface(&scene, "x0").shield == "gone"
        })
        .unwrap();
        assert_shield_works(&scene);
        scene.host().connect("x0", &scene.site.router, "x1").unwrap();
        wait::until_true("x0 again", PATIENCE, || {
            interface(&scene, "x0").shield == "native"
        })
        .unwrap();
        assert!(guarded());
    }
    // Gone and back between two looks: only the index tells.
    scene.host().ip("link del x0").unwrap();
    scene.host().connect("x0", &scene.site.router, "x1").unwrap();
    wait::until_true("the new x0", PATIENCE, guarded).unwrap();
    let said = daemon.process.stderr();
    assert!(
        said.contains("interface x0: it is gone") && said.contains("attached again"),
        "{said}"
    );
    assert_shield_works(&scene);
}

#[test]
fn an_interface_that_is_lent_to_another_namespace_is_guarded_again() {
    let mut scene = scene("lent");
    scene.host().connect("x0", &scene.site.router, "x1").unwrap();
    scene
        .apimon
        .flags
        .extend(["--interface", "x0"].map(str::to_owned));
    let _daemon = scene.apimon.start(scene.host()).unwrap();
    block(&scene, BLOCKED);
    let (own, other) = (scene.host().name(), scene.site.clients.name());
    for _ in 0..2 {
        scene.host().ip(&format!("link set x0 netns {other}")).unwrap();
        wait::until_true("x0 away", PATIENCE, || interface(&scene, "x0").shield == "gone").unwrap();
        assert_shield_works(&scene);
        scene
            .site
            .clients
            .ip(&format!("link set x0 netns {own}"))
            .unwrap();
        scene.host().ip("link set x0 up").unwrap();
        wait::until_true("x0 again", PATIENCE, || {
            interface(&scene, "x0").shield == "native" && scene.apimon.ask(&["verify"]).is_ok()
        })
        .with_context(|| scene.apimon.everything_said())
        .unwrap();
        assert_shield_works(&scene);
    }
}

#[test]
fn jumbo_frames_and_a_change_of_size_keep_shield_and_service() {
    let scene = scene("jumbo");
    let sizes = |mtu: u32| {
        let (host, router, clients) = (scene.host(), &scene.site.router, &scene.site.clients);
        for (space, name) in [
            (host, INTERFACE),
            (router, "up0"),
            (router, "down0"),
            (clients, "net0"),
        ] {
            space.ip(&format!("link set dev {name} mtu {mtu}")).unwrap();
        }
    };
    sizes(9000);
    let _daemon = scene.apimon.start(scene.host()).unwrap();
    assert_eq!(interface(&scene, INTERFACE).shield, "native");
    block(&scene, BLOCKED);
    for mtu in [9000, 1500, 9000] {
        sizes(mtu);
        assert_shield_works(&scene);
        // A body of many large segments, both ways through the shield's and the tap's eyes.
        let body = scene.apimon.dir.join("body");
        std::fs::write(&body, vec![b'x'; 200_000]).unwrap();
        let mut command = scene.site.clients.command("curl");
        command.args([
            "--silent",
            "--max-time",
            "5",
            "--interface",
            OTHER,
            "--output",
            "/dev/null",
        ]);
        command.args(["--write-out", "%{size_upload}", "--data-binary"]);
        command.arg(format!("@{}", body.display())).arg(URL);
        assert_eq!(
            apimon_tests::process::output(&mut command).unwrap(),
            "200000",
            "mtu {mtu}"
        );
    }
    assert_eq!(interface(&scene, INTERFACE).shield, "native");
}
