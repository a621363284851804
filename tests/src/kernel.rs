//! The kernel side on its own: loaded, with pins of its own, without a daemon. For the suites of the kernel programs
//! and the shield's bench.
//!
//! Must not decide what is right: those who use it do.

use std::{
    path::{Path, PathBuf},
    sync::atomic::{AtomicU32, Ordering},
};

use anyhow::{Context as _, Result};
use apimon::kernel::{Adopted, Kernel, KernelError, KernelSettings, Program, Trial, Warning, remove_all};
use monitor_common::counter::Counter;

/// A loaded kernel side, gone with its pins when dropped.
#[derive(Debug)]
pub struct TestKernel {
    /// The handle.
    pub kernel: Kernel,
    /// What was not as asked.
    pub warnings: Vec<Warning>,
    /// What an earlier one left.
    pub adopted: Adopted,
    pins: Pins,
}

/// A pin directory that no other test has. Removed, with what is pinned there, when dropped.
#[derive(Debug)]
pub struct Pins(PathBuf);

impl Pins {
    /// A new one; nothing is made yet.
    pub fn new(tag: &str) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        Self(PathBuf::from(format!(
            "/sys/fs/bpf/apimon-{}-{number}-{tag}",
            std::process::id()
        )))
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Pins {
    fn drop(&mut self) {
        if let Err(error) = remove_all(&self.0) {
            eprintln!("pins left behind: {error}");
        }
    }
}

impl TestKernel {
    /// Loads the programs, attached to nothing. `settings` without a pin directory of its own gets one.
    ///
    /// # Panics
    /// If this is not root, or there is no kernel object; the message says which command prepares it.
    pub fn load(tag: &str, settings: KernelSettings) -> Result<Self> {
        Self::with_pins(Pins::new(tag), settings)
    }

    /// The same with given pins.
    ///
    /// # Panics
    /// As [`TestKernel::load`].
    pub fn with_pins(pins: Pins, settings: KernelSettings) -> Result<Self> {
        crate::guard::require_root();
        let settings = KernelSettings {
            pin_dir: pins.path().to_owned(),
            ..settings
        };
        let opened = match Kernel::open(&settings) {
            Ok(opened) => opened,
            Err(error) => {
                assert!(
                    !matches!(error, KernelError::NoKernelObject),
                    "this suite runs the kernel programs: `cargo xtask test` installs what building them needs"
                );
                return Err(error).context("opening the kernel side");
            }
        };
        Ok(Self {
            kernel: opened.kernel,
            warnings: opened.warnings,
            adopted: opened.adopted,
            pins,
        })
    }

    /// Ends the handle as a killed daemon does, and keeps what is pinned.
    pub fn kill(self) -> Pins {
        let Self { kernel, pins, .. } = self;
        drop(kernel);
        pins
    }

    /// Runs a program on one packet.
    pub fn run(&mut self, program: Program, packet: &[u8]) -> Result<Trial> {
        Ok(self.kernel.try_packet(program, packet, 1)?)
    }

    /// All counters.
    pub fn counts(&self) -> Result<Counts> {
        let read = self.kernel.counters()?.read()?;
        Ok(Counts(
            read.into_iter()
                .map(|(counter, _, count)| (counter, count))
                .collect(),
        ))
    }

    /// What one packet added to the counters.
    pub fn counted(&mut self, program: Program, packet: &[u8]) -> Result<(Trial, Counts)> {
        let before = self.counts()?;
        let trial = self.run(program, packet)?;
        Ok((trial, self.counts()?.since(&before)))
    }
}

/// Counter values at one time, or between two.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Counts(Vec<(Counter, u64)>);

impl Counts {
    /// One counter.
    pub fn get(&self, wanted: Counter) -> u64 {
        self.0
            .iter()
            .find(|(counter, _)| *counter == wanted)
            .map_or(0, |(_, count)| *count)
    }

    /// What was added since `before`.
    #[must_use]
    pub fn since(&self, before: &Self) -> Self {
        Self(
            self.0
                .iter()
                .map(|(counter, count)| (*counter, count - before.get(*counter)))
                .collect(),
        )
    }

    /// The counters that are not zero.
    pub fn nonzero(&self) -> Vec<(Counter, u64)> {
        self.0.iter().copied().filter(|(_, count)| *count > 0).collect()
    }

    /// Whether every packet that was seen has exactly one outcome, in both groups.
    pub fn add_up(&self) -> bool {
        let sum = |parts: &[Counter]| parts.iter().map(|part| self.get(*part)).sum::<u64>();
        let shield = sum(&[
            Counter::ShieldPassed,
            Counter::ShieldNotIp,
            Counter::ShieldMalformed,
            Counter::ShieldDroppedLease,
        ]);
        let tap = sum(&[
            Counter::TapSkipped,
            Counter::TapCopied,
            Counter::TapLostRing,
            Counter::TapLostRead,
        ]);
        self.get(Counter::ShieldSeen) == shield && self.get(Counter::TapSeen) == tap
    }
}

/// Moves the calling thread into a network namespace, given by its name, for good: to be called on a thread of its own.
pub fn enter(space: &str) -> Result<()> {
    let path = Path::new("/var/run/netns").join(space);
    let file = std::fs::File::open(&path).with_context(|| format!("cannot open {}", path.display()))?;
    rustix::thread::move_into_link_name_space(
        std::os::fd::AsFd::as_fd(&file),
        Some(rustix::thread::LinkNameSpaceType::Network),
    )
    .with_context(|| format!("cannot enter {}", path.display()))
}
