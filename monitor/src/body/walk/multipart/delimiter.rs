//! Finds the delimiter lines of a multipart body: `CR LF "--" boundary`, blanks, line end; `--` behind the boundary for
//! the last (RFC 2046 section 5.1.1). LF alone is taken for a line end. Must not know parts.

/// Longest boundary, bytes. RFC 2046 allows 70; some programs use longer ones.
const BOUNDARY: usize = 200;
/// Two dashes and the boundary.
const NEEDLE: usize = BOUNDARY + 2;
/// Bytes that may be held back: line end, needle, some blanks, CR.
const HELD: usize = NEEDLE + 16;

/// The search.
#[derive(Debug)]
pub(super) struct Delimiter {
    needle: Bytes<NEEDLE>,
    /// What may belong to a delimiter.
    held: Bytes<HELD>,
    state: State,
}

/// A few bytes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bytes<const N: usize> {
    bytes: [u8; N],
    len: usize,
}

/// How much of a delimiter was matched.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum State {
    /// In the middle of a line.
    Line,
    /// Behind a CR.
    Cr,
    /// This much of the needle was matched, at the beginning of a line.
    Needle(usize),
    /// Behind the needle.
    Behind,
    /// Behind the needle and a dash.
    Dash,
    /// In the blanks behind the needle.
    Blanks,
    /// Behind the needle, blanks and a CR.
    LastCr,
}

/// What one more byte means.
enum Step {
    To(State),
    Found {
        last: bool,
    },
    /// All that was held back is data.
    Data,
}

/// What was found.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Found<'a> {
    /// Bytes between delimiters.
    Data(&'a [u8]),
    /// What was held back is such bytes too: to be taken with [`Delimiter::take_held`].
    Held,
    /// A delimiter.
    Delimiter {
        /// The last one.
        last: bool,
        /// A line end of it is LF alone.
        bare_lf: bool,
    },
}

impl<const N: usize> Bytes<N> {
    const EMPTY: Self = Self {
        bytes: [0; N],
        len: 0,
    };

    pub(super) fn as_slice(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or_default()
    }

    /// `false` if there is no room.
    fn push(&mut self, byte: u8) -> bool {
        let Some(slot) = self.bytes.get_mut(self.len) else {
            return false;
        };
        *slot = byte;
        self.len += 1;
        true
    }
}

impl Default for Delimiter {
    fn default() -> Self {
        Self {
            needle: Bytes::EMPTY,
            held: Bytes::EMPTY,
            state: State::Line,
        }
    }
}

impl Delimiter {
    /// Looks for this boundary from now on. `false` if it is none.
    #[must_use]
    pub(super) fn begin(&mut self, boundary: &[u8]) -> bool {
        self.needle = Bytes::EMPTY;
        self.line_begins();
        let fits = b"--".iter().chain(boundary).all(|byte| self.needle.push(*byte));
        fits && !boundary.is_empty()
    }

    /// What follows begins a line whose line end is not data.
    pub(super) fn line_begins(&mut self) {
        self.held = Bytes::EMPTY;
        self.state = State::Needle(0);
    }

    /// What was held back.
    pub(super) fn take_held(&mut self) -> Bytes<HELD> {
        std::mem::replace(&mut self.held, Bytes::EMPTY)
    }

    /// The next find; `None` when all bytes were used up.
    pub(super) fn next<'a>(&mut self, rest: &mut &'a [u8]) -> Option<Found<'a>> {
        loop {
            if self.state == State::Line
                && let Some(data) = line(rest)
            {
                return Some(Found::Data(data));
            }
            let (&byte, tail) = rest.split_first()?;
            match self.step(byte) {
                Step::To(state) if self.held.push(byte) => {
                    *rest = tail;
                    self.state = state;
                }
                Step::Found { last } => {
                    *rest = tail;
                    let held = self.take_held();
                    let cr = last || self.state == State::LastCr;
                    self.state = State::Line;
                    return Some(Found::Delimiter {
                        last,
                        bare_lf: !cr || held.as_slice().first() == Some(&b'\n'),
                    });
                }
                // The byte itself is looked at anew: it may be a line end.
                Step::To(_) | Step::Data => {
                    self.state = State::Line;
                    if self.held.len > 0 {
                        return Some(Found::Held);
                    }
                }
            }
        }
    }

    fn step(&self, byte: u8) -> Step {
        let state = match (self.state, byte) {
            (State::Line, b'\r') => State::Cr,
            (State::Line | State::Cr, b'\n') => State::Needle(0),
            (State::Needle(at), _) if self.needle.as_slice().get(at) == Some(&byte) => {
                if at + 1 == self.needle.len {
                    State::Behind
                } else {
                    State::Needle(at + 1)
                }
            }
            (State::Behind, b'-') => State::Dash,
            (State::Dash, b'-') => return Step::Found { last: true },
            (State::Behind | State::Blanks, b' ' | b'\t') => State::Blanks,
            (State::Behind | State::Blanks, b'\r') => State::LastCr,
            (State::Behind | State::Blanks | State::LastCr, b'\n') => return Step::Found { last: false },
            _ => return Step::Data,
        };
        Step::To(state)
    }
}

/// Data up to a line end, if there is any.
fn line<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let end = memchr::memchr2(b'\r', b'\n', rest).unwrap_or(rest.len());
    let (data, tail) = rest.split_at_checked(end)?;
    *rest = tail;
    (!data.is_empty()).then_some(data)
}
