//! Traffic and drops over time. Must not know where the numbers come from.

use ratatui::{
    Frame,
    layout::{Constraint, Layout, Rect},
    text::Span,
    widgets::Sparkline,
};

use super::super::{
    super::{out::Tone, text},
    list::per_second,
    model::Model,
    theme::Theme,
};
use crate::control::dto::{Point, Sums};

/// One chart: what it shows, which count that is, and what it looks like.
struct Chart {
    name: &'static str,
    count: fn(&Sums) -> u64,
    tone: Tone,
}

const CHARTS: [Chart; 3] = [
    Chart {
        name: "packets/s",
        count: |sums| sums.packets,
        tone: Tone::Good,
    },
    Chart {
        name: "requests/s",
        count: |sums| sums.transactions,
        tone: Tone::Good,
    },
    Chart {
        name: "dropped/s",
        count: |sums| sums.dropped,
        tone: Tone::Bad,
    },
];

/// The charts side by side.
pub(super) fn draw(frame: &mut Frame<'_>, area: Rect, model: &Model, theme: Theme) {
    let areas: [Rect; CHARTS.len()] = Layout::horizontal([Constraint::Fill(1); CHARTS.len()]).areas(area);
    let points = model
        .snapshot()
        .map_or(&[][..], |snapshot| snapshot.history.points.as_slice());
    for (chart, area) in CHARTS.iter().zip(areas) {
        one(frame, area, chart, points, theme);
    }
}

fn one(frame: &mut Frame<'_>, area: Rect, chart: &Chart, points: &[Point], theme: Theme) {
    let columns = usize::from(area.width).saturating_sub(2);
    let shown = points
        .get(points.len().saturating_sub(columns)..)
        .unwrap_or_default();
    let rates: Vec<f64> = shown.iter().map(|point| rate(point, chart)).collect();
    let now = rates.last().copied().unwrap_or(0.0);
    let most = rates.iter().copied().fold(0.0, f64::max);
    let title = format!(" {} {} ", chart.name, per_second(now));
    let top = format!(" max {} ", per_second(most));
    let mut block = super::boxed(theme).title(Span::styled(
        text::cut(&title, columns).into_owned(),
        theme.heading(),
    ));
    if columns > title.len() + top.len() {
        block = block.title(ratatui::text::Line::from(top).right_aligned());
    }
    // Where nothing moves yet the line grows from the right, as it will go on.
    let mut data = vec![0; columns.saturating_sub(shown.len())];
    data.extend(rates.iter().map(|rate| scaled(*rate)));
    let line = Sparkline::default()
        .block(block)
        .bar_set(theme.bars())
        .data(data)
        .style(theme.tone(chart.tone));
    frame.render_widget(line, area);
}

#[expect(clippy::cast_precision_loss, reason = "a rate, for the eye")]
fn rate(point: &Point, chart: &Chart) -> f64 {
    let count = (chart.count)(&point.sums) as f64;
    if point.seconds > 0.0 {
        count / point.seconds
    } else {
        0.0
    }
}

/// Tenths, so that one in ten seconds can be seen.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "not negative, and saturating"
)]
fn scaled(rate: f64) -> u64 {
    (rate * 10.0) as u64
}
