//! A proxy stands in front of the API: the rule that a case carries, loaded into a real nginx and a real `HAProxy`,
//! stops the abuser and nobody else. apimon itself drops nothing of the proxy's.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a suite fails by panicking"
)]

use std::{net::IpAddr, path::PathBuf, time::Duration};

use anyhow::Context as _;
use apimon_tests::{
    daemon::Apimon,
    haproxy::Haproxy,
    nginx::Nginx,
    process,
    site::{HOST_V4, INTERFACE, PORT, Site},
    wait,
};
use serde_json::Value;

const PROXY: &str = "198.51.100.1";
const ABUSER: &str = "203.0.113.66";
const HONEST: [&str; 5] = [
    "203.0.113.1",
    "203.0.113.2",
    "203.0.113.3",
    "203.0.113.4",
    "203.0.113.5",
];
const PROXY_PORT: u16 = 9000;
/// The API: any order, to anybody who shows a token.
const API: &str = "default_type application/json; \
    location ~ ^/orders/(?<number>[0-9]+)$ { return 200 '{\"id\":$number,\"total\":10}'; }";
const PATIENCE: Duration = Duration::from_secs(20);

/// Statuses of requests of one client for these orders, through the proxy.
fn ask(site: &Site, client: &str, orders: &str) -> Vec<String> {
    let mut command = site.clients.command("curl");
    command
        .args(["--silent", "--show-error", "--max-time", "10"])
        .args(["--write-out", "\\n%{http_code}\\n", "--interface", client])
        .args(["--header", &format!("Authorization: Bearer token-of-{client}")])
        .arg(format!("http://{PROXY}:{PROXY_PORT}/orders/{orders}"));
    let said = process::output(&mut command).unwrap();
    let status = |line: &&str| line.len() == 3 && line.bytes().all(|b| b.is_ascii_digit());
    said.lines().filter(status).map(str::to_owned).collect()
}

/// A folder of its own.
fn folder(site: &Site, name: &str) -> PathBuf {
    let dir = site.lab().dir().join(name);
    std::fs::create_dir(&dir).unwrap();
    dir
}

fn nginx_proxy(site: &Site, name: &str, rules: &str) -> Nginx {
    let server = format!(
        "{rules}\nlocation / {{ proxy_pass http://{HOST_V4}:{PORT}; proxy_bind {PROXY}; \
         proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for; }}"
    );
    Nginx::start(&site.clients, &folder(site, name), PROXY_PORT, &server).unwrap()
}

fn haproxy(site: &Site, name: &str, rules: &str) -> Haproxy {
    Haproxy::start(
        &site.clients,
        &folder(site, name),
        format!("{PROXY}:{PROXY_PORT}").parse().unwrap(),
        (HOST_V4, PORT).into(),
        PROXY,
        rules,
    )
    .unwrap()
}

/// The rules of the case against the abuser, when there is one.
fn rules_of_case(apimon: &Apimon) -> Option<Value> {
    let case = apimon.client().cases().ok()?;
    let number = case.iter().find(|case| case.rule == "id-enumeration")?.number;
    let told = apimon.ask_json(&["explain", &number.to_string()]).ok()?;
    Some(told["upstream"].clone()).filter(|rules| !rules.is_null())
}

/// Everybody asks once more: only the abuser is refused.
fn only_the_abuser_is_refused(site: &Site, by: &str) {
    assert_eq!(ask(site, ABUSER, "7"), ["403"], "{by}");
    for client in HONEST {
        assert_eq!(ask(site, client, "7"), ["200"], "{by}: {client}");
    }
}

#[test]
fn the_rules_of_a_case_stop_the_abuser_at_a_real_proxy_and_nobody_else() {
    let everybody: Vec<IpAddr> = HONEST
        .iter()
        .chain(&[ABUSER, PROXY])
        .map(|text| text.parse().unwrap())
        .collect();
    let site = Site::build("upstream", &everybody).unwrap();
    let _api = Nginx::start(&site.host, &folder(&site, "api"), PORT, API).unwrap();
    let mut apimon = Apimon::new(site.lab()).flag(&["--mode", "enforce"]).flag(&[
        "--interface",
        INTERFACE,
        "--port",
        &PORT.to_string(),
    ]);
    apimon.config = format!("[clients]\ntrusted_proxies = [\"{PROXY}\"]\n");
    let _daemon = apimon.start(&site.host).unwrap();

    let proxy = nginx_proxy(&site, "plain", "");
    for (place, client) in HONEST.iter().enumerate() {
        let first = place * 10 + 1;
        assert_eq!(
            ask(&site, client, &format!("[{first}-{}]", first + 2)),
            ["200"; 3]
        );
    }
    assert_eq!(
        ask(&site, ABUSER, "[1-80]"),
        vec!["200"; 80],
        "nobody stops it yet"
    );
    let rules = wait::until("a case with rules", PATIENCE, || rules_of_case(&apimon))
        .with_context(|| apimon.everything_said())
        .unwrap();
    assert_eq!(rules["clients"], serde_json::json!([ABUSER]));
    assert_eq!(apimon.client().status().unwrap().totals.dropped, 0);
    drop(proxy);

    let rule = |name: &str| rules[name].as_str().unwrap().to_owned();
    let proxy = nginx_proxy(&site, "with-rule", &rule("nginx"));
    only_the_abuser_is_refused(&site, "nginx");
    drop(proxy);
    let proxy = haproxy(&site, "haproxy", &rule("haproxy"));
    only_the_abuser_is_refused(&site, "haproxy");
    drop(proxy);
    let _proxy = haproxy(&site, "haproxy-plain", "");
    assert_eq!(
        ask(&site, ABUSER, "7"),
        ["200"],
        "the rule, and nothing else, refused it"
    );
}
