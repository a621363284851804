//! Stage 7: cases to verdicts, through the one gate. Must not know how a lease reaches the kernel.
