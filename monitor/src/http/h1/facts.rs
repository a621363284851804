//! What the fields of a head say about framing (RFC 9112 section 6, RFC 9110 section 7.8). Must not decide anything.

use crate::http::{
    anomaly::{Anomaly, AnomalySet},
    name::{Name, is_name},
};

/// What the framing fields of one head say.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Facts {
    /// `Content-Length`.
    pub(crate) length: Length,
    /// `Transfer-Encoding`.
    pub(crate) coding: Coding,
    /// `Upgrade` is there, and `Connection` names it.
    upgrade: (bool, bool),
    /// Some line may or may not be a framing field, depending on who reads it.
    pub(crate) doubtful: bool,
    /// What was odd.
    pub(crate) anomalies: AnomalySet,
}

/// What all `Content-Length` fields say together.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) enum Length {
    /// There is none.
    #[default]
    Absent,
    /// All agree.
    Known(u64),
    /// One is no number, or they differ.
    Invalid,
}

/// What all `Transfer-Encoding` fields say together.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) enum Coding {
    /// There is none.
    #[default]
    Absent,
    /// Only `identity`, which RFC 2616 had and many still send: no coding.
    Identity,
    /// `chunked` is the last coding.
    Chunked,
    /// Another coding is the last one.
    Other,
}

impl Facts {
    /// Whether the message asks for another protocol, or agrees to one.
    pub(crate) fn wants_upgrade(&self) -> bool {
        self.upgrade == (true, true)
    }

    /// Looks at one field.
    #[inline]
    pub(crate) fn field(&mut self, name: Name, value: &[u8]) {
        match name {
            Name::ContentLength => self.content_length(value),
            Name::TransferEncoding => self.transfer_encoding(value),
            Name::Upgrade => self.upgrade.0 = true,
            Name::Connection => self.connection(value),
            _ => {}
        }
    }

    /// Looks at a line that is not quite a field. If some recipient may take it for a framing field, framing is in
    /// doubt.
    pub(crate) fn malformed_line(&mut self, line: &[u8]) {
        if holds(line, b"content-length") || holds(line, b"transfer-encoding") {
            self.doubtful = true;
            self.anomalies.insert(Anomaly::DoubtfulFramingField);
        }
    }

    fn connection(&mut self, value: &[u8]) {
        // Most say nothing but this.
        if is_name(value, b"keep-alive") || is_name(value, b"close") {
            return;
        }
        self.upgrade.1 |= items(value).any(|item| item.eq_ignore_ascii_case(b"upgrade"));
    }

    /// A list of equal numbers is one number (RFC 9112 section 6.3, item 5).
    fn content_length(&mut self, value: &[u8]) {
        if let (Length::Absent, Some(n)) = (self.length, number(value)) {
            self.length = Length::Known(n);
            return;
        }
        for item in value.split(|b| *b == b',').map(trim_blanks) {
            self.length = match (self.length, number(item)) {
                (_, None) => {
                    self.anomalies.insert(Anomaly::InvalidLength);
                    Length::Invalid
                }
                (Length::Absent, Some(n)) => Length::Known(n),
                (Length::Known(known), Some(n)) if known == n => {
                    self.anomalies.insert(Anomaly::RepeatedLength);
                    Length::Known(n)
                }
                (Length::Known(_), Some(_)) => {
                    self.anomalies.insert(Anomaly::ConflictingLength);
                    Length::Invalid
                }
                (Length::Invalid, Some(_)) => Length::Invalid,
            };
        }
    }

    fn transfer_encoding(&mut self, value: &[u8]) {
        for item in items(value) {
            let chunked = item.eq_ignore_ascii_case(b"chunked");
            if chunked && self.coding == Coding::Chunked {
                self.anomalies.insert(Anomaly::RepeatedChunked);
            }
            self.coding = if chunked {
                Coding::Chunked
            } else if item.eq_ignore_ascii_case(b"identity") && matches!(self.coding, Coding::Absent) {
                Coding::Identity
            } else {
                Coding::Other
            };
            if !chunked && !is_registered(item) {
                self.anomalies.insert(Anomaly::UnknownTransferCoding);
            }
        }
        if self.coding == Coding::Absent {
            // The field is there, but empty.
            self.coding = Coding::Other;
            self.anomalies.insert(Anomaly::UnknownTransferCoding);
        }
    }
}

