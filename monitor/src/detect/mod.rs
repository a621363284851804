//! Stage 5: observations to findings. Must not know what is done about them.
