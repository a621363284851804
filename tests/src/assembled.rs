//! Small kernel programs written by hand, and the system call that loads and runs them: references and generators of
//! the benches. No compiler and no object of the product is needed for them. Must not know what is measured.
#![expect(unsafe_code, reason = "the bpf system call takes pointers")]

use std::{
    io,
    os::fd::{AsRawFd as _, FromRawFd as _, OwnedFd},
    time::Duration,
};

/// Commands, types and flags of the bpf system call (`linux/bpf.h`).
const BPF_MAP_CREATE: i32 = 0;
const BPF_MAP_UPDATE_ELEM: i32 = 2;
const BPF_PROG_LOAD: i32 = 5;
const BPF_PROG_TEST_RUN: i32 = 10;
const BPF_LINK_CREATE: i32 = 28;
const BPF_PROG_TYPE_XDP: u32 = 6;
const BPF_MAP_TYPE_HASH: u32 = 1;
const BPF_MAP_TYPE_ARRAY: u32 = 2;
const BPF_XDP: u32 = 37;
const BPF_F_TEST_XDP_LIVE_FRAMES: u32 = 1 << 1;
const XDP_FLAGS_DRV_MODE: u32 = 1 << 2;
/// `r0 = XDP_DROP; exit`.
const DROP_ALL: [u64; 2] = [insn(0xb7, 0, 0, 0, 1), EXIT];
const EXIT: u64 = insn(0x95, 0, 0, 0, 0);

/// Where the source address stands in an IPv4 frame, and how long a frame must be to have one with a whole header.
const SOURCE: i16 = 26;
const HEADERS: i32 = 34;

/// An instruction: operation, destination and source register, offset, number.
#[expect(clippy::cast_sign_loss, reason = "the bits are what is wanted")]
const fn insn(code: u8, dst: u8, src: u8, off: i16, imm: i32) -> u64 {
    code as u64
        | (dst as u64) << 8
        | (src as u64) << 12
        | (off as u16 as u64) << 16
        | (imm as u32 as u64) << 32
}

/// The part of `union bpf_attr` that loading uses.
#[repr(C)]
struct Load {
    prog_type: u32,
    insn_cnt: u32,
    insns: u64,
    license: u64,
}

/// The part that a trial uses.
#[repr(C)]
#[derive(Default)]
struct TestRun {
    prog_fd: u32,
    retval: u32,
    data_size_in: u32,
    data_size_out: u32,
    data_in: u64,
    data_out: u64,
    repeat: u32,
    duration: u32,
    ctx_size_in: u32,
    ctx_size_out: u32,
    ctx_in: u64,
    ctx_out: u64,
    flags: u32,
    cpu: u32,
    batch_size: u32,
    _padding: u32,
}

/// The part that making a map uses.
#[repr(C)]
struct MapCreate {
    map_type: u32,
    key_size: u32,
    value_size: u32,
    max_entries: u32,
    flags: u32,
    _padding: u32,
}

/// The part that entering a value uses.
#[repr(C)]
struct MapUpdate {
    fd: u32,
    _padding: u32,
    key: u64,
    value: u64,
    flags: u64,
}

/// The part that attaching uses.
#[repr(C)]
struct LinkCreate {
    prog_fd: u32,
    target_ifindex: u32,
    attach_type: u32,
    flags: u32,
}

/// A loaded XDP program, and the map that it uses.
#[derive(Debug)]
pub struct Assembled {
    program: OwnedFd,
    _map: Option<OwnedFd>,
}

