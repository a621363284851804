//! Tokens that nobody used yet and that stood in an answer to somebody: who uses them first, and as whom? Must not know
//! how it is reported.

use std::time::Duration;

use super::Person;
use crate::{
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
    /// Key of its principal.
    pub(super) actor: u64,
    /// Who that is, if tokens or logins say it.
    pub(super) person: Option<Person>,
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

    /// A token is used for the first time: what its reader read, if he uses it, and is somebody else by it.
    pub(super) fn first_use(
        &mut self,
        token: u64,
        client: u64,
        user: Option<Person>,
        now: Timestamp,
    ) -> Option<(Read, Whose)> {
        if self.tokens.is_empty() {
            return None;
        }
        let read = self.tokens.remove(&token)??;
        if read.client != client {
            return None;
        }
        let whose = match (read.reader.person, user) {
            (Some(reader), Some(user)) => reader.is_another(user).then_some(Whose::Anothers),
            _ => (read.reader.alone && now.since(read.at) <= AT_ONCE).then_some(Whose::Nobodys),
        }?;
        let readers = self.switches.entry(read.endpoint);
        if !readers.contains(&read.reader.actor)
            && let Some(slot) = readers.iter_mut().find(|slot| **slot == 0)
        {
            *slot = read.reader.actor;
        }
        readers.contains(&0).then_some((read, whose))
    }
}
