//! Finding the next message behind a hole: only where a boundary is certain. Must not parse what it finds.
//!
//! A boundary counts as certain where the other side's acknowledgements say that a message ends, behind an empty line,
//! or where a packet begins with a line that is unmistakably a start line. What looks like one in the middle of other
//! bytes is taken for body.

use crate::http::h1::line::Message;

/// Longest start line that is looked at while searching, bytes. Keeps the search linear.
const LINE_MAX: usize = 16 << 10;

/// A search that goes on over several pieces.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Search {
    /// The line so far holds a byte other than CR.
    text: bool,
    /// The bytes so far end with an empty line.
    blank: bool,
}

impl Search {
    /// Behind a hole, or wherever a capture began: what came before is unknown.
    pub(crate) fn new() -> Self {
        Self {
            text: true,
            blank: false,
        }
    }

    /// Searches one piece whose first byte stands at stream offset `offset`: where the next message begins in it.
    /// `hint` is the offset at which the other side says that one begins.
    pub(crate) fn find<M: Message>(&mut self, bytes: &[u8], offset: u64, hint: Option<u64>) -> Option<usize> {
        let hint = hint.and_then(|hint| usize::try_from(hint.checked_sub(offset)?).ok());
        if begins::<M>(bytes, self.blank || hint == Some(0)) {
            return Some(0);
        }
        let hint = hint.filter(|at| {
            bytes
                .get(*at..)
                .is_some_and(|rest| !rest.is_empty() && begins::<M>(rest, true))
        });
        let (mut start, mut found) = (0, None);
        for lf in memchr::memchr_iter(b'\n', bytes) {
            let empty = !self.text
                && bytes
                    .get(start..lf)
                    .is_some_and(|line| line.iter().all(|b| *b == b'\r'));
            (self.text, self.blank, start) = (false, empty, lf + 1);
            let rest = bytes.get(start..).unwrap_or_default();
            if empty && !rest.is_empty() && begins::<M>(rest, true) {
                found = Some(start);
                break;
            }
        }
        if let Some(tail) = bytes.get(start..).filter(|tail| !tail.is_empty()) {
            self.text |= tail.iter().any(|b| *b != b'\r');
            self.blank = false;
        }
        match (hint, found) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        }
    }
}

/// Whether a message begins here. Where the place itself says so (`supported`), the beginning of a start line is
/// enough; elsewhere it must be unmistakable.
fn begins<M: Message>(bytes: &[u8], supported: bool) -> bool {
    let head = bytes.get(..LINE_MAX).unwrap_or(bytes);
    match memchr::memchr(b'\n', head) {
        Some(lf) => {
            let line = head.get(..lf).unwrap_or_default();
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            (supported || M::surely_begins(line))
                && M::line(line).is_ok_and(|line| line.version != crate::http::transaction::Version::Http09)
        }
        None if supported => M::may_begin(bytes),
        None => M::surely_begins(bytes),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::h1::line::{Request, Response};

    #[test]
    fn boundaries() {
        let find = |bytes: &[u8], hint| Search::new().find::<Request>(bytes, 100, hint);
        assert_eq!(find(b"GET / HTTP/1.1\r\n", None), Some(0));
        assert_eq!(find(b"GE", None), None);
        assert_eq!(find(b"GE", Some(100)), Some(0));
        assert_eq!(find(b"ODD / HTTP/1.1\r\n", None), None);
        assert_eq!(find(b"xx\r\n\r\nODD / HTTP/1.1\r\n", None), Some(6));
        assert_eq!(find(b"xx\r\nGET / HTTP/1.1\r\n", None), None);
        assert_eq!(find(b"xx\r\nGET / HTTP/1.1\r\n", Some(104)), Some(4));
        assert_eq!(find(b"xxGET / HTTP/1.1\r\n", None), None);
        assert_eq!(find(b"GET x\r\n", Some(100)), None);
    }

    #[test]
    fn an_empty_line_counts_across_pieces() {
        let mut search = Search::new();
        for piece in [&b"a\r"[..], b"\n", b"\r", b"\n"] {
            assert_eq!(search.find::<Response>(piece, 0, None), None);
        }
        assert_eq!(search.find::<Response>(b"H", 0, None), Some(0));
        let mut search = Search::new();
        assert_eq!(search.find::<Response>(b"a\r\nb\r", 0, None), None);
        assert_eq!(search.find::<Response>(b"\nHTTP/1.1 200 OK\r\n", 0, None), None);
    }
}
