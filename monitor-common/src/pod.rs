//! Says to aya that the contract's types are plain old data. The only file here with `unsafe`.
#![expect(unsafe_code, reason = "aya::Pod is an unsafe marker trait")]

use crate::{
    IpKey,
    config::KernelConfig,
    counter::CounterBlock,
    reader::RingReader,
    skip::{SkipEntry, SkipKey},
};

// SAFETY: repr(transparent) over a byte array.
unsafe impl aya::Pod for IpKey {}
// SAFETY: repr(C), integers only, no padding (size asserted beside the struct).
unsafe impl aya::Pod for KernelConfig {}
// SAFETY: repr(C), integers only, no padding (size asserted beside the struct).
unsafe impl aya::Pod for CounterBlock {}
// SAFETY: repr(C), integers only, no padding (size asserted beside the struct).
unsafe impl aya::Pod for RingReader {}
// SAFETY: repr(C), integers and bytes only, no padding (size asserted beside the struct).
unsafe impl aya::Pod for SkipKey {}
// SAFETY: repr(C), integers only, no padding (size asserted beside the struct).
unsafe impl aya::Pod for SkipEntry {}
