//! The TC side: copies the TCP segments of the tapped ports into a ring. Never changes what becomes of a packet.

use core::ptr::copy_nonoverlapping;

use aya_ebpf::{
    bindings::{BPF_RB_AVAIL_DATA, BPF_RB_FORCE_WAKEUP, BPF_RB_NO_WAKEUP, bpf_hdr_start_off},
    helpers::{bpf_ktime_get_ns, bpf_skb_load_bytes, bpf_skb_load_bytes_relative},
    maps::RingBuf,
    programs::TcContext,
};
use monitor_common::{
    begin::{self, FlowKey, LOOKED_AT},
    config::tap as switch,
    counter::Counter,
    skip::{SKIP_SEGMENT_MIN, SkipKey},
    tap::{self, PIECE_MAX, Piece, TapHeader, flag},
    wire::{self, Frame as _, Outcome, TcpView, protocol},
};

use crate::{counters::Counters, maps, packet::Linear};

/// Bytes that are made contiguous when the headers are not: more than any usual chain of headers.
const PULLED: u32 = 512;
/// Bytes that tell a network header from hardware addresses: beyond both of these.
const PROOF: usize = 16;
/// Index of the loopback interface in every network namespace.
const LOOPBACK_IFINDEX: u32 = 1;
/// Pieces of one packet: the largest packet that the kernel can be told to put together has 512 KiB.
const PIECES_MAX: u32 = 9;

/// Looks at one packet, counts it, and copies it where it is wanted.
#[inline(always)]
pub(crate) fn copy(ctx: &TcContext, direction: u8) {
    let Some(counters) = Counters::here() else { return };
    counters.bump(Counter::TapSeen);
    let config = maps::config();
    if config.tap_on & switch::ON == 0 {
        counters.bump(Counter::TapSkipped);
        return;
    }
    match walk(ctx) {
        Outcome::Tcp(view) if is_wanted(&view, config.tap_on) => {
            prepare(ctx, &view, tap::shard(&view, config.tap_shards), direction);
            if config.tap_on & switch::ANY_PORT == 0 || is_http(ctx) {
                copy_prepared(ctx);
                return;
            }
        }
        Outcome::Fragment(part) if part.may_be_tcp() => counters.bump(Counter::TapFragment),
        Outcome::Malformed => counters.bump(Counter::TapMalformed),
        _ => {}
    }
    counters.bump(Counter::TapSkipped);
}

#[inline(always)]
fn is_wanted(view: &TcpView, switches: u32) -> bool {
    tap::is_wanted(view.flags, view.payload_len)
        && (switches & switch::ANY_PORT != 0
            || maps::is_tapped(view.src_port)
            || maps::is_tapped(view.dst_port))
}

/// Whether the segment that was written down is of a connection that speaks HTTP to this host, on whatever port. A
/// function of its own for the same reason as [`copy_prepared`]; its key and its bytes are in the scratch room because
/// the stack of both together has 512 bytes.
#[inline(never)]
fn is_http(ctx: &TcContext) -> bool {
    let (Some(scratch), Some(asked)) = (maps::scratch(), maps::asked()) else {
        return false;
    };
    // SAFETY: as in `prepare`.
    let (copying, asked) = unsafe { (&*scratch, &mut *asked) };
    let loopback = copying.header.ifindex == LOOPBACK_IFINDEX;
    let direction = copying.header.direction;
    if copying.tcp_flags as u8 & flag::SYN != 0 {
        return begin::opens(copying.tcp_flags as u8, direction, loopback);
    }
    asked.key = FlowKey::of(&copying.header);
    if maps::speaks_http(&asked.key) {
        return true;
    }
    if copying.payload_len < LOOKED_AT as u32 {
        return false;
    }
    // SAFETY: room for LOOKED_AT bytes; the context is the one the kernel handed in.
    let read = unsafe {
        bpf_skb_load_bytes(
            ctx.skb.skb.cast(),
            copying.payload_off,
            asked.first.as_mut_ptr().cast(),
            LOOKED_AT as u32,
        )
    };
    let begins = if read == 0 {
        begin::begins(&asked.first)
    } else {
        None
    };
    let here = begins.is_some_and(|begins| begin::is_served_here(begins, direction, loopback));
    if here {
        maps::note_http(&asked.key);
    }
    here
}

