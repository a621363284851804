//! Decoders kept for reuse, and the budget of what they hold. Must not decode.

use super::{Brotli, Chain, Decoder, Inflate, Layer, Zstd};
use crate::body::coding::{Coding, Codings};

/// Decoders of a kind that are kept. More bodies of one coding are seldom open at once; the rest is freed.
const KEPT_INFLATE: usize = 16;
const KEPT_ZSTD: usize = 4;

/// Makes chains of decoders and takes them back.
#[derive(Debug, Default)]
#[expect(
    clippy::vec_box,
    reason = "they go in and out of chains, and are large to move"
)]
pub(crate) struct DecoderPool {
    inflate: Vec<Box<Inflate>>,
    zstd: Vec<Box<Zstd>>,
}

impl DecoderPool {
    /// Decoders for these codings; `None` if there is no memory.
    pub(crate) fn chain(&mut self, codings: Codings) -> Option<Chain> {
        let mut chain = Chain::default();
        for (slot, coding) in chain.layers.iter_mut().zip(codings.to_undo()) {
            *slot = Some(Layer {
                decoder: self.decoder(coding)?,
                given: 0,
                over: false,
            });
        }
        Some(chain)
    }

    fn decoder(&mut self, coding: Coding) -> Option<Decoder> {
        Some(match coding {
            Coding::Gzip | Coding::Deflate => {
                let kept = self.inflate.pop();
                let mut inflate = kept.unwrap_or_else(|| Box::new(Inflate::new()));
                inflate.begin(coding == Coding::Gzip);
                Decoder::Inflate(inflate)
            }
            Coding::Brotli => Decoder::Brotli(Box::new(Brotli::new())),
            Coding::Zstd => {
                let kept = self.zstd.pop();
                let mut zstd = kept.or_else(|| Zstd::new().map(Box::new))?;
                zstd.begin().then_some(Decoder::Zstd(zstd))?
            }
        })
    }

    /// Takes decoders back.
    pub(crate) fn recycle(&mut self, chain: Chain) {
        for layer in chain.layers.into_iter().flatten() {
            match layer.decoder {
                Decoder::Inflate(inflate) if self.inflate.len() < KEPT_INFLATE => self.inflate.push(inflate),
                Decoder::Zstd(zstd) if self.zstd.len() < KEPT_ZSTD => self.zstd.push(zstd),
                _ => {}
            }
        }
    }
}
