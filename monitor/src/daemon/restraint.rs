//! What the daemon leaves undone when it takes more of the host than it may: the API comes first. Must not read a
//! clock, and must not know how a step is carried out.
//!
//! Steps, each with all before it: bodies are not read; three of four connections are not read; nothing is read. The
//! shield and its leases go on in the kernel whatever happens here. A step is taken when a limit was exceeded for some
//! seconds in a row, and taken back when much less was used for longer: so it does not swing.

use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};

use crate::config::LimitSettings;

/// Seconds over a limit before the next step. Longer than a burst, shorter than a complaint.
const OVER_SECONDS: u32 = 10;
/// Seconds well below the limits before a step is taken back.
const CALM_SECONDS: u32 = 30;
/// What is well below: this share of a limit, percent.
const CALM_PERCENT: u64 = 70;
/// Of so many connections one is still read.
pub(super) const CONNECTIONS_IN: u64 = 4;

/// What is left undone.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
#[repr(u8)]
pub(super) enum Step {
    /// Nothing.
    #[default]
    Nothing,
    /// Reading bodies.
    Bodies,
    /// And reading most connections.
    Connections,
    /// And reading at all.
    Tap,
}

impl Step {
    const ALL: [Self; 4] = [Self::Nothing, Self::Bodies, Self::Connections, Self::Tap];

    /// Stable name.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Nothing => "nothing",
            Self::Bodies => "bodies",
            Self::Connections => "connections",
            Self::Tap => "tap",
        }
    }

    fn of(number: u8) -> Self {
        Self::ALL.get(usize::from(number)).copied().unwrap_or(Self::Tap)
    }

    fn more(self) -> Self {
        Self::of(self as u8 + 1)
    }

    fn less(self) -> Self {
        Self::of((self as u8).saturating_sub(1))
    }
}

/// What the process has used up to now.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Used {
    /// When, monotonic nanoseconds.
    pub(super) at_ns: u64,
    /// Time of all processors together, nanoseconds since the start.
    pub(super) cpu_ns: u64,
    /// Memory that is in RAM now.
    pub(super) memory_bytes: u64,
}

/// Decides on the steps.
#[derive(Debug)]
pub(super) struct Restraint {
    limits: LimitSettings,
    cpus: u64,
    before: Option<Used>,
    step: Step,
    over: u32,
    calm: u32,
}

impl Restraint {
    pub(super) fn new(limits: LimitSettings, cpus: usize) -> Self {
        Self {
            limits,
            cpus: cpus.max(1) as u64,
            before: None,
            step: Step::Nothing,
            over: 0,
            calm: 0,
        }
    }

    /// To be called about once a second: the share of all processors that was used since the last call, percent, and
    /// the step to be at.
    pub(super) fn look(&mut self, used: Used) -> (u64, Step) {
        let before = self.before.replace(used);
        let cpu_percent = before.map_or(0, |before| self.percent(&before, &used));
        let limits = [
            (cpu_percent, u64::from(self.limits.cpu_percent)),
            (used.memory_bytes, self.limits.memory_bytes),
        ];
        let mut given = limits.into_iter().filter(|(_, most)| *most > 0);
        let over = given.clone().any(|(is, most)| is > most);
        let calm = given.all(|(is, most)| is <= most.saturating_mul(CALM_PERCENT) / 100);
        self.over = if over { self.over + 1 } else { 0 };
        self.calm = if calm { self.calm + 1 } else { 0 };
        if self.over >= OVER_SECONDS {
            self.step = self.step.more();
            self.over = 0;
        } else if self.calm >= CALM_SECONDS {
            self.step = self.step.less();
            self.calm = 0;
        }
        (cpu_percent, self.step)
    }

    fn percent(&self, before: &Used, now: &Used) -> u64 {
        let time = now.at_ns.saturating_sub(before.at_ns).saturating_mul(self.cpus);
        let used = now.cpu_ns.saturating_sub(before.cpu_ns);
        used.saturating_mul(100).checked_div(time).unwrap_or(0)
    }
}

/// The step that holds, for all threads; and what was used, for whoever shows it.
#[derive(Debug, Default)]
pub(super) struct Shed {
    step: AtomicU8,
    cpu_percent: AtomicU64,
    /// Seconds spent at each step.
    seconds: [AtomicU64; 4],
}

impl Shed {
    pub(super) fn step(&self) -> Step {
        Step::of(self.step.load(Ordering::Relaxed))
    }

