//! Runs a loaded program on a given packet, inside the kernel and without an interface (`BPF_PROG_TEST_RUN`): for the
//! suites, the bench and the doctor. Must not know what the programs do.

use std::time::Duration;

use aya::{
    Ebpf, TestRun as _, TestRunOptions,
    programs::{SchedClassifier, Xdp},
};
use monitor_common::names;

use super::{KernelError, maps::error_chain};

/// A program of the kernel object.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Program {
    /// The XDP program.
    Shield,
    /// The XDP program for packets without an Ethernet header.
    ShieldIp,
    /// The TC program that drops what goes out to dropped sources.
    ShieldEgress,
    /// The TC program on the way in.
    TapIngress,
    /// The TC program on the way out.
    TapEgress,
}

impl Program {
    /// Its name in the object.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Shield => names::PROG_SHIELD,
            Self::ShieldIp => names::PROG_SHIELD_IP,
            Self::ShieldEgress => names::PROG_SHIELD_EGRESS,
            Self::TapIngress => names::PROG_TAP_INGRESS,
            Self::TapEgress => names::PROG_TAP_EGRESS,
        }
    }
}

/// What a run gave.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Trial {
    /// What the program returned (for XDP: 1 drop, 2 pass; for TC: -1 go on).
    pub returned: u32,
    /// Mean time of one run.
    pub duration: Duration,
}

/// `XDP_DROP`.
const XDP_DROP: u32 = 1;

impl Trial {
    /// Whether the shield dropped the packet.
    pub const fn dropped(&self) -> bool {
        self.returned == XDP_DROP
    }
}

/// Runs a program `repeat` times on one packet.
pub(super) fn run(
    ebpf: &mut Ebpf,
    program: Program,
    packet: &[u8],
    repeat: u32,
) -> Result<Trial, KernelError> {
    let name = program.name();
    let failed = |reason: String| KernelError::Load {
        program: name,
        reason,
    };
    let loaded = ebpf
        .program_mut(name)
        .ok_or_else(|| failed("it is not in the kernel object".to_owned()))?;
    // The kernel copies the packet of an XDP program back out, and refuses when there is no room.
    let mut out = vec![0; packet.len() + 256];
    let options = TestRunOptions {
        data_in: Some(packet),
        data_out: Some(&mut out),
        repeat,
        ..TestRunOptions::default()
    };
    let result = match program {
        Program::Shield | Program::ShieldIp => {
            <&mut Xdp>::try_from(loaded).and_then(|shield| shield.test_run(options))
        }
        Program::ShieldEgress | Program::TapIngress | Program::TapEgress => {
            <&mut SchedClassifier>::try_from(loaded).and_then(|tap| tap.test_run(options))
        }
    };
    let result = result.map_err(|error| failed(error_chain(&error)))?;
    Ok(Trial {
        returned: result.return_value,
        duration: result.duration,
    })
}
