//! The contract between apimon's kernel programs and its userspace.
//!
//! Everything that crosses the boundary is defined here once: map values, ring records, counters, names and
//! capacities, and the one packet header parser ([`wire`]). Types are `repr(C)`, made of integers and byte arrays,
//! with explicit padding and asserted sizes. Byte order is the host's unless a field says otherwise.
//!
//! This crate must not know about aya's loader, files, clocks, HTTP or policy. It is `no_std` so that the verifier
//! and the host compile the very same code.
#![cfg_attr(not(any(test, feature = "user")), no_std)]
#![expect(
    clippy::inline_always,
    reason = "older verifiers know no calls with pointers to the packet; the walk must become one function"
)]

pub mod addr;
pub mod begin;
pub mod config;
pub mod counter;
pub mod lease;
pub mod leased;
pub mod names;
pub mod nets;
pub mod prefix;
pub mod reader;
pub mod skip;
pub mod source;
pub mod table;
pub mod tap;
pub mod throttle;
pub mod wire;
pub mod words;

#[cfg(feature = "user")]
mod pod;

pub use addr::IpKey;
pub use prefix::Prefix;
pub use table::{V4, V6};
