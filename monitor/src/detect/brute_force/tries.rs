//! The refused tries at one user: by whom, when, with which secrets. Must not know how they are weighed.

use std::time::Duration;

use crate::{detect::window::tenths, time::Timestamp};

/// Tries remembered of one user: enough for every threshold. The oldest gives way.
pub(super) const REMEMBERED: usize = 48;

/// One refused try: the first of this client with this secret.
#[derive(Clone, Copy, Debug)]
struct Try {
    client: u32,
    secret: u32,
    /// Tenths of a second since the detector's epoch.
    at: u32,
    familiar: bool,
}

/// Tries at one user.
#[derive(Debug, Default)]
pub(super) struct Tries {
    recent: Vec<Try>,
    /// Refused tries, also the repeated ones.
    pub(super) refused: u32,
    /// Those that were accepted.
    pub(super) accepted: u32,
    gaps: u32,
    /// Lengths of the request bodies seen, modulo 64: passwords differ in length, one stale request does not.
    lengths: u64,
    /// Time of the first.
    pub(super) first: Option<Timestamp>,
    /// Secrets at the last finding.
    pub(super) reported: u32,
}

/// What the tries show.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Shown {
    /// Distinct secrets within the short window.
    pub(super) fast: u32,
    /// Within the burst, which no hand types.
    pub(super) burst: u32,
    /// Within all that is remembered.
    pub(super) slow: u32,
    /// Clients they came from.
    pub(super) clients: u32,
    /// Between the first and the last of them.
    pub(super) span: Duration,
}

/// One attempt as it is entered.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry {
    /// Short key of the client.
    pub(super) client: u32,
    /// Hash of the secret, if one was found.
    pub(super) secret: Option<u64>,
    /// The user logged in from this client before.
    pub(super) familiar: bool,
    /// Body length of the request, bytes.
    pub(super) length: Option<u64>,
    /// Not all of the connection was seen.
    pub(super) gaps: bool,
}

impl Tries {
    /// Enters a refused try. Whether it says something new: the same secret by the same client does not.
    pub(super) fn enter(&mut self, entry: &Entry, epoch: Timestamp, at: Timestamp, window: Duration) -> bool {
        let now = tenths(epoch, at);
        let oldest = now.saturating_sub(in_tenths(window));
        self.recent.retain(|one| one.at >= oldest);
        if self.recent.is_empty() {
            *self = Self {
                first: Some(at),
                ..Self::default()
            };
        }
        self.refused = self.refused.saturating_add(1);
        self.gaps = self.gaps.saturating_add(u32::from(entry.gaps));
        self.lengths |= 1 << (entry.length.unwrap_or(0) % 64);
        // Without a secret each try stands for itself.
        let secret = entry.secret.map_or(self.refused, |secret| (secret >> 32) as u32);
        if self
            .recent
            .iter()
            .any(|one| one.client == entry.client && one.secret == secret)
        {
            return false;
        }
        if self.recent.len() >= REMEMBERED {
            self.recent.remove(0);
        }
        self.recent.push(Try {
            client: entry.client,
            secret,
            at: now,
            familiar: entry.familiar,
        });
        true
    }

    /// Forgets what a client tried that got in.
    pub(super) fn forgive(&mut self, client: u32) {
        self.recent.retain(|one| one.client != client);
    }

    /// How many kinds of request lengths there were.
    pub(super) fn lengths(&self) -> u32 {
        self.lengths.count_ones()
    }

    /// Share of the tries that was seen whole.
    pub(super) fn coverage(&self) -> f64 {
        1.0 - super::super::share(self.gaps, self.refused)
    }

    /// What one client's tries show; `None` for those of all who are strangers to the user.
    pub(super) fn shown(&self, client: Option<u32>, epoch: Timestamp, at: Timestamp) -> Shown {
        let now = tenths(epoch, at);
        let of = |one: &&Try| client.map_or(!one.familiar, |client| one.client == client);
        let distinct = |within: Option<Duration>, field: fn(&Try) -> u32| {
            let oldest = within.map_or(0, |within| now.saturating_sub(in_tenths(within)));
            let mut all: Vec<_> = self
                .recent
                .iter()
                .filter(of)
                .filter(|one| one.at >= oldest)
                .map(field)
                .collect();
            all.sort_unstable();
            all.dedup();
            super::super::count(all.len())
        };
        let times = || self.recent.iter().filter(of).map(|one| one.at);
        let span = times().max().unwrap_or(0) - times().min().unwrap_or(0);
        Shown {
            fast: distinct(Some(super::FAST), |one| one.secret),
            burst: distinct(Some(super::BURST), |one| one.secret),
            slow: distinct(None, |one| one.secret),
            clients: distinct(None, |one| one.client),
            span: Duration::from_millis(u64::from(span) * 100),
        }
    }
}

fn in_tenths(span: Duration) -> u32 {
    u32::try_from(span.as_millis() / 100).unwrap_or(u32::MAX)
}
