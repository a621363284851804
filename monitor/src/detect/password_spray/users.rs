//! The users that one client tried to log in as: who got in, who did not. Must not know how it is weighed.

use std::time::Duration;

use crate::{
    detect::{count, share, window::tenths},
    time::Timestamp,
};

/// Users remembered of one client: enough for every threshold. The one tried longest ago gives way.
const REMEMBERED: usize = 64;

#[derive(Clone, Copy, Debug)]
struct User {
    key: u32,
    /// The secret last refused.
    secret: u32,
    /// Tenths of a second since the detector's epoch.
    at: u32,
    accepted: bool,
    /// The same secret was refused more than once.
    repeated: bool,
}

/// Users of one client.
#[derive(Debug, Default)]
pub(super) struct Users {
    recent: Vec<User>,
    /// Refused tries.
    pub(super) refused: u32,
    gaps: u32,
    /// Time of the first of them.
    pub(super) first: Option<Timestamp>,
    /// Users refused at the last finding.
    pub(super) reported: u32,
}

/// Users within one window.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Shown {
    /// Refused and not accepted since.
    pub(super) refused: u32,
    /// Accepted, at once or in the end.
    pub(super) accepted: u32,
    /// Most of the refused that were tried with one and the same secret.
    pub(super) same_secret: u32,
    /// Those of the refused that tried the same secret again.
    pub(super) repeated: u32,
}

impl Shown {
    /// Share of the refused in all.
    pub(super) fn refused_share(&self) -> f64 {
        share(self.refused, self.refused + self.accepted)
    }
}

impl Users {
    /// A try at `user` that was refused or accepted. The secret that was refused for him before, if one was.
    pub(super) fn enter(
        &mut self,
        user: u64,
        secret: Option<u64>,
        accepted: bool,
        now: (Timestamp, Timestamp, Duration),
    ) -> Option<u32> {
        let (epoch, at, window) = now;
        let tenth = tenths(epoch, at);
        let oldest = tenth.saturating_sub(in_tenths(window));
        self.recent.retain(|one| one.at >= oldest);
        if self.recent.is_empty() {
            *self = Self::default();
        }
        let key = short(user);
        // Without a secret nothing is the same.
        let secret = secret.map_or(key, short);
        if let Some(known) = self.recent.iter_mut().find(|one| one.key == key) {
            let before = (!known.accepted).then_some(known.secret);
            known.repeated |= !accepted && known.secret == secret;
            known.accepted = accepted;
            (known.at, known.secret) = (tenth, secret);
            return before;
        }
        if self.recent.len() >= REMEMBERED {
            let oldest = self.recent.iter().enumerate().min_by_key(|(_, one)| one.at);
            oldest.map(|(at, _)| at).map(|at| self.recent.swap_remove(at));
        }
        self.recent.push(User {
            key,
            secret,
            at: tenth,
            accepted,
            repeated: false,
        });
        None
    }

    /// Counts a refused try.
    pub(super) fn refuse(&mut self, at: Timestamp, gaps: bool) {
        self.first.get_or_insert(at);
        self.refused = self.refused.saturating_add(1);
        self.gaps = self.gaps.saturating_add(u32::from(gaps));
    }

    /// What the last `window` shows.
    pub(super) fn shown(&self, epoch: Timestamp, at: Timestamp, window: Duration) -> Shown {
        let oldest = tenths(epoch, at).saturating_sub(in_tenths(window));
        let recent = || self.recent.iter().filter(|one| one.at >= oldest);
        let mut secrets: Vec<_> = recent()
            .filter(|one| !one.accepted)
            .map(|one| one.secret)
            .collect();
        secrets.sort_unstable();
        let same = secrets.chunk_by(|a, b| a == b).map(<[_]>::len).max();
        Shown {
            refused: count(secrets.len()),
            accepted: count(recent().filter(|one| one.accepted).count()),
            same_secret: count(same.unwrap_or(0)),
            repeated: count(recent().filter(|one| !one.accepted && one.repeated).count()),
        }
    }

    /// Share of the tries that was seen whole.
    pub(super) fn coverage(&self) -> f64 {
        1.0 - share(self.gaps, self.refused)
    }
}

/// Half of a key will do among those of one client or secret.
pub(super) fn short(key: u64) -> u32 {
    (key >> 32) as u32
}

/// As the tries count time.
pub(super) fn in_tenths(span: Duration) -> u32 {
    u32::try_from(span.as_millis() / 100).unwrap_or(u32::MAX)
}
