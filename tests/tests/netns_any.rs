//! `apimon replay` of what `tcpdump -i any` records on a busy host: every request of nginx's own log is read, and what
//! tcpdump left out is named.
#![expect(clippy::unwrap_used, reason = "a suite fails by panicking")]

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use apimon_tests::{
    nginx::Nginx,
    process::{self, Running},
    programs,
    site::{HOST_V4, PORT, Site},
    wait,
};
use rustix::process::Signal;
use serde_json::Value;

const PATIENCE: Duration = Duration::from_secs(30);

/// tcpdump on every interface of the host, bytes a packet as given.
fn record(site: &Site, name: &str, snap: &str) -> (Running, PathBuf) {
    let file = site.lab().dir().join(name);
    let mut command = site.host.command("tcpdump");
    command
        .args(["-i", "any", "-U", "-s", snap])
        .args(["-B", "65536", "-Z", "root", "-w"])
        .arg(&file);
    let running = Running::start(name, &mut command, site.lab().dir()).unwrap();
    wait::until_true("tcpdump", PATIENCE, || running.stderr().contains("listening on")).unwrap();
    (running, file)
}

/// Ends tcpdump; packets that the kernel kept from it.
fn stop(mut tcpdump: Running) -> u64 {
    tcpdump.signal(Signal::INT).unwrap();
    tcpdump.finish(PATIENCE).unwrap();
    let said = tcpdump.stderr();
    let line = said
        .lines()
        .find(|line| line.contains("dropped by kernel"))
        .unwrap();
    line.split(' ').next().unwrap().parse().unwrap()
}

fn summary(file: &Path) -> Value {
    let mut command = std::process::Command::new(programs::apimon().unwrap());
    command.arg("replay").arg(file).arg("--json");
    // While tcpdump writes, the last record may be cut: then it says so and fails, and has printed what there was.
    serde_json::from_slice(&command.output().unwrap().stdout).unwrap_or_default()
}

#[test]
fn a_capture_of_all_interfaces_of_a_busy_nginx_is_read() {
    let site = Site::build("any", &["192.0.2.5".parse().unwrap()]).unwrap();
    let log = site.lab().dir().join("access.log");
    let body = "x".repeat(1000);
    let server = format!(
        "location / {{ access_log {}; default_type application/json; return 200 '{body}'; }}",
        log.display()
    );
    let _nginx = Nginx::start(&site.host, site.lab().dir(), PORT, &server).unwrap();
    let (whole, whole_file) = record(&site, "whole.pcap", "0");
    let (short, short_file) = record(&site, "short.pcap", "400");
    let mut wrk = site.clients.command("wrk");
    wrk.args(["-t1", "-c16", "-d1s"])
        .arg(format!("http://{HOST_V4}:{PORT}/a"));
    process::output(&mut wrk).unwrap();
    let logged = || std::fs::read_to_string(&log).unwrap().lines().count() as u64;
    // The kernel hands packets over in blocks, the last within a second.
    for file in [&whole_file, &short_file] {
        let read = || summary(file)["read"]["transactions"].as_u64() >= Some(logged());
        wait::until_true("every request in the capture", PATIENCE, read).unwrap();
    }
    let dropped = stop(whole) + stop(short);
    assert_eq!(
        dropped, 0,
        "tcpdump lost packets: nothing can be said of the rest"
    );

    let whole = summary(&whole_file);
    // nginx may still be writing about requests that wrk hung up on.
    let read = whole["read"]["transactions"].as_u64().unwrap();
    wait::until_true("nginx's log of the last requests", PATIENCE, || logged() >= read).unwrap();
    let served = logged();
    assert!(served > 100, "{served} requests is not busy");
    assert_eq!(read, served, "{whole:#}");
    for (name, lost) in whole["lost"].as_object().unwrap() {
        // wrk hangs up on the answers of its last requests; ARP is not IP; ICMP and the like are not TCP.
        let aside = [
            "unanswered",
            "skipped_not_ip_packets",
            "skipped_not_tcp_packets",
            "gap_end_bytes",
        ];
        assert!(aside.contains(&name.as_str()) || *lost == 0, "{name}: {whole:#}");
    }
    assert!(whole["lost"]["unanswered"].as_u64() <= Some(16), "{whole:#}");

    let short = summary(&short_file);
    assert_eq!(short["read"]["transactions"], served, "the heads fit: {short:#}");
    let missing = short["lost"]["gap_cut_bytes"].as_u64().unwrap();
    assert!(
        missing > served * 500,
        "the bodies do not, and that is said: {short:#}"
    );
}
