//! `apimon replay`: a capture file through the same stages as the daemon's traffic.
//!
//! Standard output carries nothing but data; everything else goes to stderr. The same capture gives the same output
//! every time, byte for byte.

mod paper;
mod summary;

use std::{
    io::{self, Write},
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};

use self::{paper::Paper, summary::Summary};
use super::{out::Out, progress::Progress, report::Sheet, text};
use crate::{
    backtest::Backtest,
    config::{self, Overrides},
    hostnet,
    http::transaction::{Transaction, TransactionSink},
    journal::{
        ecs,
        event::{EventKind, JournalEvent},
    },
    limits::Limits,
    observe::{Observation, identity::InstallKey},
    pipeline::{Pipeline, Watcher},
    privilege::{Purpose, Sandbox},
    replay::TransactionLines,
    report::Report,
    source::{Capture, CaptureError, Input},
    state,
    verdict::Mode,
};

/// The key of fingerprints in replays: fixed, so that two replays can be compared. It protects nothing; with
/// `--state-dir` the installation's own key is used, and fingerprints are those of its log.
const REPLAY_KEY: [u8; 16] = *b"apimon-replay-v1";

const AFTER_HELP: &str = "\
Examples:
  apimon replay capture.pcapng --transactions | jq -c 'select(.status >= 500)'
  apimon replay capture.pcap.gz --cases
  tcpdump -w - -i any tcp port 8080 | apimon replay - --cases
  apimon replay capture.pcapng --report report.html

Nothing is dropped by a replay: verdicts are those of observe mode. Without
--transactions and --cases only the summary is printed, on stderr: what was read,
and what was not, by reason. Credentials
stand in the output as fingerprints under a fixed key; with --state-dir under
the key of that installation.";

#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(super) struct Args {
    /// Capture file, pcap or pcapng; - is standard input
    file: PathBuf,
    /// Print one JSON object a transaction
    #[arg(long)]
    transactions: bool,
    /// Print the cases, as lines of the anomaly log (after the transactions, if both are asked for)
    #[arg(long)]
    cases: bool,
    /// Write a report of what was found as one HTML file
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
    /// Print the summary as one JSON object: on standard output, or on stderr beside data
    #[arg(long)]
    json: bool,
    /// Configuration file, for detectors and verdicts [default: none]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Directory with the fingerprint key of an installation [default: a fixed key]
    #[arg(long, value_name = "DIR")]
    state_dir: Option<PathBuf>,
}

pub(super) fn run(args: &Args, out: &mut Out) -> Result<()> {
    let failed = || format!("replay of {}", args.file.display());
    let pipeline = pipeline(args)?;
    let file = Input::open(&args.file).with_context(failed)?;
    let sheet = args.report.as_deref().map(Sheet::open).transpose()?;
    // From here on a stranger's bytes are read, and nothing else is needed than what is open.
    Sandbox::new(Purpose::Replay)
        .context("cannot make the sandbox of the replay")?
        .enter();
    let mut capture = Capture::new(file).with_context(failed)?;
    let mut replay = Replay {
        pipeline,
        data: Data::new(args.transactions, out),
        cases: args.cases.then(Vec::new),
        backtest: Backtest::default(),
        paper: args.report.as_ref().map(|_| Paper::default()),
        json: args.json,
        progress: Progress::default(),
    };
    let read = replay.read(&mut capture);
    let report = replay.finish()?;
    if let (Some(sheet), Some(mut report)) = (sheet, report) {
        let name = args.file.file_name().unwrap_or(args.file.as_os_str());
        report.about = format!("the capture {}", name.to_string_lossy());
        sheet.write(&report, out)?;
    }
    read.with_context(failed)
}

fn pipeline(args: &Args) -> Result<Pipeline> {
    // The file of the running daemon is not read unless named: a replay does not depend on where it runs.
    let none = Path::new("/dev/null");
    let mut settings = config::load(
        Some(args.config.as_deref().unwrap_or(none)),
        &Overrides::default(),
    )?;
    settings.judge.mode = Mode::Observe;
    let key = match &args.state_dir {
        Some(dir) => state::key::load_or_create(dir)?,
        None => REPLAY_KEY,
    };
    let observe = settings.observe.clone();
    let mut pipeline = Pipeline::new(
        Limits::default(),
        observe,
        settings.judge.clone(),
        InstallKey(key),
    );
    let never = hostnet::gate_set(&hostnet::allowed(&settings.allow, []));
    pipeline.judge_mut().set_never_block(never);
    Ok(pipeline)
}

struct Replay<'a> {
    pipeline: Pipeline,
    data: Data<'a>,
    /// Lines of the log, kept until the transactions are out. Few: a case is said anew only when it has doubled.
    cases: Option<Vec<u8>>,
    backtest: Backtest,
    paper: Option<Paper>,
    json: bool,
    progress: Progress,
}

