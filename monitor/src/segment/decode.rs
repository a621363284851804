//! Packets to TCP segments, link layer to payload. Must not know about connections.
//!
//! Headers are walked by the parser that the kernel programs use too ([`monitor_common::wire`]). Checksums are not
//! verified: a host that captures its own traffic sees them before the network card has filled them in.

use monitor_common::wire::{self, FragmentView, Network, Outcome as Walk, TcpView};

use super::{Crossing, Segment, SegmentStats, SeqNumber, Skip, TcpFlags, defrag::Defrag, link, tunnel};
use crate::{
    flow::Peer,
    limits::Limits,
    packet::{Link, Packet},
    time::Timestamp,
};

/// Tunnels within tunnels that are looked into.
const TUNNELS_MAX: usize = 4;

/// What became of a packet.
#[derive(Clone, Copy, Debug)]
pub enum Outcome<'a> {
    /// It is, or it completed, a TCP segment.
    Segment(Segment<'a>),
    /// It gave none, for a reason that was counted.
    Skip(Skip),
}

/// Decodes packets and keeps what that needs between them: fragments and counters.
#[derive(Debug)]
pub struct Decoder {
    defrag: Defrag,
    stats: SegmentStats,
}

/// What a walk through one frame ended at.
enum Found {
    Tcp(TcpView),
    Fragment(FragmentView),
}

impl Decoder {
    /// A decoder with these bounds.
    pub fn new(limits: &Limits) -> Self {
        Self {
            defrag: Defrag::new(limits),
            stats: SegmentStats::default(),
        }
    }

    /// What was decoded so far.
    pub fn stats(&self) -> SegmentStats {
        SegmentStats {
            fragmented_lost: self.defrag.shed(),
            ..self.stats
        }
    }

    /// Decodes one packet. The segment borrows from the packet, or from the decoder where it was reassembled.
    #[expect(
        clippy::inline_always,
        reason = "half the time of a call: the views stay in registers"
    )]
    #[inline(always)]
    pub fn decode<'a>(&'a mut self, packet: &Packet<'a>) -> Outcome<'a> {
        self.stats.packets += 1;
        // The common case in one go: whatever a view is moved into on its way costs as much as the walk.
        if packet.link == Link::Ethernet
            && let Walk::Tcp(view) = wire::tcp(packet.bytes, packet.wire_len)
        {
            self.stats.segments += 1;
            return Outcome::Segment(segment(&view, packet.bytes, packet.ts));
        }
        self.decode_other(packet)
    }

    #[inline(never)]
    fn decode_other<'a>(&'a mut self, packet: &Packet<'a>) -> Outcome<'a> {
        match walk_packet(packet) {
            Ok(Found::Tcp(view)) => {
                self.stats.segments += 1;
                Outcome::Segment(segment(&view, packet.bytes, packet.ts))
            }
            Ok(Found::Fragment(view)) => self.fragment(&view, packet),
            Err(why) => Outcome::Skip(skip(&mut self.stats, why)),
        }
    }

    #[cold]
    fn fragment<'a>(&'a mut self, view: &FragmentView, packet: &Packet<'a>) -> Outcome<'a> {
        let network = match self.defrag.add(view, packet.bytes, packet.ts) {
            Ok(network) => network,
            Err(why) => return Outcome::Skip(skip(&mut self.stats, why)),
        };
        let whole = self.defrag.whole();
        let len = u32::try_from(whole.len()).unwrap_or(u32::MAX);
        match walk(whole, network, len) {
            Ok(Found::Tcp(view)) => {
                self.stats.segments += 1;
                Outcome::Segment(segment(&view, whole, packet.ts))
            }
            // Fragments of a fragment do not occur outside of attacks on decoders.
            Ok(Found::Fragment(_)) => Outcome::Skip(skip(&mut self.stats, Skip::FragmentBad)),
            Err(why) => Outcome::Skip(skip(&mut self.stats, why)),
        }
    }
}

fn skip(stats: &mut SegmentStats, why: Skip) -> Skip {
    if let Some(counter) = stats.skipped.get_mut(why as usize) {
        *counter += 1;
    }
    why
}

fn walk_packet(packet: &Packet<'_>) -> Result<Found, Skip> {
    if packet.link == Link::Ethernet {
        match wire::tcp(packet.bytes, packet.wire_len) {
            Walk::Tcp(view) => return Ok(Found::Tcp(view)),
            Walk::Fragment(view) => return Ok(Found::Fragment(view)),
            Walk::Malformed => return Err(Skip::Malformed),
            Walk::NotTcp | Walk::NotIp => {}
        }
    }
    // Every other link layer, shim and tunnel.
    let network = link::network(packet.link, packet.bytes)?;
    walk(packet.bytes, network, packet.wire_len)
}

/// Walks from the network layer on, through tunnels.
fn walk(frame: &[u8], mut network: Network, wire_len: u32) -> Result<Found, Skip> {
    for _ in 0..=TUNNELS_MAX {
        match wire::tcp_at(frame, network, wire_len) {
            Walk::Tcp(view) => return Ok(Found::Tcp(view)),
            Walk::Fragment(view) => return Ok(Found::Fragment(view)),
            Walk::NotIp => return Err(Skip::NotIp),
            Walk::Malformed => return Err(Skip::Malformed),
            Walk::NotTcp => {
                network = wire::body_at(frame, network, wire_len)
                    .and_then(|body| tunnel::inner(frame, &body))
                    .ok_or(Skip::NotTcp)?;
            }
        }
    }
    Err(Skip::NotTcp)
}

#[expect(clippy::inline_always, reason = "as its caller")]
#[inline(always)]
fn segment<'a>(view: &TcpView, frame: &'a [u8], ts: Timestamp) -> Segment<'a> {
    let rest = frame.get(view.payload_off..).unwrap_or_default();
    Segment {
        ts,
        src: Peer {
            addr: view.src,
            port: view.src_port,
        },
        dst: Peer {
            addr: view.dst,
            port: view.dst_port,
        },
        seq: SeqNumber(view.seq),
        ack: SeqNumber(view.ack),
        flags: TcpFlags(view.flags),
        payload: rest.get(..view.payload_len as usize).unwrap_or(rest),
        wire_len: view.payload_len,
        left_out: false,
        crossing: Crossing::File,
    }
}
