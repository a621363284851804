//! A kernel array in the memory of this process. Reading a table of a hundred thousand entries by system calls takes a
//! tenth of a second; this takes none. Must not know what the words mean.
#![expect(unsafe_code, reason = "mapped memory is raw memory")]

use std::{io, ops::Deref, ptr::NonNull, sync::atomic::AtomicU64};

use aya::maps::MapData;
use rustix::mm::{MapFlags, ProtFlags, mmap, munmap};

use super::{KernelError, maps::error_chain};

/// All words of an array that was made for it (`BPF_F_MMAPABLE`), shared with the kernel programs.
#[derive(Debug)]
pub(super) struct Mapped {
    start: NonNull<AtomicU64>,
    words: usize,
}

// SAFETY: the memory belongs to no thread, and is only reached as atomics.
unsafe impl Send for Mapped {}
// SAFETY: as above.
unsafe impl Sync for Mapped {}

impl Mapped {
    /// Maps an array whose values are `value_words` words long.
    pub(super) fn new(data: &MapData, name: &'static str, value_words: usize) -> Result<Self, KernelError> {
        let failed = |reason: String| KernelError::Map {
            map: name,
            operation: "mapping it into memory",
            reason,
        };
        let info = data.info().map_err(|error| failed(error_chain(&error)))?;
        // The length below rests on this.
        if info.value_size() as usize != value_words * size_of::<u64>() {
            return Err(failed(format!(
                "a value has {} bytes, not {}",
                info.value_size(),
                value_words * size_of::<u64>()
            )));
        }
        let words = value_words * info.max_entries() as usize;
        let start = map(data, words).map_err(|error| failed(error.to_string()))?;
        Ok(Self { start, words })
    }
}

fn map(data: &MapData, words: usize) -> io::Result<NonNull<AtomicU64>> {
    use std::os::fd::AsFd as _;
    // SAFETY: the kernel chooses where, so nothing of this process is replaced.
    let start = unsafe {
        mmap(
            std::ptr::null_mut(),
            words * size_of::<u64>(),
            ProtFlags::READ | ProtFlags::WRITE,
            MapFlags::SHARED,
            data.fd().as_fd(),
            0,
        )
    }?;
    NonNull::new(start.cast()).ok_or_else(|| io::Error::other("no address"))
}

impl Deref for Mapped {
    type Target = [AtomicU64];

    fn deref(&self) -> &[AtomicU64] {
        // SAFETY: so many words are mapped from there on, page-aligned, until this value is dropped; whoever else
        // writes them, here or in the kernel, writes whole words.
        unsafe { std::slice::from_raw_parts(self.start.as_ptr(), self.words) }
    }
}

impl Drop for Mapped {
    fn drop(&mut self) {
        // SAFETY: mapped by `new`, and no reference outlives this value.
        let unmapped = unsafe { munmap(self.start.as_ptr().cast(), self.words * size_of::<u64>()) };
        if let Err(error) = unmapped {
            log::debug!("unmapping a kernel array: {error}");
        }
    }
}
