//! The bare loop that `bench replay` compares with: walk the packets, keep a flow map, run httparse over the heads.
//!
//! No reassembly, no bodies, no pairing: the floor of any reader. Must not be used for anything else.

use std::collections::HashMap;

use foldhash::fast::RandomState;
use monitor_common::wire::Frame as _;

/// What the loop saw.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// Packets walked.
    pub packets: u64,
    /// Request heads parsed.
    pub requests: u64,
    /// Response heads parsed.
    pub responses: u64,
}

/// Key of one direction of a connection: addresses and ports as they stand in the packet.
type Key = [u8; 12];

/// Walks a pcap file held in memory (little endian, Ethernet, IPv4, TCP: what [`crate::workload`] writes).
pub fn walk(file: &[u8]) -> Seen {
    let mut seen = Seen::default();
    let mut flows: HashMap<Key, u64, RandomState> = HashMap::default();
    let mut at = 24;
    while let Some(len) = file.read::<4>(at + 8).map(u32::from_le_bytes) {
        let start = at + 16;
        at = start + len as usize;
        let Some(frame) = file.get(start..at) else { break };
        seen.packets += 1;
        if let Some((key, payload)) = tcp_payload(frame) {
            *flows.entry(key).or_default() += payload.len() as u64;
            heads(payload, &mut seen);
        }
    }
    seen
}

fn tcp_payload(frame: &[u8]) -> Option<(Key, &[u8])> {
    if frame.read::<2>(12)? != [8, 0] || frame.read::<1>(23)? != [6] {
        return None;
    }
    let ip_len = usize::from(frame.read::<1>(14)?[0] & 0xf) * 4;
    let total = usize::from(u16::from_be_bytes(frame.read::<2>(16)?));
    let tcp = 14 + ip_len;
    let data = tcp + usize::from(frame.read::<1>(tcp + 12)?[0] >> 4) * 4;
    let mut key = [0; 12];
    key[..8].copy_from_slice(&frame.read::<8>(26)?);
    key[8..].copy_from_slice(&frame.read::<4>(tcp)?);
    Some((key, frame.get(data..14 + total)?))
}

fn heads(payload: &[u8], seen: &mut Seen) {
    let mut fields = [httparse::EMPTY_HEADER; 64];
    if payload.starts_with(b"HTTP/1.") {
        let mut response = httparse::Response::new(&mut fields);
        seen.responses += u64::from(response.parse(payload).is_ok_and(|status| status.is_complete()));
    } else if matches!(payload.first(), Some(b'A'..=b'Z')) {
        let mut request = httparse::Request::new(&mut fields);
        seen.requests += u64::from(request.parse(payload).is_ok_and(|status| status.is_complete()));
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn sees_every_head_of_the_workload() {
        let mut file = Vec::new();
        let written = crate::workload::write_capture(&mut file, 500).unwrap();
        let seen = super::walk(&file);
        assert_eq!(
            (seen.packets, seen.requests, seen.responses),
            (written.frames, 500, 500)
        );
    }
}
