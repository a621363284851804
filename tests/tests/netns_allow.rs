//! Who is never blocked: what operators say by hand, and what the host's own network says from one moment to the next.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a suite fails by panicking"
)]

use std::time::Duration;

use apimon_tests::{scene::Scene, wait};

const BLOCKED: &str = "203.0.113.66";
const NET: &str = "203.0.113.0/24";
const URL: &str = "http://10.77.0.10:8080/health";
/// Bound of every wait here. Less than the 10 s after which the sets are read anew without any notice.
const PATIENCE: Duration = Duration::from_secs(5);

fn scene(tag: &str) -> Scene {
    Scene::open(tag, "enforce", &[BLOCKED]).unwrap()
}

fn block(scene: &Scene) -> anyhow::Result<String> {
    scene.apimon.ask(&["block", "add", BLOCKED, "--ttl", "5m"])
}

/// Lines of the log with this action, and whether what they tell of was done.
fn audits(scene: &Scene, action: &str) -> Vec<bool> {
    let lines = scene.apimon.log_lines();
    let said = lines.iter().filter(|line| line["event"]["action"] == action);
    said.map(|line| line["apimon"]["done"] == true).collect()
}

#[test]
fn what_is_allowed_by_hand_ends_its_blocks_and_survives_a_restart() {
    let scene = scene("allow");
    let mut daemon = scene.apimon.start(scene.host()).unwrap();
    block(&scene).unwrap();
    assert!(scene.curl(BLOCKED, URL).is_err(), "not blocked at first");
    let words = [
        "allow",
        "add",
        NET,
        "--for",
        "30d",
        "--comment",
        "the \u{1b}[2Joffice",
    ];
    let said = scene.apimon.ask(&words).unwrap();
    assert!(
        said.contains(&format!("the block of {BLOCKED} was ended")),
        "{said}"
    );
    assert_eq!(scene.curl(BLOCKED, URL).unwrap(), "200");
    assert!(block(&scene).is_err(), "an allowed source was blocked");
    let ends: Vec<_> = scene.apimon.log_lines();
    assert!(
        ends.iter()
            .any(|line| line["apimon"]["lease"]["ended"] == "allowed")
    );
    assert_eq!(audits(&scene, "allow-add"), [true]);

    daemon.kill();
    let mut daemon = scene.apimon.start(scene.host()).unwrap();
    let list = scene.apimon.ask_json(&["allow", "list"]).unwrap();
    assert_eq!(list[0]["net"], NET);
    assert_eq!(list[0]["comment"], "the \u{1b}[2Joffice");
    let shown = scene.apimon.ask(&["allow", "list"]).unwrap();
    assert!(
        shown.contains("29d 23h") && !shown.contains('\u{1b}'),
        "{shown:?}"
    );
    assert!(block(&scene).is_err(), "forgotten over the restart");
    scene.apimon.ask(&["allow", "remove", NET]).unwrap();
    assert!(
        scene.apimon.ask(&["allow", "remove", NET]).is_err(),
        "removed twice"
    );
    block(&scene).unwrap();
    assert!(
        scene.curl(BLOCKED, URL).is_err(),
        "still spared after its removal"
    );

    daemon.terminate().unwrap();
    let file = scene.apimon.dir.join("state/allow.json");
    std::fs::write(&file, "{ not this").unwrap();
    let _daemon = scene.apimon.start(scene.host()).unwrap();
    assert_eq!(
        std::fs::read_to_string(file.with_extension("corrupt")).unwrap(),
        "{ not this"
    );
    assert!(
        scene
            .apimon
            .everything_said()
            .contains("not a list of allowed nets")
    );
    assert_eq!(
        scene.apimon.ask(&["allow", "list"]).unwrap(),
        "operators allow nothing\n"
    );
}

#[test]
fn what_is_allowed_for_a_time_can_be_blocked_after_it() {
    let scene = scene("allowend");
    let _daemon = scene.apimon.start(scene.host()).unwrap();
    scene.apimon.ask(&["allow", "add", NET, "--for", "2s"]).unwrap();
    assert!(block(&scene).is_err());
    wait::until_true("the end of the exemption", PATIENCE, || block(&scene).is_ok()).unwrap();
    assert!(scene.curl(BLOCKED, URL).is_err(), "the kernel spares it still");
    wait::until_true("a line of the log", PATIENCE, || {
        audits(&scene, "allow-expired") == [true]
    })
    .unwrap();
}

#[test]
fn new_addresses_and_gateways_are_never_blocked_from_then_on() {
    let scene = scene("notice");
    let _daemon = scene.apimon.start(scene.host()).unwrap();
    let never = |net: &str| {
        let status = scene.apimon.client().status().unwrap();
        status.never_block.get(net).cloned()
    };
    for (words, net, why) in [
        ("addr add 10.99.0.1/32 dev api0", "10.99.0.1", Some("own address")),
        (
            "addr add 2001:db8:99::1/128 dev api0 nodad",
            "2001:db8:99::1",
            Some("own address"),
        ),
        (
            "route replace default via 10.77.0.77 dev api0",
            "10.77.0.77",
            Some("gateway"),
        ),
        ("addr del 10.99.0.1/32 dev api0", "10.99.0.1", None),
    ] {
        let began = wait::now_ns();
        scene.host().ip(words).unwrap();
        wait::until_true(words, PATIENCE, || never(net).as_deref() == why).unwrap();
        println!("{words}: known after {:?}", wait::elapsed(began));
    }
}
