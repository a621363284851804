//! What this process, and each of its threads, may do: less after the start than before it, and next to nothing where
//! bytes of strangers are read. docs/adr/0006 says what that protects against, and what not.
//!
//! Capabilities, user and filters belong to a thread in Linux, and a new thread has those of the one that made it.
//! Must not know what the threads do.

mod caps;
mod check;
mod filter;
mod report;
mod sandbox;
mod user;

pub use caps::{CapabilitySet, Shedding};
pub use check::{PrivilegeError, check};
pub use filter::Purpose;
pub use report::{ThreadState, threads};
pub use sandbox::Sandbox;
