//! Tokens that nobody used yet and that stood in an answer to somebody: who uses them first, and as whom? Must not know
//! how it is reported.

use std::time::Duration;

use super::who::Who;
use crate::{
    detect::graph::Graph,
    lru::{Lru, TableStats},
    observe::endpoint::EndpointId,
    time::Timestamp,
};

/// Endpoints of which is remembered who was given tokens of others.
const ENDPOINTS: usize = 1024;
/// So many who were given tokens of others at one endpoint: there one changes from account to account.
const SWITCHES: usize = 3;

/// Who takes a token for himself does so at once.
const AT_ONCE: Duration = Duration::from_hours(1);

/// What was read, and where.
#[derive(Debug)]
pub(super) struct Reads {
    tokens: Lru<u64, Option<Read>>,
    switches: Lru<EndpointId, [u64; SWITCHES]>,
}

/// A token that somebody read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Read {
    client: u64,
    reader: Reader,
    endpoint: EndpointId,
    /// When.
    pub(super) at: Timestamp,
}

/// Who reads a token, and what kind of place that is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reader {
    /// Who that is.
    pub(super) who: Who,
    /// Whether next to nobody ever reads there, of many who might.
    pub(super) alone: bool,
}

/// How sure it is that a token is another's.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Whose {
    /// It says, or its login did.
    Anothers,
    /// Nothing says whose it is; but it stood where next to nobody is given one.
    Nobodys,
}

/// A token is used by whoever read it.
#[derive(Clone, Copy, Debug)]
pub(super) enum Taken {
    /// It is not known yet as whom.
    ByWhom,
    /// As himself.
    Rightly,
    /// As somebody else, or as nobody knows whom.
    Wrongly(Read, Whose),
}

impl Reads {
    /// Remembers so many tokens; the one not used for longest gives way.
    pub(super) fn new(capacity: usize) -> Self {
        Self {
            tokens: Lru::new(capacity),
            switches: Lru::new(ENDPOINTS),
        }
    }

    /// Size and losses.
    pub(super) fn stats(&self) -> TableStats {
        self.tokens.stats()
    }

    /// A token, by its key, stands in an answer to this reader at this client. Who read it first counts.
    pub(super) fn read(
        &mut self,
        token: u64,
        (client, reader): (u64, Reader),
        endpoint: EndpointId,
        at: Timestamp,
    ) {
        self.tokens.entry(token).get_or_insert(Read {
            client,
            reader,
            endpoint,
            at,
        });
    }

    /// Whether a token that is used for the first time stood in an answer to who uses it.
    pub(super) fn was_read(&self, token: u64, client: u64) -> bool {
        !self.tokens.is_empty()
            && (self.tokens.peek(&token)).is_some_and(|read| read.is_some_and(|read| read.client == client))
    }

    /// A token is used, as `user`, by whoever read it. It is forgotten once it is known whose it is.
    pub(super) fn taken(&mut self, token: u64, user: &Who, graph: &Graph, now: Timestamp) -> Taken {
        let Some(read) = self.tokens.peek(&token).copied().flatten() else {
            return Taken::Rightly;
        };
        let reader = read.reader.who;
        let whose = match reader.is_another(user, graph) {
            Some(true) => Whose::Anothers,
            Some(false) => return self.forget(token),
            None if reader.is_named() && user.is_named() => return self.forget(token),
            None if read.reader.alone && now.since(read.at) <= AT_ONCE => Whose::Nobodys,
            None => return Taken::ByWhom,
        };
        self.forget(token);
        if self.is_switch(&read) {
            Taken::Rightly
        } else {
            Taken::Wrongly(read, whose)
        }
    }

    fn forget(&mut self, token: u64) -> Taken {
        self.tokens.remove(&token);
        Taken::Rightly
    }

    /// Whether so many were given tokens of others where this was read that one changes the account there.
    fn is_switch(&mut self, read: &Read) -> bool {
        let readers = self.switches.entry(read.endpoint);
        let reader = u64::from(read.reader.who.actor()).max(1);
        if !readers.contains(&reader)
            && let Some(slot) = readers.iter_mut().find(|slot| **slot == 0)
        {
            *slot = reader;
        }
        !readers.contains(&0)
    }
}
