//! `apimon status`: whether it works, what it saw and what it lost.

use anyhow::Result;

use super::{
    args::ReadArgs,
    out::{Out, Tone},
    table::{Column, Table},
    text,
};
use crate::{control::dto::Status, verdict::Mode};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    read: ReadArgs,
    /// Show every counter and every table, also those that are zero, and what is never blocked
    #[arg(long)]
    all: bool,
}

pub(super) fn run(args: &Args, out: &mut Out) -> Result<()> {
    let status = args.read.control.client().status()?;
    if args.read.json {
        return Ok(out.json(&status)?);
    }
    summary(&status, out)?;
    threads(&status, out)?;
    losses(&status, out)?;
    tables(&status, args.all, out)?;
    if args.all {
        counters(&status, out)?;
        never_block(&status, out)?;
    }
    Ok(())
}

pub(super) fn summary(status: &Status, out: &mut Out) -> Result<()> {
    let mode = match status.mode {
        Mode::Observe => out.tinted(Tone::Warn, "observe (nothing is dropped)"),
        Mode::Enforce => out.tinted(Tone::Good, "enforce"),
    };
    let interfaces: Vec<String> = status.interfaces.iter().map(interface).collect();
    let totals = &status.totals;
    let facts = [
        ("apimon", format!("{}, process {}", status.version, status.pid)),
        ("mode", mode),
        (
            "up",
            format!("{} (since {})", text::span(status.uptime_seconds), status.started),
        ),
        ("interfaces", interfaces.join(", ")),
        ("ports", status.ports_text()),
        (
            "packets",
            format!(
                "{} seen, {} dropped",
                text::count(totals.packets),
                text::count(totals.dropped)
            ),
        ),
        (
            "read",
            format!(
                "{} transactions, {} observations, {} findings",
                text::count(totals.transactions),
                text::count(totals.observations),
                text::count(totals.findings)
            ),
        ),
        (
            "cases",
            format!("{} opened; {} leases in force", totals.cases, totals.leases),
        ),
        ("tap", tap(status)),
        ("memory", text::bytes(status.memory_bytes)),
        ("processors", processors(status, out)),
        ("log", log_state(status, out)),
    ];
    for (name, value) in facts {
        out.line(format_args!("{name:<11} {value}"))?;
    }
    Ok(())
}

fn interface(interface: &crate::control::dto::Interface) -> String {
    if interface.tap.is_empty() {
        format!("{} ({})", interface.name, interface.shield)
    } else {
        format!(
            "{} ({} shield, {} tap)",
            interface.name, interface.shield, interface.tap
        )
    }
}

/// Their share, and what is left undone where it was too much.
fn processors(status: &Status, out: &Out) -> String {
    let mut said = format!("{} % in the last second", status.cpu_percent);
    if !["", "nothing"].contains(&&*status.shed) {
        said += &out.tinted(Tone::Bad, &format!(", left undone: {}", text::safe(&status.shed)));
    }
    said
}

/// How the segments come: few at a time while little comes, in batches under load.
fn tap(status: &Status) -> String {
    let count = |stage: &str, name: &str| -> u64 {
        let counters = status.counters.get(stage);
        counters
            .and_then(|counters| counters.get(name))
            .copied()
            .unwrap_or(0)
    };
    let (records, rounds) = (count("ring", "records"), count("ring", "rounds"));
    format!(
        "{} records, {} a wake-up; {} of long bodies not copied",
        text::count(records),
        records.checked_div(rounds).unwrap_or(0),
        text::bytes(count("kernel", "tap_body_skipped_bytes"))
    )
}

fn log_state(status: &Status, out: &Out) -> String {
    let report = &status.log.report;
    let mut said = format!(
        "{}, {} lines",
        text::safe(&status.log.path),
        text::count(report.written_lines)
    );
    if report.lost_lines > 0 {
        said += &out.tinted(Tone::Bad, &format!(", {} lost", text::count(report.lost_lines)));
    }
    if let Some(why) = &report.failing {
        let waiting = text::bytes(report.backlog_bytes);
        said += &out.tinted(Tone::Bad, &format!(", FAILING ({why}; {waiting} wait)"));
    }
    said
}

/// What each kind of thread may do: one line.
fn threads(status: &Status, out: &mut Out) -> Result<()> {
    for (at, thread) in status.threads.iter().enumerate() {
        let capabilities = match thread.capabilities.as_slice() {
            [] => "no capabilities".to_owned(),
            names => names.join(" "),
        };
        let mut said = format!(
            "{} (user {}): {capabilities}",
            text::safe(&thread.name),
            thread.uid
        );
        if thread.seccomp_filters > 0 {
            said += ", seccomp";
        }
        if let Some(landlock) = &thread.landlock {
            said += ", landlock ";
            said += &text::safe(landlock);
        }
        let head = if at == 0 { "threads" } else { "" };
        out.line(format_args!("{head:<11} {said}"))?;
    }
    Ok(())
}

pub(super) fn losses(status: &Status, out: &mut Out) -> Result<()> {
    if status.losses.is_empty() {
        let none = out.tinted(Tone::Good, "none");
        return Ok(out.line(format_args!("losses      {none}"))?);
    }
    out.line(format_args!("losses"))?;
    for (name, count) in &status.losses {
        let count = out.tinted(Tone::Warn, &count.to_string());
        out.line(format_args!("  {name:<42} {count}"))?;
    }
    Ok(())
}

fn tables(status: &Status, all: bool, out: &mut Out) -> Result<()> {
    let mut table = Table::new(&[
        Column::left("TABLE").cut_to(20),
        Column::right("USED"),
        Column::right("LIMIT"),
        Column::right("GAVE WAY"),
    ]);
    for (name, stats) in &status.tables {
        if all || stats.len > 0 || stats.evictions > 0 {
            let gave_way = if stats.evictions > 0 {
                Tone::Warn
            } else {
                Tone::Dim
            };
            table.row([
                (name.clone(), Tone::Plain),
                (stats.len.to_string(), Tone::Plain),
                (stats.capacity.to_string(), Tone::Plain),
                (stats.evictions.to_string(), gave_way),
            ]);
        }
    }
    if table.is_empty() {
        Ok(())
    } else {
        Ok(table.print(out)?)
    }
}

fn never_block(status: &Status, out: &mut Out) -> Result<()> {
    out.line(format_args!("never blocked"))?;
    for (net, why) in &status.never_block {
        out.line(format_args!("  {:<42} {}", text::safe(net), text::safe(why)))?;
    }
    Ok(())
}

fn counters(status: &Status, out: &mut Out) -> Result<()> {
    for (stage, counters) in &status.counters {
        out.line(format_args!("{stage}"))?;
        for (name, count) in counters {
            out.line(format_args!("  {name:<42} {count}"))?;
        }
    }
    Ok(())
}
