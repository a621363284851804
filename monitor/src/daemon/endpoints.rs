//! Endpoints for the control protocol, to disk and back. Must not judge them.

use super::{desk::Desk, judging::Bench};
use crate::{
    control::dto::{self, Quantiles, Refused},
    judge::Judge,
    observe::endpoint::{
        Endpoint, EndpointId, EndpointTable,
        usage::{Histogram, KINDS, Usage},
    },
    state::{self, StateError},
    time::Timestamp,
};

impl Desk {
    pub(super) fn list_endpoints(&self) -> Result<Vec<dto::Endpoint>, Refused> {
        let now = self.clock.now();
        let list = move |bench: &mut Bench| {
            let table = bench.judge.endpoints();
            let shown = table
                .iter()
                .filter_map(|(id, endpoint)| shown(table, id, endpoint, now));
            shown.collect::<Vec<_>>()
        };
        let mut endpoints = self.judge.call(list)?;
        endpoints.sort_by(|a, b| {
            b.requests
                .cmp(&a.requests)
                .then_with(|| a.endpoint.cmp(&b.endpoint))
        });
        Ok(endpoints)
    }

    /// Writes what was learned of endpoints.
    pub(super) fn save_endpoints(&self) {
        let Ok(learned) = self.judge.call(|bench| bench.judge.endpoints().record()) else {
            return;
        };
        if let Err(error) = state::endpoints::save(&self.settings.state_dir, learned) {
            log::error!("the endpoints: {error}; after a restart they are learned anew");
        }
    }
}

/// Gives a new judge what earlier runs learned. What cannot be used is kept aside.
pub(super) fn restore(judge: &mut Judge, dir: &std::path::Path) -> Result<(), StateError> {
    if let Some(learned) = state::endpoints::load(dir)?
        && let Err(error) = judge.restore_endpoints(learned)
    {
        state::endpoints::refuse(dir, &error.to_string());
    }
    Ok(())
}

fn shown(
    table: &EndpointTable,
    id: EndpointId,
    endpoint: &Endpoint,
    now: Timestamp,
) -> Option<dto::Endpoint> {
    let usage = table.usage(id)?;
    Some(dto::Endpoint {
        endpoint: table.name(id),
        requests: endpoint.requests,
        rate_per_second: (usage.rate_at(now) * 1000.0).round() / 1000.0,
        statuses: statuses(usage),
        latency_ms: quantiles(&usage.latency, 1000.0),
        response_bytes: quantiles(&usage.size, 1.0),
        auth: auth(usage),
        first: endpoint.first.rfc3339(),
        last: endpoint.last.rfc3339(),
        idle_seconds: now.since(endpoint.last).as_secs(),
    })
}

type Counts = std::collections::BTreeMap<String, u64>;

fn statuses(usage: &Usage) -> Counts {
    let names = ["none", "1xx", "2xx", "3xx", "4xx", "5xx"];
    counts(names.into_iter().zip(usage.statuses))
}

fn auth(usage: &Usage) -> Counts {
    let names = KINDS.iter().map(|kind| kind.prefix()).chain(["none"]);
    counts(names.zip(usage.auth))
}

fn counts(named: impl Iterator<Item = (&'static str, u64)>) -> Counts {
    let some = named.filter(|(_, count)| *count > 0);
    some.map(|(name, count)| (name.to_owned(), count)).collect()
}

#[expect(
    clippy::cast_precision_loss,
    reason = "microseconds and bytes far below 2^52, and rounded"
)]
fn quantiles<const N: usize>(histogram: &Histogram<N>, unit: f64) -> Option<Quantiles> {
    let at = |percent| histogram.quantile(percent).map(|value| value as f64 / unit);
    Some(Quantiles {
        p50: at(50)?,
        p95: at(95)?,
        p99: at(99)?,
    })
}
