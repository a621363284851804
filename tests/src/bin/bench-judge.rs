//! `bench judge`: nanoseconds an observation, and bytes, at 10^4, 10^5 and 10^6 principals and 10,000 endpoints, beside
//! one look-up in a table of as many entries in the same run.
//!
//! `bench-judge [PRINCIPALS ...]`; `bench-judge each PRINCIPALS` measures with each detector alone, and with none;
//! `bench-judge once PRINCIPALS OBSERVATIONS` only judges, for profilers. Fails where an aim
//! is missed by its nature: memory, or a cost that grows with the number of requests (the last quarter of the rounds
//! beside the first).
#![expect(clippy::cast_precision_loss, reason = "counts of a bench are far below 2^52")]

use std::{env, time::Duration};

use anyhow::{Context as _, Result, ensure};
use apimon::{
    judge::{Judge, JudgeSettings},
    lru::Lru,
    observe::{Observation, identity::InstallKey},
    pipeline::NoLeases,
};
use apimon_tests::{
    heap::{Heap, Meter},
    scenario::score,
    series::Series,
    traffic::Traffic,
};

#[global_allocator]
static HEAP: Heap = Heap;

const KEY: InstallKey = InstallKey(*b"bench-judge-key0");
/// Observations made at a time, outside of what is measured.
const BATCH: usize = 4096;
/// Rounds behind the first, which fills the tables.
const ROUNDS: usize = 8;
/// How many times the cost of the first quarter the last one may be, beside the reference: what is more than noise.
const GROWTH_MAX: f64 = 1.5;
/// What the judge may hold at a million principals, MiB.
const PEAK_MIB: usize = 512;

fn main() -> Result<()> {
    let args: Vec<String> = env::args().skip(1).collect();
    if let [each, principals] = args.as_slice()
        && each == "each"
    {
        return each_alone(principals.parse().context("PRINCIPALS is a number")?);
    }
    if let [once, principals, observations] = args.as_slice()
        && once == "once"
    {
        let number = |text: &str| text.parse().context("PRINCIPALS and OBSERVATIONS are numbers");
        judge_once(number(principals)?, number(observations)?);
        return Ok(());
    }
    let sizes: Vec<usize> = args
        .iter()
        .map(|arg| arg.parse().context("PRINCIPALS is a number"))
        .collect::<Result<_>>()?;
    let sizes = if sizes.is_empty() {
        vec![10_000, 100_000, 1_000_000]
    } else {
        sizes
    };
    println!(
        "{:>10}  {:>28}  {:>16}  {:>24}  {:>22}  {:>9}  {:>11}  {:>9}",
        "principals",
        "judge, ns an observation",
        "first, last 1/4",
        "one look-up, ns",
        "ratio",
        "MiB",
        "B/principal",
        "endpoints"
    );
    for principals in sizes {
        let measured = measure(principals, JudgeSettings::default());
        measured.print(principals);
        ensure!(
            measured.peak_bytes <= PEAK_MIB << 20,
            "{} MiB were held, {PEAK_MIB} is the bound",
            measured.peak_bytes >> 20
        );
        let growth = measured.growth();
        ensure!(
            growth <= GROWTH_MAX,
            "an observation costs {growth:.2} times as much after so many requests: {GROWTH_MAX} is the bound"
        );
    }
    Ok(())
}

/// Nothing but observations, for profilers.
fn judge_once(principals: usize, observations: usize) {
    let mut traffic = Traffic::new(principals, KEY);
    let mut judge = Judge::new(JudgeSettings::default(), KEY);
    let mut events = Vec::new();
    for _ in 0..observations {
        judge.observe(&traffic.one(), &mut NoLeases, &mut events);
        events.clear();
    }
}

/// What each detector costs beside a judge without any.
fn each_alone(principals: usize) -> Result<()> {
    let with = |on: Option<&str>| -> Result<JudgeSettings> {
        let mut value = serde_json::to_value(JudgeSettings::default())?;
        for detector in score::detectors() {
            let enabled = value.pointer_mut(&format!("/detect/{detector}/enabled"));
            *enabled.with_context(|| format!("{detector} cannot be turned off"))? =
                (on == Some(detector)).into();
        }
        Ok(serde_json::from_value(value)?)
    };
    let none = measure(principals, with(None)?);
    let spread = none.judge.spread();
    println!(
        "{:<24}{:>8.0} ns{:>8} MiB",
        "no detector",
        spread.min,
        none.peak_bytes >> 20
    );
    for detector in score::detectors() {
        let alone = measure(principals, with(Some(detector))?);
        println!(
            "{detector:<24}{:>+8.0} ns{:>+8} MiB",
            alone.judge.spread().min - spread.min,
            (alone.peak_bytes.cast_signed() - none.peak_bytes.cast_signed()) >> 20
        );
    }
    Ok(())
}

