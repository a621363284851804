//! Sources, actors, leases and losses, as tables that become lines on a phone. Must not know where they come from.

use maud::{Markup, html};

use super::{LINES_MAX, Report, page::Safe};
use crate::text;

/// The sections of all lists that have something in them.
pub(super) fn lists(report: &Report) -> Markup {
    let sources = report.sources.iter().map(|source| {
        let standing = match (&source.lease, &source.never_block) {
            (Some(lease), _) if lease.enforced => format!("{}: {}", lease.kind, lease.reason),
            (Some(lease), _) => format!("would be {}: {}", lease.kind, lease.reason),
            (None, Some(why)) => format!("never blocked: {why}"),
            (None, None) => "-".to_owned(),
        };
        vec![
            source.source.clone(),
            text::count(source.packets),
            text::bytes(source.bytes),
            text::count(source.dropped),
            standing,
        ]
    });
    let actors = report.actors.iter().map(|actor| {
        vec![
            actor.actor.clone(),
            text::count(actor.requests),
            text::count(actor.served),
            text::count(actor.refused),
            actor.open_cases.to_string(),
        ]
    });
    let leases = report.leases.iter().map(|lease| {
        let effect = if lease.enforced { "" } else { "would be " };
        vec![
            lease.source.clone(),
            format!("{effect}{}", lease.kind),
            lease.until.clone(),
            text::count(lease.packets),
            lease.reason.clone(),
        ]
    });
    let losses = report
        .losses
        .iter()
        .map(|(name, count)| vec![name.clone(), count.to_string()]);
    html! {
        (list("sources", "Sources", &["Source", "Packets", "Bytes", "Dropped", "Standing"], sources))
        (list("actors", "Actors", &["Actor", "Requests", "Served", "Refused", "Open cases"], actors))
        (list("leases", "Leases in force", &["Source", "Effect", "Until", "Packets", "Reason"], leases))
        (list("losses", "What was lost", &["Counter", "Count"], losses))
    }
}

fn list(id: &str, title: &str, names: &[&str], rows: impl ExactSizeIterator<Item = Vec<String>>) -> Markup {
    let count = rows.len();
    html! {
        @if count > 0 {
            section id=(id) {
                h2 { (title) }
                table.lines {
                    thead { tr { @for name in names { th { (name) } } } }
                    tbody {
                        @for row in rows.take(LINES_MAX) {
                            tr {
                                @for (cell, name) in row.iter().zip(names) {
                                    td data-name=(name) { (Safe(cell)) }
                                }
                            }
                        }
                    }
                }
                (more(count, LINES_MAX))
            }
        }
    }
}

/// That a list goes on.
pub(super) fn more(count: usize, shown: usize) -> Markup {
    html! {
        @if count > shown {
            p.note { "and " (count - shown) " more, which are not in this report" }
        }
    }
}
