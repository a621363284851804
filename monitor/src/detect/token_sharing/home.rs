//! Where a token is at home, and who has it when its owner has left. Must not know how it is weighed.
//!
//! Whoever comes from a network where the token was before, or with a program that had it before, is the owner: people
//! change the one or the other, and both become known. Who comes with neither is a stranger, until the owner uses the
//! token at the same time (then [`super::usage`] looks at how they interleave) or follows him there. What a tool does
//! in the owner's network is [`super::beside`]'s.

use std::time::Duration;

use super::{Settings, beside::Beside, habits::Habits};
use crate::{
    detect::{Context, window::tenths},
    observe::Observation,
    time::Timestamp,
};

/// Networks and programs remembered as the owner's. The first stays; of the others the oldest gives way.
const NETWORKS: usize = 6;
const PROGRAMS: usize = 4;
/// Served requests of a stranger: with fewer he may be the part of an app that comes first after a move.
pub(super) const LEAST: u32 = 6;
/// And the rest of the app had so long to follow, tenths of a second.
pub(super) const FOLLOWS: u32 = 300;
/// The owner was there within this time, tenths of a second. After that his device may be another one.
const RECENT: u32 = 864_000;

/// One token. Times are tenths of a second since the detector's epoch.
#[derive(Debug, Default)]
pub(super) struct Home {
    networks: [u32; NETWORKS],
    programs: [u32; PROGRAMS],
    /// A device of a person had it first.
    device: bool,
    /// It was seen to be handed out there, by a login.
    pub(super) given: bool,
    requests: u32,
    since: u32,
    last: u32,
    stranger: Option<Box<Stranger>>,
    beside: Option<Box<Beside>>,
}

/// Who uses it elsewhere, with another program.
#[derive(Debug)]
struct Stranger {
    network: u32,
    program: u32,
    requests: u32,
    gaps: u32,
    since: u32,
    first: Timestamp,
    last: u32,
    reported: bool,
}

/// What somebody else did with it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Use {
    /// Where the owner was meanwhile.
    pub(super) how: How,
    /// Requests that were served.
    pub(super) requests: u32,
    /// Those that were not seen whole.
    pub(super) gaps: u32,
    /// The first of them.
    pub(super) first: Timestamp,
}

/// Where the owner was.
#[derive(Clone, Copy, Debug)]
pub(super) enum How {
    /// He had left, and was silent for so long.
    Left {
        /// Since his last use.
        silent: Duration,
    },
    /// He was there, and both took turns.
    Beside {
        /// How often he went on.
        turns: u32,
    },
}

impl Home {
    /// Takes in one use, served.
    pub(super) fn used(
        &mut self,
        observation: &Observation,
        cx: &Context<'_>,
        epoch: Timestamp,
        habits: &mut Habits,
        settings: &Settings,
    ) -> Option<Use> {
        let at = tenths(epoch, observation.at);
        let network = network_of(cx);
        let program = program_of(observation);
        if self.requests == 0 {
            self.since = at;
            if !self.given {
                self.settle(network, observation);
            }
        }
        let here = self.networks.contains(&network);
        let own = self.programs.contains(&program);
        if here || own {
            let beside = self.beside(observation, here, at, settings);
            self.own((network, program), at, habits, settings);
            let first = self.programs.first().copied().unwrap_or_default();
            return beside.filter(|_| !habits.knows(first, program));
        }
        self.stranger((network, program), observation, at, habits, settings)
    }

    /// What was shown is reported, and not shown again.
    pub(super) fn report(&mut self, how: How) {
        match how {
            How::Left { .. } => {
                if let Some(one) = self.stranger.as_deref_mut() {
                    one.reported = true;
                }
            }
            How::Beside { .. } => {
                if let Some(one) = self.beside.as_deref_mut() {
                    one.reported = true;
                }
            }
        }
    }

    /// An answer hands it out: to its owner, whoever uses it first.
    pub(super) fn hand_out(&mut self, observation: &Observation, cx: &Context<'_>) {
        if self.requests == 0 && !self.given {
            self.given = true;
            self.settle(network_of(cx), observation);
        }
    }

