//! The terminal: taken over, drawn on, and given back however the program ends. Must not know what is drawn.

use std::{
    io,
    sync::{
        Mutex, PoisonError,
        mpsc::{self, Receiver, Sender},
    },
    thread::JoinHandle,
    time::Duration,
};

use anyhow::{Context, Result, anyhow, bail};
use ratatui::crossterm::event::{self, Event};
use tokio::signal::unix::{SignalKind, signal};

use super::{
    draw,
    feed::{self, Ask, Message},
    input::{self, Action},
    model::Model,
    theme::Theme,
};
use crate::{control::client::Client, time::Clock};

/// How long a key may take to be seen to, and what the daemon says to be shown.
const PATIENCE: Duration = Duration::from_millis(100);

/// How long the program may take to end by itself after a signal.
const GRACE: Duration = Duration::from_secs(1);
/// Exit code where it did not: that of a shell for SIGHUP.
const HUNG_UP: u8 = 129;

/// What a thread behind the screen has said when it panicked.
static SAID: Mutex<Option<String>> = Mutex::new(None);

/// The terminal, given back when this is dropped, and before a panic of its thread says what it is. Once only: twice
/// would set the cursor back onto what was said.
struct Taken;

impl Taken {
    fn take() -> io::Result<(Self, ratatui::DefaultTerminal)> {
        let (own, plain) = (std::thread::current().id(), std::panic::take_hook());
        let terminal = ratatui::try_init()?;
        // Instead of ratatui's, which gives the terminal back also where another thread goes on drawing.
        std::panic::set_hook(Box::new(move |info| {
            if std::thread::current().id() == own {
                ratatui::restore();
                plain(info);
            } else {
                *SAID.lock().unwrap_or_else(PoisonError::into_inner) = Some(info.to_string());
            }
        }));
        Ok((Self, terminal))
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            ratatui::restore();
        }
    }
}

/// Shows the daemon behind `client` until it is told to end.
pub(super) fn run(client: &Client, interval: Duration) -> Result<()> {
    let (tell, told) = mpsc::channel();
    let (ask, asked) = mpsc::channel();
    end_on_signals(tell.clone())?;
    let client = client.clone();
    let feed = std::thread::Builder::new()
        .name("feed".into())
        .spawn(move || feed::run(&client, interval, &asked, &tell))
        .context("cannot start a thread")?;
    let (_taken, mut terminal) = Taken::take().context("cannot use the terminal")?;
    let daemon = Daemon { told, ask, feed };
    show(&mut terminal, &daemon)
}

/// SIGTERM, SIGHUP and SIGINT end the program, but not before the terminal is given back.
fn end_on_signals(tell: Sender<Message>) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("cannot start the runtime")?;
    let catch = |kind| signal(kind).context("cannot catch signals");
    let (mut terminate, mut hangup, mut interrupt) = runtime.block_on(async {
        anyhow::Ok((
            catch(SignalKind::terminate())?,
            catch(SignalKind::hangup())?,
            catch(SignalKind::interrupt())?,
        ))
    })?;
    let wait = move || {
        runtime.block_on(async {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = hangup.recv() => {}
                _ = interrupt.recv() => {}
            }
        });
        // Nobody listens only where it has ended already.
        drop(tell.send(Message::End));
        // Reading keys from a terminal that was hung up spins and never comes back (crossterm 0.29), so the message is
        // not seen; an ended ssh session must not leave a process behind that takes a whole CPU.
        std::thread::sleep(GRACE);
        drop(ratatui::try_restore());
        std::process::exit(i32::from(HUNG_UP));
    };
    std::thread::Builder::new()
        .name("signals".into())
        .spawn(wait)
        .context("cannot start a thread")?;
    Ok(())
}

/// The way to the daemon: a thread of its own.
struct Daemon {
    told: Receiver<Message>,
    ask: Sender<Ask>,
    feed: JoinHandle<()>,
}

