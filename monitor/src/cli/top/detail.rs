//! One thing in full, line by line. Must not know how lines are drawn.

use super::{
    super::{out::Tone, table::Cell, text, view::plain},
    feed::Snapshot,
    list::Key,
};
use crate::{
    control::dto::{Actor, Case, Endpoint, Explanation, Lease, Quantiles, Source},
    report::chapters,
};

/// What is to be said of `key`, under its title. All of it is safe for a terminal.
pub(super) fn lines(
    key: &Key,
    snapshot: &Snapshot,
    explanation: Option<&Explanation>,
) -> (String, Vec<Cell>) {
    let (title, lines) = match key {
        Key::Case(number) => of_case(*number, snapshot, explanation),
        Key::Source(name) => of(
            name,
            snapshot.sources.iter().find(|s| s.source == *name),
            |source| source_lines(source, snapshot),
        ),
        Key::Actor(name) => of(name, snapshot.actors.iter().find(|a| a.actor == *name), |actor| {
            actor_lines(actor, snapshot)
        }),
        Key::Endpoint(name) => {
            let found = snapshot.endpoints.iter().find(|e| e.endpoint == *name);
            of(name, found, |endpoint| endpoint_lines(endpoint, snapshot))
        }
        Key::Lease(name) => of(
            name,
            snapshot.leases.iter().find(|l| l.source == *name),
            lease_lines,
        ),
        Key::Loss(name) => of(name, snapshot.status.losses.get(name), |count| {
            vec![
                fact("count", count.to_string()),
                plain(""),
                plain(
                    "What was not seen cannot have been judged. docs/failures.md says what each loss means.",
                ),
            ]
        }),
    };
    let safe = |(line, tone): Cell| (text::safe(&line).into_owned(), tone);
    (
        text::safe(&title).into_owned(),
        lines.into_iter().map(safe).collect(),
    )
}

fn of<T>(name: &str, found: Option<&T>, lines: impl Fn(&T) -> Vec<Cell>) -> (String, Vec<Cell>) {
    let gone = || vec![plain("It is not in the list any more.")];
    (name.to_owned(), found.map_or_else(gone, lines))
}

fn fact(name: &str, value: impl std::fmt::Display) -> Cell {
    plain(format!("{name:<11} {value}"))
}

fn heading(text: &str) -> [Cell; 2] {
    [plain(""), (text.to_owned(), Tone::Dim)]
}

fn of_case(number: u32, snapshot: &Snapshot, explanation: Option<&Explanation>) -> (String, Vec<Cell>) {
    let explanation = explanation.filter(|explanation| explanation.case.number == number);
    let listed = snapshot.cases.iter().find(|case| case.number == number);
    let title = listed
        .or(explanation.map(|explanation| &explanation.case))
        .map_or_else(
            || format!("case {number}"),
            |case| format!("case {number}: {}", case.rule),
        );
    let Some(explanation) = explanation else {
        return (title, vec![plain("asking the daemon why ...")]);
    };
    let mut lines = Vec::new();
    for (name, said) in chapters(explanation) {
        if !lines.is_empty() {
            lines.push(plain(""));
        }
        lines.push((name.to_owned(), Tone::Dim));
        lines.extend(said.into_iter().map(|line| plain(format!("  {line}"))));
    }
    (title, lines)
}

fn source_lines(source: &Source, snapshot: &Snapshot) -> Vec<Cell> {
    let mut lines = vec![
        fact("packets", source.packets),
        fact("bytes", text::bytes(source.bytes)),
        fact("dropped", source.dropped),
        fact("first", &source.first),
        fact(
            "last",
            format!("{} ({})", source.last, text::ago(source.idle_seconds)),
        ),
    ];
    if let Some(why) = &source.never_block {
        lines.push(fact("never", format!("blocked: {why}")));
    }
    if let Some(lease) = &source.lease {
        lines.extend(heading("lease"));
        lines.extend(lease_lines(lease));
    }
    let names = |case: &&Case| case.sources.iter().any(|named| named.source == source.source);
    lines.extend(cases(snapshot.cases.iter().filter(names)));
    lines
}

fn actor_lines(actor: &Actor, snapshot: &Snapshot) -> Vec<Cell> {
    let mut lines = vec![
        fact("requests", actor.requests),
        fact("served", format!("{} (2xx and 3xx)", actor.served)),
        fact("refused", format!("{} (401 and 403)", actor.refused)),
        fact("first", &actor.first),
        fact(
            "last",
            format!("{} ({})", actor.last, text::ago(actor.idle_seconds)),
        ),
    ];
    lines.extend(cases(
        snapshot.cases.iter().filter(|case| case.actor == actor.actor),
    ));
    lines
}

