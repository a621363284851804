//! The smallest XDP program, which drops everything: the floor that `bench shield` compares with. Two instructions,
//! loaded by hand, so that no product object and no compiler is needed for it.
#![expect(unsafe_code, reason = "the bpf system call takes pointers")]

use std::{
    io,
    os::fd::{AsRawFd as _, FromRawFd as _, OwnedFd},
    time::Duration,
};

/// Commands and types of the bpf system call (`linux/bpf.h`).
const BPF_PROG_LOAD: i32 = 5;
const BPF_PROG_TEST_RUN: i32 = 10;
const BPF_PROG_TYPE_XDP: u32 = 6;
/// `r0 = XDP_DROP; exit`.
const PROGRAM: [u64; 2] = [0x0000_0001_0000_00b7, 0x95];

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
}

/// The loaded program.
#[derive(Debug)]
pub struct BareDrop(OwnedFd);

impl BareDrop {
    /// Loads it.
    pub fn load() -> io::Result<Self> {
        let license = c"GPL";
        let mut attr = Load {
            prog_type: BPF_PROG_TYPE_XDP,
            insn_cnt: 2,
            insns: PROGRAM.as_ptr() as u64,
            license: license.as_ptr() as u64,
        };
        let fd = bpf(BPF_PROG_LOAD, &mut attr)?;
        // SAFETY: the kernel has just given this descriptor to nobody else.
        Ok(Self(unsafe { OwnedFd::from_raw_fd(fd) }))
    }

    /// Mean time of one run on this packet.
    pub fn run(&self, packet: &[u8], repeat: u32) -> io::Result<Duration> {
        let mut attr = TestRun {
            prog_fd: u32::try_from(self.0.as_raw_fd()).unwrap_or(u32::MAX),
            data_size_in: u32::try_from(packet.len()).unwrap_or(u32::MAX),
            data_in: packet.as_ptr() as u64,
            repeat,
            ..TestRun::default()
        };
        bpf(BPF_PROG_TEST_RUN, &mut attr)?;
        Ok(Duration::from_nanos(attr.duration.into()))
    }
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
