//! `bench replay`: requests a CPU second of the reader, with and without judging, beside the bare loop, on one thread
//! and the same capture file in the page cache, alternating. Each begins with opening the file.
//!
//! `bench-replay [REQUESTS] [ROUNDS]`; `bench-replay once bare|reader|judge|bodies FILE` does one of them and says how
//! much memory that took, `bench-replay write FILE REQUESTS` keeps the capture: for profilers.
#![expect(clippy::cast_precision_loss, reason = "counts of a bench are far below 2^52")]

use std::{
    env,
    fs::{self, File},
    io::{BufWriter, Write as _},
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use anyhow::{Context as _, Result, bail, ensure};
use apimon::{
    body::BodySettings,
    http::transaction::{BodyPart, HeadBuf, Mark, Part, Transaction, TransactionSink, Version},
    judge::JudgeSettings,
    limits::{BodyLimits, Limits},
    observe::{bodies::Bodies, identity::InstallKey},
    pipeline::Pipeline,
    reader::Reader,
    source::Capture,
};
use apimon_tests::{
    bare,
    mapped::Mapped,
    series::Series,
    workload::{self, Written},
};

/// What the reader, with judging, may take of memory on a capture of any length.
const PEAK_MIB: u64 = 64;

fn main() -> Result<()> {
    let args: Vec<String> = env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    match *args.as_slice() {
        ["once", what, file] => once(what.parse()?, Path::new(file)),
        ["walk"] => {
            println!("{:.0} {:.0} MB/CPU s", walker_rate(DOCUMENT)?, walker_rate(IDS)?);
            Ok(())
        }
        ["write", file, requests] => {
            let requests = requests.parse().context("REQUESTS is a number")?;
            write(Path::new(file), requests).map(drop)
        }
        [] => bench(220_000, 5),
        [requests] => bench(requests.parse().context("REQUESTS is a number")?, 5),
        [requests, rounds] => bench(
            requests.parse().context("REQUESTS is a number")?,
            rounds.parse().context("ROUNDS is a number")?,
        ),
        _ => bail!("usage: bench-replay [REQUESTS] [ROUNDS]"),
    }
}

/// What is measured.
#[derive(Clone, Copy)]
enum Work {
    Bare,
    Reader,
    /// Without bodies.
    Judge,
    /// As replay does it unless told otherwise: bodies are read as well.
    Bodies,
}

impl Work {
    const ALL: [Self; 4] = [Self::Bare, Self::Reader, Self::Judge, Self::Bodies];

    fn name(self) -> &'static str {
        match self {
            Self::Bare => "bare",
            Self::Reader => "reader",
            Self::Judge => "judge",
            Self::Bodies => "bodies",
        }
    }

    /// Reads the file from front to back. How many requests with their responses it found.
    fn run(self, file: &Path) -> Result<u64> {
        match self {
            Self::Bare => {
                let seen = bare::walk(Mapped::new(&File::open(file)?)?.bytes());
                Ok(seen.requests.min(seen.responses))
            }
            Self::Reader => read(file),
            Self::Judge => judge(file, false),
            Self::Bodies => judge(file, true),
        }
    }
}

impl std::str::FromStr for Work {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self> {
        let found = Self::ALL.into_iter().find(|work| work.name() == text);
        found.with_context(|| format!("{text} is none of bare, reader, judge, bodies"))
    }
}

fn bench(requests: u64, rounds: u32) -> Result<()> {
    let file = TemporaryFile::new();
    let written = write(&file.0, requests)?;
    println!(
        "replay: {} requests, {} frames, {:.0} MB, {rounds} rounds on one thread",
        written.requests,
        written.frames,
        written.bytes as f64 / 1e6
    );
    let mut series = Work::ALL.map(|work| (work, Series::default()));
    for _ in 0..rounds {
        for (work, series) in &mut series {
            series.push(rate(requests, || work.run(&file.0))?);
        }
    }
    for (work, series) in &series {
        let megabytes = series.spread().median * written.bytes as f64 / requests as f64 / 1e6;
        println!(
            "{:<8}{:>36.0} requests/CPU s {megabytes:>8.0} MB/CPU s",
            work.name(),
            series.spread()
        );
    }
    let [(_, bare), (_, reader), (_, judge), (_, bodies)] = &series;
    println!(
        "reader / bare  {:.2}   (0.60 or more is the aim)",
        reader.ratio_to(bare).spread()
    );
    println!(
        "judge / bare   {:.2}   (0.45 or more is the aim; reader, observation and judging)",
        judge.ratio_to(bare).spread()
    );
    println!(
        "bodies / bare  {:.2}   (the same, and every body walked)",
        bodies.ratio_to(bare).spread()
    );
    println!(
        "walker         {:.0} MB/CPU s of JSON without ids, {:.0} of lists of ids   (500 or more is the aim for the first)",
        walker_rate(DOCUMENT)?,
        walker_rate(IDS)?
    );
    // In a process of its own: this one has mapped the file.
    let status = Command::new(env::current_exe()?)
        .args(["once", Work::Bodies.name()])
        .arg(&file.0)
        .status()?;
    ensure!(status.success(), "the run that measures memory failed");
    Ok(())
}

