//! Which users one and the same secret was refused for, from wherever. Must not know how it is weighed.

use std::time::Duration;

use super::users::{in_tenths, short};
use crate::{
    detect::{count, window::tenths},
    lru::{Lru, TableStats},
    time::Timestamp,
};

/// Users remembered of one secret: enough for every threshold. Those behind are not.
const REMEMBERED: usize = 24;

/// Who mistyped gets in soon. Before that he is not counted.
const SETTLE: Duration = Duration::from_secs(30);

#[derive(Clone, Copy, Debug)]
struct Use {
    user: u32,
    client: u32,
    at: u32,
    repeated: bool,
}

/// What is known of one secret.
#[derive(Clone, Copy, Debug)]
pub(super) struct Used {
    /// Users that it was refused for, and who did not get in within half a minute or since.
    pub(super) users: u32,
    /// Clients that tried it.
    pub(super) clients: u32,
    /// Those of the users for whom it was tried again.
    pub(super) repeated: u32,
}

/// The refused secrets.
#[derive(Debug)]
pub(super) struct Secrets {
    uses: Lru<u32, Vec<Use>>,
}

impl Secrets {
    /// Remembers so many secrets; the one not tried for longest gives way.
    pub(super) fn new(capacity: usize) -> Self {
        Self {
            uses: Lru::new(capacity),
        }
    }

    /// Size and losses.
    pub(super) fn stats(&self) -> TableStats {
        self.uses.stats()
    }

    /// A secret was refused for a user: for how many it was within `window`; `None` if that was known of this user.
    pub(super) fn refused(
        &mut self,
        secret: u32,
        (user, client): (u64, u64),
        now: (Timestamp, Timestamp, Duration),
    ) -> Option<Used> {
        let at = tenths(now.0, now.1);
        let uses = self.uses.entry(secret);
        let oldest = at.saturating_sub(in_tenths(now.2));
        uses.retain(|one| one.at >= oldest);
        let [user, client] = [user, client].map(short);
        if let Some(known) = uses.iter_mut().find(|one| one.user == user) {
            known.repeated = true;
            return None;
        }
        if uses.len() < REMEMBERED {
            uses.push(Use {
                user,
                client,
                at,
                repeated: false,
            });
        }
        let settled = at.saturating_sub(in_tenths(SETTLE));
        let for_good = || uses.iter().filter(|one| one.at <= settled);
        let mut clients: Vec<_> = for_good().map(|one| one.client).collect();
        clients.sort_unstable();
        clients.dedup();
        Some(Used {
            users: count(for_good().count()),
            clients: count(clients.len()),
            repeated: count(for_good().filter(|one| one.repeated).count()),
        })
    }

    /// A user that this secret was refused for got in with another one: he had mistyped.
    pub(super) fn resolved(&mut self, secret: u32, user: u64) {
        if let Some(uses) = self.uses.get(&secret) {
            uses.retain(|one| one.user != short(user));
        }
    }
}