/// Walks the headers, made contiguous first where they are not.
#[inline(always)]
fn walk(ctx: &TcContext) -> Outcome {
    let present = ctx.data_end() - ctx.data();
    if (present as u32) < PULLED && (present as u32) < ctx.len() && !has_plain_headers(ctx) {
        // A refusal leaves the packet as it was: then it is read as far as it goes.
        let _ = ctx.pull_data(PULLED.min(ctx.len()));
    }
    let linear = Linear::new(ctx.data(), ctx.data_end());
    let network = if begins_at_network(ctx, &linear) {
        wire::raw(&linear)
    } else {
        wire::network(&linear)
    };
    match network {
        Some(network) => wire::tcp_at(&linear, network, ctx.len()),
        None => Outcome::Malformed,
    }
}

/// Whether the headers of a packet without tags, options and extensions lie in one piece: of nearly every packet they
/// do, and making them so copies a packet that is shared with a socket, as all that a host sends are.
#[inline(always)]
fn has_plain_headers(ctx: &TcContext) -> bool {
    const PLAIN_V4: usize = 14 + 20 + 20;
    const PLAIN_V6: usize = 14 + 40 + 20;
    let linear = Linear::new(ctx.data(), ctx.data_end());
    let network = linear.read::<4>(12);
    match network {
        Some([0x08, 0x00, 0x45, _]) => linear.read::<1>(PLAIN_V4 - 1).is_some(),
        Some([0x86, 0xdd, 0x60..=0x6f, _]) => {
            matches!(linear.read::<1>(14 + 6), Some([protocol::TCP]))
                && linear.read::<1>(PLAIN_V6 - 1).is_some()
        }
        _ => false,
    }
}

/// Whether the packet is shown without its link layer. Tunnels have none; and a packet that generic XDP had to copy
/// has lost the length of it, so the kernel shows it from the network layer on. Then the first bytes are those of the
/// network header, which the kernel finds without this program.
#[inline(always)]
fn begins_at_network(ctx: &TcContext, linear: &Linear) -> bool {
    let Some(first) = linear.read::<PROOF>(0) else {
        return false;
    };
    // Nearly every hardware address says no here, and the question costs nothing.
    if !matches!(first, [0x40..=0x4f | 0x60..=0x6f, ..]) {
        return false;
    }
    let mut network = [0_u8; PROOF];
    // SAFETY: room for PROOF bytes; the context is the one the kernel handed in.
    let read = unsafe {
        bpf_skb_load_bytes_relative(
            ctx.skb.skb.cast(),
            0,
            network.as_mut_ptr().cast(),
            PROOF as u32,
            bpf_hdr_start_off::BPF_HDR_START_NET,
        )
    };
    read == 0 && first == network
}

/// A segment that is being copied.
#[repr(C)]
pub(crate) struct Copying {
    /// The header of the next record.
    header: TapHeader,
    /// Where the payload begins in the packet, bytes.
    payload_off: u32,
    /// Payload bytes of the segment.
    payload_len: u32,
    /// Sequence number of the segment.
    seq: u32,
    /// Payload bytes dealt with.
    done: u32,
    /// How many of those could not be read.
    unreadable: u32,
    /// Flags of the segment.
    tcp_flags: u32,
    /// Which ring it goes to.
    shard: u32,
    /// How often the reader of the ring was woken for it.
    wakeups: u32,
}

/// Room for the question whether a segment is HTTP.
#[repr(C)]
pub(crate) struct Asked {
    /// Its connection.
    key: FlowKey,
    /// Its first bytes.
    first: [u8; LOOKED_AT],
}

/// How a record fared.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fate {
    Copied,
    NoRoom,
    Unreadable,
}

/// Writes down what is to be copied.
#[inline(always)]
fn prepare(ctx: &TcContext, view: &TcpView, shard: u32, direction: u8) {
    let Some(scratch) = maps::scratch() else { return };
    // SAFETY: a helper without preconditions.
    let now_ns = unsafe { bpf_ktime_get_ns() };
    let skipped = is_skipped(view, shard, now_ns);
    // SAFETY: this CPU's own value of the map, which nobody else uses while this program runs; the context is the one
    // the kernel handed in.
    unsafe {
        scratch.write(Copying {
            header: TapHeader {
                ts_ns: now_ns,
                src: view.src,
                dst: view.dst,
                seq: view.seq,
                ack: view.ack,
                src_port: view.src_port,
                dst_port: view.dst_port,
                wire_len: 0,
                cap_len: 0,
                ifindex: (*ctx.skb.skb).ifindex,
                tcp_flags: view.flags,
                direction,
                skipped: u8::from(skipped),
                reserved: [0; 5],
            },
            payload_off: view.payload_off as u32,
            payload_len: view.payload_len,
            seq: view.seq,
            done: 0,
            unreadable: 0,
            tcp_flags: u32::from(view.flags),
            shard,
            wakeups: 0,
        });
    }
}

