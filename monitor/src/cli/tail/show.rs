//! One log line as a person reads it. Must not know where lines come from.

use serde_json::Value;

use super::super::{
    cases::severity,
    out::{Out, Tone},
    text::{cut, safe, width},
};

/// Columns that the message has on the narrowest terminal.
const REST_COLUMNS: usize = 20;

/// The line in one row of at most `columns`, if that can be: when, how bad, what, who, where, what was done. Only what
/// comes after the third is cut.
pub(super) fn line(raw: &[u8], columns: Option<usize>, out: &Out) -> String {
    let columns = columns.unwrap_or(usize::MAX);
    let Ok(value) = serde_json::from_slice::<Value>(raw) else {
        // Not ours, or cut by a crash: shown, but harmless.
        return cut(&safe(&String::from_utf8_lossy(raw)), columns).into_owned();
    };
    // Of OCSF's five levels, as of a hundred.
    let of_five = || Some(field(&value, "severity_id")?.as_u64()? * 20);
    let grade = field(&value, "event.severity")
        .and_then(Value::as_u64)
        .or_else(of_five)
        .unwrap_or(0);
    let tone = severity(u8::try_from(grade).unwrap_or(100));
    let first = |names: [&str; 2]| names.iter().find_map(|name| text(&value, name));
    let when = first(["@timestamp", "metadata.original_time"]).unwrap_or_default();
    let what = first(["rule.name", "finding_info.analytic.name"])
        .or_else(|| first(["event.action", "metadata.event_code"]))
        .unwrap_or_default();
    let head = [
        (Tone::Dim, super::super::when(&when)),
        (tone, format!("{grade:>3}")),
        (tone, format!("{what:<16}")),
    ];
    let taken: usize = head.iter().map(|(_, text)| width(text) + 1).sum();
    let rest = text(&value, "message").unwrap_or_else(|| facts(&value));
    let rest = cut(&rest, columns.saturating_sub(taken).max(REST_COLUMNS));
    let head = head.map(|(tone, text)| out.tinted(tone, &text)).join(" ");
    format!("{head} {rest}").trim_end().to_owned()
}

fn facts(value: &Value) -> String {
    let all = ["source.ip", "apimon.actor", "apimon.endpoint", "apimon.verdict"];
    let known: Vec<String> = all.iter().filter_map(|name| text(value, name)).collect();
    known.join(" ")
}

/// The text of a field, safe for a terminal.
fn text(value: &Value, name: &str) -> Option<String> {
    match field(value, name)? {
        Value::String(text) => Some(safe(text).into_owned()),
        Value::Null => None,
        other => Some(safe(&other.to_string()).into_owned()),
    }
}

/// A field by its ECS name, whether its parts are nested or written with dots.
pub(super) fn field<'a>(value: &'a Value, name: &str) -> Option<&'a Value> {
    if let Some(found) = value.get(name) {
        return Some(found);
    }
    let ends = name.match_indices('.').map(|(at, _)| at);
    ends.filter_map(|at| Some((name.get(..at)?, name.get(at + 1..)?)))
        .find_map(|(first, rest)| field(value.get(first)?, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_found_nested_or_dotted() {
        for raw in [r#"{"rule":{"name":"x"}}"#, r#"{"rule.name":"x"}"#] {
            assert_eq!(
                text(&serde_json::from_str(raw).unwrap(), "rule.name").as_deref(),
                Some("x")
            );
        }
        let deep = serde_json::json!({"a": {"b.c": 1}});
        assert_eq!(field(&deep, "a.b.c"), Some(&Value::from(1)));
        assert_eq!(field(&deep, "a.x"), None);
    }

    #[test]
    fn a_line_reads_in_order() {
        let raw = br#"{"@timestamp":"2026-01-02T03:04:05.678901Z","event":{"severity":80},
            "rule":{"name":"id-enumeration"},"message":"walks \u001b[2J ids"}"#;
        let shown = line(raw, None, &Out::stdout());
        assert_eq!(
            shown,
            "2026-01-02 03:04:05  80 id-enumeration   walks \\u{1b}[2J ids"
        );
    }

    #[test]
    fn a_line_fits_the_terminal() {
        let raw = br#"{"@timestamp":"2026-01-02T03:04:05.678901Z","event":{"severity":80},
            "rule":{"name":"probing"},"message":"asks for what is not there, again and again, all day"}"#;
        let shown = line(raw, Some(80), &Out::stdout());
        assert_eq!(width(&shown), 80);
        assert!(
            shown.starts_with("2026-01-02 03:04:05  80 probing          asks for") && shown.ends_with('…'),
            "{shown}"
        );
        let narrow = line(raw, Some(10), &Out::stdout());
        assert!(narrow.ends_with(" asks for what is no…"), "{narrow}");
        let torn = line(&[b'x'; 100], Some(80), &Out::stdout());
        assert_eq!(width(&torn), 80);
    }

    #[test]
    fn a_line_of_the_other_form_reads_the_same() {
        let raw = br#"{"metadata":{"original_time":"2026-01-02T03:04:05.678901Z","event_code":"case-opened"},"severity_id":4,
            "finding_info":{"analytic":{"name":"id-enumeration"}},"message":"walks ids"}"#;
        let shown = line(raw, None, &Out::stdout());
        assert_eq!(shown, "2026-01-02 03:04:05  80 id-enumeration   walks ids");
    }

    #[test]
    fn what_is_no_json_is_harmless() {
        assert_eq!(line(b"\x1b]0;x", None, &Out::stdout()), "\\u{1b}]0;x");
    }
}
