//! Capture files to packets: pcap and pcapng, plain or compressed, from a file or standard input. Must not know what
//! the packets carry.

use std::{io::Read, path::Path};

use crate::packet::Packet;

mod error;

pub use error::CaptureError;

/// A capture that is being read, front to back, in bounded memory.
pub struct Capture {
    input: Box<dyn Read + Send>,
}

impl Capture {
    /// Opens a capture file; `-` is standard input.
    pub fn open(path: &Path) -> Result<Self, CaptureError> {
        if path.as_os_str() == "-" {
            return Self::from_reader(Box::new(std::io::stdin()));
        }
        let file = std::fs::File::open(path).map_err(|source| CaptureError::Open {
            path: path.to_owned(),
            source,
        })?;
        Self::from_reader(Box::new(file))
    }

    /// Reads a capture from any source of bytes.
    pub fn from_reader(input: Box<dyn Read + Send>) -> Result<Self, CaptureError> {
        Ok(Self { input })
    }

    /// The next packet, or `None` at the end. After an error only `None` follows: what was readable has been given.
    pub fn next_packet(&mut self) -> Result<Option<Packet<'_>>, CaptureError> {
        let _ = &mut self.input;
        Ok(None)
    }
}

impl std::fmt::Debug for Capture {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Capture").finish_non_exhaustive()
    }
}
