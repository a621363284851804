//! `apimon verify`: what differs between ledger and kernel is named, and mended: by hand, by the daemon itself, and
//! without a daemon.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a suite fails by panicking"
)]

use std::{path::Path, time::Duration};

use anyhow::Context as _;
use apimon::{
    kernel::{self, Kind, Leases},
    verify::Verified,
};
use apimon_tests::{programs, scene::Scene, site::INTERFACE, wait};

const LOST: &str = "203.0.113.66";
const STRANGE: &str = "192.0.2.11";
const MOVED: &str = "192.0.2.12";
const URL: &str = "http://10.77.0.10:8080/health";
/// Longer than a round of the daemon's own.
const PATIENCE: Duration = Duration::from_secs(40);
/// Exit code of `apimon verify` where something differs.
const DRIFT: i32 = 7;

fn scene(tag: &str) -> Scene {
    Scene::open(tag, "enforce", &[LOST, STRANGE, MOVED]).unwrap()
}

fn leases(scene: &Scene) -> Leases {
    kernel::pinned_leases(scene.apimon.pins()).unwrap()
}

/// Runs `apimon verify`; its exit code and what it found.
fn verify(scene: &Scene, flags: &[&str]) -> (i32, Verified) {
    let mut command = scene.apimon.command(&["verify", "--json"]).unwrap();
    let state = scene.apimon.dir.join("state");
    command.args(flags).arg("--state-dir").arg(state);
    command.arg("--pin-dir").arg(scene.apimon.pins());
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    let found = serde_json::from_slice(&output.stdout);
    (
        output.status.code().unwrap(),
        found.unwrap_or_else(|error| panic!("{error}: {said}")),
    )
}

fn block(scene: &Scene, source: &str) {
    scene
        .apimon
        .ask(&["block", "add", source, "--ttl", "5m"])
        .unwrap();
}

/// Changes the kernel's leases behind the daemon's back, in each way there is.
fn tamper(scene: &Scene) {
    let mut leases = leases(scene);
    leases.revoke(LOST.parse().unwrap());
    leases
        .grant(STRANGE.parse().unwrap(), Duration::from_mins(5), Kind::Drop, 9)
        .unwrap();
    leases
        .grant(MOVED.parse().unwrap(), Duration::from_mins(50), Kind::Drop, 0)
        .unwrap();
}

fn things(verified: &Verified) -> Vec<(&str, bool)> {
    verified
        .drift
        .iter()
        .map(|drift| (&*drift.thing, drift.repaired))
        .collect()
}

fn rounds(scene: &Scene) -> u64 {
    scene.apimon.client().status().unwrap().counters["verify"]["rounds"]
}

/// Tampers and looks, until the daemon's own round did not come in between. `verify` itself is a round.
fn tampered(scene: &Scene) -> (i32, Verified) {
    for _ in 0..5 {
        let before = rounds(scene);
        tamper(scene);
        let found = verify(scene, &[]);
        if rounds(scene) == before + 1 {
            return found;
        }
    }
    panic!("the daemon's own round came in between five times");
}

#[test]
fn each_drift_is_named_and_mended_by_hand() {
    let scene = scene("verify");
    let _daemon = scene.apimon.start(scene.host()).unwrap();
    block(&scene, LOST);
    block(&scene, MOVED);
    let (code, sound) = verify(&scene, &[]);
    assert_eq!(
        (code, sound.drift.len(), sound.leases, sound.daemon),
        (0, 0, 2, true),
        "{sound:?}"
    );
    assert!(
        sound.never_block > 2 && sound.maps > 3 && sound.interfaces == 1,
        "{sound:?}"
    );

    let (code, found) = tampered(&scene);
    assert_eq!(code, DRIFT);
    assert_eq!(things(&found), [(STRANGE, false), (MOVED, false), (LOST, false)]);
    assert_eq!(scene.curl(LOST, URL).unwrap(), "200");
    assert!(scene.curl(STRANGE, URL).is_err());

    tamper(&scene);
    let (code, _) = verify(&scene, &["--repair"]);
    assert_eq!(code, 0);
    assert_eq!(verify(&scene, &[]).0, 0);
    assert!(scene.curl(LOST, URL).is_err());
    assert_eq!(scene.curl(STRANGE, URL).unwrap(), "200");
    let left = scene.apimon.client().leases().unwrap();
    assert!(left.iter().all(|lease| lease.left_seconds <= 300), "{left:?}");
}

#[test]
fn the_daemon_mends_by_itself_and_counts() {
    let scene = scene("reconcile");
    let mut daemon = scene.apimon.start(scene.host()).unwrap();
    block(&scene, LOST);
    block(&scene, MOVED);
    tamper(&scene);
    wait::until_true("the daemon's own round", PATIENCE, || {
        let status = scene.apimon.client().status().unwrap();
        status.counters["verify"]["repaired"] >= 3
    })
    .unwrap();
    assert_eq!(verify(&scene, &[]).0, 0);
    assert!(scene.curl(LOST, URL).is_err());
    assert_eq!(scene.curl(STRANGE, URL).unwrap(), "200");
    let said = daemon.process.stderr();
    assert!(said.contains("drift: lease 203.0.113.66"), "{said}");
    daemon.terminate().unwrap();
}

