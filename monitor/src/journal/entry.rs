//! One event in the forms that the places want which are no file. Must not know how they are reached.

use std::fmt::Write;

use serde_json::Value;

use super::{Format, ecs, event::JournalEvent, ocsf};

/// A line, and what stands beside it where the place has fields for that.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Entry {
    /// The line, of printable ASCII.
    pub(super) line: String,
    /// What happened, in words, of printable ASCII.
    pub(super) message: String,
    /// `case-opened`, `lease-granted`, ...
    pub(super) action: String,
    /// The rule of a case.
    pub(super) rule: Option<String>,
    /// When, RFC 3339.
    pub(super) at: String,
    /// As syslog counts (RFC 5424, section 6.2.1): 4 warning, 5 notice, 6 informational.
    pub(super) severity: u8,
}

impl Entry {
    pub(super) fn of(event: &JournalEvent, format: Format) -> Self {
        let ecs = ecs::value(event);
        let text = |pointer: &str| ecs.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
        let line = match format {
            Format::Ecs => ecs.to_string(),
            Format::Ocsf => ocsf::line(event),
        };
        Self {
            line: ascii_json(&line),
            message: printable(&text("/message").unwrap_or_default()),
            action: text("/event/action").unwrap_or_default(),
            rule: text("/rule/name"),
            at: event.at.rfc3339(),
            severity: severity(ecs.pointer("/event/severity").and_then(Value::as_u64)),
        }
    }
}

fn severity(of_100: Option<u64>) -> u8 {
    match of_100 {
        Some(70..) => 4,
        Some(40..) => 5,
        _ => 6,
    }
}

/// JSON stays the same when what is not printable ASCII is written as an escape. JSON itself has no control character
/// outside of strings in one line, and none below U+0020 in them.
fn ascii_json(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    for c in json.chars() {
        if matches!(c, ' '..='~') {
            out.push(c);
        } else {
            let mut units = [0; 2];
            for unit in c.encode_utf16(&mut units) {
                // Writing to a string does not fail.
                let _always = write!(out, "\\u{unit:04x}");
            }
        }
    }
    out
}

/// Words with what is not printable ASCII shown as an escape.
fn printable(text: &str) -> String {
    text.chars()
        .flat_map(|c| {
            let plain = matches!(c, ' '..='~').then_some(c);
            let escaped = plain.is_none().then(|| c.escape_default());
            plain.into_iter().chain(escaped.into_iter().flatten())
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{journal::event::EventKind, time::Timestamp};

    #[test]
    fn nothing_but_printable_ascii_leaves_and_the_line_means_the_same() {
        let detail = "\r\n<13>1 - - fake\u{7f}\u{85}\u{2028}\u{1b}[2J\u{0}\u{1f600}é\"\\".to_owned();
        let event = JournalEvent {
            at: Timestamp::ZERO,
            kind: EventKind::DaemonStarted {
                detail: detail.clone(),
            },
        };
        for format in [Format::Ecs, Format::Ocsf] {
            let entry = Entry::of(&event, format);
            for text in [&entry.line, &entry.message, &entry.action] {
                assert!(text.bytes().all(|b| (0x20..0x7f).contains(&b)), "{text:?}");
            }
            let line: Value = serde_json::from_str(&entry.line).unwrap();
            assert!(line["message"].as_str().unwrap().ends_with(&detail));
        }
        let entry = Entry::of(&event, Format::Ecs);
        assert_eq!((entry.action.as_str(), entry.severity), ("daemon-started", 6));
    }
}
