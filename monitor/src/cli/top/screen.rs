//! The terminal: taken over, drawn on, and given back however the program ends. Must not know what is drawn.

use std::{
    io,
    sync::mpsc::{self, Receiver, Sender},
    time::Duration,
};

use anyhow::{Context, Result, anyhow};
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

/// The terminal, given back when this is dropped. A panic gives it back too: ratatui's hook comes before the message.
struct Taken;

impl Taken {
    fn take() -> io::Result<(Self, ratatui::DefaultTerminal)> {
        Ok((Self, ratatui::try_init()?))
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        ratatui::restore();
    }
}

/// Shows the daemon behind `client` until it is told to end.
pub(super) fn run(client: &Client, interval: Duration) -> Result<()> {
    let (tell, told) = mpsc::channel();
    let (ask, asked) = mpsc::channel();
    end_on_signals(tell.clone())?;
    let client = client.clone();
    std::thread::Builder::new()
        .name("feed".into())
        .spawn(move || feed::run(&client, interval, &asked, &tell))
        .context("cannot start a thread")?;
    let (_taken, mut terminal) = Taken::take().context("cannot use the terminal")?;
    show(&mut terminal, &told, &ask)
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
        // Reading keys from a terminal that was hung up spins and never comes back (crossterm 0.29), so the message is not
        // seen; an ended ssh session must not leave a process behind that takes a whole CPU.
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

fn show(terminal: &mut ratatui::DefaultTerminal, told: &Receiver<Message>, ask: &Sender<Ask>) -> Result<()> {
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
        if wait(&mut model, told, ask)? {
            return Ok(());
        }
    }
}

/// Waits until there is something new to be shown, at most a second; whether it is to end.
fn wait(model: &mut Model, told: &Receiver<Message>, ask: &Sender<Ask>) -> Result<bool> {
    for _ in 0..10 {
        let mut changed = false;
        if event::poll(PATIENCE).context("cannot read the terminal")? {
            changed = true;
            if let Event::Key(key) = event::read().context("cannot read the terminal")? {
                match input::key(model, key) {
                    Action::None => {}
                    Action::End => return Ok(true),
                    Action::Ask(asked) => ask
                        .send(asked)
                        .map_err(|_| anyhow!("the thread that asks the daemon has ended"))?,
                }
            }
        }
        loop {
            match told.try_recv() {
                Ok(message) => {
                    changed = true;
                    if model.take(message, Clock.wall()) {
                        return Ok(true);
                    }
                }
                Err(mpsc::TryRecvError::Empty) => break,
                Err(mpsc::TryRecvError::Disconnected) => {
                    return Err(anyhow!("the threads behind the screen have ended"));
                }
            }
        }
        if changed {
            return Ok(false);
        }
    }
    Ok(false)
}
