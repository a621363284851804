//! The lists: what stands in each, in which orders, and what a line is about. Must not know what is chosen or how it is
//! drawn.

use std::{cmp::Ordering, time::Duration};

use monitor_common::Prefix;

use super::{
    super::{
        out::Tone,
        sources::standing,
        table::{Cell, Column, Table},
        text,
        view::{Row, plain},
    },
    feed::Snapshot,
};
use crate::control::dto::{Actor, Case, Endpoint, Lease, Source};

/// Which list.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) enum View {
    /// What was found.
    #[default]
    Cases,
    /// Who sends packets.
    Sources,
    /// Who asks.
    Actors,
    /// What is asked for.
    Endpoints,
    /// Who is stopped.
    Leases,
    /// What was lost.
    Losses,
}

impl View {
    /// All, in the order of their numbers.
    pub(super) const ALL: [Self; 6] = [
        Self::Cases,
        Self::Sources,
        Self::Actors,
        Self::Endpoints,
        Self::Leases,
        Self::Losses,
    ];

    pub(super) fn index(self) -> usize {
        self as usize
    }

    /// The next but `by`, round the corner.
    pub(super) fn next(self, by: usize) -> Self {
        let at = (self.index() + by) % Self::ALL.len();
        Self::ALL.get(at).copied().unwrap_or_default()
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Cases => "cases",
            Self::Sources => "sources",
            Self::Actors => "actors",
            Self::Endpoints => "endpoints",
            Self::Leases => "leases",
            Self::Losses => "losses",
        }
    }

    /// The orders that its list can be in, besides that by name.
    fn ranks(self) -> &'static [&'static str] {
        match self {
            Self::Cases => &["open, then severity", "last", "found", "number"],
            Self::Sources => &["rate", "packets", "dropped", "last"],
            Self::Actors => &["cases", "rate", "requests", "refused", "last"],
            Self::Endpoints => &["rate", "requests", "errors", "latency"],
            Self::Leases => &["time left", "dropped"],
            Self::Losses => &["count"],
        }
    }

    /// How many orders there are.
    pub(super) fn sorts(self) -> usize {
        self.ranks().len() + 1
    }

    /// The name of an order.
    pub(super) fn sort_name(self, sort: usize) -> &'static str {
        self.ranks().get(sort).copied().unwrap_or("name")
    }

    /// How many things there are to list.
    pub(super) fn count(self, snapshot: &Snapshot) -> usize {
        match self {
            Self::Cases => snapshot.cases.len(),
            Self::Sources => snapshot.sources.len(),
            Self::Actors => snapshot.actors.len(),
            Self::Endpoints => snapshot.endpoints.len(),
            Self::Leases => snapshot.leases.len(),
            Self::Losses => snapshot.status.losses.len(),
        }
    }
}

/// What a line is about.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Key {
    Case(u32),
    Source(String),
    Actor(String),
    Endpoint(String),
    Lease(String),
    Loss(String),
}

impl Key {
    /// Whose packets it is about.
    pub(super) fn nets(&self, snapshot: &Snapshot) -> Vec<Prefix> {
        let texts: Vec<&str> = match self {
            Self::Source(net) | Self::Lease(net) => vec![net],
            Self::Actor(actor) => actor.strip_prefix("client:").into_iter().collect(),
            Self::Case(number) => snapshot
                .cases
                .iter()
                .filter(|case| case.number == *number)
                .flat_map(|case| &case.sources)
                .map(|source| source.source.as_str())
                .collect(),
            Self::Endpoint(_) | Self::Loss(_) => Vec::new(),
        };
        texts.iter().filter_map(|text| text.parse().ok()).collect()
    }
}

/// One line: what it is about, what stands in it, and where it stands in each order.
#[derive(Clone, Debug)]
struct Item {
    key: Key,
    cells: Vec<Cell>,
    ranks: Vec<f64>,
}

/// A list.
#[derive(Debug, Default)]
pub(super) struct Listed {
    columns: &'static [Column],
    items: Vec<Item>,
}

impl Listed {
    pub(super) fn len(&self) -> usize {
        self.items.len()
    }

    /// What line `index` is about.
    pub(super) fn key(&self, index: usize) -> Option<Key> {
        self.items.get(index).map(|item| item.key.clone())
    }

    /// Which line is about `key`.
    pub(super) fn position(&self, key: &Key) -> Option<usize> {
        self.items.iter().position(|item| item.key == *key)
    }

