//! The labelled scenarios, a few of them. The whole run, with a million honest requests and the floors, is `cargo xtask
//! score`.

use std::path::Path;

use anyhow::Result;
use apimon_tests::scenario::{
    file,
    score::{self, Score},
    table,
};

/// Plays the scenarios whose name begins so, with few honest users.
fn play(prefix: &str, seed: u64) -> Result<Score> {
    let files = file::load(&Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios"))?;
    let mut sum = Score::default();
    for file in files.iter().filter(|file| file.name.starts_with(prefix)) {
        sum.add(score::run(file, seed, 1.0)?);
    }
    println!("{}", table::text(&sum));
    Ok(sum)
}

#[test]
fn the_same_seed_gives_the_same_score_and_another_does_not() {
    let run = |seed| serde_json::to_string(&play("attack-token-sharing/other", seed).unwrap()).unwrap();
    assert_eq!(run(3), run(3));
    assert_ne!(run(3), run(4));
}

#[test]
fn a_stolen_token_is_found_and_its_owner_is_left_alone() {
    let score = play("attack-token-sharing/other", 7).unwrap();
    assert!(score.missed().next().is_none());
    assert!(score.results.iter().all(|attack| attack.dropped));
    assert!(score.wrongful_drops.is_empty(), "{:#?}", score.wrongful_drops);
    assert!(score.honest_requests > 100, "the crowd was not there");
}

/// One attack of each kind that is to be found wherever it is: a floor that holds for the first scenario of each.
#[test]
fn guessing_probing_and_sharing_are_found_and_only_that() {
    for name in [
        "attack-brute-force/fast",
        "attack-password-spray/fast",
        "attack-probing/fast",
        "attack-id-enumeration/up",
        "attack-id-enumeration/appointments-slow",
        "attack-scraping/parts",
        "attack-scraping/twenty-accounts",
    ] {
        let score = play(name, 7).unwrap();
        assert!(score.missed().next().is_none(), "{name}");
        assert!(score.wrongful_drops.is_empty(), "{:#?}", score.wrongful_drops);
        assert!(score.wrong.is_empty(), "{:#?}", score.wrong);
    }
}

/// Honest actors who look like abuse.
#[test]
fn look_alikes_are_left_alone() {
    for name in [
        "not-found",
        "retry-storm/login-down",
        "order-history",
        "photo-sync/list-between",
        "pods/opaque",
        "expiring/own",
    ] {
        let score = play(name, 7).unwrap();
        assert!(score.wrongful_drops.is_empty(), "{:#?}", score.wrongful_drops);
        assert!(score.wrong.is_empty(), "{:#?}", score.wrong);
        assert!(score.honest_requests > 1000, "{name} was not played");
    }
}

#[test]
fn every_file_can_be_played() {
    let files = file::load(&Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios")).unwrap();
    for file in &files {
        apimon_tests::scenario::stage::set(file, 1, 0.2).unwrap();
        assert!(!file.scenario.about.is_empty());
    }
    let has = |part: &str| files.iter().any(|file| file.name.contains(part));
    assert!(has("office-nat") && has("attack-id-enumeration/slow"));
}
