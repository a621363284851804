//! Numbers, spans and foreign text as people read them. Must not know what they stand for.

use std::borrow::Cow;

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// A span of seconds in its two largest units: `3d 4h`, `12m 5s`.
pub(crate) fn span(seconds: u64) -> String {
    let (days, hours) = (seconds / 86_400, seconds / 3600 % 24);
    let (minutes, rest) = (seconds / 60 % 60, seconds % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{rest}s"),
        (0, 0, _) => format!("{minutes}m {rest}s"),
        (0, _, _) => format!("{hours}h {minutes}m"),
        _ => format!("{days}d {hours}h"),
    }
}

/// How long ago, in words.
pub(crate) fn ago(seconds: u64) -> String {
    if seconds == 0 {
        "now".to_owned()
    } else {
        format!("{} ago", span(seconds))
    }
}

/// Bytes with a binary unit: `1.5 MiB`.
pub(crate) fn bytes(count: u64) -> String {
    scaled(count, 1024, &["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"])
}

/// A count with a decimal unit where it is long: `12.3k`.
pub(crate) fn count(number: u64) -> String {
    if number < 100_000 {
        return number.to_string();
    }
    scaled(number, 1000, &["", "k", "M", "G", "T", "P", "E"]).replace(' ', "")
}

fn scaled(number: u64, step: u64, units: &[&str]) -> String {
    let mut whole = number;
    let mut tenths = 0;
    let mut unit = units.iter();
    let mut name = unit.next().copied().unwrap_or_default();
    while whole >= step {
        let Some(next) = unit.next() else { break };
        tenths = whole % step * 10 / step;
        whole /= step;
        name = next;
    }
    if number < step || whole >= 100 {
        format!("{whole} {name}")
    } else {
        format!("{whole}.{tenths} {name}")
    }
}

/// Text that came from outside, made safe for a terminal: control characters, and those that change the direction of
/// writing, are shown by their code. What an attacker writes must not move the operator's cursor.
pub(crate) fn safe(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_unsafe) {
        return Cow::Borrowed(text);
    }
    text.chars()
        .flat_map(|c| {
            let (shown, escaped) = if is_unsafe(c) {
                (None, Some(c.escape_unicode()))
            } else {
                (Some(c), None)
            };
            shown.into_iter().chain(escaped.into_iter().flatten())
        })
        .collect::<String>()
        .into()
}

fn is_unsafe(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

/// Columns that a text takes on a terminal: a wide character takes two.
pub(crate) fn width(text: &str) -> usize {
    UnicodeWidthStr::width(text)
}

/// At most `columns` columns of a terminal; what is cut off is shown by an ellipsis.
pub(crate) fn cut(text: &str, columns: usize) -> Cow<'_, str> {
    if width(text) <= columns {
        return Cow::Borrowed(text);
    }
    let mut left = columns.saturating_sub(1);
    let fits = |c: &char| match left.checked_sub(c.width().unwrap_or(0)) {
        Some(rest) => {
            left = rest;
            true
        }
        None => false,
    };
    let mut kept: String = text.chars().take_while(fits).collect();
    kept.extend((columns > 0).then_some('…'));
    kept.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_and_counts() {
        for (seconds, wanted) in [
            (0, "0s"),
            (59, "59s"),
            (725, "12m 5s"),
            (3660, "1h 1m"),
            (273_600, "3d 4h"),
        ] {
            assert_eq!(span(seconds), wanted);
        }
        assert_eq!((ago(0).as_str(), ago(5).as_str()), ("now", "5s ago"));
        for (number, wanted) in [
            (0, "0 B"),
            (1023, "1023 B"),
            (1536, "1.5 KiB"),
            (500 << 20, "500 MiB"),
        ] {
            assert_eq!(bytes(number), wanted);
        }
        for (number, wanted) in [
            (0, "0"),
            (99_999, "99999"),
            (123_456, "123k"),
            (1_250_000, "1.2M"),
        ] {
            assert_eq!(count(number), wanted);
        }
        assert_eq!(bytes(u64::MAX), "15.9 EiB");
    }

    #[test]
    fn foreign_text_cannot_steer_the_terminal() {
        assert_eq!(safe("GET /a"), "GET /a");
        assert_eq!(
            safe("\x1b[2Jx\u{202e}\u{7}\n"),
            "\\u{1b}[2Jx\\u{202e}\\u{7}\\u{a}"
        );
    }

    #[test]
    fn cutting_counts_columns() {
        assert_eq!(cut("äöü", 3), "äöü");
        assert_eq!(cut("äöüß", 3), "äö…");
        assert_eq!(width("日本"), 4);
        assert_eq!(cut("日本語", 6), "日本語");
        assert_eq!(cut("日本語", 5), "日本…");
        assert_eq!(cut("日本語", 4), "日…");
        assert_eq!(cut("ab", 0), "");
    }
}
