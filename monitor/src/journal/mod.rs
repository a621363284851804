//! The anomaly log: what a line says (the encodings), and how lines reach the disk ([`writer`]).
//!
//! Must not decide what is worth a line: the judge does.

pub mod ecs;
pub mod event;
mod file;
mod queue;
pub mod writer;

pub use writer::{Journal, JournalError, JournalReport, JournalThread};
