//! A conversation written down beforehand, spoken over real sockets: every request and its answer in one order. Must
//! not know what it shows.
//!
//! One line of the file is one request, the address that it comes from, and the answer. The clients wait for each
//! answer, so the server need only say the next one.

pub mod plot;

use std::{
    collections::HashMap,
    io::{BufRead as _, BufReader, Read, Write as _},
    net::{IpAddr, SocketAddr, TcpListener, TcpStream},
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use anyhow::{Context as _, Result, bail};
use serde::{Deserialize, Serialize};

/// How long an answer, or the next request of an idle client, may take.
const PATIENCE: Duration = Duration::from_mins(1);
/// Longest request and answer, bytes.
const MESSAGE_BYTES: usize = 1 << 20;

/// One request and its answer.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Line {
    /// Where it comes from.
    pub from: IpAddr,
    /// The request, as on the wire; with `Content-Length` if it has a body.
    pub request: String,
    /// The answer, likewise.
    pub answer: String,
    /// How long the client waits before it asks, milliseconds.
    #[serde(default)]
    pub pause_ms: u64,
}

/// Writes a conversation to a file.
pub fn write(path: &Path, lines: &[Line]) -> Result<()> {
    let mut text = String::new();
    for line in lines {
        text += &serde_json::to_string(line)?;
        text.push('\n');
    }
    std::fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
}

/// Reads it.
pub fn read(path: &Path) -> Result<Vec<Line>> {
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    let lines = text.lines().map(serde_json::from_str);
    lines
        .collect::<Result<_, _>>()
        .with_context(|| format!("{} is no conversation", path.display()))
}

/// The server: says the answers in their order, until the process ends.
pub fn serve(at: SocketAddr, lines: Vec<Line>) -> Result<()> {
    let listener = TcpListener::bind(at).with_context(|| format!("cannot listen at {at}"))?;
    println!("listening at {at}");
    let answers = Arc::new(Mutex::new(lines.into_iter().map(|line| line.answer)));
    for stream in listener.incoming() {
        let (stream, answers) = (stream?, Arc::clone(&answers));
        std::thread::spawn(move || {
            // A client that is gone needs no answer.
            let _ = speak(stream, || {
                answers.lock().unwrap_or_else(PoisonError::into_inner).next()
            });
        });
    }
    Ok(())
}

fn speak(stream: TcpStream, mut next: impl FnMut() -> Option<String>) -> Result<()> {
    stream.set_nodelay(true)?;
    let mut heard = BufReader::new(stream.try_clone()?);
    let mut said = stream;
    while message(&mut heard)? {
        let answer = next().context("there is no further answer")?;
        said.write_all(answer.as_bytes())?;
    }
    Ok(())
}

/// The clients: say each request once the answer to the one before has come.
pub fn play(to: SocketAddr, lines: &[Line]) -> Result<()> {
    let mut open: HashMap<IpAddr, BufReader<TcpStream>> = HashMap::new();
    for (number, line) in lines.iter().enumerate() {
        std::thread::sleep(Duration::from_millis(line.pause_ms));
        let said = exchange(&mut open, to, line);
        said.with_context(|| format!("line {} ({})", number + 1, line.from))?;
    }
    Ok(())
}

fn exchange(open: &mut HashMap<IpAddr, BufReader<TcpStream>>, to: SocketAddr, line: &Line) -> Result<()> {
    let stream = match open.entry(line.from) {
        std::collections::hash_map::Entry::Occupied(known) => known.into_mut(),
        std::collections::hash_map::Entry::Vacant(room) => {
            room.insert(BufReader::new(connect(line.from, to)?))
        }
    };
    stream.get_mut().write_all(line.request.as_bytes())?;
    if !message(stream)? {
        bail!("the server hung up");
    }
    Ok(())
}

/// A connection from a chosen address.
fn connect(from: IpAddr, to: SocketAddr) -> Result<TcpStream> {
    use rustix::net::{AddressFamily, SocketType, bind, connect, socket};
    let family = if from.is_ipv4() {
        AddressFamily::INET
    } else {
        AddressFamily::INET6
    };
    let socket = socket(family, SocketType::STREAM, None)?;
    bind(&socket, &SocketAddr::new(from, 0)).with_context(|| format!("cannot use {from}"))?;
    connect(&socket, &to).with_context(|| format!("cannot reach {to} from {from}"))?;
    let stream = TcpStream::from(socket);
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    Ok(stream)
}

/// Reads one message to its end. `false`: none came.
fn message(stream: &mut BufReader<TcpStream>) -> Result<bool> {
    let (mut len, mut line, mut bytes) = (0, String::new(), 0);
    loop {
        line.clear();
        bytes += stream.read_line(&mut line)?;
        if line.is_empty() && bytes == 0 {
            return Ok(false);
        }
        if bytes > MESSAGE_BYTES || line.is_empty() {
            bail!("a head without end");
        }
        if line == "\r\n" {
            break;
        }
        if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            len = value.trim().parse().context("Content-Length")?;
        }
    }
    if len > MESSAGE_BYTES {
        bail!("a body of {len} bytes");
    }
    let mut body = vec![0; len];
    stream.read_exact(&mut body)?;
    Ok(true)
}