    /// As a table. Its cells are safe for a terminal.
    pub(super) fn table(&self) -> Table {
        let mut table = Table::new(self.columns);
        for item in &self.items {
            table.row(item.cells.iter().cloned());
        }
        table
    }

    /// In the order `sort`, the greatest first; what is equal, and the order by name, by what it is about.
    pub(super) fn sorted(mut self, view: View, sort: usize, turned: bool) -> Self {
        let by_name = sort >= view.ranks().len();
        self.items.sort_by(|a, b| {
            let ranks = (a.ranks.get(sort), b.ranks.get(sort));
            let by_rank = match ranks {
                (Some(a), Some(b)) if !by_name => b.total_cmp(a),
                _ => Ordering::Equal,
            };
            by_rank.then_with(|| a.key.cmp(&b.key))
        });
        if turned {
            self.items.reverse();
        }
        self
    }

    fn of<T: Listable>(items: impl Iterator<Item = T>, filter: &str) -> Self {
        let filter = filter.to_lowercase();
        let item = |item: T| Item {
            key: item.key(),
            cells: item.cells(),
            ranks: item.ranks(),
        };
        let fits = |item: &Item| {
            filter.is_empty()
                || item
                    .cells
                    .iter()
                    .any(|(cell, _)| cell.to_lowercase().contains(&filter))
        };
        Self {
            columns: T::COLUMNS,
            items: items.map(item).filter(fits).collect(),
        }
    }
}

/// What can be a line.
trait Listable: Row {
    fn key(&self) -> Key;
    /// Where it stands in the orders of its view.
    fn ranks(&self) -> Vec<f64>;
}

/// The list of `view`. Rates are those since the look before.
pub(super) fn list(
    view: View,
    snapshot: &Snapshot,
    before: Option<(&Snapshot, Duration)>,
    filter: &str,
) -> Listed {
    match view {
        View::Cases => Listed::of(snapshot.cases.iter(), filter),
        View::Sources => {
            let rates = Rates::new(before, |before| &before.sources, |s| (&s.source, s.packets));
            let rated = |of| Rated {
                of,
                rate: rates.of(of, |s: &Source| (&s.source, s.packets)),
            };
            Listed::of(snapshot.sources.iter().map(rated), filter)
        }
        View::Actors => {
            let rates = Rates::new(before, |before| &before.actors, |a| (&a.actor, a.requests));
            let rated = |of| Rated {
                of,
                rate: rates.of(of, |a: &Actor| (&a.actor, a.requests)),
            };
            Listed::of(snapshot.actors.iter().map(rated), filter)
        }
        View::Endpoints => Listed::of(snapshot.endpoints.iter(), filter),
        View::Leases => Listed::of(snapshot.leases.iter(), filter),
        View::Losses => {
            let losses = snapshot.status.losses.iter();
            Listed::of(losses.map(|(name, count)| Loss { name, count: *count }), filter)
        }
    }
}

/// What was counted of each at the look before.
struct Rates<'a> {
    counts: std::collections::HashMap<&'a str, u64>,
    seconds: f64,
}

impl<'a> Rates<'a> {
    fn new<T: 'a>(
        before: Option<(&'a Snapshot, Duration)>,
        list: fn(&Snapshot) -> &Vec<T>,
        count: fn(&T) -> (&String, u64),
    ) -> Self {
        let counts = before.into_iter().flat_map(|(before, _)| list(before));
        Self {
            counts: counts
                .map(|item| {
                    let (name, count) = count(item);
                    (name.as_str(), count)
                })
                .collect(),
            seconds: before.map_or(0.0, |(_, span)| span.as_secs_f64()),
        }
    }

    /// What it is counted at a second; nothing of one that was not there before.
    #[expect(clippy::cast_precision_loss, reason = "a rate, for the eye")]
    fn of<T>(&self, item: &T, count: fn(&T) -> (&String, u64)) -> f64 {
        let (name, now) = count(item);
        match self.counts.get(name.as_str()) {
            Some(before) if self.seconds > 0.0 => now.saturating_sub(*before) as f64 / self.seconds,
            _ => 0.0,
        }
    }
}

/// A thing and how much of it comes a second.
struct Rated<'a, T> {
    of: &'a T,
    rate: f64,
}

/// A loss.
struct Loss<'a> {
    name: &'a str,
    count: u64,
}

impl<T: Row> Row for &T {
    const COLUMNS: &'static [Column] = T::COLUMNS;

    fn cells(&self) -> Vec<Cell> {
        (**self).cells()
    }
}

