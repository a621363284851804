//! A flood of driver-like frames on veth: CPU time a packet of the shield with 1,000 and with 100,000 leased sources,
//! beside programs that drop everything, that read the source first, and that look it up in a hash map of the kernel,
//! alternating. And how a client on the flooded link is served meanwhile. `--json` prints one object a measurement,
//! without it ratios.
//!
//! Frames come from `BPF_PROG_RUN` with live frames, redirected into the link: frames of ordinary sockets would be
//! copied before native XDP sees them. CPU time is that of sending, the link and the drop, all on one processor.

use std::{
    collections::BTreeMap,
    io::{Read as _, Write as _},
    net::{TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use anyhow::{Context as _, Result, anyhow, bail, ensure};
use apimon::kernel::{KernelSettings, Kind, Mode};
use apimon_tests::{
    assembled::{Assembled, Attached},
    cputime::Processor,
    frames::Shape,
    kernel::{TestKernel, enter},
    netns::{Lab, Space},
    series::Series,
    wait,
};
use clap::Parser;
use monitor_common::{IpKey, Prefix, counter::Counter};

/// Measures drops in a flood.
#[derive(Parser)]
struct Args {
    /// Frames of one measurement.
    #[arg(long, default_value_t = 4_000_000)]
    frames: u32,
    /// Measurements of each kind; they alternate.
    #[arg(long, default_value_t = 5)]
    rounds: u32,
    /// For how long the client is watched, with and without the flood, seconds.
    #[arg(long, default_value_t = 3)]
    client_seconds: u64,
    /// One JSON object a measurement, as they are made.
    #[arg(long)]
    json: bool,
}

/// The first of the sources.
const FIRST: [u8; 4] = [10, 0, 0, 0];
const FEW: u32 = 1_000;
const MANY: u32 = 100_000;
/// The processor that floods.
const PROCESSOR: usize = 0;

/// What stands at the far end of a link.
enum Filter {
    Plain(#[expect(dead_code, reason = "what holds it there")] Attached),
    Shield(Box<TestKernel>),
}

/// A link with a filter at its far end, and what floods it.
struct Link {
    name: &'static str,
    reference: Option<&'static str>,
    number: usize,
    filter: Filter,
    generator: Assembled,
}

const BARE: &str = "bare drop, 1,000 sources";
const HASH: &str = "hash lookup, 100,000 sources";
const READ: &str = "source read, 1,000 sources";
const HASH_FEW: &str = "hash lookup, 1,000 sources";
const SHIELD_FEW: &str = "shield, 1,000 sources";
const SHIELD_MANY: &str = "shield, 100,000 sources";

fn main() -> Result<()> {
    let args = Args::parse();
    let lab = Lab::new("flood")?;
    let (host, outside) = (lab.space("host")?, lab.space("out")?);
    let frame = Shape {
        padding: 6,
        ..Shape::tcp(b"")
    }
    .build();
    let links = [
        (BARE, None),
        (READ, Some(BARE)),
        (HASH_FEW, Some(BARE)),
        (SHIELD_FEW, Some(BARE)),
        (HASH, None),
        (SHIELD_MANY, Some(HASH)),
    ];
    let made: Result<Vec<Link>> = links
        .into_iter()
        .enumerate()
        .map(|(number, (name, reference))| link(&host, &outside, number, name, reference))
        .collect();
    let links = made?;
    let figures = in_space(outside.name(), move || {
        let processor = Processor::bind(PROCESSOR)?;
        let figures = measure(&args, &links, &frame, &processor)?;
        Ok((args, links, figures, frame))
    })?;
    let (args, links, figures, frame) = figures.join().map_err(|_| anyhow!("the flood panicked"))??;
    if !args.json {
        table(&links, &figures);
    }
    // A link has its own limits: what a client loses behind a bare lookup, no shield can save.
    for link in links
        .into_iter()
        .filter(|link| [HASH, SHIELD_MANY].contains(&link.name))
    {
        served(&args, &host, &outside, link, frame.clone())?;
    }
    Ok(())
}

/// Runs `work` on a thread of its own in a namespace.
fn in_space<R: Send + 'static>(
    space: &str,
    work: impl FnOnce() -> Result<R> + Send + 'static,
) -> Result<JoinHandle<Result<R>>> {
    let space = space.to_owned();
    Ok(thread::Builder::new().spawn(move || {
        enter(&space)?;
        work()
    })?)
}

fn link(
    host: &Space,
    outside: &Space,
    number: usize,
    name: &'static str,
    reference: Option<&'static str>,
) -> Result<Link> {
    let (near, far) = (format!("out{number}"), format!("in{number}"));
    host.connect(&far, outside, &near)?;
    host.ip(&format!("addr add 10.200.{number}.1/24 dev {far}"))?;
    outside.ip(&format!("addr add 10.200.{number}.2/24 dev {near}"))?;
    let index = |space: &Space, interface: &str| -> Result<u32> {
        let shown = space.ip(&format!("-o link show dev {interface}"))?;
        Ok(shown.split(':').next().context("no index")?.trim().parse()?)
    };
    let (near_index, far_index) = (index(outside, &near)?, index(host, &far)?);
    let many = name == HASH || name == SHIELD_MANY;
    let sources = if many { MANY } else { FEW };
    let filter = in_space(host.name(), move || {
        Ok(match name {
            BARE => Filter::Plain(Assembled::drop_all()?.attach(far_index)?),
            READ => Filter::Plain(Assembled::drop_after_reading()?.attach(far_index)?),
            HASH | HASH_FEW => {
                Filter::Plain(Assembled::drop_by_hash(addresses(sources), sources)?.attach(far_index)?)
            }
            _ => Filter::Shield(Box::new(shield(&far, sources)?)),
        })
    })?;
    Ok(Link {
        name,
        reference,
        number,
        filter: filter.join().map_err(|_| anyhow!("attaching panicked"))??,
        generator: Assembled::generator(near_index, FIRST, sources)?,
    })
}

fn addresses(count: u32) -> impl Iterator<Item = [u8; 4]> {
    (0..count).map(|number| (u32::from_be_bytes(FIRST) + number).to_be_bytes())
}

fn shield(interface: &str, sources: u32) -> Result<TestKernel> {
    let settings = KernelSettings {
        mode: Mode::Enforce,
        interfaces: vec![interface.to_owned()],
        ..KernelSettings::default()
    };
    let kernel = TestKernel::load("flood", settings)?;
    let mut leases = kernel.kernel.leases();
    for address in addresses(sources) {
        leases.put(Prefix::host(IpKey::from_v4(address)), u64::MAX, Kind::Drop, 0)?;
    }
    Ok(kernel)
}

type Figures = BTreeMap<&'static str, Series>;

/// CPU nanoseconds a packet, in rounds.
fn measure(args: &Args, links: &[Link], frame: &[u8], processor: &Processor) -> Result<Figures> {
    let mut figures = Figures::new();
    for round in 0..args.rounds {
        for link in links {
            let took = link.flood(args.frames, frame, processor)?;
            let nanos = took.as_secs_f64() * 1e9 / f64::from(args.frames);
            figures.entry(link.name).or_default().push(nanos);
            if args.json {
                let line = serde_json::json!({
                    "bench": "flood", "name": link.name, "round": round, "cpu_ns_per_packet": nanos,
                });
                println!("{line}");
            }
        }
    }
    Ok(figures)
}

impl Link {
    /// CPU time of so many frames. A machine with other things to do lets the ring of the link fill up; a measurement
    /// in which more than one frame of a hundred was lost that way is made again.
    fn flood(&self, frames: u32, frame: &[u8], processor: &Processor) -> Result<Duration> {
        const TRIES: u32 = 10;
        for _ in 0..TRIES {
            let dropped = self.dropped()?;
            let before = processor.time()?;
            self.generator.run_live(frame, frames)?;
            let took = processor.time()?.saturating_sub(before);
            let arrived = self.dropped()?.zip(dropped).map(|(after, before)| after - before);
            if arrived.is_none_or(|arrived| arrived * 100 > u64::from(frames) * 99) {
                return Ok(took);
            }
        }
        bail!(
            "{}: in {TRIES} tries more than one frame of a hundred was lost",
            self.name
        )
    }

    /// Packets that its shield has dropped, if it has one.
    fn dropped(&self) -> Result<Option<u64>> {
        match &self.filter {
            Filter::Shield(kernel) => Ok(Some(kernel.counts()?.get(Counter::ShieldDroppedLease))),
            Filter::Plain(_) => Ok(None),
        }
    }
}

fn table(links: &[Link], figures: &Figures) {
    println!("flood                           CPU ns a packet   packets/s, ratio to its reference");
    for link in links {
        let Some(series) = figures.get(link.name) else {
            continue;
        };
        let reference = link.reference.and_then(|name| Some((name, figures.get(name)?)));
        let ratio = reference.map_or(String::new(), |(name, other)| {
            format!("{:.2} of {name}", other.ratio_to(series).spread())
        });
        println!(
            "  {:<28} {:>18}   {ratio}",
            link.name,
            format!("{:.0}", series.spread())
        );
    }
}

/// Requests of a client on the flooded link: without the flood, then during it.
fn served(args: &Args, host: &Space, outside: &Space, link: Link, frame: Vec<u8>) -> Result<()> {
    let (name, address) = (link.name, format!("10.200.{}.1:80", link.number));
    let listens = address.clone();
    let server = in_space(host.name(), move || serve(&TcpListener::bind(listens)?))?;
    let span = Duration::from_secs(args.client_seconds);
    let ask = |address: String| in_space(outside.name(), move || Ok(ask(&address, span)));
    let quiet = ask(address.clone())?
        .join()
        .map_err(|_| anyhow!("the client panicked"))??;
    let over = Arc::new(AtomicBool::new(false));
    let told = Arc::clone(&over);
    let flood = in_space(outside.name(), move || {
        let _bound = Processor::bind(PROCESSOR)?;
        let mut frames = 0_u64;
        let start = wait::now_ns();
        while !told.load(Ordering::Relaxed) {
            link.generator.run_live(&frame, 100_000)?;
            frames += 100_000;
        }
        Ok((frames, wait::elapsed(start)))
    })?;
    let flooded = ask(address.clone())?
        .join()
        .map_err(|_| anyhow!("the client panicked"))?;
    over.store(true, Ordering::Relaxed);
    let (frames, span) = flood.join().map_err(|_| anyhow!("the flood panicked"))??;
    let flooded = flooded?;
    // One that says nothing ends the server.
    in_space(outside.name(), move || {
        TcpStream::connect(address).map(drop).map_err(Into::into)
    })?
    .join()
    .map_err(|_| anyhow!("the last client panicked"))??;
    server.join().map_err(|_| anyhow!("the server panicked"))??;
    let rate = u128::from(frames) * 1_000_000_000 / span.as_nanos().max(1);
    println!("a client on the link, {name}: {quiet}; in a flood of {rate} packets/s: {flooded}");
    ensure!(flooded.failed == 0, "requests failed during the flood");
    Ok(())
}

/// What became of a client's requests.
struct Served {
    answered: u32,
    failed: u32,
    median: Duration,
}

impl std::fmt::Display for Served {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            answered,
            failed,
            median,
        } = self;
        write!(f, "{answered} answered, {failed} failed, median {median:.0?}")
    }
}

/// Answers one request a connection, until one comes without any.
fn serve(listener: &TcpListener) -> Result<()> {
    loop {
        let (mut stream, _) = listener.accept()?;
        let mut request = [0; 64];
        if stream.read(&mut request)? == 0 {
            return Ok(());
        }
        stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n")?;
    }
}

/// One request a connection, one after the other.
fn ask(address: &str, span: Duration) -> Served {
    let once = || -> Result<()> {
        let mut stream = TcpStream::connect(address)?;
        stream.set_read_timeout(Some(Duration::from_secs(2)))?;
        stream.write_all(b"GET / HTTP/1.1\r\n\r\n")?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        ensure!(answer.contains("204"), "answered {answer:?}");
        Ok(())
    };
    let (start, mut times, mut failed) = (wait::now_ns(), Vec::new(), 0);
    while wait::elapsed(start) < span {
        let begun = wait::now_ns();
        match once() {
            Ok(()) => times.push(wait::elapsed(begun)),
            Err(_) => failed += 1,
        }
    }
    times.sort_unstable();
    Served {
        answered: u32::try_from(times.len()).unwrap_or(u32::MAX),
        failed,
        median: times.get(times.len() / 2).copied().unwrap_or_default(),
    }
}
