//! The harness itself: namespaces carry real HTTP in both families, and leave nothing behind.
#![expect(clippy::unwrap_used, reason = "a suite fails by panicking")]

use std::{net::IpAddr, process::Command, time::Duration};

use apimon_tests::{
    client::Tally,
    process::{self, Running},
    programs,
    site::Site,
    wait,
};

/// How long anything here may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);

fn addresses(texts: &[&str]) -> Vec<IpAddr> {
    texts.iter().map(|text| text.parse().unwrap()).collect()
}

#[test]
fn the_shop_is_served_in_both_families() {
    let clients = addresses(&["192.0.2.11", "192.0.2.12", "2001:db8:7::11"]);
    let site = Site::build("serves", &clients).unwrap();
    let mut api = site.host.command(programs::sibling("demo-api").unwrap());
    let api = Running::start("api", &mut api, site.lab().dir()).unwrap();
    wait::until_true("the shop", PATIENCE, || api.stdout().contains("listening")).unwrap();

    let mut people = site.clients.command(programs::sibling("demo-client").unwrap());
    people.args(["honest", "--user", "1", "--at-most", "2"]);
    for client in &clients {
        people.arg("--source").arg(client.to_string());
    }
    let mut people = Running::start_with_stdin("people", &mut people, site.lab().dir()).unwrap();
    people.wait(PATIENCE).unwrap();
    let tallies: Vec<Tally> = people
        .stdout()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(tallies.len(), clients.len());
    for tally in &tallies {
        assert!(tally.answered >= 3, "{tally:?}");
        assert_eq!(tally.failed, 0, "{tally:?}");
    }
}

#[test]
fn a_dropped_site_is_gone_with_what_ran_in_it() {
    let site = Site::build("gone", &[]).unwrap();
    let name = site.host.name().to_owned();
    let mut left_running = site.host.command("sleep").arg("60").spawn().unwrap();
    // It is in the namespace only once nsenter has gone there.
    wait::until_true("the program in the namespace", PATIENCE, || {
        process::output(Command::new("ip").args(["netns", "pids", &name])).is_ok_and(|pids| !pids.is_empty())
    })
    .unwrap();
    drop(site);
    let status = left_running.wait().unwrap();
    assert!(!status.success(), "it should have been killed");
    let list = process::output(Command::new("ip").args(["netns", "list"])).unwrap();
    assert!(!list.contains(&name), "{list}");
}
