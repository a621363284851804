//! Questions, help, and the line at the foot. Must not know what comes of an answer.

use ratatui::{
    Frame,
    layout::Rect,
    text::Line,
    widgets::{Clear, Paragraph, Wrap},
};

use super::super::{
    super::{out::Tone, text},
    model::{Focus, Model},
    order::Order,
    theme::Theme,
};

const HELP: [&str; 14] = [
    "1 to 6, Tab, left, right   which list",
    "up, down, j, k, page keys  which line",
    "Enter                      all about it; Esc goes back",
    "/                          filter: only lines that hold the text",
    "Esc                        takes the filter away",
    "s, r                       next order of the list; turn it round",
    "space                      hold the screen, and go on",
    "b                          block what is chosen",
    "a                          never block it",
    "u                          end its block",
    "q, Ctrl-C                  end",
    "",
    "b, a and u ask before they act. A case stands for the",
    "sources that it names.",
];

/// What is typed, said, or can be done.
pub(super) fn foot(frame: &mut Frame<'_>, area: Rect, model: &Model, theme: Theme) {
    let line = match (&model.focus, &model.notice) {
        (Focus::Filter(_), _) => {
            let typed = text::safe(&model.filter);
            let column = u16::try_from(1 + text::width(&typed)).unwrap_or(0);
            frame.set_cursor_position((area.x + column.min(area.width.saturating_sub(1)), area.y));
            Line::raw(format!("/{typed}"))
        }
        (_, Some(notice)) => {
            let tone = if notice.bad { Tone::Bad } else { Tone::Good };
            let said = text::safe(&notice.text).into_owned();
            Line::styled(
                text::cut(&said, usize::from(area.width)).into_owned(),
                theme.tone(tone),
            )
        }
        (Focus::Detail { .. }, None) => Line::styled(
            "Esc back  up/down scroll  b block  a allow  u unblock",
            theme.tone(Tone::Dim),
        ),
        _ => Line::styled(keys(model), theme.tone(Tone::Dim)),
    };
    frame.render_widget(Paragraph::new(line), area);
}

fn keys(model: &Model) -> String {
    let (order, turned) = model.order();
    let turned = if turned { ", turned" } else { "" };
    let filter = if model.filter.is_empty() {
        String::new()
    } else {
        format!("  filter: {}", text::safe(&model.filter))
    };
    format!("by {order}{turned}{filter}  Enter / s r b a u ? q")
}

/// A question in the middle.
pub(super) fn confirm(frame: &mut Frame<'_>, area: Rect, order: &Order, theme: Theme) {
    let lines = vec![
        Line::raw(order.question()),
        Line::raw(""),
        Line::styled("y yes   any other key: no", theme.heading()),
    ];
    let width = area.width.saturating_sub(8).min(70);
    let columns = usize::from(width.saturating_sub(4)).max(1);
    let wrapped = text::width(&order.question()).div_ceil(columns) + 1;
    let height = u16::try_from(wrapped).unwrap_or(u16::MAX).saturating_add(4);
    boxed_text(frame, area, " Really? ", lines, (width, height), theme);
}

/// The keys.
pub(super) fn help(frame: &mut Frame<'_>, area: Rect, theme: Theme) {
    let lines: Vec<Line<'_>> = HELP.into_iter().map(Line::raw).collect();
    let height = u16::try_from(lines.len()).unwrap_or(u16::MAX).saturating_add(2);
    boxed_text(frame, area, " Keys ", lines, (64, height), theme);
}

fn boxed_text(
    frame: &mut Frame<'_>,
    area: Rect,
    title: &'static str,
    lines: Vec<Line<'_>>,
    (width, height): (u16, u16),
    theme: Theme,
) {
    let (width, height) = (width.min(area.width), height.min(area.height));
    let inside = Rect {
        x: area.x + (area.width - width) / 2,
        y: area.y + (area.height - height) / 2,
        width,
        height,
    };
    let block = super::boxed(theme).title(title);
    frame.render_widget(Clear, inside);
    let said = Paragraph::new(lines).wrap(Wrap { trim: false }).block(block);
    frame.render_widget(said, inside);
}
