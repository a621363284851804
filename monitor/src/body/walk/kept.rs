//! Bytes of a value that did not come in one piece, or that had escapes. Must not know what they are.

/// Room that most values find enough, bytes.
const OFTEN_BYTES: usize = 256;

/// The first bytes of a value, and its length.
#[derive(Debug)]
pub(super) struct Kept {
    bytes: Vec<u8>,
    len: u64,
    max: usize,
}

impl Kept {
    /// Keeps at most `max` bytes.
    pub(super) fn new(max: usize) -> Self {
        Self {
            bytes: Vec::with_capacity(max.min(OFTEN_BYTES)),
            len: 0,
            max,
        }
    }

    pub(super) fn max(&self) -> usize {
        self.max
    }

    pub(super) fn clear(&mut self) {
        self.bytes.clear();
        self.len = 0;
    }

    /// Adds bytes; those beyond the limit are only counted.
    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.len += bytes.len() as u64;
        let room = self.max - self.bytes.len();
        self.bytes.extend_from_slice(bytes.get(..room).unwrap_or(bytes));
    }

    /// What was kept.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Length of all that was added.
    pub(super) fn len(&self) -> u64 {
        self.len
    }
}
