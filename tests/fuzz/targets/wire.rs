//! Any bytes through the header parser: no panic, and whatever it says lies within the frame.
#![no_main]

use libfuzzer_sys::fuzz_target;
use monitor_common::wire::{self, Outcome};

fuzz_target!(|frame: &[u8]| {
    let _ = wire::source(frame);
    let wire_len = u32::try_from(frame.len()).unwrap_or(u32::MAX);
    match wire::tcp(frame, wire_len) {
        Outcome::Tcp(tcp) => {
            assert!(tcp.payload_off <= frame.len());
            assert!(tcp.payload_off as u64 + u64::from(tcp.payload_len) <= u64::from(wire_len));
        }
        Outcome::Fragment(part) => {
            assert!(part.payload_off as u64 + u64::from(part.payload_len) <= u64::from(wire_len));
        }
        Outcome::NotTcp | Outcome::NotIp | Outcome::Malformed => {}
    }
});