#[test]
fn without_a_daemon_the_ledger_on_disk_is_compared() {
    let scene = scene("offline");
    let mut daemon = scene.apimon.start(scene.host()).unwrap();
    block(&scene, LOST);
    block(&scene, MOVED);
    daemon.terminate().unwrap();
    // The host's own addresses are another namespace's here: only leases can be compared from outside of it.
    let lease_drift = |found: &Verified| -> Vec<(String, bool)> {
        let drift = found
            .drift
            .iter()
            .filter(|drift| drift.part == apimon::verify::Part::Lease);
        drift.map(|drift| (drift.thing.clone(), drift.repaired)).collect()
    };
    assert_eq!(lease_drift(&verify(&scene, &[]).1), []);
    tamper(&scene);
    let named = |repaired: bool| [STRANGE, MOVED, LOST].map(|source| (source.to_owned(), repaired));
    let (code, found) = verify(&scene, &[]);
    assert_eq!((code, found.daemon), (DRIFT, false));
    assert_eq!(lease_drift(&found), named(false));
    assert_eq!(lease_drift(&verify(&scene, &["--repair"]).1), named(true));
    assert_eq!(lease_drift(&verify(&scene, &[]).1), []);
    assert!(scene.curl(LOST, URL).is_err());
    assert_eq!(scene.curl(STRANGE, URL).unwrap(), "200");
}

#[test]
fn a_mode_that_was_changed_behind_the_daemon_is_set_again() {
    let scene = scene("mode");
    let _daemon = scene.apimon.start(scene.host()).unwrap();
    block(&scene, LOST);
    assert!(scene.curl(LOST, URL).is_err());
    kernel::set_pinned_mode(scene.apimon.pins(), kernel::Mode::Observe).unwrap();
    let before = rounds(&scene);
    let (code, found) = verify(&scene, &["--repair"]);
    assert_eq!(code, 0);
    // The daemon's own round may have been first; either way it is mended.
    assert!(found.drift.len() == 1 || rounds(&scene) > before + 1, "{found:?}");
    assert!(scene.curl(LOST, URL).is_err());
}

/// Runs `apimon doctor` in the host's namespace; its exit code, and level and finding of a line.
fn doctor(scene: &Scene, pins: &Path, line: &str) -> (i32, String, String) {
    let mut command = scene.host().command(programs::apimon().unwrap());
    command
        .args(["doctor", "--json", "--interface", INTERFACE, "--pin-dir"])
        .arg(pins);
    let output = command.output().unwrap();
    let found: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let checks = found["checks"].as_array().unwrap();
    let named = checks.iter().find(|check| check["name"] == line);
    let named = named.unwrap_or_else(|| panic!("no line {line}: {found:#}"));
    let text = |key: &str| named[key].as_str().unwrap().to_owned();
    (output.status.code().unwrap(), text("level"), text("found"))
}

#[test]
fn the_doctor_knows_its_own_shield_from_anothers() {
    let scene = scene("doctor");
    let line = format!("{INTERFACE}: xdp program");
    let pins = scene.apimon.pins();
    assert_eq!(doctor(&scene, pins, &line), (0, "ok".into(), "none".into()));
    let (_, level, found) = doctor(&scene, pins, &format!("{INTERFACE}: xdp"));
    assert_eq!((&*level, &*found), ("ok", "native"));
    let mut daemon = scene.apimon.start(scene.host()).unwrap();
    let (code, level, found) = doctor(&scene, pins, &line);
    assert_eq!((code, &*level), (0, "ok"), "{found}");
    assert!(found.contains("apimon's own, native"), "{found}");
    let (code, level, found) = doctor(&scene, Path::new("/sys/fs/bpf/another"), &line);
    assert_eq!((code, &*level), (DRIFT, "fail"), "{found}");
    let held = format!("held by apimon ({})", daemon.process.pid());
    let pinned = pins.join("links/shield-api0").display().to_string();
    assert!(
        found.contains("`shield`") && found.contains(&held) && found.contains(&pinned),
        "{found}"
    );
    daemon.terminate().unwrap();
    assert_eq!(doctor(&scene, pins, &line).2, "none");
}

#[test]
fn a_way_out_that_was_taken_off_is_named_and_guarded_again() {
    let scene = scene("wayout");
    let _daemon = scene.apimon.start(scene.host()).unwrap();
    let pin = scene
        .apimon
        .pins()
        .join("links")
        .join(format!("egress-{INTERFACE}"));
    assert!(pin.exists(), "{} is not there", pin.display());
    let detached = std::process::Command::new("bpftool")
        .args(["link", "detach", "pinned"])
        .arg(&pin)
        .status()
        .context("bpftool, which `cargo xtask test` installs")
        .unwrap();
    assert!(detached.success());
    let named = |found: &Verified| {
        let drift = found.drift.iter().find(|drift| drift.part.name() == "egress");
        drift.map(|drift| (drift.thing.clone(), drift.repaired))
    };
    let (code, found) = verify(&scene, &["--repair"]);
    // The daemon's own round may have been quicker.
    if let Some(named) = named(&found) {
        assert_eq!((code, named), (0, (INTERFACE.to_owned(), true)));
    }
    let (code, found) = verify(&scene, &[]);
    assert_eq!((code, named(&found)), (0, None), "{found:?}");
    assert!(pin.exists());
}
