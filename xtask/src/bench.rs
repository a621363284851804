//! `cargo xtask bench`: prepares the machine and runs the bench programs of `tests/`, one a group.
//!
//! Must not know what is measured.

use anyhow::{Result, bail};

use crate::{
    run,
    setup::{self, Purpose, is_root},
};

/// Flags of `cargo xtask bench`.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Which groups; all when none is named.
    #[arg(value_enum)]
    groups: Vec<Group>,
    /// Passed on to the bench programs.
    #[arg(last = true)]
    rest: Vec<String>,
}

/// A group of measurements.
#[derive(Clone, Copy, PartialEq, Eq, Debug, clap::ValueEnum)]
enum Group {
    /// Nanoseconds a packet in the shield, beside a program that only drops and beside xdp-filter.
    Shield,
    /// CPU time a packet in a flood on veth, beside a program that only drops and one that only looks sources up.
    Flood,
    /// Nanoseconds a packet in the tap, beside the tap turned off.
    Tap,
    /// Transactions and bytes a second from a capture, beside a loop that only parses heads.
    Replay,
    /// Nanoseconds and bytes an observation in the judge, beside one look-up.
    Judge,
    /// nginx and wrk between two namespaces, with apimon and without.
    Live,
}

impl Group {
    const ALL: [Self; 6] = [
        Self::Shield,
        Self::Flood,
        Self::Tap,
        Self::Replay,
        Self::Judge,
        Self::Live,
    ];

    fn program(self) -> &'static str {
        match self {
            Self::Shield => "bench-shield",
            Self::Flood => "bench-flood",
            Self::Tap => "bench-tap",
            Self::Replay => "bench-replay",
            Self::Judge => "bench-judge",
            Self::Live => "bench-live",
        }
    }

    fn needs_root(self) -> bool {
        !self.runs_in_process()
    }

    /// Whether the program is itself what is measured.
    fn runs_in_process(self) -> bool {
        matches!(self, Self::Replay | Self::Judge)
    }
}

/// What is measured is built as what is packaged.
const PROFILE: &str = "dist";

/// As in `packaging/apimon.service`: large pages for the heap. Where a bench starts apimon, the harness gives it to
/// apimon alone.
const TUNABLES: (&str, &str) = ("GLIBC_TUNABLES", "glibc.malloc.hugetlb=1");

/// Builds everything and runs the groups one after the other: they would disturb each other.
pub(crate) fn run(options: &Options) -> Result<()> {
    let groups = if options.groups.is_empty() {
        &Group::ALL[..]
    } else {
        &options.groups[..]
    };
    if groups.iter().any(|group| group.needs_root()) {
        setup::run(Purpose::Bench)?;
        if !is_root() {
            bail!("the groups shield, flood, tap and live load kernel programs: they need root");
        }
    }
    if groups.len() != 1 && !options.rest.is_empty() {
        bail!("arguments behind `--` belong to one group; name it");
    }
    run::build(
        PROFILE,
        groups.iter().map(|group| group.program()).chain(["apimon"]),
    )?;
    for group in groups {
        let program = run::target_dir()?.join(PROFILE).join(group.program());
        let mut command = run::command(&program.to_string_lossy(), &options.rest);
        if group.runs_in_process() {
            command.env(TUNABLES.0, TUNABLES.1);
        }
        run::run(&mut command)?;
    }
    Ok(())
}
