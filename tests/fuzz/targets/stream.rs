//! Segments through the stream table. First: one conversation cut, shuffled and repeated in any way is heard as it was
//! said. Second: any segments at all leave each stream without overlap, the counters adding up and nothing kept.
#![no_main]

use std::time::Duration;

use apimon::{
    flow::Peer,
    limits::Limits,
    segment::{Crossing, Segment, SeqNumber, TcpFlags},
    stream::{Beginning, Connection, Consumer, Side, StreamEvent, Table},
    time::Timestamp,
};
use libfuzzer_sys::fuzz_target;

const SYN: u8 = 2;
const ACK: u8 = 16;
/// Cost of what may wait at most, in the hostile part.
const BUFFERED: usize = 1500;

/// What was heard of all connections.
#[derive(Default)]
struct Heard {
    said: [Vec<u8>; 2],
    data_bytes: u64,
    gap_bytes: u64,
}

/// Checks that the events of each side follow each other.
#[derive(Default)]
struct Follow {
    next: [Option<u64>; 2],
    ended: [bool; 2],
}

impl Follow {
    fn at(&mut self, side: Side, offset: u64, len: u64) {
        let side = index(side);
        assert!(len > 0);
        assert!(!self.ended[side], "something behind the end");
        assert!(self.next[side].is_none_or(|next| next == offset), "{:?} then {offset}", self.next[side]);
        self.next[side] = Some(offset + len);
    }
}

impl Consumer<Heard> for Follow {
    fn event(&mut self, _: &Connection, event: StreamEvent<'_>, heard: &mut Heard) {
        match event {
            StreamEvent::Data { side, offset, bytes, .. } => {
                self.at(side, offset, bytes.len() as u64);
                heard.said[index(side)].extend_from_slice(bytes);
                heard.data_bytes += bytes.len() as u64;
            }
            StreamEvent::Gap { side, offset, len, .. } => {
                self.at(side, offset, len);
                heard.gap_bytes += len;
            }
            StreamEvent::LeftOut { .. } => panic!("this consumer wants everything"),
            StreamEvent::End { side, .. } => self.ended[index(side)] = true,
            StreamEvent::Conflict { .. } => {}
        }
    }

    fn beginning(bytes: &[u8]) -> Beginning {
        match bytes.first() {
            Some(b'Q') => Beginning::Question,
            Some(b'A') => Beginning::Answer,
            _ => Beginning::No,
        }
    }
}

fn index(side: Side) -> usize {
    usize::from(side == Side::Other)
}

fn peer(host: u8, port: u16) -> Peer {
    Peer {
        addr: monitor_common::IpKey::from_v4([192, 0, 2, host]),
        port,
    }
}

fn segment(client: bool, flags: u8, seq: u32, ack: u32, payload: &[u8], ts: Timestamp) -> Segment<'_> {
    let ends = [peer(1, 40_000), peer(2, 80)];
    let (src, dst) = if client { (ends[0], ends[1]) } else { (ends[1], ends[0]) };
    Segment {
        ts,
        src,
        dst,
        seq: SeqNumber(seq),
        ack: SeqNumber(ack),
        flags: TcpFlags(flags),
        payload,
        wire_len: payload.len() as u32,
        left_out: false,
        crossing: Crossing::File,
    }
}

fuzz_target!(|input: &[u8]| {
    let Some((head, rest)) = input.split_first_chunk::<9>() else { return };
    let [kind, isns @ ..] = *head;
    let [a, b, c, d, e, f, g, h] = isns;
    let isns = [u32::from_be_bytes([a, b, c, d]), u32::from_be_bytes([e, f, g, h])];
    if kind % 2 == 0 {
        shuffled(isns, rest);
    } else {
        hostile(isns, rest);
    }
});

