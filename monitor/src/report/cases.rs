//! The cases: a list that leads to them, and a page for each. Must not judge.

use maud::{Markup, html};
use serde_json::Value;

use super::{Report, chapters, page::Safe};
use crate::control::dto::{Case, Explanation};

/// The list.
pub(super) fn index(report: &Report) -> Markup {
    html! {
        section #cases {
            h2 { "Cases" }
            @if report.cases.is_empty() {
                p.good { "Nothing was found." }
            } @else {
                table.lines.cases {
                    thead { tr { @for name in NAMES { th { (name) } } } }
                    tbody { @for explanation in &report.cases { (line(&explanation.case)) } }
                }
                @if report.cases_left_out > 0 {
                    p.note { "and " (report.cases_left_out) " less severe ones, which are not in this report" }
                }
            }
        }
    }
}

const NAMES: [&str; 6] = ["Case", "Severity", "Actor", "Endpoint", "Opened", "Verdict"];

fn line(case: &Case) -> Markup {
    let [_, severity, actor, endpoint, opened, verdict] = NAMES;
    html! {
        tr {
            td data-name=(NAMES[0]) { a href=(format!("#case-{}", case.number)) { (case.number) " " (Safe(&case.rule)) } }
            td data-name=(severity) { (grade(case.severity)) }
            td data-name=(actor) { code { (Safe(&case.actor)) } }
            td data-name=(endpoint) { code { (Safe(&case.endpoint)) } }
            td data-name=(opened) { (time(&case.opened)) }
            td data-name=(verdict) { (Safe(&case.verdict)) @if case.closed.is_some() { " (closed)" } }
        }
    }
}

fn grade(severity: u8) -> Markup {
    let class = match severity {
        70.. => "grade bad",
        40.. => "grade warn",
        _ => "grade",
    };
    html! { span class=(class) { (severity) } }
}

fn time(rfc3339: &str) -> Markup {
    let shown = rfc3339.get(..19).unwrap_or(rfc3339).replace('T', " ");
    html! { time datetime=(Safe(rfc3339)) { (Safe(&shown)) } }
}

/// A page for each.
pub(super) fn all(report: &Report) -> Markup {
    html! { @for explanation in &report.cases { (case(explanation)) } }
}

fn case(explanation: &Explanation) -> Markup {
    let case = &explanation.case;
    html! {
        section.case id=(format!("case-{}", case.number)) {
            h2 { (grade(case.severity)) " Case " (case.number) ": " (Safe(&case.rule)) }
            p { (Safe(&case.description)) }
            dl.facts {
                (fact("Actor", &case.actor))
                (fact("Endpoint", &case.endpoint))
                (fact("Verdict", &case.verdict_text))
                (fact("Found", &format!("{} times", case.findings)))
                (fact("Confidence", &format!("{} of 100", case.confidence)))
                (fact("Coverage", &format!("{:.0} % of the evidence without gaps", case.coverage * 100.0)))
                (fact("Opened", &case.opened))
                (fact("Last", &case.updated))
                @if let Some(closed) = &case.closed { (fact("Closed", closed)) }
                (fact("Tags", &format!("{} {}", case.owasp, case.cwe)))
                @if let Some(id) = &case.community_id { (fact("Connection", id)) }
            }
            (evidence(&case.evidence, &explanation.counts))
            @for (title, lines) in chapters(explanation) {
                h3 { (title) }
                ul { @for line in lines { li { (Safe(&line)) } } }
            }
            p.back { a href="#cases" { "all cases" } }
        }
    }
}

fn fact(name: &str, value: &str) -> Markup {
    html! { div { dt { (name) } dd { (Safe(value)) } } }
}

/// What the detector counted beside its threshold, and the parts of the score.
fn evidence(evidence: &Value, counts: &str) -> Markup {
    let value = evidence["value"].as_f64().unwrap_or(0.0);
    let threshold = evidence["threshold"].as_f64().unwrap_or(0.0);
    let baseline = evidence["baseline"].as_f64();
    let most = value.max(threshold).max(baseline.unwrap_or(0.0));
    let measures = evidence["measures"]
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default();
    html! {
        h3 { "evidence" }
        @if most > 0.0 {
            dl.bars {
                (bar("found", value, most, counts))
                (bar("threshold", threshold, most, counts))
                @if let Some(baseline) = baseline { (bar("others", baseline, most, counts)) }
            }
        }
        @if !measures.is_empty() {
            table.lines.measures {
                thead { tr { th { "Measure" } th { "Value" } th { "Points" } } }
                tbody {
                    @for measure in measures {
                        tr {
                            td data-name="Measure" { (Safe(measure["name"].as_str().unwrap_or_default())) }
                            td data-name="Value" { (Safe(&measure["value"].to_string())) }
                            td data-name="Points" { (Safe(&measure["points"].to_string())) }
                        }
                    }
                }
            }
        }
    }
}

fn bar(name: &str, value: f64, most: f64, counts: &str) -> Markup {
    html! {
        div {
            dt { (name) }
            dd {
                svg viewBox="0 0 100 1" preserveAspectRatio="none" aria-hidden="true" {
                    rect width=(format!("{:.1}", value / most * 100.0)) height="1" {}
                }
                span { (value) " " (Safe(counts)) }
            }
        }
    }
}
