//! Takes a changed configuration over while the daemon runs: all of what can change, or nothing. Must not know what is
//! right: reading it says so.
//!
//! The judge is asked last of those that can refuse, so that a refusal leaves everything as it was.

use std::sync::Arc;

use super::{
    desk::{Desk, locked},
    house,
    judging::Bench,
    start,
};
use crate::{
    config::{Changes, ConfigError, Settings},
    control::dto::{Refused, Reloaded},
    journal::event::Operator,
    kernel::{self, KernelError},
    verdict::Mode,
};

impl Desk {
    /// Reads the configuration again, and takes over what can change. Says in log and answer which keys did, and which
    /// will at the next start. `by` asked for it; nobody, where it was a signal. The service manager hears of the
    /// beginning and of the end.
    pub(super) fn read_configuration(&self, by: Option<&Operator>) -> Result<Reloaded, Refused> {
        // Held all the while: two readings at once would each take over half.
        let mut loaded = locked(&self.loaded);
        self.manager.reloading(self.clock.monotonic_ns() / 1000);
        let outcome = self
            .sources
            .read()
            .map_err(|error| invalid(&error))
            .and_then(|new| {
                let changes = Changes::between(&loaded, &new);
                if !changes.applied.is_empty() {
                    self.take_over(&self.settings().taking_over(&new.settings))?;
                }
                loaded.effective.take(&changes.applied, &new.effective);
                Ok(Reloaded {
                    file: new.file.map(|file| file.display().to_string()),
                    changes,
                })
            });
        self.manager.ready(&match &outcome {
            Ok(_) => super::watched(self),
            Err(refused) => refused.message.clone(),
        });
        drop(loaded);
        match &outcome {
            Ok(reloaded) => {
                log::info!("{reloaded}");
                self.audit("reload", by, None, reloaded.to_string(), true);
            }
            Err(refused) => {
                log::error!("{}", refused.message);
                self.audit("reload", by, None, refused.message.clone(), false);
            }
        }
        outcome
    }

    fn take_over(&self, new: &Settings) -> Result<(), Refused> {
        let old = self.settings();
        self.tap(new)?;
        if let Err(refused) = self.tell_judge(&old, new) {
            // What cannot be put back now is mended by the next reload that gets through.
            let back = self.tap(&old);
            return Err(back.err().unwrap_or(refused));
        }
        *locked(&self.settings) = Arc::new(new.clone());
        self.follow_mode(&old, new);
        let mut guard = locked(&self.guard);
        guard.set_configured(new.allow.clone());
        // A judge without time now is told at the next look.
        let _next_time = guard.renew(&self.judge, self.clock.now());
        Ok(())
    }

    fn tap(&self, settings: &Settings) -> Result<(), Refused> {
        let tapped = start::tapped(settings);
        self.switch(|switches| switches.set_tapped(&tapped))
    }

    fn switch(
        &self,
        change: impl FnOnce(&mut kernel::Switches) -> Result<(), KernelError>,
    ) -> Result<(), Refused> {
        let kernel = locked(&self.kernel);
        let kernel = kernel
            .as_ref()
            .ok_or_else(|| Refused::busy("the daemon is stopping"))?;
        Ok(kernel.switches().and_then(|mut switches| change(&mut switches))?)
    }

    /// Gives the judge its part. Leases that were only tried end before the kernel begins to drop.
    fn tell_judge(&self, old: &Settings, new: &Settings) -> Result<(), Refused> {
        let now = self.clock.now();
        let judge = new.judge.clone();
        if old.judge.mode == new.judge.mode {
            return Ok(self.judge.call(move |bench| bench.judge.reconfigure(&judge))?);
        }
        let leases = locked(&self.maps).leases.clone();
        let (sink, cut) = start::lease_sink(judge.mode, Arc::clone(&self.nets), leases, &self.guards)
            .map_err(|error| Refused::new(500, "thread", format!("{error:#}")))?;
        self.judge.call(move |bench| {
            let Bench {
                judge: held,
                leases,
                events,
                ..
            } = bench;
            *leases = sink;
            held.reconfigure(&judge);
            held.set_mode(judge.mode, now, &mut **leases, events);
        })?;
        *locked(&self.cut) = cut;
        Ok(())
    }

    /// Tells the kernel of another mode, and writes it beside the leases: a restart must know what they were given for.
    fn follow_mode(&self, old: &Settings, new: &Settings) {
        if old.judge.mode == new.judge.mode {
            return;
        }
        let to = match new.judge.mode {
            Mode::Observe => kernel::Mode::Observe,
            Mode::Enforce => kernel::Mode::Enforce,
        };
        if let Err(refused) = self.switch(|switches| switches.set_mode(to)) {
            log::error!("the mode: {}; it is tried again within 15 s", refused.message);
        }
        let now = self.clock.now();
        let both =
            move |bench: &mut Bench| (bench.judge.leases().cloned().collect(), bench.judge.repeats(now));
        if let Ok((records, repeats)) = self.judge.call(both) {
            house::save(self, records, repeats);
        }
    }
}

fn invalid(error: &ConfigError) -> Refused {
    let message = format!("the configuration was not taken over, the old one holds: {error}");
    Refused::new(422, "configuration", message)
}
