//! Finds out what this kernel offers. Must not change anything.
