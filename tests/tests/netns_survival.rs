//! What becomes of leases when the daemon dies, ends, or starts again.
#![expect(clippy::unwrap_used, reason = "a suite fails by panicking")]

use std::time::Duration;

use apimon_tests::{scene::Scene, wait};

const BLOCKED: &str = "203.0.113.66";
const OTHER: &str = "192.0.2.11";
const URL: &str = "http://10.77.0.10:8080/health";
/// Bound of every wait here.
const PATIENCE: Duration = Duration::from_secs(30);

fn scene(tag: &str) -> Scene {
    Scene::open(tag, "enforce", &[BLOCKED, OTHER]).unwrap()
}

/// `BLOCKED` cannot connect, `OTHER` can.
fn assert_shield_works(scene: &Scene) {
    assert_eq!(scene.curl(OTHER, URL).unwrap(), "200");
    assert!(
        scene.curl(BLOCKED, URL).is_err(),
        "the blocked source got through"
    );
}

#[test]
fn a_killed_daemon_leaves_a_lease_that_works_and_ends_on_time() {
    let scene = scene("kill");
    let mut daemon = scene.apimon.start(scene.host()).unwrap();
    let granted = wait::now_ns();
    scene
        .apimon
        .ask(&["block", "add", BLOCKED, "--ttl", "10s"])
        .unwrap();
    daemon.kill();
    assert_shield_works(&scene);
    assert!(
        wait::elapsed(granted) < Duration::from_secs(10),
        "too slow to tell"
    );
    wait::until_true("the end of the lease", PATIENCE, || {
        scene.curl(BLOCKED, URL).is_ok()
    })
    .unwrap();
    let lasted = wait::elapsed(granted);
    // curl itself waits up to 2 s for an answer, and a connection begun under the lease is retried in that time.
    assert!(lasted > Duration::from_millis(9500), "over after {lasted:?}");
    assert!(lasted < Duration::from_secs(15), "still there after {lasted:?}");
}

#[test]
fn sigterm_leaves_leases_in_force_and_a_restart_adopts_them() {
    let scene = scene("restart");
    let mut daemon = scene.apimon.start(scene.host()).unwrap();
    scene
        .apimon
        .ask(&["block", "add", BLOCKED, "--ttl", "5m", "--reason", "a drill"])
        .unwrap();
    assert_shield_works(&scene);
    let before = scene.apimon.client().leases().unwrap().remove(0);
    assert!(before.packets > 0);
    daemon.terminate().unwrap();
    assert_shield_works(&scene);

    let _daemon = scene.apimon.start(scene.host()).unwrap();
    let after = scene.apimon.client().leases().unwrap();
    assert_eq!(after.len(), 1);
    assert_eq!((&*after[0].source, &*after[0].reason), (BLOCKED, "a drill"));
    assert!(
        after[0].packets > before.packets,
        "its hits were forgotten: {after:?}"
    );
    assert!(after[0].left_seconds <= before.left_seconds, "it was given anew");
    assert_shield_works(&scene);
    scene.apimon.ask(&["block", "remove", BLOCKED]).unwrap();
    assert_eq!(scene.curl(BLOCKED, URL).unwrap(), "200");
}

#[test]
fn a_restart_after_a_kill_adopts_the_leases_too() {
    let scene = scene("crash");
    let mut daemon = scene.apimon.start(scene.host()).unwrap();
    scene
        .apimon
        .ask(&["block", "add", BLOCKED, "--ttl", "5m"])
        .unwrap();
    assert_shield_works(&scene);
    daemon.kill();
    let _daemon = scene.apimon.start(scene.host()).unwrap();
    let leases = scene.apimon.client().leases().unwrap();
    assert_eq!(leases.len(), 1);
    assert!(leases[0].packets > 0, "its hits were forgotten: {leases:?}");
    assert_shield_works(&scene);
}

#[test]
fn sigterm_without_leases_detaches_everything() {
    let scene = scene("detach");
    let mut daemon = scene.apimon.start(scene.host()).unwrap();
    let attached = || {
        scene
            .host()
            .ip("-d link show dev api0")
            .unwrap()
            .contains("prog/xdp")
    };
    assert!(attached());
    daemon.terminate().unwrap();
    wait::until_true("detaching", PATIENCE, || !attached()).unwrap();
    assert_eq!(scene.curl(OTHER, URL).unwrap(), "200");
}

#[test]
fn a_second_instance_is_refused_and_the_first_goes_on() {
    let scene = scene("second");
    let _first = scene.apimon.start(scene.host()).unwrap();
    let mut second = scene.apimon.spawn(scene.host()).unwrap();
    let status = second.process.wait(PATIENCE).unwrap();
    assert!(!status.success());
    let error = second.process.stderr();
    assert!(error.contains("another apimon"), "not a clear message: {error}");
    assert!(scene.apimon.client().status().is_ok(), "the first is gone");
}
