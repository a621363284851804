//! The anomaly log: what a line says (the encodings), and how lines reach the disk ([`writer`]).
//!
//! Must not decide what is worth a line: the judge does.

pub mod writer;
