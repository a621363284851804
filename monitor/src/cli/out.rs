//! Standard output: buffered, with colour only where a person looks. Must not know what is written.

use std::{
    fmt,
    io::{self, BufWriter, IsTerminal, StdoutLock, Write},
};

use serde::Serialize;

/// Large enough that a replay does not spend its time in system calls.
const BUFFER_BYTES: usize = 64 * 1024;

/// How loud a word is meant.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Tone {
    Plain,
    Dim,
    Good,
    Warn,
    Bad,
}

impl Tone {
    fn code(self) -> &'static str {
        match self {
            Self::Plain => "",
            Self::Dim => "\x1b[2m",
            Self::Good => "\x1b[32m",
            Self::Warn => "\x1b[33m",
            Self::Bad => "\x1b[31m",
        }
    }
}

/// Where commands write.
pub(super) struct Out {
    to: BufWriter<StdoutLock<'static>>,
    colour: bool,
    width: Option<usize>,
    on_terminal: bool,
}

impl Out {
    /// Standard output; colour on a terminal, unless `NO_COLOR` is set (<https://no-color.org>).
    pub(super) fn stdout() -> Self {
        let wanted = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        let on_terminal = io::stdout().is_terminal();
        Self {
            on_terminal,
            colour: wanted && !dumb && on_terminal,
            width: terminal_width(),
            to: BufWriter::with_capacity(BUFFER_BYTES, io::stdout().lock()),
        }
    }

    /// Columns of the terminal, where one is written to: what goes into a file or a pipe is not cut.
    pub(super) fn width(&self) -> Option<usize> {
        self.width
    }

    /// As [`Self::width`], but nothing where no terminal is written to, whatever `COLUMNS` says: for lines that are no
    /// table.
    pub(super) fn terminal_width(&self) -> Option<usize> {
        self.width.filter(|_| self.on_terminal)
    }

    /// One line.
    pub(super) fn line(&mut self, text: fmt::Arguments<'_>) -> io::Result<()> {
        self.to.write_fmt(text)?;
        self.to.write_all(b"\n")
    }

    /// A value as indented JSON.
    pub(super) fn json<T: Serialize>(&mut self, value: &T) -> io::Result<()> {
        serde_json::to_writer_pretty(&mut self.to, value)?;
        self.to.write_all(b"\n")
    }

    /// `text` in the given tone, where colour is wanted.
    pub(super) fn tinted(&self, tone: Tone, text: &str) -> String {
        if self.colour && tone != Tone::Plain {
            format!("{}{text}\x1b[0m", tone.code())
        } else {
            text.to_owned()
        }
    }

    pub(super) fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}

/// `COLUMNS`, where it is exported, or what the terminal says.
fn terminal_width() -> Option<usize> {
    let said = std::env::var("COLUMNS").ok().and_then(|said| said.parse().ok());
    let size = || rustix::termios::tcgetwinsize(io::stdout()).ok();
    said.or_else(|| size().map(|size| usize::from(size.ws_col)))
        .filter(|columns| *columns > 0)
}

impl Write for Out {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.to.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}
