//! A case in words, chapter by chapter: the same on the terminal and in the report. Must not know how it is shown.

use serde_json::Value;

use crate::control::dto::{Explanation, Without};

/// A title, and the lines under it.
pub(crate) type Chapter = (&'static str, Vec<String>);

/// What there is to say of a case, by title. What stands in it may come from outside.
pub(crate) fn chapters(explanation: &Explanation) -> Vec<Chapter> {
    let mut chapters = vec![
        ("why it fired", why(explanation)),
        ("what would not have fired", without(explanation)),
        ("what was done", done(explanation)),
        ("what stops it upstream", upstream(explanation.upstream.as_ref())),
        ("how to undo it", explanation.undo.clone()),
        ("how to silence the like of it", explanation.silence.clone()),
    ];
    chapters.retain(|(_, lines)| !lines.is_empty());
    chapters
}

fn why(explanation: &Explanation) -> Vec<String> {
    let case = &explanation.case;
    let evidence = &case.evidence;
    let mut lines = vec![
        format!("{} on {}: {}", case.actor, case.endpoint, case.description),
        evidence["summary"].as_str().unwrap_or_default().to_owned(),
    ];
    let times = explanation
        .times_threshold
        .map(|times| format!(", {times} times as many"))
        .unwrap_or_default();
    lines.push(format!(
        "{} {} in {} s, found from {} on{times}",
        evidence["value"], explanation.counts, evidence["window_seconds"], evidence["threshold"]
    ));
    if let Some(baseline) = evidence["baseline"].as_f64() {
        lines.push(format!("others do not exceed {baseline}"));
    }
    for measure in evidence["measures"].as_array().into_iter().flatten() {
        let points = measure["points"].as_i64().unwrap_or_default();
        let name = measure["name"].as_str().unwrap_or_default();
        lines.push(format!("{points:>+4} points  {name} {}", measure["value"]));
    }
    let least = explanation.points_min.map(|least| format!(", of {least} needed"));
    lines.push(format!(
        "{} points{}; confidence {} of 100, severity {} of 100",
        explanation.points,
        least.unwrap_or_default(),
        case.confidence,
        case.severity
    ));
    if case.coverage < 1.0 {
        lines.push(format!(
            "{:.0} % of the evidence was seen without gaps",
            case.coverage * 100.0
        ));
    }
    lines
}

fn without(explanation: &Explanation) -> Vec<String> {
    let evidence = &explanation.case.evidence;
    let threshold = evidence["threshold"].as_f64().unwrap_or(0.0);
    let mut lines = Vec::new();
    if threshold > 0.0 {
        lines.push(format!(
            "fewer than {threshold} {}: no finding",
            explanation.counts
        ));
    }
    let decided = explanation
        .without
        .iter()
        .map(|part| one_without(part, explanation));
    lines.extend(decided.flatten());
    match explanation.confidence_min {
        Some(least) => lines.push(format!("a confidence below {least}: only written down")),
        None => lines.push("the policy asks for no lease here, however sure it is".to_owned()),
    }
    lines
}

fn one_without(part: &Without, explanation: &Explanation) -> Option<String> {
    let Without {
        measures,
        gave,
        points,
        confidence,
        outcome,
        ..
    } = part;
    let least = explanation.points_min.unwrap_or_default();
    let parts = measures.join(" and ");
    match outcome.as_str() {
        "no-finding" => Some(format!(
            "without {parts}: {gave} points fewer, {points} of {least}: no finding"
        )),
        "log-only" => Some(format!(
            "without {parts}: {gave} points fewer, confidence {confidence}: only written down"
        )),
        _ => None,
    }
}

fn done(explanation: &Explanation) -> Vec<String> {
    let case = &explanation.case;
    let mut lines: Vec<String> = case
        .sources
        .iter()
        .map(|source| format!("{}: {}", source.source, source.verdict_text))
        .collect();
    if lines.is_empty() {
        lines.push(case.verdict_text.clone());
    }
    for lease in &explanation.leases {
        lines.push(format!(
            "lease of {}: {} more s, {} packets stopped so far",
            lease.source, lease.left_seconds, lease.packets
        ));
    }
    for step in &case.history {
        lines.push(format!(
            "{}: found {} times, severity {}, confidence {}, verdict {}",
            step.at, step.findings, step.severity, step.confidence, step.verdict
        ));
    }
    lines
}

fn upstream(advice: Option<&Value>) -> Vec<String> {
    let Some(advice) = advice else {
        return Vec::new();
    };
    let mut lines: Vec<String> = advice["hint"].as_str().map(str::to_owned).into_iter().collect();
    for (proxy, rules) in [("nginx", "nginx"), ("HAProxy", "haproxy"), ("Envoy", "envoy")] {
        let Some(rules) = advice[rules].as_str() else {
            continue;
        };
        lines.push(format!("{proxy}:"));
        lines.extend(rules.lines().map(|line| format!("  {line}")));
    }
    lines
}
