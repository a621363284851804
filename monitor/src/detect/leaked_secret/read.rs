//! Tokens that nobody used yet and that stood in an answer to somebody: who uses them first, and as whom? Must not know
//! how it is reported.

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
    reader: Person,
    endpoint: EndpointId,
    /// When.
    pub(super) at: Timestamp,
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
        (client, reader): (u64, Person),
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
    pub(super) fn first_use(&mut self, token: u64, client: u64, user: Option<Person>) -> Option<Read> {
        if self.tokens.is_empty() {
            return None;
        }
        let read = self.tokens.remove(&token)??;
        if read.client != client || !read.reader.is_another(user?) {
            return None;
        }
        let readers = self.switches.entry(read.endpoint);
        if !readers.contains(&read.reader.key)
            && let Some(slot) = readers.iter_mut().find(|slot| **slot == 0)
        {
            *slot = read.reader.key;
        }
        readers.contains(&0).then_some(read)
    }
}
