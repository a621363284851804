//! Start lines, and the trait that makes one parser of requests and responses. Must not know about fields.

use crate::http::{
    anomaly::{Anomaly, AnomalySet},
    transaction::{Part, Span, Version},
};

/// What differs between the two kinds of message: the start line.
pub(crate) trait Message {
    /// What the start line says.
    type Line: Copy + std::fmt::Debug;
    /// Which message of a transaction this is.
    const PART: Part;

    /// Parses a start line (without its line end) that is as the RFC wants it, but for control bytes, which the caller
    /// looks for. `None` for any other.
    fn strict(line: &[u8]) -> Option<(Self::Line, Version)>;

    /// Parses a start line by itself (without its line end), leniently.
    fn line(line: &[u8]) -> Result<StartLine<Self::Line>, Anomaly>;

    /// Whether `bytes`, too few to hold a line, may be the beginning of one. Looks at a bounded prefix only.
    fn may_begin(bytes: &[u8]) -> bool;

    /// Whether `bytes` begin so characteristically that chance is unlikely even without a boundary before them.
    fn surely_begins(bytes: &[u8]) -> bool;
}

/// A start line.
#[derive(Clone, Copy, Debug)]
pub(crate) struct StartLine<L> {
    pub(crate) line: L,
    pub(crate) version: Version,
    pub(crate) anomalies: AnomalySet,
}

/// Kind of message: requests.
#[derive(Debug)]
pub(crate) enum Request {}

/// What a request line says.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RequestLine {
    pub(crate) method: Span,
    pub(crate) target: Span,
}

/// Kind of message: responses.
#[derive(Debug)]
pub(crate) enum Response {}

/// What a status line says.
#[derive(Clone, Copy, Debug)]
pub(crate) struct StatusLine {
    pub(crate) status: u16,
}

/// Longest method that is taken for one. Registered ones have at most 17 bytes.
const METHOD_MAX: usize = 64;

/// Most digits of each part of a version. Servers that take several take ten at most.
const VERSION_DIGITS: usize = 10;

/// Methods that are recognised without a certain boundary before them.
const KNOWN_METHODS: [&[u8]; 16] = [
    b"GET ",
    b"POST ",
    b"PUT ",
    b"HEAD ",
    b"DELETE ",
    b"PATCH ",
    b"OPTIONS ",
    b"CONNECT ",
    b"TRACE ",
    b"QUERY ",
    b"PROPFIND ",
    b"PROPPATCH ",
    b"REPORT ",
    b"SEARCH ",
    b"LOCK ",
    b"MKCOL ",
];

impl Message for Request {
    type Line = RequestLine;
    const PART: Part = Part::Request;

    #[inline]
    fn strict(line: &[u8]) -> Option<(RequestLine, Version)> {
        let (line, version) = match line.split_last_chunk()? {
            (rest, b" HTTP/1.1") => (rest, Version::Http11),
            (rest, b" HTTP/1.0") => (rest, Version::Http10),
            _ => return None,
        };
        let method = token_len(line);
        let target = line.get(method..)?.strip_prefix(b" ")?;
        if method == 0 || method > METHOD_MAX || target.is_empty() || memchr::memchr(b' ', target).is_some() {
            return None;
        }
        let line = RequestLine {
            method: Span::new(0, method),
            target: Span::new(method + 1, line.len()),
        };
        Some((line, version))
    }

    fn line(line: &[u8]) -> Result<StartLine<RequestLine>, Anomaly> {
        let mut anomalies = line_bytes(line);
        let (method, rest) = word(line);
        if method.is_empty() || method.len() > METHOD_MAX || !method.iter().copied().all(is_token) {
            return Err(Anomaly::InvalidStartLine);
        }
        let rest_end = rest.trim_ascii_end().len();
        let target_start = rest.iter().take_while(|b| is_blank(**b)).count();
        let text = rest.get(target_start..rest_end).unwrap_or_default();
        let cut = text.iter().rposition(|b| is_blank(*b)).map_or(0, |at| at + 1);
        let last = text.get(cut..).unwrap_or_default();
        let base = method.len() + target_start;
        let (target_len, version, spaces) = if last.starts_with(b"HTTP/") && cut > 0 {
            let version = asked_version(last, &mut anomalies)?;
            let target = text.get(..cut).unwrap_or_default().trim_ascii_end();
            let plain = target_start == 1 && cut == target.len() + 1 && rest_end == rest.len();
            (
                target.len(),
                version,
                !plain || target.iter().any(|b| is_blank(*b)),
            )
        } else if method == b"GET" && !text.starts_with(b"HTTP/") && cut == 0 {
            (text.len(), Version::Http09, false)
        } else {
            return Err(Anomaly::InvalidStartLine);
        };
        if target_len == 0 {
            return Err(Anomaly::InvalidStartLine);
        }
        if spaces {
            anomalies.insert(Anomaly::StartLineSpaces);
        }
        let line = RequestLine {
            method: Span::new(0, method.len()),
            target: Span::new(base, base + target_len),
        };
        Ok(StartLine {
            line,
            version,
            anomalies,
        })
    }

