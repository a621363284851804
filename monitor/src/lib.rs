//! apimon: an API security monitor for the host that serves the API.
//!
//! Data flows one way, and each stage knows only the output type of the stage before it:
//!
//! ```text
//! source -> segment -> stream -> http -> observe -> detect -> case -> verdict -> enforce
//! ```
//!
//! Everything from [`segment`] to [`verdict`] is a synchronous core: values in, values out, no sockets, threads,
//! tokio, aya or clock. Adapters around it and the shells that wire them are described in ARCHITECTURE.md.

pub mod enforce;
pub mod flow;
pub mod histogram;
pub mod limits;
pub mod lru;
mod named_set;
pub mod packet;
mod text;
pub mod time;

pub mod backtest;
pub mod body;
pub mod case;
pub mod detect;
pub mod http;
pub mod judge;
pub mod observe;
pub mod reader;
pub mod replay;
pub mod segment;
pub mod source;
pub mod stream;
pub mod verdict;

pub mod config;
pub mod control;
pub mod cut;
pub mod doctor;
pub mod hostnet;
pub mod journal;
pub mod kernel;
pub mod metrics;
mod netlink;
pub mod privilege;
pub mod record;
pub mod report;
pub mod state;
pub mod verify;

pub mod cli;
pub mod daemon;
pub mod pipeline;
