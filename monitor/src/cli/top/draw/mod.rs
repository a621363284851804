//! The screen. Must not change the state, and must not know keys but to name them.

mod charts;
mod dialog;
mod head;

use ratatui::{
    Frame,
    layout::{Constraint, Layout, Rect},
    style::Style,
    text::{Line, Span},
    widgets::{Block, Clear, Paragraph},
};

use super::{
    super::{out::Tone, table::Cell, text},
    list::{Key, View},
    model::{Focus, Model},
    theme::Theme,
};
use crate::time::Timestamp;

/// Below this nothing can be read.
const LEAST: (u16, u16) = (40, 12);
/// Lines of the screen besides charts and list: title, two of health, the lists' names, keys.
const FIXED: u16 = 5;

/// Draws the whole screen.
pub(super) fn draw(frame: &mut Frame<'_>, model: &Model, theme: Theme, now: Timestamp) {
    let area = frame.area();
    if area.width < LEAST.0 || area.height < LEAST.1 {
        let said = format!("apimon top needs {} columns and {} lines", LEAST.0, LEAST.1);
        return frame.render_widget(Paragraph::new(said), area);
    }
    let charts = (area.height.saturating_sub(FIXED) / 4).clamp(3, 10);
    let [title, chart, health, names, list, foot] = Layout::vertical([
        Constraint::Length(1),
        Constraint::Length(charts),
        Constraint::Length(2),
        Constraint::Length(1),
        Constraint::Min(3),
        Constraint::Length(1),
    ])
    .areas(area);
    head::title(frame, title, model, theme, now);
    if let Focus::Detail { key, scroll } = shown_behind(&model.focus) {
        let below = Rect {
            height: area.height.saturating_sub(2),
            y: area.y + 1,
            ..area
        };
        detail(frame, below, model, key, *scroll, theme);
    } else {
        charts::draw(frame, chart, model, theme);
        head::health(frame, health, model, theme);
        head::names(frame, names, model, theme);
        lines(frame, list, model, theme);
    }
    dialog::foot(frame, foot, model, theme);
    match &model.focus {
        Focus::Confirm { order, .. } => dialog::confirm(frame, area, order, theme),
        Focus::Help => dialog::help(frame, area, theme),
        _ => {}
    }
}

/// What is behind a question.
fn shown_behind(focus: &Focus) -> &Focus {
    match focus {
        Focus::Confirm { before, .. } => before,
        focus => focus,
    }
}

/// The list in view, so far down that what is chosen can be seen.
fn lines(frame: &mut Frame<'_>, area: Rect, model: &Model, theme: Theme) {
    let listed = model.listed();
    if listed.len() == 0 {
        let said = Paragraph::new(Line::styled(nothing(model), theme.tone(Tone::Dim)));
        return frame.render_widget(said, area);
    }
    let drawn = listed.table().lines(Some(usize::from(area.width)));
    let room = usize::from(area.height).saturating_sub(1).max(1);
    let chosen = model.chosen();
    let first = chosen
        .saturating_sub(room - 1)
        .min(listed.len().saturating_sub(room));
    let mut drawn = drawn.into_iter();
    let heading = drawn.next().map(|cells| {
        let text: String = cells.into_iter().map(|(text, _)| text).collect();
        Line::styled(text, theme.heading())
    });
    let rows = drawn.enumerate().skip(first).take(room).map(|(at, cells)| {
        let line = line(&cells, theme);
        if at == chosen {
            filled(line, area.width).style(Theme::chosen())
        } else {
            line
        }
    });
    let shown: Vec<Line<'_>> = heading.into_iter().chain(rows).collect();
    frame.render_widget(Paragraph::new(shown), area);
}

fn nothing(model: &Model) -> &'static str {
    if model.snapshot().is_none() {
        return "nothing known yet";
    }
    if !model.filter.is_empty() {
        return "nothing fits the filter; Esc takes it away";
    }
    match model.view {
        View::Cases => "no case so far",
        View::Sources => "no packet seen yet",
        View::Actors => "no request seen yet",
        View::Endpoints => "no endpoint seen yet",
        View::Leases => "no lease is in force",
        View::Losses => "nothing was lost",
    }
}

/// Cells as a line. They are safe already: tables and details see to that.
fn line(cells: &[Cell], theme: Theme) -> Line<'static> {
    let spans = cells
        .iter()
        .map(|(text, tone)| Span::styled(text.clone(), theme.tone(*tone)));
    spans.collect()
}

/// The line with blanks up to the edge, so that what is chosen is a bar.
fn filled(mut line: Line<'static>, width: u16) -> Line<'static> {
    let blanks = usize::from(width).saturating_sub(line.width());
    line.push_span(Span::raw(" ".repeat(blanks)));
    line
}

fn detail(frame: &mut Frame<'_>, area: Rect, model: &Model, key: &Key, scroll: usize, theme: Theme) {
    let (title, lines) = model.detail(key);
    let room = usize::from(area.height).saturating_sub(2);
    let last = lines.len().saturating_sub(room);
    let scroll = scroll.min(last);
    let title = text::cut(&title, usize::from(area.width).saturating_sub(24)).into_owned();
    let mut block = boxed(theme).title(Span::styled(format!(" {title} "), theme.heading()));
    if last > 0 {
        let place = format!(
            " {} to {} of {} ",
            scroll + 1,
            (scroll + room).min(lines.len()),
            lines.len()
        );
        block = block.title_bottom(Line::from(place).right_aligned());
    }
    let shown = lines.iter().skip(scroll).take(room);
    let shown: Vec<Line<'_>> = shown
        .map(|cell| line(std::slice::from_ref(cell), theme))
        .collect();
    let inner = block.inner(area);
    frame.render_widget(Clear, area);
    frame.render_widget(block, area);
    let inner = Rect {
        x: inner.x + 1,
        width: inner.width.saturating_sub(2),
        ..inner
    };
    frame.render_widget(Paragraph::new(shown), inner);
}

/// A box.
fn boxed(theme: Theme) -> Block<'static> {
    Block::bordered()
        .border_set(theme.border())
        .border_style(theme.tone(Tone::Dim))
        .style(Style::new())
}

#[cfg(test)]
mod tests;
