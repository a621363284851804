//! Brotli (RFC 7932). Must not know what a body is.
//!
//! `brotli-decompressor` is the Rust port of the reference decoder, without unsafe code as it is used here; the other
//! crates bind the C one. It allocates through an allocator of ours, which counts.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use brotli_decompressor::{
    Allocator, BrotliDecompressStream, BrotliResult, BrotliState, HuffmanCode, SliceWrapper, SliceWrapperMut,
};

use super::{BrokenCoding, Step, WINDOW_BITS};

/// A brotli decoder. Made anew for each body: its tables depend on what it is fed.
pub(super) struct Brotli {
    state: BrotliState<Counting, Counting, Counting>,
    used: Arc<AtomicUsize>,
    begun: bool,
    over: bool,
}

impl std::fmt::Debug for Brotli {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Brotli").finish_non_exhaustive()
    }
}

impl Brotli {
    pub(super) fn new() -> Self {
        let used = Arc::new(AtomicUsize::new(0));
        let counting = || Counting(Arc::clone(&used));
        Self {
            // Strict: large windows (up to 1 GiB) are not for HTTP (RFC 7932 has none).
            state: BrotliState::new_strict(counting(), counting(), counting()),
            used,
            begun: false,
            over: false,
        }
    }

    pub(super) fn memory(&self) -> usize {
        size_of::<Self>() + self.used.load(Ordering::Relaxed)
    }

    pub(super) fn is_complete(&self) -> bool {
        self.over
    }

    pub(super) fn step(&mut self, input: &mut &[u8], output: &mut [u8]) -> Result<Step, BrokenCoding> {
        if !self.begun {
            let Some((&first, rest)) = input.split_first() else {
                return Ok(Step {
                    written: 0,
                    over: false,
                });
            };
            self.begun = true;
            *input = rest;
            let first = [smaller_window(first)];
            return self.run(&mut &first[..], output);
        }
        self.run(input, output)
    }

    fn run(&mut self, input: &mut &[u8], output: &mut [u8]) -> Result<Step, BrokenCoding> {
        let (mut left, mut read, mut room, mut written, mut total) = (input.len(), 0, output.len(), 0, 0);
        let result = BrotliDecompressStream(
            &mut left,
            &mut read,
            input,
            &mut room,
            &mut written,
            output,
            &mut total,
            &mut self.state,
        );
        *input = input.get(read..).unwrap_or_default();
        match result {
            BrotliResult::ResultFailure => return Err(BrokenCoding),
            BrotliResult::ResultSuccess => self.over = true,
            BrotliResult::NeedsMoreInput | BrotliResult::NeedsMoreOutput => {}
        }
        Ok(Step {
            written,
            over: self.over,
        })
    }
}

/// The first byte with a window of at most [`WINDOW_BITS`] (section 9.1). 18 to 24 bits are all written with four bits,
/// so nothing else moves.
fn smaller_window(first: u8) -> u8 {
    const LEAST: u8 = 17;
    let bits = (first >> 1) & 7;
    if first & 1 == 1 && bits > WINDOW_BITS - LEAST {
        first & 0xf0 | (WINDOW_BITS - LEAST) << 1 | 1
    } else {
        first
    }
}

/// Counts what is allocated through it.
struct Counting(Arc<AtomicUsize>);

/// Memory from [`Counting`].
struct Cells<T>(Box<[T]>);

impl<T> Default for Cells<T> {
    fn default() -> Self {
        Self(Box::default())
    }
}

impl<T> SliceWrapper<T> for Cells<T> {
    fn slice(&self) -> &[T] {
        &self.0
    }
}

impl<T> SliceWrapperMut<T> for Cells<T> {
    fn slice_mut(&mut self) -> &mut [T] {
        &mut self.0
    }
}

macro_rules! counting {
    ($($cell:ty),*) => {$(
        impl Allocator<$cell> for Counting {
            type AllocatedMemory = Cells<$cell>;

            fn alloc_cell(&mut self, len: usize) -> Cells<$cell> {
                self.0.fetch_add(len * size_of::<$cell>(), Ordering::Relaxed);
                Cells(vec![<$cell>::default(); len].into_boxed_slice())
            }

            fn free_cell(&mut self, cells: Cells<$cell>) {
                self.0.fetch_sub(size_of_val(&*cells.0), Ordering::Relaxed);
            }
        }
    )*};
}

counting!(u8, u32, HuffmanCode);
