//! `bench replay`: requests a CPU second of the reader, with and without judging, beside the bare loop, on one thread
//! and the same capture in memory, alternating.
//!
//! `bench-replay [REQUESTS] [ROUNDS]`
#![expect(clippy::cast_precision_loss, reason = "counts of a bench are far below 2^52")]

use std::{io::Cursor, time::Duration};

use anyhow::{Context as _, Result, ensure};
use apimon::{
    enforce::{EnforceError, LeaseChange, LeaseSink},
    http::transaction::{Transaction, TransactionSink},
    journal::event::JournalEvent,
    judge::{Judge, JudgeSettings},
    limits::Limits,
    observe::{extract::Extractor, identity::InstallKey},
    reader::Reader,
    source::Capture,
};
use apimon_tests::{bare, series::Series, workload};

fn main() -> Result<()> {
    let mut args = std::env::args().skip(1);
    let requests: u64 = args
        .next()
        .map_or(Ok(200_000), |text| text.parse())
        .context("REQUESTS is a number")?;
    let rounds: u32 = args
        .next()
        .map_or(Ok(5), |text| text.parse())
        .context("ROUNDS is a number")?;
    let mut capture = Vec::new();
    let written = workload::write_capture(&mut capture, requests)?;
    println!(
        "replay: {} requests, {} frames, {:.0} MB, {rounds} rounds on one thread",
        written.requests,
        written.frames,
        written.bytes as f64 / 1e6
    );
    let capture: &'static [u8] = capture.leak();
    let (mut bare, mut read, mut judged) = (Series::default(), Series::default(), Series::default());
    for _ in 0..rounds {
        bare.push(rate(requests, || bare::walk(capture).requests)?);
        read.push(rate(requests, || {
            replay(capture, Count::default()).map_or(0, |count| count.0)
        })?);
        judged.push(rate(requests, || {
            replay(capture, Judging::new()).map_or(0, |judging| judging.count)
        })?);
    }
    for (name, series) in [
        ("bare loop", &bare),
        ("reader", &read),
        ("reader and judge", &judged),
    ] {
        let megabytes = series.spread().median * written.bytes as f64 / requests as f64 / 1e6;
        println!(
            "{name:<18}{:>36.0} requests/CPU s {megabytes:>8.0} MB/CPU s",
            series.spread()
        );
    }
    println!(
        "reader / bare loop            {:.2}   (0.60 or more is the aim)",
        read.ratio_to(&bare).spread()
    );
    println!(
        "reader and judge / bare loop  {:.2}   (0.45 or more is the aim)",
        judged.ratio_to(&bare).spread()
    );
    Ok(())
}

/// Requests a CPU second of this thread. Fails if the work was not all done: a bench of nothing is fast.
fn rate(requests: u64, work: impl FnOnce() -> u64) -> Result<f64> {
    let before = cpu_time();
    let done = work();
    let spent = cpu_time().saturating_sub(before);
    ensure!(done == requests, "{done} of {requests} requests were read");
    Ok(requests as f64 / spent.as_secs_f64())
}

fn cpu_time() -> Duration {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::new(
        u64::try_from(now.tv_sec).unwrap_or(0),
        u32::try_from(now.tv_nsec).unwrap_or(0),
    )
}

fn replay<S: TransactionSink>(file: &'static [u8], mut sink: S) -> Result<S> {
    let mut capture = Capture::from_reader(Box::new(Cursor::new(file)))?;
    let mut reader = Reader::new(Limits::default());
    while let Some(packet) = capture.next_packet()? {
        reader.packet(&packet, &mut sink);
    }
    reader.finish(&mut sink);
    Ok(sink)
}

/// Counts answered transactions.
#[derive(Default)]
struct Count(u64);

impl TransactionSink for Count {
    fn transaction(&mut self, transaction: &Transaction<'_>) {
        self.0 += u64::from(transaction.response.is_some());
    }
}

/// Observes and judges every transaction, in observe mode, as the daemon does.
struct Judging {
    count: u64,
    extractor: Extractor,
    judge: Judge,
    events: Vec<JournalEvent>,
}

impl Judging {
    fn new() -> Self {
        let key = InstallKey([7; 16]);
        Self {
            count: 0,
            extractor: Extractor::new(key),
            judge: Judge::new(JudgeSettings::default(), key),
            events: Vec::new(),
        }
    }
}

impl TransactionSink for Judging {
    fn transaction(&mut self, transaction: &Transaction<'_>) {
        self.count += u64::from(transaction.response.is_some());
        let observation = self.extractor.extract(transaction);
        self.judge.observe(&observation, &mut Nothing, &mut self.events);
        self.events.clear();
    }
}

/// Takes leases and does nothing with them.
struct Nothing;

impl LeaseSink for Nothing {
    fn apply(&mut self, _: LeaseChange) -> Result<(), EnforceError> {
        Ok(())
    }
}
