//! Clients of the shop: a keep-alive connection from a chosen address, and the habits of those who use it.
//!
//! Must not know about apimon: a client sees answers and silence.

pub mod habit;
mod session;
mod tally;

pub use session::{Failure, Session};
pub use tally::{Incident, Tally};