fn show(terminal: &mut ratatui::DefaultTerminal, daemon: &Daemon) -> Result<()> {
    let theme = Theme::of_environment();
    let mut model = Model::default();
    loop {
        let now = Clock.wall();
        terminal
            .draw(|frame| {
                model.size = (frame.area().width, frame.area().height);
                draw::draw(frame, &model, theme, now);
            })
            .context("cannot draw on the terminal")?;
        if wait(&mut model, daemon)? {
            return Ok(());
        }
    }
}

/// Waits until there is something new to be shown, at most a second; whether it is to end.
fn wait(model: &mut Model, daemon: &Daemon) -> Result<bool> {
    for _ in 0..10 {
        let mut changed = false;
        if event::poll(PATIENCE).context("cannot read the terminal")? {
            changed = true;
            if let Event::Key(key) = event::read().context("cannot read the terminal")? {
                match input::key(model, key) {
                    Action::None => {}
                    Action::End => return Ok(true),
                    Action::Ask(asked) => daemon
                        .ask
                        .send(asked)
                        .map_err(|_| anyhow!("the thread that asks the daemon has ended"))?,
                }
            }
        }
        while let Ok(message) = daemon.told.try_recv() {
            changed = true;
            if model.take(message, Clock.wall()) {
                return Ok(true);
            }
        }
        if daemon.feed.is_finished() {
            let said = SAID.lock().unwrap_or_else(PoisonError::into_inner).take();
            bail!(
                "the thread that asks the daemon has ended: {}",
                said.unwrap_or_default()
            );
        }
        if changed {
            return Ok(false);
        }
    }
    Ok(false)
}

#[cfg(test)]
mod tests {
    use std::process::{Command, Stdio};

    use super::*;

    /// Names the place where a process is to panic.
    const PANICS: &str = "APIMON_TEST_PANICS";
    const TAKEN: &str = "\u{1b}[?1049h";
    const GIVEN_BACK: &str = "\u{1b}[?1049l";
    const HIDDEN: &str = "\u{1b}[?25l";
    const SHOWN: &str = "\u{1b}[?25h";

    /// Not a test by itself: what the one below runs on a terminal of its own.
    #[test]
    fn panics_where_it_is_told_to() {
        let Some(place) = std::env::var_os(PANICS) else {
            return;
        };
        let (_taken, mut terminal) = Taken::take().unwrap();
        terminal.draw(|_| ()).unwrap();
        if place == "drawing" {
            terminal.draw(|_| panic!("a hole in drawing")).unwrap();
        }
        let (_tell, told) = mpsc::channel();
        let (ask, _asked) = mpsc::channel();
        let feed = std::thread::spawn(|| panic!("a hole in asking"));
        show(&mut terminal, &Daemon { told, ask, feed }).unwrap();
    }

    #[test]
    fn a_panic_gives_the_terminal_back_and_can_be_read() {
        for (place, said) in [("drawing", "a hole in drawing"), ("asking", "a hole in asking")] {
            let own = std::env::current_exe().unwrap();
            let name = "cli::top::screen::tests::panics_where_it_is_told_to";
            let line = format!(
                "stty rows 24 cols 80; exec {} --exact {name} --nocapture",
                own.display()
            );
            let mut script = Command::new("timeout");
            script.env("TERM", "xterm").env(PANICS, place);
            script.args(["--foreground", "60", "script", "--quiet", "--return"]);
            script.args(["--command", &line, "/dev/null"]);
            let mut script = script
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .spawn()
                .unwrap();
            // Held open: `script` waits for ever for a terminal whose keyboard has ended.
            let keyboard = script.stdin.take();
            let output = script.wait_with_output().unwrap();
            drop(keyboard);
            assert!(!output.status.success(), "{place}: it does not panic");
            let shown = String::from_utf8_lossy(&output.stdout);
            let (_, taken) = shown.rsplit_once(TAKEN).unwrap();
            let (drawn, back) = taken.split_once(GIVEN_BACK).unwrap();
            assert!(
                drawn.contains(HIDDEN) && back.contains(SHOWN),
                "{place}: {shown:?}"
            );
            assert!(
                back.contains(said),
                "{place}: not said where it can be read: {shown:?}"
            );
            let over = back.contains(GIVEN_BACK) || back.contains(HIDDEN);
            assert!(!over, "{place}: written over: {shown:?}");
        }
    }
}
