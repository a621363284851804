//! The score as text. Must not count.

use std::{collections::BTreeMap, fmt::Write as _};

use super::score::{Attack, Score};

/// The tables, and what went wrong in words.
pub fn text(score: &Score) -> String {
    let mut out = String::new();
    let mut by_detector: BTreeMap<&str, Vec<&Attack>> = BTreeMap::new();
    let mut by_scenario: BTreeMap<(&str, &str), Vec<&Attack>> = BTreeMap::new();
    for attack in &score.results {
        by_detector.entry(&attack.detector).or_default().push(attack);
        by_scenario
            .entry((&attack.scenario, &attack.detector))
            .or_default()
            .push(attack);
    }
    for detector in &score.detectors {
        by_detector.entry(detector).or_default();
    }
    let head = |out: &mut String, what: &str| {
        let _ = writeln!(
            out,
            "{what:<58}{:>9}{:>8}{:>10}{:>10}{:>11}{:>9}",
            "attacks", "found", "precision", "requests", "seconds", "dropped"
        );
    };
    head(&mut out, "variant");
    for ((scenario, detector), attacks) in &by_scenario {
        row(
            &mut out,
            &format!("{scenario}: {detector}"),
            attacks,
            "",
            score.has(detector),
        );
    }
    out.push('\n');
    head(&mut out, "detector");
    for (detector, attacks) in &by_detector {
        let wrong = score
            .wrong
            .iter()
            .filter(|wrong| wrong.detector == *detector)
            .count();
        let right = score.right.get(*detector).copied().unwrap_or(0);
        row(
            &mut out,
            detector,
            attacks,
            &precision(right, wrong),
            score.has(detector),
        );
    }
    let _ = writeln!(
        out,
        "\n{} requests of honest actors, {} of attackers\nwrong cases: {} ({:.2} a million)   wrongful drops: {}   attacks missed: {}",
        score.honest_requests,
        score.attack_requests,
        score.wrong.len(),
        score.wrong_per_million(),
        score.wrongful_drops.len(),
        score.missed().count()
    );
    for (what, list) in [
        ("wrongful drop", &score.wrongful_drops),
        ("wrong case", &score.wrong),
    ] {
        for wrong in list {
            let _ = writeln!(out, "{what}: {}: {}", wrong.scenario, wrong.text);
        }
    }
    let mut missed: BTreeMap<String, usize> = BTreeMap::new();
    for attack in score.missed() {
        let name = format!("{} in {} ({})", attack.detector, attack.scenario, attack.group);
        *missed.entry(name).or_default() += 1;
    }
    for (name, times) in missed {
        let _ = writeln!(out, "missed: {name}, {times} times");
    }
    out
}

#[expect(clippy::cast_precision_loss, reason = "counts")]
fn precision(right: u64, wrong: usize) -> String {
    if right == 0 && wrong == 0 {
        return "-".to_owned();
    }
    format!("{:.3}", right as f64 / (right as f64 + wrong as f64))
}

#[expect(clippy::cast_precision_loss, reason = "counts")]
fn row(out: &mut String, name: &str, attacks: &[&Attack], precision: &str, is_there: bool) {
    let found: Vec<_> = attacks.iter().filter_map(|attack| attack.found).collect();
    let dropped = attacks.iter().filter(|attack| attack.dropped).count();
    let recall = if is_there {
        format!("{:.2}", found.len() as f64 / attacks.len().max(1) as f64)
    } else {
        "not yet".to_owned()
    };
    let recall = if attacks.is_empty() {
        "-".to_owned()
    } else {
        recall
    };
    let requests = median(found.iter().map(|found| found.requests as f64).collect());
    let seconds = median(found.iter().map(|found| found.seconds).collect());
    let _ = writeln!(
        out,
        "{name:<58}{:>9}{recall:>8}{precision:>10}{requests:>10}{seconds:>11}{dropped:>9}",
        attacks.len()
    );
}

fn median(mut values: Vec<f64>) -> String {
    values.sort_by(f64::total_cmp);
    values
        .get(values.len() / 2)
        .map_or_else(|| "-".to_owned(), |value| format!("{value:.0}"))
}