    /// Once a second: sets the step; the one before.
    pub(super) fn set(&self, step: Step, cpu_percent: u64) -> Step {
        self.cpu_percent.store(cpu_percent, Ordering::Relaxed);
        if let Some(seconds) = self.seconds.get(usize::from(step as u8)) {
            seconds.fetch_add(1, Ordering::Relaxed);
        }
        Step::of(self.step.swap(step as u8, Ordering::Relaxed))
    }

    /// The share of all processors used in the last second, percent.
    pub(super) fn cpu_percent(&self) -> u64 {
        self.cpu_percent.load(Ordering::Relaxed)
    }

    /// Seconds spent at each step but the first, by a stable name.
    pub(super) fn counters(&self) -> impl Iterator<Item = (&'static str, u64)> {
        let names = [
            "",
            "shed_bodies_seconds",
            "shed_connections_seconds",
            "shed_tap_seconds",
        ];
        let read = |seconds: &AtomicU64| seconds.load(Ordering::Relaxed);
        names.into_iter().zip(self.seconds.iter().map(read)).skip(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000_000;

    /// A process on four processors that may use half of them and 1000 bytes.
    struct Process {
        restraint: Restraint,
        used: Used,
    }

    impl Process {
        fn new() -> Self {
            let limits = LimitSettings {
                cpu_percent: 50,
                memory_bytes: 1000,
            };
            let mut process = Self {
                restraint: Restraint::new(limits, 4),
                used: Used::default(),
            };
            process.restraint.look(process.used);
            process
        }

        fn seconds(&mut self, seconds: u32, cpu_percent: u64, memory_bytes: u64) -> Step {
            let mut step = Step::Nothing;
            for _ in 0..seconds {
                self.used.at_ns += SECOND;
                self.used.cpu_ns += SECOND * 4 * cpu_percent / 100;
                self.used.memory_bytes = memory_bytes;
                let (percent, now) = self.restraint.look(self.used);
                assert_eq!(percent, cpu_percent);
                step = now;
            }
            step
        }
    }

    #[test]
    fn bodies_go_first_and_the_tap_last_each_after_ten_seconds() {
        let mut process = Process::new();
        assert_eq!(process.seconds(9, 60, 10), Step::Nothing);
        assert_eq!(process.seconds(1, 60, 10), Step::Bodies);
        assert_eq!(process.seconds(9, 60, 10), Step::Bodies);
        assert_eq!(process.seconds(1, 51, 10), Step::Connections);
        assert_eq!(process.seconds(10, 51, 10), Step::Tap);
        assert_eq!(
            process.seconds(100, 90, 10),
            Step::Tap,
            "there is no further step"
        );
    }

    #[test]
    fn memory_counts_as_well() {
        let mut process = Process::new();
        assert_eq!(process.seconds(10, 1, 1001), Step::Bodies);
        assert_eq!(process.seconds(100, 1, 1000), Step::Bodies, "not well below");
        assert_eq!(process.seconds(30, 1, 700), Step::Nothing);
    }

    #[test]
    fn a_burst_is_none_and_the_way_back_is_slow() {
        let mut process = Process::new();
        for _ in 0..20 {
            assert_eq!(process.seconds(9, 100, 10), Step::Nothing);
            assert_eq!(process.seconds(1, 50, 10), Step::Nothing);
        }
        assert_eq!(process.seconds(20, 100, 10), Step::Connections);
        assert_eq!(
            process.seconds(60, 45, 10),
            Step::Connections,
            "below, but not well"
        );
        assert_eq!(process.seconds(29, 35, 10), Step::Connections);
        assert_eq!(process.seconds(1, 35, 10), Step::Bodies);
        assert_eq!(process.seconds(30, 0, 10), Step::Nothing);
    }

    #[test]
    fn without_limits_nothing_is_left_undone() {
        let mut process = Process::new();
        process.restraint.limits = LimitSettings {
            cpu_percent: 0,
            memory_bytes: 0,
        };
        assert_eq!(process.seconds(1000, 100, u64::MAX), Step::Nothing);
    }

    #[test]
    fn seconds_are_counted_by_step() {
        let shed = Shed::default();
        assert_eq!(shed.set(Step::Bodies, 70), Step::Nothing);
        assert_eq!(shed.set(Step::Bodies, 71), Step::Bodies);
        assert_eq!(shed.set(Step::Nothing, 10), Step::Bodies);
        assert_eq!(shed.step(), Step::Nothing);
        assert_eq!(shed.cpu_percent(), 10);
        let counters: Vec<_> = shed.counters().collect();
        assert_eq!(counters[0], ("shed_bodies_seconds", 2));
        assert_eq!(counters[2], ("shed_tap_seconds", 0));
    }
}