    fn may_begin(bytes: &[u8]) -> bool {
        let prefix = bytes.get(..METHOD_MAX + 1).unwrap_or(bytes);
        let method = token_len(prefix);
        match prefix.get(method) {
            None => method <= METHOD_MAX,
            Some(behind) => method > 0 && is_blank(*behind),
        }
    }

    fn surely_begins(bytes: &[u8]) -> bool {
        KNOWN_METHODS.iter().any(|method| bytes.starts_with(method))
    }
}

impl Message for Response {
    type Line = StatusLine;
    const PART: Part = Part::Response;

    #[inline]
    fn strict(line: &[u8]) -> Option<(StatusLine, Version)> {
        let (version, rest) = match line.split_first_chunk()? {
            (b"HTTP/1.1 ", rest) => (Version::Http11, rest),
            (b"HTTP/1.0 ", rest) => (Version::Http10, rest),
            _ => return None,
        };
        let ([a @ b'1'..=b'9', b @ b'0'..=b'9', c @ b'0'..=b'9'], [] | [b' ', ..]) =
            rest.split_first_chunk()?
        else {
            return None;
        };
        let digit = |byte: &u8| u16::from(byte - b'0');
        let status = digit(a) * 100 + digit(b) * 10 + digit(c);
        Some((StatusLine { status }, version))
    }

    fn line(line: &[u8]) -> Result<StartLine<StatusLine>, Anomaly> {
        let mut anomalies = line_bytes(line);
        let (first, rest) = word(line);
        let version = version(first, &mut anomalies)?;
        let blanks = rest.iter().take_while(|b| is_blank(**b)).count();
        let (code, reason) = rest
            .split_at(blanks)
            .1
            .split_at_checked(3)
            .ok_or(Anomaly::InvalidStartLine)?;
        let status = code.iter().try_fold(0u16, |sum, b| match b {
            b'0'..=b'9' => Ok(sum * 10 + u16::from(b - b'0')),
            _ => Err(Anomaly::InvalidStartLine),
        })?;
        if status < 100 || reason.first().is_some_and(|b| !is_blank(*b)) {
            return Err(Anomaly::InvalidStartLine);
        }
        if blanks != 1 || rest.first() == Some(&b'\t') {
            anomalies.insert(Anomaly::StartLineSpaces);
        }
        Ok(StartLine {
            line: StatusLine { status },
            version,
            anomalies,
        })
    }

    fn may_begin(bytes: &[u8]) -> bool {
        const BEGINNING: &[u8] = b"HTTP/1.";
        bytes.iter().zip(BEGINNING).all(|(a, b)| a == b)
    }

    fn surely_begins(bytes: &[u8]) -> bool {
        bytes.starts_with(b"HTTP/1.1 ") || bytes.starts_with(b"HTTP/1.0 ")
    }
}

/// `HTTP/1.` and one digit (RFC 9112 section 2.3).
fn version(text: &[u8], anomalies: &mut AnomalySet) -> Result<Version, Anomaly> {
    match text.strip_prefix(b"HTTP/1.") {
        Some(b"0") => Ok(Version::Http10),
        Some(b"1") => Ok(Version::Http11),
        Some([b'2'..=b'9']) => {
            anomalies.insert(Anomaly::OddVersion);
            Ok(Version::Http11)
        }
        _ => Err(Anomaly::InvalidStartLine),
    }
}

