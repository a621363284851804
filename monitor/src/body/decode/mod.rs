//! Undoes content codings in passing: pieces in, pieces out through one buffer a layer.
//!
//! Every decoder is fed what comes and gives what fits into the buffer, so the memory of a body is that of its
//! decoders. None of them can be made to hold more than a window of 1 MiB: no layer may give more than that, and as
//! long as nothing more comes out a smaller window decodes the same. Must not know what is in a body.

mod brotli;
mod gzip;
mod inflate;
mod pool;
mod zstd;

pub(crate) use self::pool::DecoderPool;
use self::{brotli::Brotli, inflate::Inflate, zstd::Zstd};
use crate::{
    body::{coding::LAYERS, fact::BodyFact, walk::Going},
    limits::BodyLimits,
};

/// Most window bits a decoder is given: 1 MiB.
const WINDOW_BITS: u8 = 20;
/// Decoded bytes that are handed on at once.
const SCRATCH: usize = 16 << 10;

/// The buffers between the layers, one each; shared by all bodies of a reader.
pub(crate) type Scratch = [Box<[u8; SCRATCH]>; LAYERS];

/// Empty buffers.
pub(crate) fn scratch() -> Scratch {
    std::array::from_fn(|_| Box::new([0; SCRATCH]))
}

/// Bytes that the coding does not allow, or that ask for something that is not done (a dictionary).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct BrokenCoding;

/// What one step of a decoder did.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Step {
    /// Bytes written to the output.
    written: usize,
    /// The coded data are over.
    over: bool,
}

/// One decoder of any kind.
#[derive(Debug)]
enum Decoder {
    Inflate(Box<Inflate>),
    Brotli(Box<Brotli>),
    Zstd(Box<Zstd>),
}

impl Decoder {
    /// Takes from `input` and writes to `output`. Without progress it needs more input.
    fn step(&mut self, input: &mut &[u8], output: &mut [u8]) -> Result<Step, BrokenCoding> {
        match self {
            Self::Inflate(inflate) => inflate.step(input, output),
            Self::Brotli(brotli) => brotli.step(input, output),
            Self::Zstd(zstd) => zstd.step(input, output),
        }
    }

    /// Bytes of memory it holds now.
    fn memory(&self) -> usize {
        match self {
            Self::Inflate(_) => Inflate::MEMORY,
            Self::Brotli(brotli) => brotli.memory(),
            Self::Zstd(zstd) => zstd.memory(),
        }
    }

    /// Whether it ends with a complete text if nothing more comes.
    fn is_complete(&self) -> bool {
        match self {
            Self::Inflate(inflate) => inflate.is_complete(),
            Self::Brotli(brotli) => brotli.is_complete(),
            Self::Zstd(zstd) => zstd.is_complete(),
        }
    }
}

/// One coding of a body.
#[derive(Debug)]
struct Layer {
    decoder: Decoder,
    /// Bytes it gave.
    given: usize,
    over: bool,
}

/// The decoders of one body, the one that is fed from the wire first.
#[derive(Debug, Default)]
pub(crate) struct Chain {
    layers: [Option<Layer>; LAYERS],
}

/// What decoding goes by while it handles a piece.
struct Run<'a> {
    limits: &'a BodyLimits,
    /// Bytes of the body on the wire that the first decoder has taken.
    wire: usize,
    sink: &'a mut dyn FnMut(&[u8]) -> Going,
}

/// Why decoding does not go on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Stop {
    /// The taker has enough.
    Enough,
    /// This was found.
    Because(BodyFact),
}

impl Chain {
    /// Whether there is nothing to undo.
    pub(crate) fn is_empty(&self) -> bool {
        self.layers.iter().all(Option::is_none)
    }

    /// Bytes of memory its decoders hold.
    pub(crate) fn memory(&self) -> usize {
        self.layers
            .iter()
            .flatten()
            .map(|layer| layer.decoder.memory())
            .sum()
    }

    /// Whether every coding has come to its end, as far as that can be told.
    pub(crate) fn is_complete(&self) -> bool {
        self.layers
            .iter()
            .flatten()
            .all(|layer| layer.over || layer.decoder.is_complete())
    }

    /// Decodes `input`, which ends `wire` bytes into the body, and gives what comes of it to `sink`.
    pub(crate) fn push(
        &mut self,
        input: &[u8],
        wire: usize,
        scratch: &mut Scratch,
        limits: &BodyLimits,
        sink: &mut dyn FnMut(&[u8]) -> Going,
    ) -> Result<(), Stop> {
        let wire = wire.saturating_sub(input.len());
        let mut run = Run { limits, wire, sink };
        run.layers(&mut self.layers, scratch, input, true)
    }
}

impl Run<'_> {
    fn layers(
        &mut self,
        layers: &mut [Option<Layer>],
        scratch: &mut [Box<[u8; SCRATCH]>],
        mut input: &[u8],
        from_wire: bool,
    ) -> Result<(), Stop> {
        let (Some((Some(layer), inner)), Some((buffer, others))) =
            (layers.split_first_mut(), scratch.split_first_mut())
        else {
            return match (self.sink)(input) {
                Going::On => Ok(()),
                Going::Stopped => Err(Stop::Enough),
            };
        };
        loop {
            if layer.over {
                return if input.is_empty() {
                    Ok(())
                } else {
                    Err(Stop::Because(BodyFact::TrailingBytes))
                };
            }
            let before = input.len();
            let step = layer
                .decoder
                .step(&mut input, &mut buffer[..])
                .map_err(|BrokenCoding| Stop::Because(BodyFact::BrokenCoding))?;
            layer.over = step.over;
            layer.given += step.written;
            if from_wire {
                self.wire += before - input.len();
            }
            self.check(layer.given)?;
            if let Some(given) = buffer.get(..step.written).filter(|given| !given.is_empty()) {
                self.layers(inner, others, given, false)?;
            }
            if step.written == 0 && input.len() == before && !step.over {
                return Ok(());
            }
        }
    }

    /// Whether a layer that gave so much may go on.
    fn check(&self, given: usize) -> Result<(), Stop> {
        let allowed = self.wire.saturating_mul(self.limits.ratio);
        if given > self.limits.ratio_floor_bytes && given > allowed {
            Err(Stop::Because(BodyFact::Bomb))
        } else if given > self.limits.layer_bytes - SCRATCH {
            Err(Stop::Because(BodyFact::Cut))
        } else {
            Ok(())
        }
    }
}

#[cfg(test)]
pub(in crate::body) mod tests;
