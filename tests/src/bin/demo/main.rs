//! The demo: an API host under honest use and five kinds of abuse, watched by apimon, told as it happens.
//!
//! Every claim it prints is checked; one that is untrue makes it fail. What it builds is gone when it ends, also on
//! Ctrl-C. Must not know how apimon works: it sees what a user sees.

mod cast;
mod proof;
mod say;
mod story;

use std::{
    process::ExitCode,
    sync::atomic::{AtomicBool, Ordering},
};

use tokio::signal::unix::{SignalKind, signal};

/// Set by Ctrl-C or SIGTERM.
static INTERRUPTED: AtomicBool = AtomicBool::new(false);

fn main() -> ExitCode {
    let teller = say::Teller::new();
    if let Err(error) = watch_signals() {
        eprintln!("error: cannot watch for Ctrl-C: {error}");
        return ExitCode::FAILURE;
    }
    match story::tell(&teller) {
        Ok(proof) if proof.holds() => {
            teller.say("Everything above was checked and is true. Cleaned up.");
            ExitCode::SUCCESS
        }
        Ok(_) => {
            teller.say("NOT everything is as it should be: see FALSE above. Cleaned up.");
            ExitCode::FAILURE
        }
        Err(_) if INTERRUPTED.load(Ordering::Relaxed) => {
            teller.say("Interrupted. Cleaned up.");
            ExitCode::from(130)
        }
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Notes Ctrl-C and SIGTERM; the story looks at the note wherever it waits, and cleans up on its way out.
fn watch_signals() -> std::io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let (mut interrupt, mut terminate) = {
        let _inside = runtime.enter();
        (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?)
    };
    std::thread::spawn(move || {
        runtime.block_on(async {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
            INTERRUPTED.store(true, Ordering::Relaxed);
            // A second one changes nothing: what is being cleaned up must be cleaned up.
            std::future::pending::<()>().await;
        });
    });
    Ok(())
}