/// The version of a request: any major and minor number, for servers are known to answer requests of every version as
/// they do those of 1.1, and what they answer must be read. 0.9 by name is closed behind the answer, as 1.0 is.
fn asked_version(text: &[u8], anomalies: &mut AnomalySet) -> Result<Version, Anomaly> {
    let known = version(text, anomalies);
    if known.is_ok() {
        return known;
    }
    let number =
        |digits: &[u8]| (1..=VERSION_DIGITS).contains(&digits.len()) && digits.iter().all(u8::is_ascii_digit);
    let numbers = text.strip_prefix(b"HTTP/").and_then(|numbers| {
        let dot = numbers.iter().position(|byte| *byte == b'.')?;
        Some((numbers.get(..dot)?, numbers.get(dot + 1..)?))
    });
    match numbers {
        Some((major, minor)) if number(major) && number(minor) => {
            anomalies.insert(Anomaly::OddVersion);
            Ok(if major == b"0" {
                Version::Http10
            } else {
                Version::Http11
            })
        }
        _ => Err(Anomaly::InvalidStartLine),
    }
}

/// What is odd about the bytes of a line.
pub(super) fn line_bytes(line: &[u8]) -> AnomalySet {
    let mut anomalies = AnomalySet::default();
    for byte in line {
        match byte {
            0 => anomalies.insert(Anomaly::NulByte),
            b'\r' => anomalies.insert(Anomaly::BareCr),
            b'\t' | b' '..=0x7e | 0x80.. => {}
            _ => anomalies.insert(Anomaly::ControlByte),
        }
    }
    anomalies
}

/// The bytes up to the first blank, and the rest with it.
fn word(line: &[u8]) -> (&[u8], &[u8]) {
    let end = line.iter().position(|b| is_blank(*b)).unwrap_or(line.len());
    line.split_at(end)
}

pub(super) fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

/// RFC 9110 section 5.6.2.
pub(super) const fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(
            byte,
            b'!' | b'#'
                | b'$'
                | b'%'
                | b'&'
                | b'\''
                | b'*'
                | b'+'
                | b'-'
                | b'.'
                | b'^'
                | b'_'
                | b'`'
                | b'|'
                | b'~'
        )
}

/// [`is_token`] of every byte.
const TOKEN: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < table.len() {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::indexing_slicing,
            reason = "below 256, at compile time"
        )]
        {
            table[byte] = is_token(byte as u8);
        }
        byte += 1;
    }
    table
};

/// What ends a line.
pub(super) const LINE_END: &[u8] = b"\r\n";

/// The first line, without its end. `None` if it is not whole, or a control byte stands in it. Tabs count as such: they
/// are rare, and the lenient way knows where they may stand.
#[inline]
pub(super) fn whole_line(bytes: &[u8]) -> Option<&[u8]> {
    let (line, behind) = bytes.split_at_checked(text_len(bytes))?;
    behind.starts_with(LINE_END).then_some(line)
}

/// How many of the first bytes are no control bytes. Eight at a time: lines of a head are short.
#[inline]
fn text_len(bytes: &[u8]) -> usize {
    const EACH: u64 = u64::MAX / 0xff;
    let (eights, _) = bytes.as_chunks();
    let mut at = 0;
    for eight in eights {
        let word = u64::from_le_bytes(*eight);
        // The highest bit of each byte that is below 0x20, or 0x7f. A borrow can only set bits above the first one
        // that is set by right, which is the lowest.
        let low = word.wrapping_sub(EACH * 0x20) & !word;
        let other = word ^ (EACH * 0x7f);
        let deleted = other.wrapping_sub(EACH) & !other;
        let controls = (low | deleted) & (EACH * 0x80);
        if controls != 0 {
            return at + controls.trailing_zeros() as usize / 8;
        }
        at += 8;
    }
    let rest = bytes.get(at..).unwrap_or_default();
    at + rest.iter().take_while(|byte| !byte.is_ascii_control()).count()
}

/// How many of the first bytes are those of a token. Four at a time: most of what is scanned are names of ten bytes.
#[inline]
pub(super) fn token_len(bytes: &[u8]) -> usize {
    let is = |byte: u8| TOKEN.get(usize::from(byte)).copied().unwrap_or(false);
    let (fours, _) = bytes.as_chunks();
    let whole = fours
        .iter()
        .take_while(|[a, b, c, d]| is(*a) & is(*b) & is(*c) & is(*d))
        .count();
    let rest = bytes.get(whole * 4..).unwrap_or_default();
    whole * 4 + rest.iter().take_while(|byte| is(**byte)).count()
}
