//! Start lines, and the trait that makes one parser of requests and responses. Must not know about fields.

use std::mem::MaybeUninit;

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

    /// Parses a whole head with httparse: its length, its line and how many of `headers` were filled.
    fn strict<'h, 'b>(
        bytes: &'b [u8],
        headers: &'h mut [MaybeUninit<httparse::Header<'b>>],
    ) -> Strict<'h, 'b, Self::Line>;

    /// Parses a start line by itself (without its line end), leniently.
    fn line(line: &[u8]) -> Result<StartLine<Self::Line>, Anomaly>;

    /// Whether `bytes`, too few to hold a line, may be the beginning of one. Looks at a bounded prefix only.
    fn may_begin(bytes: &[u8]) -> bool;

    /// Whether `bytes` begin so characteristically that chance is unlikely even without a boundary before them.
    fn surely_begins(bytes: &[u8]) -> bool;
}

/// What httparse found.
pub(crate) enum Strict<'h, 'b, L> {
    /// A whole, well-formed head: length, line, version, fields.
    Head(usize, L, Version, &'h [httparse::Header<'b>]),
    /// Anything else: more bytes are needed, or more leniency.
    No,
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

    fn strict<'h, 'b>(
        bytes: &'b [u8],
        headers: &'h mut [MaybeUninit<httparse::Header<'b>>],
    ) -> Strict<'h, 'b, RequestLine> {
        let mut request = httparse::Request::new(&mut []);
        let Ok(httparse::Status::Complete(len)) = request.parse_with_uninit_headers(bytes, headers) else {
            return Strict::No;
        };
        let (Some(method), Some(target), Some(minor)) = (request.method, request.path, request.version)
        else {
            return Strict::No;
        };
        let line = RequestLine {
            method: within(bytes, method.as_bytes()),
            target: within(bytes, target.as_bytes()),
        };
        if line.method.start != 0 || method.len() > METHOD_MAX {
            return Strict::No;
        }
        Strict::Head(len, line, minor_version(minor), request.headers)
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
            let version = version(last, &mut anomalies)?;
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
        match prefix.iter().position(|b| !is_token(*b)) {
            None => prefix.len() <= METHOD_MAX,
            Some(at) => at > 0 && prefix.get(at).copied().is_some_and(is_blank),
        }
    }

    fn surely_begins(bytes: &[u8]) -> bool {
        KNOWN_METHODS.iter().any(|method| bytes.starts_with(method))
    }
}

impl Message for Response {
    type Line = StatusLine;
    const PART: Part = Part::Response;

    fn strict<'h, 'b>(
        bytes: &'b [u8],
        headers: &'h mut [MaybeUninit<httparse::Header<'b>>],
    ) -> Strict<'h, 'b, StatusLine> {
        if !bytes.starts_with(b"HTTP/1.") {
            return Strict::No;
        }
        let mut response = httparse::Response::new(&mut []);
        let config = httparse::ParserConfig::default();
        let parsed = config.parse_response_with_uninit_headers(&mut response, bytes, headers);
        let Ok(httparse::Status::Complete(len)) = parsed else {
            return Strict::No;
        };
        match (response.code, response.version) {
            (Some(status @ 100..), Some(minor)) => {
                Strict::Head(len, StatusLine { status }, minor_version(minor), response.headers)
            }
            _ => Strict::No,
        }
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

/// Where `part` lies in `whole`, of which it is a slice.
pub(super) fn within(whole: &[u8], part: &[u8]) -> Span {
    let start = part.as_ptr().addr().wrapping_sub(whole.as_ptr().addr());
    Span::new(start, start.saturating_add(part.len()))
}

fn minor_version(minor: u8) -> Version {
    if minor == 0 {
        Version::Http10
    } else {
        Version::Http11
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
pub(super) fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}
