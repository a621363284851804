//! The configuration while the daemon runs: taken over whole, or refused whole; and what it watches without one.
#![expect(clippy::unwrap_used, reason = "a suite fails by panicking")]

use std::{os::unix::net::UnixDatagram, time::Duration};

use apimon::verdict::Mode;
use apimon_tests::{
    scene::Scene,
    site::{INTERFACE, PORT},
    wait,
};
use rustix::process::Signal;

const SOURCE: &str = "203.0.113.66";
const URL: &str = "http://10.77.0.10:8080/health";
/// Bound of every wait here.
const PATIENCE: Duration = Duration::from_secs(30);

/// The shop, watched by what the file says and no flag.
fn scene(tag: &str) -> Scene {
    let mut scene = Scene::open(tag, "observe", &[SOURCE]).unwrap();
    scene.apimon.flags.clear();
    scene.apimon.config = file("observe", "");
    scene
}

fn file(mode: &str, more: &str) -> String {
    format!("mode = '{mode}'\ninterfaces = ['{INTERFACE}']\nports = [{PORT}]\n{more}")
}

/// Puts another file where the daemon reads it.
fn write(scene: &Scene, text: &str) {
    let text = format!("pin_dir = \"{}\"\n{text}", scene.apimon.pins().display());
    std::fs::write(scene.apimon.dir.join("apimon.toml"), text).unwrap();
}

fn transactions(scene: &Scene) -> u64 {
    scene.apimon.client().status().unwrap().totals.transactions
}

#[test]
fn a_valid_file_is_taken_over_and_an_invalid_one_changes_nothing() {
    let scene = scene("reload");
    let daemon = scene.apimon.start(scene.host()).unwrap();
    let block = ["block", "add", SOURCE, "--ttl", "5m"];
    assert!(scene.apimon.ask(&block).is_err(), "it only observes");

    write(&scene, &file("enforce", "[verdict]\nleas_seconds = 5"));
    let said = scene.apimon.ask(&["reload"]).unwrap_err().to_string();
    assert!(said.contains("the old one holds"), "{said}");
    assert!(said.contains("did you mean `lease_seconds`?"), "{said}");
    assert_eq!(scene.apimon.client().status().unwrap().mode, Mode::Observe);

    write(
        &scene,
        &file("enforce", "[verdict]\nlease_seconds = 5\nleases_max = 9"),
    );
    let reloaded = scene.apimon.ask_json(&["reload"]).unwrap();
    assert_eq!(
        reloaded["applied"],
        serde_json::json!(["mode", "verdict.lease_seconds"])
    );
    assert_eq!(reloaded["restart"], serde_json::json!(["verdict.leases_max"]));
    let again = scene.apimon.ask_json(&["reload"]).unwrap();
    assert_eq!(again["applied"], serde_json::json!([]));
    assert_eq!(again["restart"], serde_json::json!(["verdict.leases_max"]));
    assert_eq!(scene.apimon.client().status().unwrap().mode, Mode::Enforce);
    scene.apimon.ask(&block).unwrap();
    assert!(scene.curl(SOURCE, URL).is_err(), "it enforces");

    write(&scene, &file("observe", ""));
    daemon.process.signal(Signal::HUP).unwrap();
    wait::until_true("observing again", PATIENCE, || scene.curl(SOURCE, URL).is_ok()).unwrap();
    let audited = |done: bool| {
        let lines = scene.apimon.log_lines();
        let of =
            |line: &&serde_json::Value| line["event"]["action"] == "reload" && line["apimon"]["done"] == done;
        lines.iter().filter(of).count()
    };
    wait::until_true("the lines of the log", PATIENCE, || audited(true) == 3).unwrap();
    assert_eq!(audited(false), 1);
}

#[test]
fn a_service_manager_that_does_not_read_stops_nothing() {
    let mut scene = scene("deaf");
    let path = scene.apimon.dir.join("notify");
    let manager = UnixDatagram::bind(&path).unwrap();
    let full = UnixDatagram::unbound().unwrap();
    full.set_nonblocking(true).unwrap();
    while full.send_to(b"X=1", &path).is_ok() {}
    let notify = ("NOTIFY_SOCKET".to_owned(), path.display().to_string());
    scene.apimon.environment.push(notify);
    let mut daemon = scene.apimon.start(scene.host()).unwrap();
    scene.apimon.ask(&["reload"]).unwrap();
    assert_eq!(scene.curl(SOURCE, URL).unwrap(), "200");
    wait::until_true("the request", PATIENCE, || transactions(&scene) == 1).unwrap();
    manager.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut heard = String::new();
    while !heard.ends_with("WATCHDOG=1\n") {
        let mut bytes = [0; 4096];
        let count = manager.recv(&mut bytes).unwrap();
        heard.push_str(&String::from_utf8_lossy(&bytes[..count]));
    }
    let at = |text: &str| heard.find(text).unwrap();
    assert!(
        at("READY=1") < at("RELOADING=1"),
        "what counts is heard later: {heard}"
    );
    assert!(at("RELOADING=1") < heard.rfind("READY=1").unwrap(), "{heard}");
    daemon.terminate().unwrap();
}

#[test]
fn ports_and_allowed_nets_follow_the_file() {
    let scene = scene("ports");
    let _daemon = scene.apimon.start(scene.host()).unwrap();
    assert_eq!(scene.curl(SOURCE, URL).unwrap(), "200");
    wait::until_true("the first request", PATIENCE, || transactions(&scene) == 1).unwrap();
    let other = file("observe", &format!("allow = ['{SOURCE}']")).replace(&PORT.to_string(), "9");
    write(&scene, &other);
    let said = scene.apimon.ask(&["reload"]).unwrap();
    assert!(said.contains("changed: allow, ports"), "{said}");
    let status = scene.apimon.client().status().unwrap();
    assert_eq!(status.ports, [9]);
    assert!(
        status.never_block.contains_key(SOURCE),
        "{:?}",
        status.never_block
    );
    assert_eq!(scene.curl(SOURCE, URL).unwrap(), "200");
    write(&scene, &file("observe", ""));
    scene.apimon.ask(&["reload"]).unwrap();
    assert_eq!(scene.curl(SOURCE, URL).unwrap(), "200");
    wait::until_true("the third request", PATIENCE, || transactions(&scene) >= 2).unwrap();
    assert_eq!(transactions(&scene), 2, "the one in between was not tapped");
}

#[test]
fn without_a_configuration_it_finds_interfaces_and_services_by_itself() {
    let mut scene = scene("bare");
    scene.apimon.config.clear();
    let daemon = scene.apimon.start(scene.host()).unwrap();
    let status = scene.apimon.client().status().unwrap();
    let names: Vec<_> = status.interfaces.iter().map(|i| i.name.as_str()).collect();
    assert_eq!(names, [INTERFACE, "lo"]);
    assert!(status.ports.is_empty());
    for _ in 0..3 {
        assert_eq!(scene.curl(SOURCE, URL).unwrap(), "200");
    }
    wait::until_true("the requests", PATIENCE, || transactions(&scene) == 3).unwrap();
    let said = daemon.process.stderr();
    assert!(
        said.contains("anomaly log: ") && said.contains("any that speaks HTTP"),
        "{said}"
    );
}