/// Every three bytes of `plan` are a segment: which side, where it begins, how long it is. What no segment carried is
/// sent at the end.
fn shuffled(isns: [u32; 2], plan: &[u8]) {
    let question: Vec<u8> = (0..240u8).map(|n| if n == 0 { b'Q' } else { n }).collect();
    let answer: Vec<u8> = (0..250u8).map(|n| if n == 0 { b'A' } else { !n }).collect();
    let texts = [&question, &answer];
    let mut table: Table<Follow> = Table::new(&Limits::default());
    let mut heard = Heard::default();
    let now = Timestamp::from_nanos(1_000_000_000_000);
    let first = [isns[0].wrapping_add(1), isns[1].wrapping_add(1)];
    table.segment(&segment(true, SYN, isns[0], 0, b"", now), &mut heard);
    table.segment(&segment(false, SYN | ACK, isns[1], first[0], b"", now), &mut heard);
    let all = [0u8, 0, 255, 1, 0, 255];
    for part in plan[..plan.len().min(180) / 3 * 3].chunks_exact(3).chain(all.chunks_exact(3)) {
        let side = usize::from(part[0] % 2);
        let text = texts[side];
        let start = usize::from(part[1]).min(text.len() - 1);
        let bytes = &text[start..text.len().min(start + usize::from(part[2]))];
        if bytes.is_empty() {
            continue;
        }
        let ack = if side == 0 { first[1] } else { first[0].wrapping_add(question.len() as u32) };
        let seq = first[side].wrapping_add(start as u32);
        table.segment(&segment(side == 0, ACK, seq, ack, bytes, now), &mut heard);
    }
    table.finish(&mut heard);
    assert!(heard.said[0] == question, "{:?}", heard.said[0]);
    assert!(heard.said[1] == answer, "{:?}", heard.said[1]);
    assert_eq!(heard.gap_bytes, 0);
    check(&table, &heard);
}

/// Every eight bytes of `plan` are a segment.
fn hostile(isns: [u32; 2], plan: &[u8]) {
    let limits = Limits {
        reorder_bytes: 700,
        reorder_ranges: 5,
        buffered_bytes: BUFFERED,
        ..Limits::default()
    };
    let mut table: Table<Follow> = Table::new(&limits);
    let mut heard = Heard::default();
    let mut now = Timestamp::from_nanos(1_000_000_000_000);
    let payload = b"QA".repeat(64);
    for part in plan.chunks_exact(8).take(300) {
        let [side, flags, seq, seq_low, ack, ack_low, len, more] = *part else { return };
        let client = side % 2 == 0;
        let (own, other) = if client { (isns[0], isns[1]) } else { (isns[1], isns[0]) };
        // Mostly near, seldom far.
        let near = |isn: u32, high: u8, low: u8| {
            let far = if high > 250 { u32::from(high) << 24 } else { u32::from(high % 4) << 8 };
            isn.wrapping_add(far).wrapping_add(u32::from(low)).wrapping_sub(40)
        };
        now = now.after(Duration::from_millis(u64::from(side / 2) * 20));
        table.tick(now, &mut heard);
        let bytes = &payload[..usize::from(len % 100)];
        let mut segment = segment(client, flags % 32, near(own, seq, seq_low), near(other, ack, ack_low), bytes, now);
        segment.wire_len += u32::from(more % 16);
        if more & 0x20 != 0 {
            segment.left_out = true;
            segment.payload = &[];
        }
        table.segment(&segment, &mut heard);
        assert!(table.stats().buffered_bytes <= BUFFERED as u64 + 100);
    }
    table.finish(&mut heard);
    check(&table, &heard);
}

/// Nothing is kept, and what was heard is what was counted.
fn check(table: &Table<Follow>, heard: &Heard) {
    let stats = table.stats();
    assert_eq!((stats.buffered_bytes, stats.open), (0, 0));
    assert_eq!(stats.delivered_bytes, heard.data_bytes);
    let gaps = stats.gap_acked_bytes
        + stats.gap_aged_bytes
        + stats.gap_limit_bytes
        + stats.gap_cut_bytes
        + stats.gap_end_bytes;
    assert_eq!(gaps, heard.gap_bytes);
}
