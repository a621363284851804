//! `apimon report`: one HTML file of what the daemon has seen, found and done. `apimon replay --report` makes the same
//! of a capture. Must not know how the page is made.

use std::{
    fs::File,
    io::Write,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};

use super::{args::ControlArgs, out::Out, text};
use crate::{
    control::{
        client::{Client, ClientError},
        dto::{Explanation, Span, Status},
    },
    report::{LINES_MAX, Report, Timeline},
    time::Clock,
    verdict::Mode,
};

const AFTER_HELP: &str = "\
The file needs nothing else: it loads nothing and runs nothing, and can be sent
by mail. What stands in it is what `apimon cases`, `explain`, `endpoints` and
`sources` show: no secrets, but addresses and what the API is called like.

Of a capture: apimon replay FILE --report report.html";

#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(super) struct Args {
    /// Where it goes; - is standard output
    #[arg(long, short, value_name = "FILE", default_value = "apimon-report.html")]
    out: PathBuf,
    /// Only the last ten minutes of the timeline, second by second, instead of the last day
    #[arg(long)]
    recent: bool,
    #[command(flatten)]
    control: ControlArgs,
}

pub(super) fn run(args: &Args, out: &mut Out) -> Result<()> {
    let span = if args.recent { Span::Second } else { Span::Minute };
    let report = of_daemon(&args.control.client(), span)?;
    Sheet::open(&args.out)?.write(&report, out)?;
    if args.out != Path::new("-") {
        let said = args.out.display().to_string();
        let cases = report.cases.len();
        out.line(format_args!("{}: {cases} cases", text::safe(&said)))?;
    }
    Ok(())
}

/// Where the page goes: open before anything is read, since a replay may open nothing after that.
pub(super) enum Sheet {
    Out,
    File(PathBuf, File),
}

impl Sheet {
    /// A file, emptied; `-` is standard output.
    pub(super) fn open(path: &Path) -> Result<Self> {
        if path == Path::new("-") {
            return Ok(Self::Out);
        }
        let file = File::create(path).with_context(|| format!("cannot write {}", path.display()))?;
        Ok(Self::File(path.to_owned(), file))
    }

    pub(super) fn write(self, report: &Report, out: &mut Out) -> Result<()> {
        let page = report.html();
        match self {
            Self::Out => Ok(out.write_all(page.as_bytes())?),
            Self::File(path, mut file) => file
                .write_all(page.as_bytes())
                .with_context(|| format!("cannot write {}", path.display())),
        }
    }
}

fn of_daemon(client: &Client, span: Span) -> Result<Report> {
    let status = client.status()?;
    let cases = client.cases()?;
    let graded = cases.iter().map(|case| (case.number, case.severity)).collect();
    let (chosen, cases_left_out) = Report::choose(graded);
    let explained: Result<Vec<Explanation>, ClientError> = chosen
        .into_iter()
        .filter_map(|number| match client.explain(number) {
            // It was forgotten in between.
            Err(ClientError::Refused(refused)) if refused.code == "not-found" => None,
            answer => Some(answer),
        })
        .collect();
    let host = rustix::system::uname();
    Ok(Report {
        about: format!("the daemon on {}", host.nodename().to_string_lossy()),
        made: Some(Clock.wall().rfc3339()),
        facts: facts(&status),
        timeline: Timeline::of(&client.history(span)?),
        dropped: match status.mode {
            Mode::Enforce => "Packets dropped",
            Mode::Observe => "Packets that would have been dropped",
        },
        cases: explained?,
        cases_left_out,
        endpoints: client.endpoints()?,
        sources: client.sources(LINES_MAX)?,
        actors: client.actors(LINES_MAX)?,
        leases: client.leases()?,
        losses: status.losses,
    })
}

fn facts(status: &Status) -> Vec<(&'static str, String)> {
    let totals = &status.totals;
    let mode = match status.mode {
        Mode::Observe => "observe: nothing is dropped",
        Mode::Enforce => "enforce",
    };
    let interfaces: Vec<&str> = status.interfaces.iter().map(|i| i.name.as_str()).collect();
    vec![
        ("Mode", mode.to_owned()),
        (
            "Running",
            format!(
                "{}, since {}",
                text::span(status.uptime_seconds),
                super::when(&status.started)
            ),
        ),
        (
            "Watched",
            format!("{}, ports {}", interfaces.join(", "), status.ports_text()),
        ),
        ("Packets", text::count(totals.packets)),
        ("Dropped", text::count(totals.dropped)),
        ("Requests read", text::count(totals.transactions)),
        ("Findings", text::count(totals.findings)),
        ("Cases opened", totals.cases.to_string()),
        ("Leases in force", totals.leases.to_string()),
    ]
}
