//! The progress of a long reading. Must not know what is read for.

use std::{
    io::{self, IsTerminal, Write},
    time::Duration,
};

use super::text;
use crate::{
    packet::Packet,
    time::{Clock, Timestamp},
};

/// Packets between two looks at the clock for the progress line.
const PROGRESS_PACKETS: u64 = 32_768;
/// Time between two progress lines.
const PROGRESS_TIME: Duration = Duration::from_millis(250);

/// How far the reading is; shown while it goes on if a person looks.
#[derive(Debug, Default)]
pub(super) struct Progress {
    pub(super) packets: u64,
    pub(super) bytes: u64,
    first: Option<Timestamp>,
    last: Timestamp,
    shown_ns: u64,
    shown: bool,
}

impl Progress {
    /// Counts one packet.
    pub(super) fn packet(&mut self, packet: &Packet<'_>) {
        self.packets += 1;
        self.bytes += packet.bytes.len() as u64;
        self.first = Some(self.first.unwrap_or(packet.ts).min(packet.ts));
        self.last = self.last.max(packet.ts);
        if self.packets.is_multiple_of(PROGRESS_PACKETS) {
            self.show();
        }
    }

    /// Capture time from the first packet to the last.
    pub(super) fn span(&self) -> Duration {
        self.last.since(self.first.unwrap_or(self.last))
    }

    fn show(&mut self) {
        let now = Clock.monotonic_ns();
        let due = Duration::from_nanos(now.saturating_sub(self.shown_ns)) >= PROGRESS_TIME;
        if !due || !io::stderr().is_terminal() {
            return;
        }
        self.shown_ns = now;
        self.shown = true;
        let (packets, bytes) = (text::count(self.packets), text::bytes(self.bytes));
        // A progress line that cannot be written is no loss.
        drop(write!(io::stderr(), "\r\x1b[K{packets} packets, {bytes} read"));
    }

    /// Takes the progress line away.
    pub(super) fn clear(&mut self) {
        if std::mem::take(&mut self.shown) {
            drop(write!(io::stderr(), "\r\x1b[K"));
        }
    }
}
