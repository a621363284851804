//! A file as a slice of memory, for the reference loop of `bench replay`. Must not know what it holds.
#![expect(
    unsafe_code,
    reason = "a mapping can change under its owner; the bench owns the file it has just written"
)]

use std::{fs::File, io};

use rustix::mm::{MapFlags, ProtFlags, mmap, munmap};

/// A file mapped for reading.
#[derive(Debug)]
pub struct Mapped {
    at: *mut core::ffi::c_void,
    len: usize,
}

impl Mapped {
    /// Maps the whole of `file`, which nobody may write to or cut while this lives.
    pub fn new(file: &File) -> io::Result<Self> {
        let len = usize::try_from(file.metadata()?.len()).unwrap_or(usize::MAX);
        // SAFETY: the kernel chooses the place, so nothing else is there.
        let at = unsafe {
            mmap(
                std::ptr::null_mut(),
                len,
                ProtFlags::READ,
                MapFlags::PRIVATE,
                file,
                0,
            )
        }?;
        Ok(Self { at, len })
    }

    /// Its bytes.
    pub fn bytes(&self) -> &[u8] {
        // SAFETY: `at` is the beginning of `len` readable bytes, until the drop; nobody changes the file meanwhile.
        unsafe { std::slice::from_raw_parts(self.at.cast::<u8>(), self.len) }
    }
}

impl Drop for Mapped {
    fn drop(&mut self) {
        // SAFETY: exactly what `new` mapped; no slice of it outlives this.
        let _ = unsafe { munmap(self.at, self.len) };
    }
}
