//! The chunked transfer coding (RFC 9112 section 7.1), one step at a time. Must not keep bytes.

use crate::http::anomaly::{Anomaly, AnomalySet};

/// Where in a chunked body the parser is.
///
/// ```text
/// Size -> (Extension) -> Data -> DataEnd -> Size ...
///   `-> size zero: Trailer lines -> Done
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum State {
    /// In the digits of a chunk size.
    Size { digits: u32, value: u64 },
    /// Behind the digits: blanks, or the CR of the line end.
    SizeEnd { value: u64, cr: bool },
    /// In a chunk extension, which nobody reads.
    Extension { value: u64, cr: bool },
    /// In chunk data, with this many bytes to come.
    Data { left: u64 },
    /// Behind chunk data: its line end.
    DataEnd { cr: bool },
    /// In a line of the trailer section; `empty` until it has a byte other than CR.
    Trailer { empty: bool },
    /// Behind the last line.
    Done,
}

/// A parser of one chunked body.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Chunked {
    state: State,
    /// What was odd so far.
    pub(crate) anomalies: AnomalySet,
}

/// What one step found.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Step {
    /// All bytes were used up.
    More,
    /// The first so many of the remaining bytes are chunk data.
    Data(usize),
    /// The body is over.
    Done,
    /// This is not the chunked coding.
    Malformed(Anomaly),
}

impl Chunked {
    /// At the beginning of a body.
    pub(crate) fn new() -> Self {
        Self {
            state: State::Size { digits: 0, value: 0 },
            anomalies: AnomalySet::default(),
        }
    }

    /// Whether the last line has been seen.
    pub(crate) fn is_done(&self) -> bool {
        self.state == State::Done
    }

    /// Whether the last chunk has been seen: all data has come, if not all trailers.
    pub(crate) fn has_all_data(&self) -> bool {
        matches!(self.state, State::Trailer { .. } | State::Done)
    }

    /// Bytes of the present chunk's data that are to come: known without seeing them.
    pub(crate) fn data_left(&self) -> u64 {
        if let State::Data { left } = self.state {
            left
        } else {
            0
        }
    }

    /// Moves over `n` bytes of chunk data (no more than [`Chunked::data_left`]), seen or not.
    pub(crate) fn skip_data(&mut self, n: u64) {
        if let State::Data { left } = &mut self.state {
            *left = left.saturating_sub(n);
            if *left == 0 {
                self.state = State::DataEnd { cr: false };
            }
        }
    }

    /// Moves on through `bytes` until something is to be told: how many bytes before it were used up, and what it
    /// is. Data is not used up: the caller skips it.
    pub(crate) fn step(&mut self, bytes: &[u8]) -> (usize, Step) {
        for (at, byte) in bytes.iter().copied().enumerate() {
            match self.state {
                State::Data { left } => {
                    let here = bytes.len() - at;
                    return (
                        at,
                        Step::Data(usize::try_from(left).map_or(here, |left| left.min(here))),
                    );
                }
                State::Done => return (at, Step::Done),
                _ => {}
            }
            match self.byte(byte) {
                Ok(state) => self.state = state,
                Err(anomaly) => return (at, Step::Malformed(anomaly)),
            }
        }
        let step = if self.is_done() { Step::Done } else { Step::More };
        (bytes.len(), step)
    }

    /// One byte outside of chunk data.
    fn byte(&mut self, byte: u8) -> Result<State, Anomaly> {
        Ok(match (self.state, byte) {
            (State::Size { digits, value }, _) if byte.is_ascii_hexdigit() => {
                let value = value.checked_mul(16).ok_or(Anomaly::ChunkSizeOverflow)? + hex(byte);
                State::Size {
                    digits: digits.saturating_add(1),
                    value,
                }
            }
            (State::Size { digits: 0, .. }, _) => return Err(Anomaly::InvalidChunkSize),
            (State::Size { value, .. } | State::SizeEnd { value, cr: true }, b'\n') => {
                if matches!(self.state, State::Size { .. }) {
                    self.anomalies.insert(Anomaly::ChunkBareLf);
                }
                behind_size(value)
            }
            (State::Size { value, .. }, b'\r') => State::SizeEnd { value, cr: true },
            (State::Size { value, .. } | State::SizeEnd { value, cr: false }, b';') => {
                State::Extension { value, cr: false }
            }
            (State::Size { value, .. } | State::SizeEnd { value, cr: false }, b' ' | b'\t') => {
                self.anomalies.insert(Anomaly::ChunkSizeSpaces);
                State::SizeEnd { value, cr: false }
            }
            (State::SizeEnd { value, .. }, b'\r') => {
                if matches!(self.state, State::SizeEnd { cr: true, .. }) {
                    self.anomalies.insert(Anomaly::ChunkSizeSpaces);
                }
                State::SizeEnd { value, cr: true }
            }
            (State::Size { .. } | State::SizeEnd { .. }, _) => return Err(Anomaly::InvalidChunkSize),
            (State::Extension { value, cr: true }, b'\n') => behind_size(value),
            (State::Extension { cr: true, .. }, _) | (State::Extension { .. }, b'\n') => {
                return Err(Anomaly::InvalidChunkExtension);
            }
            (State::Extension { value, cr: false }, _) => State::Extension {
                value,
                cr: byte == b'\r',
            },
            (State::DataEnd { cr }, b'\n') => {
                if !cr {
                    self.anomalies.insert(Anomaly::ChunkBareLf);
                }
                State::Size { digits: 0, value: 0 }
            }
            (State::DataEnd { cr: false }, b'\r') => State::DataEnd { cr: true },
            (State::DataEnd { .. }, _) => return Err(Anomaly::MissingChunkEnd),
            (State::Trailer { empty: true }, b'\n') => State::Done,
            (State::Trailer { .. }, b'\n') => State::Trailer { empty: true },
            (State::Trailer { empty }, _) => State::Trailer {
                empty: empty && byte == b'\r',
            },
            (state @ (State::Data { .. } | State::Done), _) => state,
        })
    }
}