/// A program on an interface, until it is dropped.
#[derive(Debug)]
pub struct Attached(#[expect(dead_code, reason = "what holds the program there")] OwnedFd);

impl Assembled {
    /// The smallest there is: drops everything.
    pub fn drop_all() -> io::Result<Self> {
        Self::load(&DROP_ALL, None)
    }

    /// Reads the source of an IPv4 frame, as any filter must, and drops it.
    pub fn drop_after_reading() -> io::Result<Self> {
        let rest = [
            insn(0x15, 4, 0, 2, 0), // no address: pass
            insn(0xb7, 0, 0, 0, 1), // XDP_DROP
            EXIT,
        ];
        Self::load(&by_source(&rest), None)
    }

    /// Looks the source of an IPv4 frame up in one hash map of `addresses` and drops it if it is there: the least that
    /// a filter by address can do.
    pub fn drop_by_hash(addresses: impl Iterator<Item = [u8; 4]>, capacity: u32) -> io::Result<Self> {
        let map = map(BPF_MAP_TYPE_HASH, 4, 8, capacity)?;
        for address in addresses {
            let value = 0_u64;
            let mut attr = MapUpdate {
                fd: number(&map),
                _padding: 0,
                key: (&raw const address) as u64,
                value: (&raw const value) as u64,
                flags: 0,
            };
            bpf(BPF_MAP_UPDATE_ELEM, &mut attr)?;
        }
        let [low, high] = map_load(&map, 1, false)?;
        let rest = [
            insn(0x63, 10, 4, -4, 0), // on the stack
            low,                      // r1 = map
            high,
            insn(0xbf, 2, 10, 0, 0), // r2 = stack
            insn(0x07, 2, 0, 0, -4), // r2 -= 4
            insn(0x85, 0, 0, 0, 1),  // look it up
            insn(0x15, 0, 0, 2, 0),  // not there: pass
            insn(0xb7, 0, 0, 0, 1),  // XDP_DROP
            EXIT,
        ];
        Self::load(&by_source(&rest), Some(map))
    }

    /// Gives each frame the next of `sources` IPv4 source addresses from `first` on, and sends it out by an interface.
    pub fn generator(ifindex: u32, first: [u8; 4], sources: u32) -> io::Result<Self> {
        let map = map(BPF_MAP_TYPE_ARRAY, 4, 8, 1)?;
        let [low, high] = map_load(&map, 1, true)?;
        let signed = |number: u32| i32::try_from(number).map_err(|_| io::ErrorKind::InvalidInput);
        let program = [
            insn(0x61, 2, 1, 0, 0),       // r2 = data
            insn(0x61, 3, 1, 4, 0),       // r3 = end of the data
            insn(0xbf, 4, 2, 0, 0),       // r4 = r2
            insn(0x07, 4, 0, 0, HEADERS), // r4 += HEADERS
            insn(0x2d, 4, 3, 14, 0),      // too short: abort
            low,                          // r1 = the counter
            high,
            insn(0x79, 5, 1, 0, 0),                // r5 = its value
            insn(0xbf, 0, 5, 0, 0),                // r0 = r5
            insn(0x07, 0, 0, 0, 1),                // r0 += 1
            insn(0x7b, 1, 0, 0, 0),                // its next value
            insn(0x97, 5, 0, 0, signed(sources)?), // r5 %= sources
            insn(0x07, 5, 0, 0, u32::from_be_bytes(first).cast_signed()), // r5 += first
            insn(0xdc, 5, 0, 0, 32),               // in network byte order
            insn(0x63, 2, 5, SOURCE, 0),           // as the source
            insn(0xb7, 1, 0, 0, signed(ifindex)?), // r1 = interface
            insn(0xb7, 2, 0, 0, 0),                // r2 = no flags
            insn(0x85, 0, 0, 0, 23),               // redirect
            EXIT,
            insn(0xb7, 0, 0, 0, 0), // XDP_ABORTED
            EXIT,
        ];
        Self::load(&program, Some(map))
    }

    fn load(insns: &[u64], map: Option<OwnedFd>) -> io::Result<Self> {
        let license = c"GPL";
        let mut attr = Load {
            prog_type: BPF_PROG_TYPE_XDP,
            insn_cnt: u32::try_from(insns.len()).unwrap_or(0),
            insns: insns.as_ptr() as u64,
            license: license.as_ptr() as u64,
        };
        Ok(Self {
            program: opened(bpf(BPF_PROG_LOAD, &mut attr)?),
            _map: map,
        })
    }

    /// Mean time of one run on this packet.
    pub fn run(&self, packet: &[u8], repeat: u32) -> io::Result<Duration> {
        let mut attr = TestRun {
            prog_fd: number(&self.program),
            data_size_in: u32::try_from(packet.len()).unwrap_or(u32::MAX),
            data_in: packet.as_ptr() as u64,
            repeat,
            ..TestRun::default()
        };
        bpf(BPF_PROG_TEST_RUN, &mut attr)?;
        Ok(Duration::from_nanos(attr.duration.into()))
    }

    /// Runs it on so many live frames that begin as `frame`: what it redirects is sent as a driver would send it. In
    /// the network namespace of the calling thread.
    pub fn run_live(&self, frame: &[u8], frames: u32) -> io::Result<()> {
        /// Frames between two flushes, as many as a driver's poll takes.
        const BATCH: u32 = 64;
        let mut attr = TestRun {
            prog_fd: number(&self.program),
            data_size_in: u32::try_from(frame.len()).unwrap_or(u32::MAX),
            data_in: frame.as_ptr() as u64,
            repeat: frames,
            flags: BPF_F_TEST_XDP_LIVE_FRAMES,
            batch_size: BATCH,
            ..TestRun::default()
        };
        bpf(BPF_PROG_TEST_RUN, &mut attr).map(drop)
    }

    /// Puts it on an interface of the calling thread's network namespace, in the driver.
    pub fn attach(&self, ifindex: u32) -> io::Result<Attached> {
        let mut attr = LinkCreate {
            prog_fd: number(&self.program),
            target_ifindex: ifindex,
            attach_type: BPF_XDP,
            flags: XDP_FLAGS_DRV_MODE,
        };
        Ok(Attached(opened(bpf(BPF_LINK_CREATE, &mut attr)?)))
    }
}

fn map(map_type: u32, key_size: u32, value_size: u32, max_entries: u32) -> io::Result<OwnedFd> {
    let mut attr = MapCreate {
        map_type,
        key_size,
        value_size,
        max_entries,
        flags: 0,
        _padding: 0,
    };
    Ok(opened(bpf(BPF_MAP_CREATE, &mut attr)?))
}

/// A program that begins with the source of an IPv4 frame in register 4, goes on with `rest`, and passes what jumps
/// behind that, as frames do that have no such source.
fn by_source(rest: &[u64]) -> Vec<u64> {
    let behind = i16::try_from(rest.len()).unwrap_or(0);
    let begins = [
        insn(0x61, 2, 1, 0, 0),          // r2 = data
        insn(0x61, 3, 1, 4, 0),          // r3 = end of the data
        insn(0xbf, 4, 2, 0, 0),          // r4 = r2
        insn(0x07, 4, 0, 0, HEADERS),    // r4 += HEADERS
        insn(0x2d, 4, 3, behind + 3, 0), // too short: pass
        insn(0x69, 4, 2, 12, 0),         // r4 = EtherType
        insn(0x55, 4, 0, behind + 1, 8), // not IPv4: pass
        insn(0x61, 4, 2, SOURCE, 0),     // r4 = source
    ];
    let passes = [insn(0xb7, 0, 0, 0, 2), EXIT]; // XDP_PASS
    [&begins, rest, &passes].concat()
}

/// Loads a map, or the place of its first value, into a register.
fn map_load(map: &OwnedFd, register: u8, value: bool) -> io::Result<[u64; 2]> {
    const PSEUDO_MAP_FD: u8 = 1;
    const PSEUDO_MAP_VALUE: u8 = 2;
    let fd = i32::try_from(number(map)).map_err(|_| io::ErrorKind::InvalidInput)?;
    let kind = if value { PSEUDO_MAP_VALUE } else { PSEUDO_MAP_FD };
    Ok([insn(0x18, register, kind, 0, fd), 0])
}

fn number(fd: &OwnedFd) -> u32 {
    u32::try_from(fd.as_raw_fd()).unwrap_or(u32::MAX)
}

fn opened(fd: i32) -> OwnedFd {
    // SAFETY: the kernel has just given this descriptor to nobody else.
    unsafe { OwnedFd::from_raw_fd(fd) }
}

fn bpf<T>(command: i32, attr: &mut T) -> io::Result<i32> {
    // SAFETY: the attribute is as long as is said, and the pointers in it outlive the call.
    let result = unsafe { libc::syscall(libc::SYS_bpf, command, std::ptr::from_mut(attr), size_of::<T>()) };
    if result < 0 {
        Err(io::Error::last_os_error())
    } else {
        Ok(i32::try_from(result).unwrap_or(-1))
    }
}
