//! What is learned of endpoints, for the control protocol. Must not fetch anything.

use crate::{
    control::dto::{self, Quantiles},
    observe::endpoint::{
        Endpoint, EndpointId, EndpointTable,
        usage::{Histogram, KINDS, Usage},
    },
    time::Timestamp,
};

/// The `limit` most used endpoints.
pub(crate) fn endpoints(table: &EndpointTable, limit: usize, now: Timestamp) -> Vec<dto::Endpoint> {
    let mut known: Vec<_> = table.iter().collect();
    if known.len() > limit {
        known.sort_by_key(|(_, endpoint)| std::cmp::Reverse(endpoint.requests));
        known.truncate(limit);
    }
    let shown = known
        .into_iter()
        .filter_map(|(id, endpoint)| shown(table, id, endpoint, now));
    let mut endpoints: Vec<dto::Endpoint> = shown.collect();
    endpoints.sort_by(|a, b| {
        b.requests
            .cmp(&a.requests)
            .then_with(|| a.endpoint.cmp(&b.endpoint))
    });
    endpoints
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
