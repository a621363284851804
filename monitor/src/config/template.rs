//! The configuration file that holds every key with its default, its unit and a comment: `docs/apimon.toml`, which
//! `apimon config template` prints. Tests hold it against the keys that are read and against the defaults in the code.

use std::collections::BTreeMap;

use toml::{Table, Value};

use super::{layers::leaves, settings::default_shards};

/// The text of the template.
pub const TEMPLATE: &str = include_str!("../../../docs/apimon.toml");

/// Every key there is, by its dotted name, with its default.
pub(super) fn defaults() -> BTreeMap<String, Value> {
    // A test reads it: it is never empty.
    let table: Table = toml::from_str(TEMPLATE).unwrap_or_default();
    let mut values = leaves(&table);
    // It depends on the machine, so the template cannot say it.
    values.insert("tap.shards".to_owned(), i64::from(default_shards()).into());
    values
}
