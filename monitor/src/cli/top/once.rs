//! The screen once, as plain text: for scripts, logs and mails. Must not know the terminal.

use anyhow::Result;

use super::{
    super::{
        out::{Out, Tone},
        status, text,
        view::{self, Row},
    },
    feed::Snapshot,
    list::per_second,
};
use crate::control::dto::{Case, Point, Sums};

/// Lines of each list.
const LINES: usize = 10;
/// Points that a rate is the mean of.
const POINTS: usize = 60;

/// Prints the whole.
pub(super) fn print(snapshot: &Snapshot, out: &mut Out) -> Result<()> {
    status::summary(&snapshot.status, out)?;
    status::losses(&snapshot.status, out)?;
    rates(&snapshot.history.points, out)?;
    let mut cases: Vec<&Case> = snapshot
        .cases
        .iter()
        .filter(|case| case.closed.is_none())
        .collect();
    cases.sort_by_key(|case| (std::cmp::Reverse(case.severity), case.number));
    list("open cases", &cases, out)?;
    list("sources", &snapshot.sources.iter().collect::<Vec<_>>(), out)?;
    list("actors", &snapshot.actors.iter().collect::<Vec<_>>(), out)?;
    list("endpoints", &snapshot.endpoints.iter().collect::<Vec<_>>(), out)?;
    list("leases", &snapshot.leases.iter().collect::<Vec<_>>(), out)
}

fn rates(points: &[Point], out: &mut Out) -> Result<()> {
    let recent = points
        .get(points.len().saturating_sub(POINTS)..)
        .unwrap_or_default();
    let seconds: f64 = recent.iter().map(|point| point.seconds).sum();
    let mean = |count: fn(&Sums) -> u64| {
        let sum: u64 = recent.iter().map(|point| count(&point.sums)).sum();
        #[expect(clippy::cast_precision_loss, reason = "a rate, for the eye")]
        per_second(if seconds > 0.0 { sum as f64 / seconds } else { 0.0 })
    };
    Ok(out.line(format_args!(
        "{:<11} {} packets/s, {} requests/s, {} dropped/s (mean of {})",
        "rates",
        mean(|sums| sums.packets),
        mean(|sums| sums.transactions),
        mean(|sums| sums.dropped),
        text::span(recent.len() as u64),
    ))?)
}

fn list<T: Row>(name: &str, items: &[T], out: &mut Out) -> Result<()> {
    let shown = items.get(..LINES.min(items.len())).unwrap_or_default();
    let heading = match items.len() {
        0 => format!("{name}: none"),
        count if count > LINES => format!("{name} ({LINES} of {count})"),
        _ => name.to_owned(),
    };
    out.line(format_args!(""))?;
    let heading = out.tinted(Tone::Good, &heading);
    out.line(format_args!("{heading}"))?;
    if shown.is_empty() {
        return Ok(());
    }
    Ok(view::table(shown).print(out)?)
}
