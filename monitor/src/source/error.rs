//! What can go wrong with a capture. Each error names the place; what was read before it counts.

use std::{io, path::PathBuf};

/// A capture could not be read, or not to its end.
#[derive(Debug, thiserror::Error)]
pub enum CaptureError {
    /// The file cannot be opened.
    #[error("cannot open the capture {path}", path = path.display())]
    Open {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Reading, or decompressing, failed.
    #[error("cannot read the capture at byte {offset}; what stands before it was read")]
    Read {
        /// How far reading came, bytes after decompression.
        offset: u64,
        /// Why.
        source: io::Error,
    },
    /// The input holds no byte.
    #[error("the capture is empty: not even a file header")]
    Empty,
    /// The input is of another kind.
    #[error(
        "not a capture: it begins with {magic:02x?}; pcap and pcapng are read, plain or compressed with gzip or zstd"
    )]
    Format {
        /// Its first bytes.
        magic: [u8; 4],
    },
    /// The input ends within a record. Usual when the capturing program was killed.
    #[error("the capture ends within a record at byte {offset}: {had} of {wanted} bytes are there")]
    Truncated {
        /// Where the record begins, bytes after decompression.
        offset: u64,
        /// Bytes the record should have.
        wanted: usize,
        /// Bytes it has.
        had: usize,
    },
    /// A length that no packet has: the file is damaged, or was not written as a capture.
    #[error(
        "the record at byte {offset} claims {claimed} bytes, more than {max}; the capture is damaged there"
    )]
    RecordTooLong {
        /// Where the record begins, bytes after decompression.
        offset: u64,
        /// What it claims.
        claimed: u32,
        /// The greatest length that is read.
        max: u32,
    },
    /// A record that contradicts the format.
    #[error("the record at byte {offset} is damaged: {what}")]
    Damaged {
        /// Where the record begins, bytes after decompression.
        offset: u64,
        /// What is wrong.
        what: &'static str,
    },
}
