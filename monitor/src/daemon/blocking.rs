//! Blocks by hand: what is asked for, checked and given to the judge. Must not know about sockets.

use std::time::Duration;

use monitor_common::{Prefix, throttle::Rates};

use super::{
    convert,
    desk::{Desk, locked},
    judging::Bench,
};
use crate::{
    control::dto::{self, BlockRequest, Refused},
    enforce::LeaseKind,
    journal::event::Operator,
    judge::Order,
    verdict::{Mode, ledger::LeaseRecord},
};

/// Bytes of a reason given by hand. A reason without end would be repeated in every listing.
const REASON_BYTES: usize = 256;

impl Desk {
    pub(super) fn add_block(
        &self,
        by: &Operator,
        source: Prefix,
        request: BlockRequest,
    ) -> Result<dto::Lease, Refused> {
        self.refuse_in_observe()?;
        if request.reason.len() > REASON_BYTES {
            return Err(Refused::bad_request(format!(
                "a reason has at most {REASON_BYTES} bytes"
            )));
        }
        if request.ttl_seconds == Some(0) {
            return Err(Refused::bad_request("a block must last at least one second"));
        }
        let kind = kind(&request)?;
        let now = self.clock.now();
        let order = Order {
            source,
            kind,
            ttl: request.ttl_seconds.map(Duration::from_secs),
            reason: request.reason,
            by: Some(by.clone()),
        };
        let granted = self.judge.call(move |bench| {
            let Bench {
                judge,
                leases,
                events,
                ..
            } = bench;
            judge.block_add(order, now, &mut **leases, events)
        })?;
        self.one(granted?)
    }

    pub(super) fn remove_block(&self, by: &Operator, source: Prefix) -> Result<dto::Lease, Refused> {
        let now = self.clock.now();
        // What it stopped is known only while it is there.
        let counted = locked(&self.maps).leases.get(source);
        let by = Some(by.clone());
        let ended = self.judge.call(move |bench| {
            let Bench {
                judge,
                leases,
                events,
                ..
            } = bench;
            judge.block_remove(source, by, now, &mut **leases, events)
        })?;
        let record = ended?.ok_or_else(|| Refused::not_found(format!("{source} is not blocked")))?;
        Ok(convert::lease(&record, counted.as_ref(), self.clock.base(), now))
    }

    fn refuse_in_observe(&self) -> Result<(), Refused> {
        match self.settings().judge.mode {
            Mode::Enforce => Ok(()),
            Mode::Observe => Err(Refused::new(
                409,
                "observe-mode",
                "apimon observes and drops nothing; start it with --mode enforce (or mode = \"enforce\") to block",
            )),
        }
    }

    fn one(&self, record: LeaseRecord) -> Result<dto::Lease, Refused> {
        let lease = self.counted(&[record]).pop();
        lease.ok_or_else(|| Refused::new(500, "lost", "the lease was granted, but cannot be shown"))
    }
}

/// What a request wants done. A rate of none is no rate.
fn kind(request: &BlockRequest) -> Result<LeaseKind, Refused> {
    let (packets, bytes) = (request.packets_per_second, request.bytes_per_second);
    if packets == Some(0) || bytes.is_some_and(|bytes| bytes < Rates::BYTES_MIN) {
        return Err(Refused::bad_request(format!(
            "a throttle lets at least 1 packet or {} bytes a second through; leave the rate out to drop everything",
            Rates::BYTES_MIN
        )));
    }
    if packets.is_some_and(|packets| packets > Rates::PACKETS_MAX)
        || bytes.is_some_and(|bytes| bytes > Rates::BYTES_MAX)
    {
        return Err(Refused::bad_request(format!(
            "a throttle has at most {} packets and {} bytes a second",
            Rates::PACKETS_MAX,
            Rates::BYTES_MAX
        )));
    }
    Ok(match (packets, bytes) {
        (None, None) => LeaseKind::Drop,
        (packets, bytes) => LeaseKind::Throttle {
            packets: packets.unwrap_or(0),
            bytes: bytes.unwrap_or(0),
        },
    })
}