/// Standard output, with or without transactions on it.
enum Data<'a> {
    Transactions(TransactionLines<&'a mut Out>),
    None(&'a mut Out),
}

impl<'a> Data<'a> {
    fn new(transactions: bool, out: &'a mut Out) -> Self {
        if transactions {
            Self::Transactions(TransactionLines::new(out))
        } else {
            Self::None(out)
        }
    }

    /// Whether nobody takes the output any more: going on is no use.
    fn has_failed(&self) -> bool {
        matches!(self, Self::Transactions(lines) if lines.has_failed())
    }

    /// Lines that could not be held back for an earlier one.
    fn out_of_order(&self) -> u64 {
        match self {
            Self::Transactions(lines) => lines.written().out_of_order,
            Self::None(_) => 0,
        }
    }

    /// Writes what waits, and gives the output back.
    fn finish(self) -> io::Result<&'a mut Out> {
        match self {
            Self::Transactions(lines) => lines.finish(),
            Self::None(out) => Ok(out),
        }
    }
}

impl Watcher for Data<'_> {
    fn observed(&mut self, transaction: &Transaction<'_>, observation: &Observation) {
        if let Self::Transactions(lines) = self {
            lines.observed(transaction, Some(observation));
        }
    }

    fn abandoned(&mut self, ordinal: u64) {
        if let Self::Transactions(lines) = self {
            TransactionSink::abandoned(lines, ordinal);
        }
    }
}

/// Sees what is printed, and what is summed up.
struct Eyes<'a, 'b> {
    data: &'a mut Data<'b>,
    backtest: &'a mut Backtest,
    paper: Option<&'a mut Paper>,
}

impl Watcher for Eyes<'_, '_> {
    fn observed(&mut self, transaction: &Transaction<'_>, observation: &Observation) {
        self.backtest.observed(observation);
        if let Some(paper) = &mut self.paper {
            paper.observed(observation);
        }
        self.data.observed(transaction, observation);
    }

    fn abandoned(&mut self, ordinal: u64) {
        Watcher::abandoned(self.data, ordinal);
    }
}

impl Replay<'_> {
    fn read(&mut self, capture: &mut Capture) -> Result<(), CaptureError> {
        while let Some(packet) = capture.next_packet()? {
            self.progress.packet(&packet);
            if let Some(paper) = &mut self.paper {
                paper.packet(&packet);
            }
            let mut eyes = Eyes {
                data: &mut self.data,
                backtest: &mut self.backtest,
                paper: self.paper.as_mut(),
            };
            self.pipeline.packet(&packet, &mut eyes);
            if self.pipeline.has_events() {
                self.take_events();
            }
            if self.data.has_failed() {
                break;
            }
        }
        Ok(())
    }

    fn take_events(&mut self) {
        let events = self.pipeline.take_events();
        for event in &events {
            self.backtest.said(event);
            if let Some(paper) = &mut self.paper {
                paper.said(event);
            }
        }
        let Some(cases) = &mut self.cases else { return };
        for event in events.iter().filter(|event| is_case(event)) {
            cases.extend_from_slice(ecs::line(event).as_bytes());
            cases.push(b'\n');
        }
    }

    /// Ends every connection, writes what waits, and tells what was read and lost, also when the capture was damaged.
    fn finish(mut self) -> Result<Option<Report>> {
        let mut eyes = Eyes {
            data: &mut self.data,
            backtest: &mut self.backtest,
            paper: self.paper.as_mut(),
        };
        self.pipeline.finish(&mut eyes);
        self.take_events();
        self.progress.clear();
        let summary = self.summary();
        let report = self
            .paper
            .take()
            .map(|paper| paper.report(&mut self.pipeline, &summary));
        let has_data = self.cases.is_some() || matches!(self.data, Data::Transactions(_));
        let out = self.data.finish()?;
        out.write_all(&self.cases.unwrap_or_default())?;
        let said = if !self.json {
            summary.to_string()
        } else if has_data {
            format!("{}\n", serde_json::to_string(&summary)?)
        } else {
            out.json(&summary)?;
            String::new()
        };
        out.flush()?;
        io::stderr()
            .write_all(said.as_bytes())
            .context("cannot write the summary")?;
        Ok(report)
    }

    fn summary(&mut self) -> Summary {
        let Progress { packets, bytes, .. } = self.progress;
        let judge = self.pipeline.judge_stats();
        let mut summary = Summary {
            packets,
            bytes,
            capture_seconds: self.progress.span().as_secs_f64(),
            observations: judge.observations,
            findings: judge.findings,
            cases: judge.cases_opened,
            ..Summary::default()
        };
        summary.would_do(std::mem::take(&mut self.backtest).report());
        summary.count(self.pipeline.reader_stats().counters());
        summary.count(self.pipeline.body_stats().counters());
        summary.count(self.pipeline.signature_stats().counters());
        summary.count([("lines_out_of_order", self.data.out_of_order())]);
        summary
    }
}

fn is_case(event: &JournalEvent) -> bool {
    matches!(
        event.kind,
        EventKind::CaseOpened(_) | EventKind::CaseUpdated(_) | EventKind::CaseClosed(_)
    )
}
