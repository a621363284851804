//! Message bodies: undoes content codings and walks JSON, forms and multipart, in whatever pieces the bytes come.
//!
//! Nothing of a body is kept: a visitor sees each field with its path and value once, in passing. Which bodies are read
//! at all, and how far, is said in [`BodySettings`]; what bounds the work on hostile ones is [`BodyLimits`]. Must not
//! know messages, connections or what fields mean.
//!
//! [`BodyLimits`]: crate::limits::BodyLimits

pub mod coding;
mod decode;
pub mod fact;
pub mod media;
pub mod reading;
pub mod settings;
pub mod stats;
pub mod walk;

pub use self::{
    fact::{BodyFact, BodyFactSet},
    media::Media,
    reading::{Read, Reading, ReadingPool},
    settings::BodySettings,
    stats::BodyStats,
};
