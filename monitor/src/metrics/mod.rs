//! What is counted, for programs that watch: which counters there are and what they mean ([`catalogue`]), which of them
//! are losses, and the Prometheus text format over a local HTTP listener ([`text`], [`server`]).
//!
//! Must not know where anything is counted. No label holds what a client sent: labels are names of rules, tables and
//! interfaces, so their number is bounded by the program and the configuration.

pub mod catalogue;
#[cfg(test)]
mod document;
mod loss;
pub mod server;
pub mod text;

pub use loss::is_loss;
