//! The test harness: captures, network namespaces, a real API and its clients, and checks of what apimon says. Used by
//! the suites in `tests/`, the demo and the benches.
//!
//! Must not decide what is right: those who use it do.

pub mod api;
pub mod assembled;
pub mod bare;
pub mod barrage;
pub mod browser;
pub mod client;
pub mod cputime;
pub mod daemon;
pub mod debian;
pub mod fake;
pub mod forge;
pub mod frames;
pub mod guard;
pub mod guest;
pub mod handbook;
pub mod haproxy;
pub mod heap;
pub mod installed;
pub mod kernel;
pub mod manager;
pub mod mapped;
pub mod netns;
pub mod nginx;
pub mod packet_socket;
pub mod process;
pub mod programs;
pub mod rehearsal;
pub mod scenario;
pub mod scene;
pub mod script;
pub mod secrets;
pub mod series;
pub mod site;
pub mod talk;
pub mod times;
pub mod traffic;
pub mod transcript;
pub mod wait;
pub mod workload;
pub mod xdp_filter;
