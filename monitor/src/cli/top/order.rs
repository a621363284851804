//! What an operator wants done from the screen. Must not know keys or drawing.

use monitor_common::Prefix;

use super::super::change::Entry;
use crate::control::{
    client::{Client, ClientError},
    dto::{AllowRequest, BlockRequest},
};

/// Most addresses that one order is about. A case with many sources; the others need another order.
pub(super) const NETS: usize = 16;

/// What is to be done.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Deed {
    /// Give a lease of the configured length.
    Block,
    /// Exempt from blocks, without end.
    Allow,
    /// End the lease.
    Unblock,
}

/// A deed and whom it is done to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Order {
    pub(super) deed: Deed,
    pub(super) nets: Vec<Prefix>,
}

impl Order {
    /// What the operator is asked.
    pub(super) fn question(&self) -> String {
        let nets: Vec<String> = self.nets.iter().map(ToString::to_string).collect();
        let nets = nets.join(", ");
        match self.deed {
            Deed::Block => format!("Drop everything from {nets} for the configured time?"),
            Deed::Allow => format!("Never block {nets}, until that is taken back?"),
            Deed::Unblock => format!("End the block of {nets}?"),
        }
    }

    /// Does it; what was done of each, line by line. Stops at the first that is refused.
    pub(super) fn carry_out(&self, client: &Client) -> Result<Vec<String>, ClientError> {
        let mut done = Vec::new();
        for net in &self.nets {
            match self.deed {
                Deed::Block => {
                    let request = BlockRequest {
                        reason: "by hand, from apimon top".to_owned(),
                        ..BlockRequest::default()
                    };
                    done.extend(client.block(*net, &request)?.entered());
                }
                Deed::Allow => {
                    let request = AllowRequest {
                        for_seconds: None,
                        comment: "from apimon top".to_owned(),
                    };
                    done.extend(client.allow(*net, &request)?.entered());
                }
                Deed::Unblock => done.push(client.unblock(*net)?.taken_out()),
            }
        }
        Ok(done)
    }
}
