//! What apimon reads from a live interface: the same as from a capture of it, with real programs at both ends, and
//! nothing of it that is secret.

mod schema;

use std::{io::Read, process::Stdio, time::Duration};

use anyhow::Context;
use apimon_tests::{
    nginx::Nginx,
    scene::{self, Scene},
    secrets::Planted,
    wait,
};
use serde_json::Value;

const PEOPLE: [&str; 3] = ["192.0.2.11", "10.20.3.7", "2001:db8:77::3"];
const WALKER: &str = "203.0.113.66";
const THIEVES: [&str; 3] = ["198.51.100.40", "198.18.7.3", "2001:db8:bad::6"];
const FOUND: Duration = Duration::from_secs(10);

fn everybody() -> Vec<&'static str> {
    PEOPLE.into_iter().chain([WALKER]).chain(THIEVES).collect()
}

#[test]
fn live_and_replay_read_the_same() {
    let scene = Scene::open("replay", "observe", &everybody()).unwrap();
    let _daemon = scene.apimon.start(scene.host()).unwrap();
    let recording = scene.record().unwrap();
    let people = scene.clients("honest", &PEOPLE, 1, 0).unwrap();
    let walker = scene.clients("walk", &[WALKER], 31, 5).unwrap();
    let client = scene.apimon.client();
    wait::until_true("a case", FOUND, || {
        client.status().is_ok_and(|status| status.totals.cases > 0)
    })
    .unwrap();
    let walker = walker.stop().unwrap();
    let people = people.stop().unwrap();
    let asked: u64 = walker.iter().chain(&people).map(|tally| tally.asked).sum();
    wait::until_true("every transaction", FOUND, || {
        client
            .status()
            .is_ok_and(|status| status.totals.transactions == asked)
    })
    .with_context(|| format!("{asked} asked, {:#?}", client.status()))
    .unwrap();
    let recorded = || scene::replay(recording.file(), &["--transactions"]).unwrap_or_default();
    wait::until_true("every transaction in the capture", FOUND, || {
        recorded().lines().count() as u64 >= asked
    })
    .unwrap();
    let file = recording.stop().unwrap();

    let transactions = scene::replay(&file, &["--transactions"]).unwrap();
    assert_eq!(transactions.lines().count() as u64, asked);
    for line in transactions.lines() {
        let transaction: Value = serde_json::from_str(line).unwrap();
        assert!(transaction["status"].is_u64(), "{line}");
    }
    let cases = scene::replay(&file, &["--cases"]).unwrap();
    let named = |lines: &mut dyn Iterator<Item = Value>| -> Vec<String> {
        let opened = lines.filter(|line| line["event"]["action"] == "case-opened");
        opened
            .map(|line| {
                format!(
                    "{} {} {}",
                    line["rule"]["name"], line["source"]["ip"], line["apimon"]["endpoint"]
                )
            })
            .collect()
    };
    let replayed = named(&mut cases.lines().map(|line| serde_json::from_str(line).unwrap()));
    let live = named(&mut scene.apimon.log_lines().into_iter());
    assert!(!live.is_empty());
    assert_eq!(live, replayed);
}

#[test]
fn every_line_is_valid_and_nothing_said_holds_a_secret() {
    let scene = Scene::open("secrets", "enforce", &everybody()).unwrap();
    let mut daemon = scene.apimon.start(scene.host()).unwrap();
    let people = scene.clients("honest", &PEOPLE, 1, 0).unwrap();
    let client = scene.apimon.client();
    // Whoever had a token first is its owner; a thief from the first moment would be one of two.
    wait::until_true("the people to settle", FOUND, || {
        client
            .status()
            .is_ok_and(|status| status.totals.transactions > 20)
    })
    .unwrap();
    let walker = scene.clients("walk", &[WALKER], 31, 5).unwrap();
    let thieves = scene.clients("steal", &THIEVES, 2, 100).unwrap();
    wait::until_true("all abusers dropped", FOUND, || {
        client
            .leases()
            .is_ok_and(|leases| leases.len() == 1 + THIEVES.len())
    })
    .with_context(|| scene.apimon.everything_said())
    .unwrap();
    let mut said = String::new();
    for words in [&["status"][..], &["sources"], &["cases"], &["block", "list"]] {
        said.push_str(&scene.apimon.ask(words).unwrap());
        said.push_str(&scene.apimon.ask_json(words).unwrap().to_string());
    }
    drop((
        walker.stop().unwrap(),
        thieves.stop().unwrap(),
        people.stop().unwrap(),
    ));
    daemon.terminate().unwrap();
    schema::assert_valid(&std::fs::read_to_string(scene.apimon.log()).unwrap());
    said.push_str(&scene.apimon.everything_said());
    assert!(said.contains("token-sharing") && said.contains("id-enumeration"));
    assert_eq!(Planted::of_users(1..=40).found_in(&said), Vec::<&str>::new());
}

