//! The kernel object that was built into this binary. Must not know what is in it.

use super::KernelError;

/// Empty where the build found no BPF toolchain.
static OBJECT: &[u8] = aya::include_bytes_aligned!(concat!(env!("OUT_DIR"), "/apimon-ebpf"));

/// The object's bytes.
pub(super) fn bytes() -> Result<&'static [u8], KernelError> {
    if OBJECT.is_empty() {
        Err(KernelError::NoKernelObject)
    } else {
        Ok(OBJECT)
    }
}
