//! What can go wrong with a capture file. Each error names the place and what was read up to there still counts.

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
}
