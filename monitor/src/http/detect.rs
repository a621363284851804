//! Is this HTTP, and who is the client? Answers from first bytes only. Must not keep state of messages.

use crate::{
    http::h1::{
        line::{Message, Request, Response},
        search::Search,
    },
    stream::{Beginning, Side},
};

/// Bytes of a connection joined late that are searched through in full; behind them only the beginnings of packets
/// are looked at, so that a long transfer of something else costs next to nothing.
const SEARCH_BYTES: u64 = 1 << 20;

/// What the first bytes of a stream look like.
pub(crate) fn beginning(bytes: &[u8]) -> Beginning {
    if starts::<Response>(bytes) {
        Beginning::Answer
    } else if starts::<Request>(bytes) {
        Beginning::Question
    } else {
        Beginning::No
    }
}

fn starts<M: Message>(bytes: &[u8]) -> bool {
    M::surely_begins(bytes) && Search::new().find::<M>(bytes, 0, None) == Some(0)
}

/// A connection joined late, of which it is not known who is the client, nor whether it is HTTP.
#[derive(Debug)]
pub(crate) struct Undecided {
    opener: Heard,
    other: Heard,
}

/// What was heard of one side.
#[derive(Debug)]
struct Heard {
    search: Search,
    bytes: u64,
    next: Option<u64>,
}

impl Undecided {
    pub(crate) fn new() -> Self {
        let heard = || Heard {
            search: Search::new(),
            bytes: 0,
            next: None,
        };
        Self {
            opener: heard(),
            other: heard(),
        }
    }

    /// Listens to the next bytes of a side: how many of them come before the first message, and which side is the
    /// client, as soon as that is known.
    pub(crate) fn data(&mut self, side: Side, offset: u64, bytes: &[u8]) -> Option<(usize, Side)> {
        let (heard, peer) = match side {
            Side::Opener => (&mut self.opener, Side::Other),
            Side::Other => (&mut self.other, Side::Opener),
        };
        heard.next = Some(offset.saturating_add(bytes.len() as u64));
        if heard.bytes > SEARCH_BYTES {
            return match beginning(bytes) {
                Beginning::No => None,
                Beginning::Question => Some((0, side)),
                Beginning::Answer => Some((0, peer)),
            };
        }
        heard.bytes += bytes.len() as u64;
        let mut for_responses = heard.search;
        let answer = for_responses.find::<Response>(bytes, offset, None);
        let question = heard.search.find::<Request>(bytes, offset, None);
        match (question, answer) {
            (Some(q), Some(a)) if a <= q => Some((a, peer)),
            (Some(q), _) => Some((q, side)),
            (None, Some(a)) => Some((a, peer)),
            (None, None) => None,
        }
    }

    /// Bytes of a side are missing.
    pub(crate) fn gap(&mut self, side: Side, end: u64) {
        let heard = match side {
            Side::Opener => &mut self.opener,
            Side::Other => &mut self.other,
        };
        (heard.search, heard.next) = (Search::new(), Some(end));
    }

    /// Stream offset behind the last byte heard of a side.
    pub(crate) fn next(&self, side: Side) -> Option<u64> {
        match side {
            Side::Opener => self.opener.next,
            Side::Other => self.other.next,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn beginnings() {
        assert_eq!(beginning(b"GET / HTTP/1.1\r\n"), Beginning::Question);
        assert_eq!(beginning(b"QUERY /x"), Beginning::Question);
        assert_eq!(beginning(b"HTTP/1.1 200 OK\r\n"), Beginning::Answer);
        assert_eq!(beginning(b"HTTP/1.1 2x0 OK\r\n"), Beginning::No);
        assert_eq!(beginning(b"GET x RTSP/1.0\r\n"), Beginning::No);
        assert_eq!(beginning(b"\x16\x03\x01"), Beginning::No);
        assert_eq!(beginning(b""), Beginning::No);
    }

    #[test]
    fn the_first_message_tells_the_client() {
        let data = |side, bytes: &[u8]| Undecided::new().data(side, 7, bytes);
        assert_eq!(data(Side::Opener, b"GET / HTTP/1.1\r\n"), Some((0, Side::Opener)));
        assert_eq!(data(Side::Opener, b"HTTP/1.1 200 OK\r\n"), Some((0, Side::Other)));
        assert_eq!(
            data(Side::Other, b"body\r\n\r\nHTTP/1.1 200 OK\r\n"),
            Some((8, Side::Opener))
        );
        assert_eq!(data(Side::Other, b"body"), None);
    }

    #[test]
    fn long_silence_is_searched_only_at_packet_beginnings() {
        let mut undecided = Undecided::new();
        let noise = vec![b'x'; 4096];
        for _ in 0..257 {
            assert_eq!(undecided.data(Side::Opener, 0, &noise), None);
        }
        assert_eq!(
            undecided.data(Side::Opener, 0, b"\r\n\r\nGET / HTTP/1.1\r\n"),
            None
        );
        assert_eq!(
            undecided.data(Side::Opener, 0, b"GET / HTTP/1.1\r\n"),
            Some((0, Side::Opener))
        );
    }
}