    fn settle(&mut self, network: u32, observation: &Observation) {
        self.device = observation.has_device;
        remember(&mut self.networks, network);
        remember(&mut self.programs, program_of(observation));
    }

    /// The owner uses it: where he is, he is at home.
    fn own(&mut self, (network, program): (u32, u32), at: u32, habits: &mut Habits, settings: &Settings) {
        let first = self.programs.first().copied().unwrap_or_default();
        if !self.programs.contains(&program) {
            habits.learn(first, program, network);
            remember(&mut self.programs, program);
        }
        remember(&mut self.networks, network);
        self.requests = self.requests.saturating_add(1);
        self.last = self.last.max(at);
        let together = at_once(settings);
        let over = self.stranger.take_if(|one| {
            one.network == network || one.program == program || at.saturating_sub(one.last) <= together
        });
        // The owner follows into the stranger's network: it is another program of his.
        if let Some(one) = over.filter(|one| one.network == network) {
            habits.learn(first, one.program, network);
            remember(&mut self.programs, one.program);
        }
    }

    /// Who works beside the owner.
    fn beside(&mut self, observation: &Observation, here: bool, at: u32, settings: &Settings) -> Option<Use> {
        let program = program_of(observation);
        let first = self.programs.first().copied().unwrap_or_default();
        let tool = here && first != program && !observation.has_device;
        if self.beside.is_none() && tool && self.is_owned(settings) {
            self.beside = Some(Box::new(Beside::new(observation, at)));
        }
        self.beside.as_deref_mut()?.used(observation, first, at)
    }

    fn stranger(
        &mut self,
        (network, program): (u32, u32),
        observation: &Observation,
        at: u32,
        habits: &Habits,
        settings: &Settings,
    ) -> Option<Use> {
        let silent = at.saturating_sub(self.last);
        let same = |one: &Stranger| (one.network, one.program) == (network, program);
        if !self.stranger.as_deref().is_some_and(same) {
            // At once with the owner is no stranger of this kind.
            if silent <= at_once(settings) {
                return None;
            }
            self.stranger = Some(Box::new(Stranger {
                network,
                program,
                requests: 0,
                gaps: 0,
                since: at,
                first: observation.at,
                last: at,
                reported: false,
            }));
        }
        let owned = self.is_owned(settings);
        let first = self.programs.first().copied().unwrap_or_default();
        let one = self.stranger.as_deref_mut()?;
        (one.requests, one.last) = (one.requests.saturating_add(1), at);
        one.gaps = one.gaps.saturating_add(u32::from(observation.gaps));
        let silent = one.since.saturating_sub(self.last);
        let enough = one.requests >= LEAST && at.saturating_sub(one.since) >= FOLLOWS;
        if one.reported || !enough || !owned || silent > RECENT || habits.knows(first, program) {
            return None;
        }
        Some(Use {
            how: How::Left {
                silent: Duration::from_millis(u64::from(silent) * 100),
            },
            requests: one.requests,
            gaps: one.gaps,
            first: one.first,
        })
    }

    /// Whether a person had it, for long enough to be its owner.
    fn is_owned(&self, settings: &Settings) -> bool {
        let span = Duration::from_millis(u64::from(self.last.saturating_sub(self.since)) * 100);
        self.device && settings.owns(span, self.requests, true)
    }
}

/// Who names nothing is a program, too: else thieves would name nothing.
pub(super) fn program_of(observation: &Observation) -> u32 {
    observation.client_family.max(1)
}

pub(super) fn network_of(cx: &Context<'_>) -> u32 {
    ((cx.network_key >> 32) as u32).max(1)
}

/// Within this time two uses are at once, tenths of a second.
fn at_once(settings: &Settings) -> u32 {
    u32::try_from(settings.silent_seconds.saturating_mul(10)).unwrap_or(u32::MAX)
}

/// Remembers a key beside the first: of the others the oldest gives way.
fn remember<const N: usize>(known: &mut [u32; N], key: u32) {
    if known.contains(&key) {
        return;
    }
    let free = known.iter_mut().find(|slot| **slot == 0);
    if let Some(slot) = free {
        *slot = key;
    } else if let Some(others) = known.get_mut(1..) {
        others.rotate_left(1);
        if let Some(last) = others.last_mut() {
            *last = key;
        }
    }
}