fn endpoint_lines(endpoint: &Endpoint, snapshot: &Snapshot) -> Vec<Cell> {
    let counts = |counts: &std::collections::BTreeMap<String, u64>| {
        let each = counts.iter().map(|(name, count)| format!("{name} {count}"));
        each.collect::<Vec<_>>().join(", ")
    };
    let quantiles = |quantiles: &Option<Quantiles>| {
        quantiles.as_ref().map_or_else(
            || "-".to_owned(),
            |q| {
                format!(
                    "{:.1} for 50 of 100, {:.1} for 95, {:.1} for 99",
                    q.p50, q.p95, q.p99
                )
            },
        )
    };
    let mut lines = vec![
        fact("requests", endpoint.requests),
        fact("a second", format!("{:.1}", endpoint.rate_per_second)),
        fact("answers", counts(&endpoint.statuses)),
        fact("callers", counts(&endpoint.auth)),
        fact("latency ms", quantiles(&endpoint.latency_ms)),
        fact("bytes", quantiles(&endpoint.response_bytes)),
        fact("first", &endpoint.first),
        fact(
            "last",
            format!("{} ({})", endpoint.last, text::ago(endpoint.idle_seconds)),
        ),
    ];
    let about = |case: &&Case| case.endpoint == endpoint.endpoint;
    lines.extend(cases(snapshot.cases.iter().filter(about)));
    lines
}

fn lease_lines(lease: &Lease) -> Vec<Cell> {
    let (said, tone) = super::super::block::effect(lease);
    let case = match lease.case {
        0 => "given by hand".to_owned(),
        number => format!("case {number}"),
    };
    vec![
        (format!("{:<11} {said}", "effect"), tone),
        fact("reason", &lease.reason),
        fact("from", case),
        fact("granted", &lease.granted),
        fact(
            "until",
            format!("{} ({} left)", lease.until, text::span(lease.left_seconds)),
        ),
        fact(
            "stopped",
            format!("{} packets, {}", lease.packets, text::bytes(lease.bytes)),
        ),
        fact(
            "last",
            lease.last_drop.as_deref().unwrap_or("nothing stopped so far"),
        ),
    ]
}

/// The cases that name it.
fn cases<'a>(cases: impl Iterator<Item = &'a Case>) -> Vec<Cell> {
    let mut lines: Vec<Cell> = cases
        .map(|case| {
            let said = format!(
                "{:>5} {} {} on {}: {}",
                case.number, case.rule, case.actor, case.endpoint, case.verdict_text
            );
            (said, super::super::cases::severity(case.severity))
        })
        .collect();
    if !lines.is_empty() {
        lines.splice(0..0, heading("cases"));
    }
    lines
}

/// A line cut into pieces of so many columns, at blanks where there are some. What follows stands as far in as the
/// first.
pub(super) fn wrapped(line: &Cell, columns: usize) -> Vec<Cell> {
    let (said, tone) = line;
    let indent = said.len() - said.trim_start().len();
    let lead = " ".repeat(indent.min(columns / 2));
    let mut pieces: Vec<Cell> = Vec::new();
    let mut piece = String::new();
    for word in said.trim_start().split_inclusive(' ') {
        let room = columns.saturating_sub(lead.len());
        if !piece.is_empty() && text::width(&piece) + text::width(word.trim_end()) > room {
            pieces.push((format!("{lead}{}", piece.trim_end()), *tone));
            piece.clear();
        }
        piece.push_str(word);
        while text::width(piece.trim_end()) > room {
            let rest = piece.split_off(fitting(&piece, room));
            pieces.push((format!("{lead}{piece}"), *tone));
            piece = rest;
        }
    }
    if !piece.trim_end().is_empty() || pieces.is_empty() {
        pieces.push((format!("{lead}{}", piece.trim_end()), *tone));
    }
    pieces
}

/// Bytes of the beginning of `text` that fit into `room` columns; at least one character.
fn fitting(said: &str, room: usize) -> usize {
    let ends = said.char_indices().map(|(at, c)| at + c.len_utf8());
    let mut last = 0;
    for end in ends {
        let width = said.get(..end).map_or(0, text::width);
        if last > 0 && width > room {
            break;
        }
        last = end;
    }
    last
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pieces(line: &str, columns: usize) -> Vec<String> {
        let line = plain(line);
        wrapped(&line, columns)
            .into_iter()
            .map(|(text, _)| text)
            .collect()
    }

    #[test]
    fn lines_break_at_blanks_and_keep_their_indent() {
        assert_eq!(pieces("  one two three", 9), ["  one two", "  three"]);
        assert_eq!(pieces("", 9), [""]);
        assert_eq!(pieces("abcdefgh", 3), ["abc", "def", "gh"]);
        assert_eq!(pieces("日本語", 4), ["日本", "語"]);
        assert_eq!(pieces("日本", 1), ["日", "本"]);
    }
}