#[test]
fn nginx_and_curl_are_read() {
    let scene = Scene::open("nginx", "observe", &PEOPLE).unwrap();
    let dir = scene.site.lab().dir();
    let root = dir.join("root");
    std::fs::create_dir(&root).unwrap();
    std::fs::write(root.join("index.html"), "hello").unwrap();
    let _nginx = Nginx::start(scene.host(), dir, 8081, &format!("root {};", root.display())).unwrap();
    let url = |path: &str| format!("http://10.77.0.10:8081/{path}");

    let apimon = &scene.apimon;
    let mut flags = apimon.flags.clone();
    flags.extend(["--port", "8081"].map(str::to_owned));
    let _daemon = apimon.start_with(scene.host(), &flags).unwrap();
    for (path, status) in [("", "200"), ("index.html", "200"), ("missing", "404")] {
        assert_eq!(scene.curl(PEOPLE[0], &url(path)).unwrap(), status);
    }
    assert_eq!(
        scene.curl(PEOPLE[2], "http://[fd77:0:0:1::10]:8081/").unwrap(),
        "200"
    );
    let client = apimon.client();
    wait::until_true("four transactions", FOUND, || {
        client
            .status()
            .is_ok_and(|status| status.totals.transactions == 4)
    })
    .with_context(|| format!("{:#?}", client.status()))
    .unwrap();
}

/// Reads a little at a time until the tap leaves something out, then all the rest at once. So the machine does not
/// decide how much comes before the reader has told the tap, and the rest comes as fast as it can. Returns the bytes
/// read.
#[expect(clippy::unwrap_used, reason = "a suite fails by panicking")]
fn drink(mut body: impl Read, left_out: impl Fn() -> u64) -> u64 {
    const SIP: usize = 16 << 10;
    let mut glass = vec![0; SIP];
    let mut drunk = 0;
    wait::until_true("the tap leaves something out", FOUND, || {
        drunk += body.read(&mut glass).unwrap() as u64;
        left_out() > 0
    })
    .unwrap();
    drunk + std::io::copy(&mut body, &mut std::io::sink()).unwrap()
}

#[test]
fn a_large_download_does_not_cross_the_ring_and_its_neighbours_are_read() {
    const LARGE: u64 = 100 << 20;
    let scene = Scene::open("large", "observe", &PEOPLE).unwrap();
    let dir = scene.site.lab().dir();
    let root = dir.join("root");
    std::fs::create_dir(&root).unwrap();
    std::fs::write(root.join("small"), "hello").unwrap();
    std::fs::File::create(root.join("large"))
        .unwrap()
        .set_len(LARGE)
        .unwrap();
    let _nginx = Nginx::start(scene.host(), dir, 8081, &format!("root {};", root.display())).unwrap();
    let apimon = &scene.apimon;
    let mut flags = apimon.flags.clone();
    flags.extend(["--port", "8081"].map(str::to_owned));
    let _daemon = apimon.start_with(scene.host(), &flags).unwrap();
    let client = apimon.client();
    let count = |stage: &str, name: &str| client.status().unwrap().counters[stage][name];

    // What is on its way to a client that does not read is far less than the ring holds.
    let clients = &scene.site.clients;
    clients.sysctl("ipv4.tcp_rmem", "4096 1048576 1048576").unwrap();
    let mut curl = clients.command("curl");
    curl.args(["--silent", "--show-error", "--max-time", "60"])
        .args(["--interface", PEOPLE[0], "--write-out"])
        .arg("%{stderr}%{http_code} %{size_download} %{num_connects}\\n");
    for path in ["small", "large", "small"] {
        curl.arg(format!("http://10.77.0.10:8081/{path}"));
    }
    let mut curl = curl
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let drunk = drink(curl.stdout.take().unwrap(), || {
        count("kernel", "tap_body_skipped_bytes")
    });
    let said = curl.wait_with_output().unwrap();
    assert_eq!(
        String::from_utf8_lossy(&said.stderr),
        format!("200 5 1\n200 {LARGE} 0\n200 5 0\n"),
        "one connection for all"
    );
    assert_eq!(drunk, LARGE + 10);

    let status = wait::until("three transactions", FOUND, || {
        client
            .status()
            .ok()
            .filter(|status| status.totals.transactions == 3)
    })
    .with_context(|| format!("{:#?}", client.status()))
    .unwrap();
    assert!(status.losses.is_empty(), "{:?}", status.losses);
    let skipped = count("kernel", "tap_body_skipped_bytes");
    assert!(skipped > LARGE / 100 * 95, "{skipped} of {LARGE}");
    // What was sent twice was left out twice.
    let left_out = count("reader", "left_out_bytes");
    assert!(left_out > LARGE / 100 * 95 && left_out <= skipped, "{left_out}");
    assert_eq!(count("reader", "gap_bytes"), 0);
}
