//! Requests that the server answered and that could not be read, judged. Must not know why they could not.

use super::{Judge, conclude::Tipping};
use crate::{
    enforce::LeaseSink,
    journal::event::JournalEvent,
    observe::{UnreadRequest, identity::space},
};

impl Judge {
    /// Judges one unread request.
    pub fn unread(&mut self, request: &UnreadRequest, sink: &mut dyn LeaseSink, out: &mut Vec<JournalEvent>) {
        let client_key = self.key.hash(space::SOURCE, &request.client.addr.0);
        if let Some(finding) = self.evasion.observe(request, client_key) {
            self.stats.findings += 1;
            let tipping = Tipping {
                client: request.client,
                server: request.server,
                forwarded: None,
            };
            self.conclude(finding, Some(tipping), sink, out);
        }
    }
}
