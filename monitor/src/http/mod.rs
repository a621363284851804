//! Stage 3: stream events to HTTP transactions. Must not know about packets or abuse.

pub mod anomaly;
pub mod stats;
pub mod transaction;