/// Behind the line of a chunk size: data, or the trailer section behind the last chunk.
fn behind_size(value: u64) -> State {
    if value == 0 {
        State::Trailer { empty: true }
    } else {
        State::Data { left: value }
    }
}

fn hex(digit: u8) -> u64 {
    u64::from(match digit {
        b'0'..=b'9' => digit - b'0',
        b'a'..=b'f' => digit - b'a' + 10,
        _ => digit.wrapping_sub(b'A').wrapping_add(10) & 15,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Runs over `body` cut into pieces of `piece` bytes: data length, bytes used and what came last.
    fn run(body: &[u8], piece: usize) -> (u64, usize, Step, AnomalySet) {
        let (mut chunked, mut data, mut used) = (Chunked::new(), 0, 0);
        for part in body.chunks(piece) {
            let mut rest = part;
            loop {
                let (n, step) = chunked.step(rest);
                used += n;
                rest = &rest[n..];
                match step {
                    Step::Data(n) => {
                        chunked.skip_data(n as u64);
                        data += n as u64;
                        used += n;
                        rest = &rest[n..];
                    }
                    Step::More => break,
                    Step::Done | Step::Malformed(_) => return (data, used, step, chunked.anomalies),
                }
            }
        }
        (data, used, Step::More, chunked.anomalies)
    }

    #[test]
    fn bodies_in_any_pieces() {
        let cases: [(&[u8], u64, Step, &[Anomaly]); 20] = [
            (b"0\r\n\r\n", 0, Step::Done, &[]),
            (b"5\r\nhello\r\n0\r\n\r\n", 5, Step::Done, &[]),
            (b"0000A\r\n0123456789\r\n000\r\n\r\n", 10, Step::Done, &[]),
            (b"1;a=b;c=\"d\"\r\nx\r\n0;e\r\n\r\n", 1, Step::Done, &[]),
            (
                b"1\r\nx\r\n0\r\nTrailer: 1\r\nOther:2\r\n\r\n",
                1,
                Step::Done,
                &[],
            ),
            (b"1\nx\n0\n\n", 1, Step::Done, &[Anomaly::ChunkBareLf]),
            (
                b"1 \t\r\nx\r\n0\r\n\r\n",
                1,
                Step::Done,
                &[Anomaly::ChunkSizeSpaces],
            ),
            (
                b"1\r\r\nx\r\n0\r\n\r\n",
                1,
                Step::Done,
                &[Anomaly::ChunkSizeSpaces],
            ),
            (b"5\r\nhel", 3, Step::More, &[]),
            (b" 5\r\n", 0, Step::Malformed(Anomaly::InvalidChunkSize), &[]),
            (b"-5\r\n", 0, Step::Malformed(Anomaly::InvalidChunkSize), &[]),
            (b"+5\r\n", 0, Step::Malformed(Anomaly::InvalidChunkSize), &[]),
            (b"0x5\r\n", 0, Step::Malformed(Anomaly::InvalidChunkSize), &[]),
            (b"\r\n5\r\n", 0, Step::Malformed(Anomaly::InvalidChunkSize), &[]),
            (
                b"5 5\r\n",
                0,
                Step::Malformed(Anomaly::InvalidChunkSize),
                &[Anomaly::ChunkSizeSpaces],
            ),
            (
                b"10000000000000000\r\n",
                0,
                Step::Malformed(Anomaly::ChunkSizeOverflow),
                &[],
            ),
            (b"ffffffffffffffff\r\nabc", 3, Step::More, &[]),
            (b"1\r\nxy\r\n", 1, Step::Malformed(Anomaly::MissingChunkEnd), &[]),
            (
                b"1;a\nb\r\n",
                0,
                Step::Malformed(Anomaly::InvalidChunkExtension),
                &[],
            ),
            (
                b"1;a\rb\r\n",
                0,
                Step::Malformed(Anomaly::InvalidChunkExtension),
                &[],
            ),
        ];
        for (body, data, last, anomalies) in cases {
            for piece in [1, 2, 3, 7, body.len()] {
                let got = run(body, piece);
                let name = String::from_utf8_lossy(body);
                assert_eq!((got.0, got.2), (data, last), "{name:?} in pieces of {piece}");
                assert_eq!(got.3.names().count(), anomalies.len(), "{name:?}");
                assert!(anomalies.iter().all(|a| got.3.contains(*a)), "{name:?}");
            }
        }
    }

    #[test]
    fn bytes_behind_the_body_are_left_alone() {
        let (_, used, last, _) = run(b"0\r\n\r\nGET / HTTP/1.1\r\n", 100);
        assert_eq!((used, last), (5, Step::Done));
    }
}
