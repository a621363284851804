//! `apimon cases`: what was found, as a table or one case in full.

use anyhow::Result;
use serde_json::Value;

use super::{
    args::ReadArgs,
    out::{Out, Tone},
    table::{Align, Table},
    text,
};
use crate::control::dto::Case;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Number of one case, to see all of it
    number: Option<u32>,
    #[command(flatten)]
    read: ReadArgs,
}

pub(super) fn run(args: &Args, out: &mut Out) -> Result<()> {
    let client = args.read.control.client();
    if let Some(number) = args.number {
        let case = client.case(number)?;
        return if args.read.json {
            Ok(out.json(&case)?)
        } else {
            details(&case, out)
        };
    }
    let cases = client.cases()?;
    if args.read.json {
        return Ok(out.json(&cases)?);
    }
    if cases.is_empty() {
        return Ok(out.line(format_args!("no case so far"))?);
    }
    Ok(table(&cases).print(out)?)
}

fn table(cases: &[Case]) -> Table {
    let mut table = Table::new(&[
        ("CASE", Align::Right),
        ("LAST", Align::Left),
        ("SEV", Align::Right),
        ("RULE", Align::Left),
        ("ACTOR", Align::Left),
        ("ENDPOINT", Align::Left),
        ("FOUND", Align::Right),
        ("SOURCES", Align::Right),
        ("VERDICT", Align::Left),
    ]);
    for case in cases {
        let closed = if case.closed.is_some() {
            Tone::Dim
        } else {
            Tone::Plain
        };
        table.toned([
            (case.number.to_string(), closed),
            (text::ago(case.quiet_seconds), closed),
            (case.severity.to_string(), severity(case.severity)),
            (case.rule.clone(), closed),
            (case.actor.clone(), closed),
            (case.endpoint.clone(), closed),
            (text::count(case.findings), closed),
            (case.sources.len().to_string(), closed),
            (case.verdict.clone(), verdict(&case.verdict)),
        ]);
    }
    table
}

pub(super) fn severity(severity: u8) -> Tone {
    match severity {
        70.. => Tone::Bad,
        40.. => Tone::Warn,
        _ => Tone::Plain,
    }
}

fn verdict(verdict: &str) -> Tone {
    match verdict {
        "drop" => Tone::Bad,
        "upstream" => Tone::Warn,
        _ => Tone::Plain,
    }
}

fn details(case: &Case, out: &mut Out) -> Result<()> {
    let state = match &case.closed {
        Some(at) => format!("closed {at}"),
        None => "open".to_owned(),
    };
    let heading = format!("case {}: {} ({state})", case.number, case.rule);
    let heading = out.tinted(severity(case.severity), &text::safe(&heading));
    out.line(format_args!("{heading}"))?;
    for (name, value) in facts(case) {
        out.line(format_args!("  {name:<11} {}", text::safe(&value)))?;
    }
    out.line(format_args!("  sources"))?;
    for source in &case.sources {
        out.line(format_args!(
            "    {}: {}",
            source.source,
            text::safe(&source.verdict_text)
        ))?;
    }
    out.line(format_args!("  evidence"))?;
    for line in evidence(&case.evidence) {
        out.line(format_args!("    {}", text::safe(&line)))?;
    }
    let dropped = case.sources.iter().filter(|source| source.enforced);
    for source in dropped {
        out.line(format_args!("  undo: apimon block remove {}", source.source))?;
    }
    Ok(())
}

/// What the case rests on, line by line; what is not known here by name is left to `--json`.
fn evidence(evidence: &Value) -> Vec<String> {
    let mut lines = Vec::new();
    lines.extend(evidence["summary"].as_str().map(str::to_owned));
    for name in [
        "value",
        "threshold",
        "baseline",
        "window_seconds",
        "requests",
        "first",
        "last",
    ] {
        match &evidence[name] {
            Value::Null => {}
            Value::String(said) => lines.push(format!("{name:<16} {said}")),
            other => lines.push(format!("{name:<16} {other}")),
        }
    }
    for measure in evidence["measures"].as_array().into_iter().flatten() {
        let (name, value) = (measure["name"].as_str().unwrap_or_default(), &measure["value"]);
        let points = measure["points"].as_i64().unwrap_or_default();
        lines.push(format!(
            "{name:<20} {value:<8} {points:>4} points",
            value = value.to_string()
        ));
    }
    let objects: Vec<&str> = evidence["object_ids"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    if !objects.is_empty() {
        lines.push(format!("objects, such as {}", objects.join(", ")));
    }
    lines
}

fn facts(case: &Case) -> Vec<(&'static str, String)> {
    vec![
        ("what", case.description.clone()),
        ("tags", format!("{} {}", case.owasp, case.cwe)),
        ("actor", case.actor.clone()),
        ("endpoint", case.endpoint.clone()),
        (
            "severity",
            format!("{} of 100, confidence {} of 100", case.severity, case.confidence),
        ),
        (
            "coverage",
            format!("{:.0} % of the evidence without gaps", case.coverage * 100.0),
        ),
        ("opened", case.opened.clone()),
        (
            "last",
            format!("{} ({})", case.updated, text::ago(case.quiet_seconds)),
        ),
        ("found", format!("{} times", case.findings)),
        ("verdict", case.verdict_text.clone()),
    ]
}
