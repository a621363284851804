//! The layers of the configuration as one table of values by dotted key, each with the layer it is from.
//!
//! Must not know what the keys mean, nor which values are right.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use serde::Serialize;
use toml::{Table, Value};

/// Where a value is from.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Origin {
    /// Nobody said anything.
    Default,
    /// The configuration file.
    File,
    /// A variable of the environment, by its name.
    Environment(String),
    /// A flag of the command line.
    Flag,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File => f.write_str("file"),
            Self::Environment(name) => write!(f, "environment, {name}"),
            Self::Flag => f.write_str("flag"),
        }
    }
}

impl Serialize for Origin {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// What was said beyond the defaults, the later layer over the earlier.
#[derive(Debug, Default)]
pub(super) struct Layers {
    pub(super) table: Table,
    origins: BTreeMap<String, Origin>,
}

impl Layers {
    /// The file's.
    pub(super) fn of_file(table: Table) -> Self {
        let origins = leaves(&table).into_keys().map(|key| (key, Origin::File));
        Self {
            origins: origins.collect(),
            table,
        }
    }

    /// Puts a value over what was said before.
    pub(super) fn set(&mut self, key: &str, value: Value, origin: Origin) {
        insert(&mut self.table, key, value);
        self.origins.insert(key.to_owned(), origin);
    }

    /// Puts entries behind those that a list has.
    pub(super) fn extend(&mut self, key: &str, more: Vec<Value>, origin: Origin) {
        let mut list = match leaves(&self.table).remove(key) {
            Some(Value::Array(list)) => list,
            _ => Vec::new(),
        };
        list.extend(more);
        self.set(key, Value::Array(list), origin);
    }
}

/// A table that holds one value at a dotted key.
pub(super) fn single(key: &str, value: Value) -> Table {
    let mut table = Table::new();
    insert(&mut table, key, value);
    table
}

fn insert(table: &mut Table, key: &str, value: Value) {
    let Some((section, rest)) = key.split_once('.') else {
        table.insert(key.to_owned(), value);
        return;
    };
    let below = table.entry(section).or_insert_with(|| Value::Table(Table::new()));
    if let Value::Table(below) = below {
        insert(below, rest, value);
    }
}

/// Every value of a table that is no table itself, by its dotted key.
pub(super) fn leaves(table: &Table) -> BTreeMap<String, Value> {
    fn walk(prefix: &str, table: &Table, found: &mut BTreeMap<String, Value>) {
        for (name, value) in table {
            let key = format!("{prefix}{name}");
            match value {
                Value::Table(below) => walk(&format!("{key}."), below, found),
                leaf => drop(found.insert(key, leaf.clone())),
            }
        }
    }
    let mut found = BTreeMap::new();
    walk("", table, &mut found);
    found
}

/// The configuration in force: every key there is, with its value and where that is from.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Effective(BTreeMap<String, (Value, Origin)>);

impl Effective {
    pub(super) fn of(defaults: BTreeMap<String, Value>, layers: &Layers) -> Self {
        let mut all: BTreeMap<_, _> = defaults
            .into_iter()
            .map(|(key, value)| (key, (value, Origin::Default)))
            .collect();
        for (key, value) in leaves(&layers.table) {
            let origin = layers.origins.get(&key).cloned().unwrap_or(Origin::File);
            all.insert(key, (value, origin));
        }
        Self(all)
    }

    /// Every key with its value and its origin, in the order of the keys; those without a section first.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Value, &Origin)> {
        let (plain, sections): (Vec<_>, Vec<_>) = self.0.iter().partition(|(key, _)| !key.contains('.'));
        let all = plain.into_iter().chain(sections);
        all.map(|(key, (value, origin))| (key.as_str(), value, origin))
    }

    /// Takes these keys as another one has them.
    pub fn take(&mut self, keys: &[String], other: &Self) {
        for key in keys {
            match other.0.get(key) {
                Some(value) => drop(self.0.insert(key.clone(), value.clone())),
                None => drop(self.0.remove(key)),
            }
        }
    }

    /// The keys whose values differ.
    pub(super) fn differing(&self, other: &Self) -> Vec<String> {
        let keys: BTreeSet<&String> = self.0.keys().chain(other.0.keys()).collect();
        let value = |of: &Self, key: &str| of.0.get(key).map(|(value, _)| value.clone());
        keys.into_iter()
            .filter(|key| value(self, key) != value(other, key))
            .cloned()
            .collect()
    }
}
