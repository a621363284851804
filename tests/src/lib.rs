//! The test harness: frames, captures, namespaces, servers and clients. Used by the suites in `tests/` and by benches.

pub mod bare;
pub mod workload;
