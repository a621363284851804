//! A sliding window over a stream of bytes: whole records as slices, in bounded memory, without a copy per record.
//! Must not know formats.

use std::{
    io::{self, Read, Seek as _, SeekFrom},
    ops::Deref,
};

use super::{
    CaptureError,
    mapped::{Mapped, Part},
};

/// What is read at once, bytes. Large enough that system calls do not matter.
const CHUNK: usize = 256 << 10;

/// The window. It grows to the longest record asked for, and no further.
pub(super) struct Window {
    input: Input,
    buf: Bytes,
    start: usize,
    end: usize,
    /// Position of `start` in the input.
    offset: u64,
}

/// Where the bytes come from.
enum Input {
    Stream(Box<dyn Read + Send>),
    File(Mapped),
    /// At its end, or failed.
    Over,
}

/// Where the bytes of the window are.
enum Bytes {
    Read(Vec<u8>),
    Mapped(Part),
}

impl Deref for Bytes {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        match self {
            Self::Read(bytes) => bytes,
            Self::Mapped(part) => part,
        }
    }
}

impl Window {
    pub(super) fn new(input: Box<dyn Read + Send>) -> Self {
        Self::over(Input::Stream(input), vec![0; CHUNK])
    }

    /// Over a file, from its beginning.
    pub(super) fn mapped(file: Mapped) -> Self {
        Self::over(Input::File(file), Vec::new())
    }

    fn over(input: Input, bytes: Vec<u8>) -> Self {
        Self {
            input,
            buf: Bytes::Read(bytes),
            start: 0,
            end: 0,
            offset: 0,
        }
    }

    /// Position of the window's first byte in the input.
    pub(super) fn offset(&self) -> u64 {
        self.offset
    }

    /// The bytes that are there.
    pub(super) fn bytes(&self) -> &[u8] {
        self.buf.get(self.start..self.end).unwrap_or_default()
    }

    /// The `len` bytes from `at` on. Empty where they were not asked for before.
    pub(super) fn slice(&self, at: usize, len: usize) -> &[u8] {
        self.bytes()
            .get(at..)
            .and_then(|b| b.get(..len))
            .unwrap_or_default()
    }

    /// The `N` bytes at `at`, if they are there.
    pub(super) fn array<const N: usize>(&self, at: usize) -> Option<[u8; N]> {
        self.bytes().get(at..)?.first_chunk().copied()
    }

    /// Sees to it that `len` bytes are there. Tells how many are, at most `len`: fewer at the end of the input.
    pub(super) fn want(&mut self, len: usize) -> Result<usize, CaptureError> {
        if self.end - self.start < len {
            self.fill(len)?;
        }
        Ok(len.min(self.end - self.start))
    }

    /// As [`Self::want`], where fewer are an error.
    pub(super) fn need(&mut self, len: usize) -> Result<(), CaptureError> {
        let had = self.want(len)?;
        if had == len {
            return Ok(());
        }
        Err(CaptureError::Truncated {
            offset: self.offset,
            wanted: len,
            had,
        })
    }

    /// Moves past `len` bytes, of which some may not have been read yet.
    pub(super) fn skip(&mut self, mut len: u64) -> Result<(), CaptureError> {
        loop {
            let step = usize::try_from(len).unwrap_or(usize::MAX).min(CHUNK);
            let had = self.want(step)?;
            self.start += had;
            self.offset += had as u64;
            len -= had as u64;
            if len == 0 {
                return Ok(());
            }
            if had < step {
                return Err(CaptureError::Truncated {
                    offset: self.offset,
                    wanted: step,
                    had: 0,
                });
            }
        }
    }

    /// Moves past bytes that were asked for.
    pub(super) fn consume(&mut self, len: usize) {
        let len = len.min(self.end - self.start);
        self.start += len;
        self.offset += len as u64;
    }

    #[cold]
    fn fill(&mut self, len: usize) -> Result<(), CaptureError> {
        if let Input::File(file) = &self.input {
            if let Some((part, start)) = file.part(self.offset, len) {
                (self.start, self.end) = (start, part.len());
                self.buf = Bytes::Mapped(part);
                return Ok(());
            }
            self.read_on()?;
        }
        let read = |source, at| CaptureError::Read { offset: at, source };
        let Input::Stream(input) = &mut self.input else {
            return Ok(());
        };
        let Bytes::Read(buf) = &mut self.buf else {
            return Ok(());
        };
        if self.start + len > buf.len() || self.start == self.end {
            buf.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
        }
        if len > buf.len() {
            buf.resize(len, 0);
        }
        while self.end - self.start < len {
            let room = buf.get_mut(self.end..).unwrap_or_default();
            match input.read(room) {
                Ok(0) => break,
                Ok(n) => self.end += n,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(source) => return Err(read(source, self.offset + (self.end - self.start) as u64)),
            }
        }
        Ok(())
    }

    /// The file cannot be mapped any more: it is read from here on.
    fn read_on(&mut self) -> Result<(), CaptureError> {
        let Input::File(mapped) = std::mem::replace(&mut self.input, Input::Over) else {
            return Ok(());
        };
        let mut file = mapped.into_file();
        let offset = self.offset;
        file.seek(SeekFrom::Start(offset))
            .map_err(|source| CaptureError::Read { offset, source })?;
        self.buf = Bytes::Read(vec![0; CHUNK]);
        (self.start, self.end) = (0, 0);
        self.input = Input::Stream(Box::new(file));
        Ok(())
    }
}