/// The transfer codings that IANA lists, with their old aliases.
fn is_registered(coding: &[u8]) -> bool {
    [
        &b"gzip"[..],
        b"x-gzip",
        b"deflate",
        b"compress",
        b"x-compress",
        b"identity",
    ]
    .iter()
    .any(|known| coding.eq_ignore_ascii_case(known))
}

/// The non-empty elements of a list (RFC 9110 section 5.6.1).
fn items(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    value
        .split(|b| *b == b',')
        .map(trim_blanks)
        .filter(|item| !item.is_empty())
}

/// Without spaces and tabs around it. Other control bytes stay: they are what makes a value malformed.
pub(super) fn trim_blanks(mut value: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] | [rest @ .., b' ' | b'\t'] = value {
        value = rest;
    }
    value
}

/// `1*DIGIT` that fits.
fn number(text: &[u8]) -> Option<u64> {
    if text.is_empty() {
        return None;
    }
    text.iter().try_fold(0u64, |sum, b| match b {
        b'0'..=b'9' => sum.checked_mul(10)?.checked_add(u64::from(b - b'0')),
        _ => None,
    })
}

/// Whether `line` holds `name`, in any letter case.
fn holds(line: &[u8], name: &[u8]) -> bool {
    line.windows(name.len())
        .any(|part| part.eq_ignore_ascii_case(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(fields: &[(&str, &str)]) -> Facts {
        let mut facts = Facts::default();
        for (name, value) in fields {
            facts.field(Name::of(name.as_bytes()), value.as_bytes());
        }
        facts
    }

    #[test]
    fn lengths() {
        use Length::{Absent, Invalid, Known};
        let cases: [(&[&str], Length); 14] = [
            (&[], Absent),
            (&["0"], Known(0)),
            (&["005"], Known(5)),
            (&["18446744073709551615"], Known(u64::MAX)),
            (&["18446744073709551616"], Invalid),
            (&["+5"], Invalid),
            (&["-5"], Invalid),
            (&["0x5"], Invalid),
            (&["5 5"], Invalid),
            (&[""], Invalid),
            (&["5,"], Invalid),
            (&["5, 5"], Known(5)),
            (&["5", "5"], Known(5)),
            (&["5", "6", "6"], Invalid),
        ];
        for (values, expected) in cases {
            let fields: Vec<_> = values.iter().map(|value| ("Content-Length", *value)).collect();
            assert_eq!(facts(&fields).length, expected, "{values:?}");
        }
    }

    #[test]
    fn codings() {
        use Coding::{Chunked, Identity, Other};
        let cases: [(&[&str], Coding, Option<Anomaly>); 10] = [
            (&["chunked"], Chunked, None),
            (&["CHUNKED"], Chunked, None),
            (&["gzip, chunked"], Chunked, None),
            (&["gzip", ", chunked"], Chunked, None),
            (&["chunked, chunked"], Chunked, Some(Anomaly::RepeatedChunked)),
            (&["chunked, gzip"], Other, None),
            (&["identity"], Identity, None),
            (&["xchunked"], Other, Some(Anomaly::UnknownTransferCoding)),
            (&["\x0bchunked"], Other, Some(Anomaly::UnknownTransferCoding)),
            (&[""], Other, Some(Anomaly::UnknownTransferCoding)),
        ];
        for (values, expected, anomaly) in cases {
            let fields: Vec<_> = values.iter().map(|value| ("Transfer-Encoding", *value)).collect();
            let got = facts(&fields);
            assert_eq!(got.coding, expected, "{values:?}");
            assert_eq!(
                got.anomalies.names().count(),
                usize::from(anomaly.is_some()),
                "{values:?}"
            );
            assert!(anomaly.is_none_or(|a| got.anomalies.contains(a)), "{values:?}");
        }
    }

    #[test]
    fn an_upgrade_needs_both_fields() {
        assert!(facts(&[("Upgrade", "websocket"), ("connection", "keep-alive, Upgrade")]).wants_upgrade());
        assert!(!facts(&[("Upgrade", "websocket")]).wants_upgrade());
        assert!(!facts(&[("Connection", "upgrade")]).wants_upgrade());
    }
}
