//! The nets that operators exempt from blocks while the daemon runs, each for a time or for good. Must not know where
//! the list is kept, or who reads it.

use std::collections::BTreeMap;

use monitor_common::Prefix;
use serde::{Deserialize, Serialize};

use super::ledger::net_text;
use crate::time::Timestamp;

/// Nets in the list, at most. A script that adds without end; the kernel's set has room for four times as many.
pub const ALLOWS_MAX: usize = 1024;
/// Longest comment, bytes. It is repeated in every listing.
pub const COMMENT_BYTES: usize = 256;

/// One net of the list. Serialised into the state file.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct AllowRecord {
    /// Who is not to be blocked: an address or a net.
    #[serde(with = "net_text")]
    pub net: Prefix,
    /// When it was entered.
    pub added: Timestamp,
    /// When it ends; `None`: when an operator takes it out.
    pub until: Option<Timestamp>,
    /// Why, in the operator's words.
    pub comment: String,
}

/// The list takes no more.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{ALLOWS_MAX} nets are allowed by hand already; remove some, or name a wider net")]
pub struct AllowsFull;

/// The list, one record a net.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct AllowList {
    records: BTreeMap<Prefix, AllowRecord>,
}

impl AllowList {
    /// The records of before that still hold; what is beyond the limit is left out.
    pub fn of(records: Vec<AllowRecord>, now: Timestamp) -> Self {
        let holds = |record: &AllowRecord| record.until.is_none_or(|until| until > now);
        let records = records.into_iter().filter(holds).take(ALLOWS_MAX);
        Self {
            records: records.map(|record| (record.net, record)).collect(),
        }
    }

    /// Enters a net, in place of what was said of it before.
    pub fn add(&mut self, record: AllowRecord) -> Result<(), AllowsFull> {
        if self.records.len() >= ALLOWS_MAX && !self.records.contains_key(&record.net) {
            return Err(AllowsFull);
        }
        self.records.insert(record.net, record);
        Ok(())
    }

    /// Takes a net out.
    pub fn remove(&mut self, net: Prefix) -> Option<AllowRecord> {
        self.records.remove(&net)
    }

    /// Takes out everything whose time is over.
    pub fn expire(&mut self, now: Timestamp) -> Vec<AllowRecord> {
        let over = |_: &Prefix, record: &mut AllowRecord| record.until.is_some_and(|until| until <= now);
        self.records
            .extract_if(.., over)
            .map(|(_, record)| record)
            .collect()
    }

    /// Every record, by net.
    pub fn iter(&self) -> impl Iterator<Item = &AllowRecord> {
        self.records.values()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Timestamp {
        Timestamp::from_nanos(seconds * 1_000_000_000)
    }

    fn record(net: &str, until: Option<u64>) -> AllowRecord {
        AllowRecord {
            net: net.parse().unwrap(),
            added: at(0),
            until: until.map(at),
            comment: "office".into(),
        }
    }

    #[test]
    fn a_net_stays_until_its_time_or_for_good() {
        let before = vec![
            record("192.0.2.0/24", Some(10)),
            record("10.0.0.0/8", None),
            record("192.0.2.9", Some(5)),
        ];
        let mut list = AllowList::of(before, at(5));
        assert_eq!(list.iter().count(), 2, "what is over does not come back");
        assert_eq!(list.expire(at(9)), []);
        assert_eq!(list.expire(at(10)), [record("192.0.2.0/24", Some(10))]);
        assert_eq!(
            list.remove("10.0.0.0/8".parse().unwrap()),
            Some(record("10.0.0.0/8", None))
        );
        assert_eq!(list.iter().count(), 0);
    }

    #[test]
    fn the_list_is_bounded_and_a_known_net_can_still_be_changed() {
        let net = |number: usize| format!("10.0.{}.{}", number / 256, number % 256);
        let mut list = AllowList::default();
        for number in 0..ALLOWS_MAX {
            list.add(record(&net(number), None)).unwrap();
        }
        assert_eq!(list.add(record(&net(ALLOWS_MAX), None)), Err(AllowsFull));
        list.add(record(&net(0), Some(7))).unwrap();
        assert_eq!(list.expire(at(7)).len(), 1);
        let many = (0..2 * ALLOWS_MAX)
            .map(|number| record(&net(number), None))
            .collect();
        assert_eq!(AllowList::of(many, at(0)).iter().count(), ALLOWS_MAX);
    }
}