struct Measured {
    judge: Series,
    reference: Series,
    peak_bytes: usize,
    endpoints: usize,
    cases: u64,
    tables: Vec<(String, usize)>,
}

fn measure(principals: usize, settings: JudgeSettings) -> Measured {
    let mut traffic = Traffic::new(principals, KEY);
    // Full from the start, so that it adds nothing to what is held.
    let mut reference: Lru<u64, u64> = Lru::new(principals + 1);
    for who in 0..principals {
        *reference.entry(traffic.credential(who)) += 1;
    }
    *reference.entry(0) += 1;
    let meter = Meter::start();
    let mut judge = Judge::new(settings, KEY);
    let mut events = Vec::new();
    let mut measured = Measured {
        judge: Series::default(),
        reference: Series::default(),
        peak_bytes: 0,
        endpoints: 0,
        cases: 0,
        tables: Vec::new(),
    };
    // The first round fills the tables: everybody is seen about twice.
    let fill = (2 * principals).max(200_000);
    let rounds = std::iter::once(fill).chain(std::iter::repeat_n(fill.clamp(200_000, 400_000), ROUNDS));
    for (round, many) in rounds.enumerate() {
        let (mut judging, mut looking) = (Duration::ZERO, Duration::ZERO);
        for _ in 0..many.div_ceil(BATCH) {
            let batch = traffic.batch(BATCH);
            looking += timed(|| look_up(&mut reference, &batch));
            judging += timed(|| {
                for observation in &batch {
                    judge.observe(observation, &mut NoLeases, &mut events);
                }
            });
            events.clear();
        }
        let each = (many.div_ceil(BATCH) * BATCH) as f64;
        if round > 0 {
            measured.judge.push(judging.as_nanos() as f64 / each);
            measured.reference.push(looking.as_nanos() as f64 / each);
        }
    }
    measured.peak_bytes = meter.peak_bytes();
    let stats = judge.stats();
    (measured.endpoints, measured.cases) = (stats.endpoints, stats.cases_opened);
    measured.tables = stats
        .tables
        .into_iter()
        .map(|(name, table)| (name, table.len))
        .collect();
    measured
}

/// What any judge must do at least: find who it is, and count.
fn look_up(table: &mut Lru<u64, u64>, batch: &[Observation]) {
    for observation in batch {
        let key = observation
            .credential
            .map_or(0, |credential| credential.fingerprint.short());
        *table.entry(key) += 1;
    }
}

/// CPU time of this thread that it takes.
fn timed(work: impl FnOnce()) -> Duration {
    let before = cpu_time();
    work();
    cpu_time().saturating_sub(before)
}

fn cpu_time() -> Duration {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::new(
        u64::try_from(now.tv_sec).unwrap_or(0),
        u32::try_from(now.tv_nsec).unwrap_or(0),
    )
}

/// Mean of the first quarter of the rounds, and of the last.
fn first(series: &Series) -> f64 {
    mean(series.values().take(ROUNDS / 4))
}

fn last(series: &Series) -> f64 {
    mean(series.values().skip(ROUNDS - ROUNDS / 4))
}

fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let (sum, count) = values.fold((0.0, 0.0), |(sum, count), value| (sum + value, count + 1.0));
    sum / count
}

impl Measured {
    /// How many times what it cost at first an observation costs at last, each beside the look-up of its round.
    fn growth(&self) -> f64 {
        let ratio = self.judge.ratio_to(&self.reference);
        last(&ratio) / first(&ratio)
    }

    fn print(&self, principals: usize) {
        println!(
            "{principals:>10}  {:>28.0}  {:>16}  {:>24.0}  {:>22.1}  {:>9}  {:>11}  {:>9}",
            self.judge.spread(),
            format!("{:.0}, {:.0}", first(&self.judge), last(&self.judge)),
            self.reference.spread(),
            self.judge.ratio_to(&self.reference).spread(),
            self.peak_bytes >> 20,
            self.peak_bytes / principals,
            self.endpoints
        );
        println!("{:>10}  {} cases; tables: {:?}", "", self.cases, self.tables);
    }
}