/// Seconds ago as a rank: the latest first.
#[expect(clippy::cast_precision_loss, reason = "a rank")]
fn lately(seconds: u64) -> f64 {
    -(seconds as f64)
}

#[expect(clippy::cast_precision_loss, reason = "a rank")]
fn rank(count: u64) -> f64 {
    count as f64
}

impl Listable for &Case {
    fn key(&self) -> Key {
        Key::Case(self.number)
    }

    fn ranks(&self) -> Vec<f64> {
        let open = if self.closed.is_none() { 1000.0 } else { 0.0 };
        vec![
            open + f64::from(self.severity),
            lately(self.quiet_seconds),
            rank(self.findings),
            rank(self.number.into()),
        ]
    }
}

impl Row for Rated<'_, Source> {
    const COLUMNS: &'static [Column] = &[
        Column::left("SOURCE"),
        Column::right("PER S"),
        Column::right("PACKETS"),
        Column::right("DROPPED"),
        Column::left("LAST").spare(1),
        Column::left("LEASE").cut_to(16),
    ];

    fn cells(&self) -> Vec<Cell> {
        let dropped = if self.of.dropped > 0 { Tone::Bad } else { Tone::Dim };
        vec![
            plain(self.of.source.clone()),
            plain(per_second(self.rate)),
            plain(text::count(self.of.packets)),
            (text::count(self.of.dropped), dropped),
            plain(text::ago(self.of.idle_seconds)),
            standing(self.of),
        ]
    }
}

impl Listable for Rated<'_, Source> {
    fn key(&self) -> Key {
        Key::Source(self.of.source.clone())
    }

    fn ranks(&self) -> Vec<f64> {
        vec![
            self.rate,
            rank(self.of.packets),
            rank(self.of.dropped),
            lately(self.of.idle_seconds),
        ]
    }
}

impl Row for Rated<'_, Actor> {
    const COLUMNS: &'static [Column] = &[
        Column::left("ACTOR").cut_to(20),
        Column::right("PER S"),
        Column::right("REQUESTS"),
        Column::right("SERVED").spare(2),
        Column::right("REFUSED"),
        Column::right("CASES"),
        Column::left("LAST").spare(1),
    ];

    fn cells(&self) -> Vec<Cell> {
        let tone = if self.of.open_cases > 0 {
            Tone::Bad
        } else {
            Tone::Plain
        };
        vec![
            (self.of.actor.clone(), tone),
            plain(per_second(self.rate)),
            plain(text::count(self.of.requests)),
            plain(text::count(self.of.served)),
            plain(text::count(self.of.refused)),
            (self.of.open_cases.to_string(), tone),
            plain(text::ago(self.of.idle_seconds)),
        ]
    }
}

impl Listable for Rated<'_, Actor> {
    fn key(&self) -> Key {
        Key::Actor(self.of.actor.clone())
    }

    fn ranks(&self) -> Vec<f64> {
        vec![
            rank(self.of.open_cases),
            self.rate,
            rank(self.of.requests),
            rank(self.of.refused),
            lately(self.of.idle_seconds),
        ]
    }
}

impl Listable for &Endpoint {
    fn key(&self) -> Key {
        Key::Endpoint(self.endpoint.clone())
    }

    fn ranks(&self) -> Vec<f64> {
        let failed = |class: &str| self.statuses.get(class).copied().unwrap_or(0);
        vec![
            self.rate_per_second,
            rank(self.requests),
            rank(failed("4xx") + failed("5xx")),
            self.latency_ms.map_or(0.0, |latency| latency.p99),
        ]
    }
}

impl Listable for &Lease {
    fn key(&self) -> Key {
        Key::Lease(self.source.clone())
    }

    fn ranks(&self) -> Vec<f64> {
        vec![rank(self.left_seconds), rank(self.packets)]
    }
}

impl Row for Loss<'_> {
    const COLUMNS: &'static [Column] = &[Column::left("LOSS").cut_to(24), Column::right("COUNT")];

    fn cells(&self) -> Vec<Cell> {
        vec![plain(self.name), (self.count.to_string(), Tone::Warn)]
    }
}

impl Listable for Loss<'_> {
    fn key(&self) -> Key {
        Key::Loss(self.name.to_owned())
    }

    fn ranks(&self) -> Vec<f64> {
        vec![rank(self.count)]
    }
}

/// A rate, short.
pub(super) fn per_second(rate: f64) -> String {
    if rate < 10.0 {
        return format!("{rate:.1}");
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "at least ten, and saturating"
    )]
    text::count(rate.round() as u64)
}
