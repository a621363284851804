//! What userspace tells the kernel programs. Must not know where the values come from.

/// Value of slot 0 of the `CONFIG` array.
#[repr(C)]
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct KernelConfig {
    /// One of [`mode`].
    pub mode: u32,
    /// Number of ring shards in use, 1 to [`crate::names::TAP_SHARDS_MAX`], a power of two.
    pub tap_shards: u32,
    /// What the tap copies: bits of [`tap`].
    pub tap_on: u32,
    /// Changes whenever the never-block set has changed; see [`crate::lease::hits::CLEARED`].
    pub never_block_generation: u32,
}

const _: () = assert!(size_of::<KernelConfig>() == 16);

impl KernelConfig {
    /// Sets or clears a bit of [`Self::tap_on`].
    pub const fn set_tap_bit(&mut self, bit: u32, on: bool) {
        if on {
            self.tap_on |= bit;
        } else {
            self.tap_on &= !bit;
        }
    }
}

/// Bits of [`KernelConfig::tap_on`].
pub mod tap {
    /// It copies. Without it nothing is, whatever the other bits say.
    pub const ON: u32 = 1;
    /// Not only the tapped ports, but every connection to this host that speaks HTTP ([`crate::begin`]).
    pub const ANY_PORT: u32 = 2;
}

/// Values of [`KernelConfig::mode`].
pub mod mode {
    /// Count what would be dropped, drop nothing. Also what an unset map says: nothing is dropped by accident.
    pub const OBSERVE: u32 = 0;
    /// Drop what holds a lease.
    pub const ENFORCE: u32 = 1;
}