fn write(path: &Path, requests: u64) -> Result<Written> {
    let mut file = BufWriter::new(File::create(path)?);
    let written = workload::write_capture(&mut file, requests)?;
    file.flush()?;
    Ok(written)
}

/// Requests a CPU second of this thread. Fails if the work was not all done: a bench of nothing is fast.
fn rate(requests: u64, work: impl FnOnce() -> Result<u64>) -> Result<f64> {
    let before = cpu_time();
    let done = work()?;
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

fn once(work: Work, file: &Path) -> Result<()> {
    let done = work.run(file)?;
    println!(
        "{}: {done} requests, peak memory {} MiB (below {PEAK_MIB} is the aim)",
        work.name(),
        peak_memory_mib()?
    );
    Ok(())
}

/// The most memory that this process ever had, MiB (proc(5), `VmHWM`).
fn peak_memory_mib() -> Result<u64> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.and_then(|line| line.trim().strip_suffix(" kB"));
    let kib: u64 = kib.context("/proc/self/status has no VmHWM")?.parse()?;
    Ok(kib / 1024)
}

fn read(file: &Path) -> Result<u64> {
    let mut capture = Capture::open(file)?;
    let mut reader = Reader::new(Limits::default());
    let mut sink = Count::default();
    while let Some(packet) = capture.next_packet()? {
        reader.packet(&packet, &mut sink);
    }
    reader.finish(&mut sink);
    Ok(sink.0)
}

/// What `apimon replay --cases` does, but for printing.
fn judge(file: &Path, bodies: bool) -> Result<u64> {
    let settings = BodySettings {
        requests: bodies,
        responses: bodies,
        ..BodySettings::default()
    };
    let mut capture = Capture::open(file)?;
    let key = InstallKey([7; 16]);
    let mut pipeline = Pipeline::new(Limits::default(), settings, JudgeSettings::default(), key);
    let mut sink = Count::default();
    while let Some(packet) = capture.next_packet()? {
        pipeline.packet(&packet, &mut sink);
        if pipeline.has_events() {
            drop(pipeline.take_events());
        }
    }
    pipeline.finish(&mut sink);
    Ok(sink.0)
}

/// One element of a list, as APIs answer it.
const DOCUMENT: &str = r#"{"name":"A chair of oak","description":"Stands on four legs, takes a grown person, goes with every table.","price":129.9,"currency":"EUR","tags":["wood","kitchen","new"],"stock":{"warehouse":"north","count":17},"active":true},"#;
/// The same of a list that is nothing but references.
const IDS: &str =
    r#"{"id":104233,"customer_id":"d2c7a9f0-aaaa-4bbb-8ccc-000000000017","orderNo":"INV-77120"},"#;
/// Bytes walked to measure the walker.
const WALKED_BYTES: usize = 200 << 20;

/// Megabytes a CPU second of bodies made of this, in pieces of a segment's size, as the observation reads them.
fn walker_rate(element: &str) -> Result<f64> {
    let body = format!("[{}{{}}]", element.repeat((48 << 10) / element.len()));
    let head = HeadBuf::new(Version::Http11, &[("Content-Type", "application/json")]);
    let settings = BodySettings {
        requests: true,
        responses: true,
        ..BodySettings::default()
    };
    let mut bodies = Bodies::new(settings, BodyLimits::default(), InstallKey([7; 16]));
    let before = cpu_time();
    let rounds = WALKED_BYTES / body.len();
    for _ in 0..rounds {
        let mut mark = Mark::NEW;
        let mut offset = 0;
        for bytes in body.as_bytes().chunks(1448) {
            let head = head.as_head();
            let of = Part::Response;
            bodies.part(
                &BodyPart {
                    of,
                    head,
                    offset,
                    bytes,
                },
                &mut mark,
            );
            offset += bytes.len() as u64;
        }
        bodies.ends(true, mark);
        let found = bodies.take(mark).context("the body was not read")?;
        ensure!(
            found.read.walked_bytes == body.len() as u64,
            "the body was not read whole"
        );
    }
    let spent = cpu_time().saturating_sub(before);
    Ok((rounds * body.len()) as f64 / 1e6 / spent.as_secs_f64())
}

/// Counts answered transactions.
#[derive(Default)]
struct Count(u64);

impl TransactionSink for Count {
    fn transaction(&mut self, transaction: &Transaction<'_>) {
        self.0 += u64::from(transaction.response.is_some());
    }
}

/// A file name in the directory for temporary files; the file goes when this does.
struct TemporaryFile(PathBuf);

impl TemporaryFile {
    fn new() -> Self {
        Self(env::temp_dir().join(format!("apimon-bench-{}.pcap", std::process::id())))
    }
}

impl Drop for TemporaryFile {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}
