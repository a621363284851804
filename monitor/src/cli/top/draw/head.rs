//! What stands above the list: who watches, how it is, and which lists there are.

use ratatui::{
    Frame,
    layout::Rect,
    text::{Line, Span},
    widgets::Paragraph,
};

use super::super::{
    super::{out::Tone, text},
    feed::Snapshot,
    list::View,
    model::Model,
    theme::Theme,
};
use crate::{control::dto::Status, time::Timestamp, verdict::Mode};

/// The daemon, its mode, and whether it answers.
pub(super) fn title(frame: &mut Frame<'_>, area: Rect, model: &Model, theme: Theme, now: Timestamp) {
    let mut spans = vec![Span::styled("apimon", theme.heading()), Span::raw(" ")];
    if let Some(snapshot) = model.snapshot() {
        spans.extend(who(&snapshot.status, theme));
    }
    let (state, tone) = state(model, now);
    let state = text::cut(&state, usize::from(area.width).saturating_sub(2) / 2).into_owned();
    let state = Span::styled(state, theme.tone(tone));
    let room = usize::from(area.width).saturating_sub(state.width() + 1);
    let left = Rect {
        width: u16::try_from(room).unwrap_or(area.width),
        ..area
    };
    frame.render_widget(Paragraph::new(Line::from(spans)), left);
    frame.render_widget(Paragraph::new(Line::from(state).right_aligned()), area);
}

fn who(status: &Status, theme: Theme) -> Vec<Span<'static>> {
    let mode = match status.mode {
        Mode::Observe => Span::styled("observe", theme.tone(Tone::Warn)),
        Mode::Enforce => Span::styled("ENFORCE", theme.tone(Tone::Good)),
    };
    let interfaces = status.interfaces.iter().map(|interface| {
        let gone = if interface.shield == "gone" { " GONE" } else { "" };
        format!("{}{gone}", interface.name)
    });
    let interfaces: Vec<String> = interfaces.collect();
    let ports: Vec<String> = status.ports.iter().map(ToString::to_string).collect();
    let ports = if ports.is_empty() {
        "any".to_owned()
    } else {
        ports.join(",")
    };
    let up = text::span(status.uptime_seconds);
    let on = format!("  up {up}  {} :{}", interfaces.join(","), ports);
    vec![
        Span::raw(text::safe(&status.version).into_owned()),
        Span::raw("  "),
        mode,
        Span::raw(text::safe(&on).into_owned()),
    ]
}

/// Whether the daemon answers, and how old what is shown is.
fn state(model: &Model, now: Timestamp) -> (String, Tone) {
    let age = text::span(model.age(now).as_secs());
    match (model.lost(), model.snapshot()) {
        (Some(_), Some(_)) => (format!("NO ANSWER, as of {age} ago"), Tone::Bad),
        (Some(_), None) => ("NO DAEMON".to_owned(), Tone::Bad),
        (None, None) => ("asking ...".to_owned(), Tone::Dim),
        (None, Some(_)) if model.held => (format!("HELD, as of {age} ago"), Tone::Warn),
        // A daemon that is too busy to answer is not a dead one, but what is shown grows old.
        (None, Some(_)) if model.age(now).as_secs() >= 5 => (format!("as of {age} ago"), Tone::Warn),
        (None, Some(_)) => (clock(now), Tone::Dim),
    }
}

/// The time of day, UTC.
fn clock(now: Timestamp) -> String {
    let said = now.rfc3339();
    format!("{} UTC", said.get(11..19).unwrap_or_default())
}

/// Two lines: what is going on, and how apimon itself is.
pub(super) fn health(frame: &mut Frame<'_>, area: Rect, model: &Model, theme: Theme) {
    let Some(snapshot) = model.snapshot() else {
        let why = model.lost().unwrap_or_default();
        let said = Paragraph::new(text::safe(why).into_owned()).wrap(ratatui::widgets::Wrap { trim: true });
        return frame.render_widget(said, area);
    };
    let lines = [first(snapshot), second(&snapshot.status)];
    let lines = lines.map(|facts| {
        let mut spans = Vec::new();
        for (name, value, tone) in facts {
            spans.push(Span::styled(format!("{name} "), theme.tone(Tone::Dim)));
            spans.push(Span::styled(text::safe(&value).into_owned(), theme.tone(tone)));
            spans.push(Span::raw("   "));
        }
        Line::from(spans)
    });
    frame.render_widget(Paragraph::new(lines.to_vec()), area);
}

type Fact = (&'static str, String, Tone);

fn first(snapshot: &Snapshot) -> Vec<Fact> {
    let totals = &snapshot.status.totals;
    let open = snapshot.cases.iter().filter(|case| case.closed.is_none()).count();
    let loud = |count: u64, tone| if count > 0 { tone } else { Tone::Good };
    let losses = snapshot.status.losses.len() as u64;
    vec![
        (
            "cases",
            format!("{open} open, {} in all", totals.cases),
            loud(open as u64, Tone::Warn),
        ),
        ("leases", totals.leases.to_string(), Tone::Plain),
        ("dropped", text::count(totals.dropped), Tone::Plain),
        ("findings", text::count(totals.findings), Tone::Plain),
        ("kinds of loss", losses.to_string(), loud(losses, Tone::Warn)),
    ]
}

fn second(status: &Status) -> Vec<Fact> {
    let count = |stage: &str, name: &str| {
        let stage = status.counters.get(stage);
        stage.and_then(|stage| stage.get(name)).copied().unwrap_or(0)
    };
    let lost = |count: u64| {
        let tone = if count > 0 { Tone::Bad } else { Tone::Good };
        (format!("{} lost", text::count(count)), tone)
    };
    let (ring, ring_tone) = lost(count("kernel", "tap_lost_ring_packets"));
    let (judge, judge_tone) = lost(count("judge", "lost_observations"));
    let evicted: u64 = status.tables.values().map(|table| table.evictions).sum();
    let (log, log_tone) = match &status.log.report.failing {
        Some(_) => ("FAILING".to_owned(), Tone::Bad),
        None => lost(status.log.report.lost_lines),
    };
    vec![
        ("ring", ring, ring_tone),
        ("judge", judge, judge_tone),
        ("log", log, log_tone),
        (
            "tables",
            format!("{} gave way", text::count(evicted)),
            if evicted > 0 { Tone::Warn } else { Tone::Good },
        ),
        ("memory", text::bytes(status.memory_bytes), Tone::Plain),
    ]
}

/// The names of the lists, the one in view marked also where there is no colour.
pub(super) fn names(frame: &mut Frame<'_>, area: Rect, model: &Model, theme: Theme) {
    let mut spans = Vec::new();
    for (at, view) in View::ALL.into_iter().enumerate() {
        let count = model.snapshot().map_or(0, |snapshot| view.count(snapshot));
        let name = match (area.width >= 76, view == model.view) {
            (true, _) => format!(" {} {} {count} ", at + 1, view.name()),
            (false, true) => format!(" {} {} ", at + 1, view.name()),
            (false, false) => format!(" {} ", at + 1),
        };
        let style = if view == model.view {
            Theme::chosen()
        } else {
            theme.tone(Tone::Plain)
        };
        spans.push(Span::styled(name, style));
    }
    frame.render_widget(Paragraph::new(Line::from(spans)), area);
}