/// Whether the reader does not want the payload of a segment. Asks only where an answer is likely and worth it.
#[inline(always)]
fn is_skipped(view: &TcpView, shard: u32, now_ns: u64) -> bool {
    let begins = view.flags & flag::SYN != 0;
    if view.payload_len < SKIP_SEGMENT_MIN && !begins {
        return false;
    }
    // SAFETY: a value of the map, read in one step.
    let until_ns = maps::reader(shard).map_or(0, |reader| unsafe {
        (&raw const (*reader).skips_until_ns).read_volatile()
    });
    if now_ns >= until_ns {
        return false;
    }
    let key = SkipKey::of(view);
    if begins {
        maps::forget_skip(&key);
        return false;
    }
    // SAFETY: a value of the map. When the table gives the entry to another direction meanwhile, the range is that
    // one's: then this segment is told of as left out although nobody gave it up, and the reader counts it as missing.
    maps::skip(&key).is_some_and(|entry| unsafe { entry.read() }.covers(view, now_ns))
}

/// Copies what was written down. Looks the scratch room up again, and is a function of its own, so that the verifier
/// arrives here with the same knowledge from everywhere, and walks it once.
#[inline(never)]
fn copy_prepared(ctx: &TcContext) {
    let (Some(scratch), Some(counters)) = (maps::scratch(), Counters::here()) else {
        return;
    };
    // SAFETY: as in `prepare`.
    let copying = unsafe { &mut *scratch };
    let ring = maps::ring(copying.shard);
    let room = if copying.header.skipped == 0 {
        copy_pieces(ctx, ring, copying)
    } else {
        tell_of(ctx, ring, copying)
    };
    count(&counters, copying, room);
}

/// Writes one record for a whole segment without its payload; `false` if the ring has no room for it.
#[inline(always)]
fn tell_of(ctx: &TcContext, ring: &RingBuf, copying: &mut Copying) -> bool {
    copying.header.wire_len = copying.payload_len;
    copying.header.cap_len = 0;
    if record::<0>(ctx, ring, copying, 0, 0) == Fate::NoRoom {
        return false;
    }
    copying.done = copying.payload_len;
    true
}

/// Copies all pieces; `false` if the ring has no room for one.
///
/// Only the last piece can be of another size than the largest. It is copied behind the loop, so that the verifier,
/// which walks every turn, need not walk every class of record in each.
#[inline(always)]
fn copy_pieces(ctx: &TcContext, ring: &RingBuf, copying: &mut Copying) -> bool {
    for _ in 0..PIECES_MAX {
        let piece = next_piece(copying);
        if piece.off.wrapping_add(piece.len) >= copying.payload_len {
            break;
        }
        let off = copying.payload_off.wrapping_add(piece.off);
        let fate = record::<{ PIECE_MAX as usize }>(ctx, ring, copying, off, PIECE_MAX);
        if !note(copying, &piece, fate) {
            return false;
        }
    }
    let piece = next_piece(copying);
    let off = copying.payload_off.wrapping_add(piece.off);
    let fate = last_record(ctx, ring, copying, off, piece.len);
    note(copying, &piece, fate) && copying.done >= copying.payload_len
}

/// The next piece, with the record's header made ready for it.
#[inline(always)]
fn next_piece(copying: &mut Copying) -> Piece {
    let piece = tap::piece(
        copying.seq,
        copying.tcp_flags as u8,
        copying.payload_len,
        copying.done,
    );
    copying.header.seq = piece.seq;
    copying.header.tcp_flags = piece.tcp_flags;
    copying.header.wire_len = piece.len;
    copying.header.cap_len = piece.len;
    piece
}

/// Notes how a piece fared; `false` if the ring had no room for it.
#[inline(always)]
fn note(copying: &mut Copying, piece: &Piece, fate: Fate) -> bool {
    match fate {
        Fate::NoRoom => return false,
        Fate::Unreadable => copying.unreadable = copying.unreadable.wrapping_add(piece.len),
        Fate::Copied => {}
    }
    copying.done = piece.off.wrapping_add(piece.len);
    true
}

