//! Labelled traffic of whole APIs, made from small files and a seed, and what apimon makes of it.
//!
//! `file` and `api` read `tests/scenarios`; `stage` sets a scenario up; `actor` and `world` are the two sides of each
//! exchange; `wire` makes packets of them; `play` runs it all in the order of time; `trial` shows the packets to the
//! pipeline, as users run it; `score` counts. The same seed gives the same bytes. Nothing here may be tuned to what a
//! detector does.

pub mod actor;
pub mod api;
pub mod dice;
pub mod file;
pub mod message;
pub mod pcap;
pub mod picks;
pub mod play;
pub mod program;
pub mod score;
pub mod stage;
pub mod table;
pub mod token;
pub mod trial;
pub mod wire;
pub mod world;
