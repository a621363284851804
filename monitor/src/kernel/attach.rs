//! Puts the programs on interfaces. Must not know maps.

mod egress;
mod shield;
mod tap;

pub(super) use egress::HeldEgress;
pub(super) use shield::HeldShield;
pub(super) use tap::HeldTap;

/// Whether this is the index of the loopback interface.
pub(super) const fn is_loopback(ifindex: u32) -> bool {
    ifindex == tap::LOOPBACK_IFINDEX
}

/// What is attached to one interface.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Attachment {
    /// Its name.
    pub interface: String,
    /// Its index.
    pub ifindex: u32,
    /// How the shield runs there.
    pub shield: ShieldMode,
    /// How the tap is attached there.
    pub tap: TapMode,
}

/// How the shield runs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ShieldMode {
    /// In the driver.
    Native,
    /// Behind the driver, on socket buffers.
    Generic,
}

/// How the tap is attached.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TapMode {
    /// TCX links.
    Tcx,
    /// Filters of a clsact queueing discipline.
    Clsact,
}

impl ShieldMode {
    /// `native` or `generic`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Native => "native",
            Self::Generic => "generic",
        }
    }
}

impl TapMode {
    /// `tcx` or `clsact`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Tcx => "tcx",
            Self::Clsact => "clsact",
        }
    }
}

/// What the kernel said to a system call, if it said anything.
pub(super) fn errno(error: &(dyn std::error::Error + 'static)) -> Option<i32> {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(number) = error
            .downcast_ref::<std::io::Error>()
            .and_then(std::io::Error::raw_os_error)
        {
            return Some(number);
        }
        cause = error.source();
    }
    None
}