/// Counts what became of a packet, once, and of its bytes.
#[inline(always)]
fn count(counters: &Counters, copying: &Copying, room: bool) {
    let Copying {
        payload_len,
        done,
        unreadable,
        wakeups,
        ..
    } = *copying;
    let bytes = u64::from(done.wrapping_sub(unreadable));
    if room && copying.header.skipped != 0 {
        counters.bump(Counter::TapBodySkipped);
        counters.add(Counter::TapBodySkippedBytes, bytes);
    } else {
        counters.add(Counter::TapCopiedBytes, bytes);
    }
    counters.add(Counter::TapLostReadBytes, u64::from(unreadable));
    counters.add(
        Counter::TapLostRingBytes,
        u64::from(payload_len.wrapping_sub(done)),
    );
    counters.add(Counter::TapWakeups, u64::from(wakeups));
    counters.bump(match (room, unreadable) {
        (false, _) => Counter::TapLostRing,
        (true, 0) => Counter::TapCopied,
        (true, _) => Counter::TapLostRead,
    });
}

/// Writes the record of a last piece, of the smallest class that holds it. Sizes of records must be constants.
#[inline(always)]
fn last_record(ctx: &TcContext, ring: &RingBuf, copying: &mut Copying, off: u32, len: u32) -> Fate {
    match len {
        0 => record::<0>(ctx, ring, copying, off, 0),
        1..=256 => record::<256>(ctx, ring, copying, off, len),
        257..=512 => record::<512>(ctx, ring, copying, off, len),
        513..=1024 => record::<1024>(ctx, ring, copying, off, len),
        1025..=1536 => record::<1536>(ctx, ring, copying, off, len),
        1537..=4096 => record::<4096>(ctx, ring, copying, off, len),
        4097..=16_384 => record::<16_384>(ctx, ring, copying, off, len),
        16_385..=32_768 => record::<32_768>(ctx, ring, copying, off, len),
        _ => record::<{ PIECE_MAX as usize }>(ctx, ring, copying, off, len),
    }
}

/// Writes one record with room for `CLASS` payload bytes.
#[inline(always)]
fn record<const CLASS: usize>(
    ctx: &TcContext,
    ring: &RingBuf,
    copying: &mut Copying,
    off: u32,
    len: u32,
) -> Fate {
    let Some(mut record) = ring.reserve_bytes(TapHeader::SIZE + CLASS, 0) else {
        return Fate::NoRoom;
    };
    let at = record.as_mut_ptr();
    let mut fate = Fate::Copied;
    // SAFETY: the record has room for the header and CLASS bytes behind it, is eight-byte aligned, and `less + 1` bytes
    // are at most CLASS.
    unsafe {
        if CLASS > 0 {
            // Bounded as one less, and read through a volatile pointer: else the compiler proves the bounds from the
            // match above and drops the checks that the verifier needs to see. Kernels before 6.8 learn nothing from
            // `len != 0`.
            let less = len.wrapping_sub(1);
            let less = core::ptr::read_volatile(&raw const less);
            if less >= CLASS as u32
                || bpf_skb_load_bytes(ctx.skb.skb.cast(), off, at.add(TapHeader::SIZE).cast(), less + 1) != 0
            {
                copying.header.cap_len = 0;
                fate = Fate::Unreadable;
            }
        }
        // Not `write`: the compiler cannot know that the two do not overlap, and would move it byte by byte.
        copy_nonoverlapping(&raw const copying.header, at.cast::<TapHeader>(), 1);
    }
    let wakes = wakes(ring, copying.shard, TapHeader::SIZE + CLASS);
    copying.wakeups = copying.wakeups.wrapping_add(u32::from(wakes));
    record.submit(u64::from(if wakes {
        BPF_RB_FORCE_WAKEUP
    } else {
        BPF_RB_NO_WAKEUP
    }));
    fate
}

/// Whether a record of `record` bytes, which has its place in the ring by now, wakes the ring's reader. A reader that
/// falls asleep meanwhile sees the record's place taken, and stays awake.
#[inline(always)]
fn wakes(ring: &RingBuf, shard: u32, record: usize) -> bool {
    let Some(reader) = maps::reader(shard) else {
        return true;
    };
    // SAFETY: a value of the map. The reader and other CPUs write it too, each word in one step.
    let seen = unsafe { reader.read_volatile() };
    let wakes = seen.is_woken_by(record as u64, ring.query(u64::from(BPF_RB_AVAIL_DATA)));
    if wakes && seen.asleep != 0 {
        // SAFETY: as above.
        unsafe { (&raw mut (*reader).asleep).write_volatile(0) };
    }
    wakes
}
