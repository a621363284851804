//! A capture file in the memory of this process, a part at a time. To read it by system calls copies every byte, which
//! takes a sixth of all that a judged replay takes; most bytes are of bodies, and nobody looks at them. Must not know
//! formats.
//!
//! What is mapped must stay as it is: where another process cuts a file, an access ends this one, and bytes that change
//! between two looks are no slice of Rust. So a file is mapped only while a read lease is held (`fcntl(2)`,
//! `F_SETLEASE`): the kernel grants it where nobody has the file open for writing, and holds up whoever opens or cuts
//! it until the lease is given back, for 45 s (`/proc/sys/fs/lease-break-time`). It is looked at before each part,
//! which is read in milliseconds; who wants to write waits as long, and the rest is read by system calls. Only a reader
//! that stands still for longer, its output held up, may see the change, and only from somebody who may write to the
//! file: it must belong to this user or to root, and be writable by nobody else.
#![expect(unsafe_code, reason = "mapped memory is raw memory")]

use std::{
    fs::File,
    io,
    ops::Deref,
    os::{
        fd::AsRawFd as _,
        unix::fs::{FileExt as _, MetadataExt as _},
    },
    ptr::NonNull,
};

use rustix::mm::{Advice, MapFlags, ProtFlags, madvise, mmap, munmap};

/// Bytes mapped at a time, but for a longer record. They count as memory of this process.
const PART: u64 = 4 << 20;
/// Where parts may begin: a multiple of the page size of every platform.
const ALIGN: u64 = 64 << 10;
/// What a write bit of the group or of others looks like in a file's mode. An access list shows in that of the group.
const OTHERS_WRITE: u32 = 0o022;
/// `F_SETSIG` of fcntl(2), which the C library's bindings lack.
const F_SETSIG: libc::c_int = 10;

/// A file that nobody changes while the lease is held.
pub struct Mapped {
    /// Whoever gives up what it may do meanwhile keeps the lease, but may not be able to give it back: closing does.
    leased: File,
    /// The same file, opened once more.
    plain: File,
    len: u64,
}

/// Bytes of a file, from some place on.
pub(super) struct Part {
    start: NonNull<u8>,
    len: usize,
}

// SAFETY: the memory belongs to no thread, and nobody writes to it.
unsafe impl Send for Part {}

impl Mapped {
    /// A file that can be read this way; else the file, as it was. No byte of it is read.
    pub(super) fn new(file: File) -> Result<Self, File> {
        let again = format!("/proc/self/fd/{}", file.as_raw_fd());
        match (lease(&file), File::open(again)) {
            (Some(len), Ok(plain)) => Ok(Self {
                leased: file,
                plain,
                len,
            }),
            (Some(_), Err(_)) => {
                give_back(&file);
                Err(file)
            }
            (None, _) => Err(file),
        }
    }

    /// Its first four bytes; zeros where it has fewer.
    pub(super) fn magic(&self) -> [u8; 4] {
        let mut magic = [0; 4];
        let read = self.plain.read_exact_at(&mut magic, 0);
        read.map_or([0; 4], |()| magic)
    }

    /// The bytes from `at` on, at least `least` of them where the file has so many, and where in the part they begin;
    /// `None` if they cannot be had this way any more.
    pub(super) fn part(&self, at: u64, least: usize) -> Option<(Part, usize)> {
        let from = at / ALIGN * ALIGN;
        let to = at.saturating_add((least as u64).max(PART)).min(self.len);
        let len = usize::try_from(to.checked_sub(from)?).ok()?;
        if !holds_lease(&self.leased) {
            return None;
        }
        let skip = usize::try_from(at - from).ok()?;
        let part = Part::new(&self.leased, from, len).ok()?;
        Some((part, skip))
    }

    /// The file, which anybody may change from now on.
    pub(super) fn into_file(self) -> File {
        self.plain
    }
}

impl Part {
    /// Maps what is not empty, and reads it, so that a disk that fails shows here.
    fn new(file: &File, from: u64, len: usize) -> io::Result<Self> {
        if len == 0 {
            return Ok(Self {
                start: NonNull::dangling(),
                len,
            });
        }
        // SAFETY: the kernel chooses where, so nothing of this process is replaced.
        let start = unsafe {
            mmap(
                std::ptr::null_mut(),
                len,
                ProtFlags::READ,
                MapFlags::PRIVATE,
                file,
                from,
            )
        }?;
        let start = NonNull::new(start.cast()).ok_or_else(|| io::Error::other("no address"))?;
        let part = Self { start, len };
        // SAFETY: exactly what has just been mapped; to be read in advance changes nothing.
        unsafe { madvise(part.start.as_ptr().cast(), len, Advice::LinuxPopulateRead) }?;
        Ok(part)
    }
}

impl Deref for Part {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        // SAFETY: `start` is the beginning of `len` readable bytes until the drop. They do not change: see above.
        unsafe { std::slice::from_raw_parts(self.start.as_ptr(), self.len) }
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        if self.len > 0 {
            // SAFETY: exactly what `new` mapped; no slice of it outlives this.
            let _ = unsafe { munmap(self.start.as_ptr().cast(), self.len) };
        }
    }
}

/// Takes the lease of a file that others cannot write to: its length.
fn lease(file: &File) -> Option<u64> {
    let about = file.metadata().ok()?;
    let owned = [0, rustix::process::geteuid().as_raw()].contains(&about.uid());
    if !about.is_file() || !owned || about.mode() & OTHERS_WRITE != 0 {
        return None;
    }
    // Who wants the file makes a signal, which would end this process: one that is ignored instead.
    let told = fcntl(file, F_SETSIG, libc::SIGURG)? == 0;
    let held = fcntl(file, libc::F_SETLEASE, libc::F_RDLCK)? == 0;
    // Its length may have changed before.
    let len = file.metadata().ok()?.len();
    (told && held).then_some(len)
}

/// Whether nobody wants to write to the file.
fn holds_lease(file: &File) -> bool {
    fcntl(file, libc::F_GETLEASE, 0) == Some(libc::F_RDLCK)
}

fn give_back(file: &File) {
    // One that is lost already needs no giving back.
    let _ = fcntl(file, libc::F_SETLEASE, libc::F_UNLCK);
}

/// A command with a number; `None` if it is refused.
fn fcntl(file: &File, command: libc::c_int, number: libc::c_int) -> Option<libc::c_int> {
    // SAFETY: the descriptor is open, and these commands take a number, no pointer.
    let answer = unsafe { libc::fcntl(file.as_raw_fd(), command, number) };
    (answer >= 0).then_some(answer)
}

#[cfg(test)]
mod tests;
