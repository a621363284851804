//! Colours and characters that the terminal can show. Must not know what is drawn.

use ratatui::{
    style::{Color, Modifier, Style},
    symbols::{bar, border},
};

use super::super::out::Tone;

/// How things are drawn.
#[derive(Clone, Copy, Debug)]
pub(super) struct Theme {
    pub(super) colour: bool,
    pub(super) unicode: bool,
}

/// Bars of ASCII, for a terminal that shows nothing else.
const ASCII_BARS: bar::Set<'_> = bar::Set {
    full: "#",
    seven_eighths: "#",
    three_quarters: "*",
    five_eighths: "+",
    half: "=",
    three_eighths: "-",
    one_quarter: ":",
    one_eighth: ".",
    empty: " ",
};

/// Lines of ASCII.
const ASCII_BORDER: border::Set<'_> = border::Set {
    top_left: "+",
    top_right: "+",
    bottom_left: "+",
    bottom_right: "+",
    vertical_left: "|",
    vertical_right: "|",
    horizontal_top: "-",
    horizontal_bottom: "-",
};

impl Theme {
    /// As the environment says: `NO_COLOR` (<https://no-color.org>), `TERM`, and the locale.
    pub(super) fn of_environment() -> Self {
        let set = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        let locale = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find_map(set);
        let utf8 = |locale: String| {
            let locale = locale.to_ascii_lowercase();
            locale.contains("utf-8") || locale.contains("utf8")
        };
        Self {
            colour: set("NO_COLOR").is_none() && set("TERM").is_some_and(|term| term != "dumb"),
            unicode: locale.is_none_or(utf8),
        }
    }

    /// What so loud a word looks like. Without colour it is bold or dim.
    pub(super) fn tone(self, tone: Tone) -> Style {
        let plain = Style::new();
        match (tone, self.colour) {
            (Tone::Plain, _) | (Tone::Good, false) => plain,
            (Tone::Dim, true) => plain.fg(Color::DarkGray),
            (Tone::Dim, false) => plain.add_modifier(Modifier::DIM),
            (Tone::Good, true) => plain.fg(Color::Green),
            (Tone::Warn, true) => plain.fg(Color::Yellow),
            (Tone::Bad, true) => plain.fg(Color::Red).add_modifier(Modifier::BOLD),
            (Tone::Warn | Tone::Bad, false) => plain.add_modifier(Modifier::BOLD),
        }
    }

    /// What is chosen.
    pub(super) fn chosen() -> Style {
        Style::new().add_modifier(Modifier::REVERSED)
    }

    /// Headings.
    pub(super) fn heading(self) -> Style {
        let bold = Style::new().add_modifier(Modifier::BOLD);
        if self.colour { bold.fg(Color::Cyan) } else { bold }
    }

    pub(super) fn bars(self) -> bar::Set<'static> {
        if self.unicode {
            bar::NINE_LEVELS
        } else {
            ASCII_BARS
        }
    }

    pub(super) fn border(self) -> border::Set<'static> {
        if self.unicode { border::PLAIN } else { ASCII_BORDER }
    }
}
