//! `apimon case` and `apimon explain`: one case in full, and why it is one. Must not know how it was found.

use anyhow::Result;
use serde_json::Value;

use super::{args::ReadArgs, cases, out::Out, text};
use crate::{control::dto::Case, report::chapters};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Number of the case, as `apimon cases` lists it
    number: u32,
    #[command(flatten)]
    read: ReadArgs,
}

/// `apimon case`.
pub(super) fn show(args: &Args, out: &mut Out) -> Result<()> {
    one(args.number, &args.read, out)
}

/// One case in full.
pub(super) fn one(number: u32, read: &ReadArgs, out: &mut Out) -> Result<()> {
    let case = read.control.client().case(number)?;
    if read.json {
        return Ok(out.json(&case)?);
    }
    details(&case, out)?;
    Ok(out.line(format_args!("  why: apimon explain {number}"))?)
}

/// `apimon explain`.
pub(super) fn explain(args: &Args, out: &mut Out) -> Result<()> {
    let explanation = args.read.control.client().explain(args.number)?;
    if args.read.json {
        return Ok(out.json(&explanation)?);
    }
    heading(&explanation.case, out)?;
    for (title, lines) in chapters(&explanation) {
        out.line(format_args!("{title}"))?;
        for line in lines {
            out.line(format_args!("  {}", text::safe(&line)))?;
        }
    }
    Ok(())
}

fn heading(case: &Case, out: &mut Out) -> Result<()> {
    let state = match &case.closed {
        Some(at) => format!("closed {at}"),
        None => "open".to_owned(),
    };
    let heading = format!("case {}: {} ({state})", case.number, case.rule);
    let heading = out.tinted(cases::severity(case.severity), &text::safe(&heading));
    Ok(out.line(format_args!("{heading}"))?)
}

fn details(case: &Case, out: &mut Out) -> Result<()> {
    heading(case, out)?;
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
        if !source.clients.is_empty() {
            out.line(format_args!("      for {}", source.clients.join(", ")))?;
        }
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
        (
            "connection",
            case.community_id.clone().unwrap_or_else(|| "-".to_owned()),
        ),
        ("verdict", case.verdict_text.clone()),
    ]
}
