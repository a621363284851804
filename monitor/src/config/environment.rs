//! Overrides by variables of the environment: `APIMON_MODE`, `APIMON_LOG__PATH`,
//! `APIMON_DETECT__ID_ENUMERATION__SCORE_MIN`.
//!
//! A variable is named like its key, in upper case, with `__` for the dot and `_` for the hyphen. Must not read the
//! environment itself, nor know what the keys mean.

use std::collections::BTreeMap;

use serde::Deserialize as _;
use toml::{Table, Value};

use super::{
    ConfigError,
    error::mended,
    layers::{Layers, Origin, single},
    raw, suggest,
};

/// What the names of all variables begin with.
pub(super) const PREFIX: &str = "APIMON_";
/// What stands for the dot between a section and a key.
const DOT: &str = "__";

/// Puts the variables over what was said before. `defaults` are all keys there are.
pub(super) fn apply(
    variables: &[(String, String)],
    defaults: &BTreeMap<String, Value>,
    layers: &mut Layers,
) -> Result<(), ConfigError> {
    for (name, text) in variables {
        let Some(key) = key_of(name, defaults)? else {
            continue;
        };
        let like = defaults.get(&key);
        let read = value(text, like);
        // Alone first, so that what is wrong with it is said of it.
        let alone = Value::Table(single(&key, read.clone()));
        raw::File::deserialize(alone).map_err(|error| wrong(name, mended(error.message())))?;
        layers.set(&key, read, Origin::Environment(name.clone()));
    }
    Ok(())
}

/// The key that a variable is named after; `None` if it is none of ours. A name that is nearly right is refused.
fn key_of(name: &str, keys: &BTreeMap<String, Value>) -> Result<Option<String>, ConfigError> {
    let Some(own) = name.strip_prefix(PREFIX) else {
        return Ok(None);
    };
    let named = |key: &str| key.replace('.', DOT).replace('-', "_");
    if let Some(key) = keys.keys().find(|key| named(key).to_ascii_uppercase() == own) {
        return Ok(Some(key.clone()));
    }
    // Without a section the name may be anybody's, unless it is nearly one of ours.
    let sectioned = own.contains(DOT);
    let names: Vec<String> = keys.keys().map(|key| named(key)).collect();
    let comparable = names.iter().map(String::as_str);
    let known: Vec<&str> = comparable
        .filter(|name| name.contains(DOT) == sectioned)
        .collect();
    match suggest::nearest(own, &known) {
        Some(right) => {
            let right = right.to_ascii_uppercase();
            Err(wrong(
                name,
                format!("there is no such key; did you mean {PREFIX}{right}?"),
            ))
        }
        None if sectioned => Err(wrong(
            name,
            "there is no such key; `apimon config template` shows all".to_owned(),
        )),
        None => Ok(None),
    }
}

fn wrong(name: &str, message: String) -> ConfigError {
    ConfigError::Environment {
        name: name.to_owned(),
        message,
    }
}

/// The value that a text stands for, where a value like `like` is wanted. A text that is none is left to be refused.
fn value(text: &str, like: Option<&Value>) -> Value {
    match like {
        Some(Value::String(_)) => Value::String(text.to_owned()),
        Some(Value::Array(_)) => match literal(text) {
            Some(list @ Value::Array(_)) => list,
            _ => Value::Array(items(text)),
        },
        _ => literal(text).unwrap_or_else(|| Value::String(text.to_owned())),
    }
}

/// A value as it stands in the file.
fn literal(text: &str) -> Option<Value> {
    let mut table: Table = toml::from_str(&format!("v = {text}")).ok()?;
    let value = table.remove("v");
    value.filter(|_| table.is_empty())
}

/// Entries with commas between.
fn items(text: &str) -> Vec<Value> {
    let items: Vec<&str> = text
        .split(',')
        .map(str::trim)
        .filter(|item| !item.is_empty())
        .collect();
    let numbers: Result<Vec<i64>, _> = items.iter().map(|item| item.parse()).collect();
    match numbers {
        Ok(numbers) => numbers.into_iter().map(Value::Integer).collect(),
        Err(_) => items.into_iter().map(Value::from).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::{super::template, *};

    fn applied(name: &str, text: &str) -> Result<Table, ConfigError> {
        let mut layers = Layers::default();
        let variables = [(name.to_owned(), text.to_owned())];
        apply(&variables, &template::defaults(), &mut layers).map(|()| layers.table)
    }

    #[test]
    fn a_variable_stands_for_the_key_it_is_named_after() {
        for (name, text, wanted) in [
            ("APIMON_MODE", "enforce", "mode = 'enforce'"),
            ("APIMON_PORTS", "80, 8080", "ports = [80, 8080]"),
            ("APIMON_PORTS", "[81]", "ports = [81]"),
            ("APIMON_INTERFACES", "eth0,lo", "interfaces = ['eth0', 'lo']"),
            ("APIMON_ALLOW", "", "allow = []"),
            ("APIMON_LOG__PATH", "/a b", "[log]\npath = '/a b'"),
            ("APIMON_TAP__SHARDS", "2", "[tap]\nshards = 2"),
            ("APIMON_RECORD__ENABLED", "true", "[record]\nenabled = true"),
            (
                "APIMON_DETECT__ID_ENUMERATION__DISTINCT_MIN",
                "5",
                "[detect.id-enumeration]\ndistinct_min = 5",
            ),
            ("APIMON_UNKNOWN_TO_US", "x", ""),
            ("HOME", "/root", ""),
        ] {
            let wanted: Table = toml::from_str(wanted).unwrap();
            assert_eq!(applied(name, text).unwrap(), wanted, "{name}");
        }
    }

    #[test]
    fn what_is_wrong_is_said_with_the_name_of_the_variable() {
        for (name, text, wanted) in [
            ("APIMON_MODE", "enforced", "did you mean `enforce`?"),
            ("APIMON_MODEE", "enforce", "did you mean APIMON_MODE?"),
            ("APIMON_PORT", "80", "did you mean APIMON_PORTS?"),
            ("APIMON_LOG__FILE_NAME_OF_IT", "/x", "no such key"),
            (
                "APIMON_VERDICT__BLOCK_PER_MINUTE",
                "1",
                "APIMON_VERDICT__BLOCKS_PER_MINUTE",
            ),
            ("APIMON_RECORD__DAYS", "many", "APIMON_RECORD__DAYS: "),
            (
                "APIMON_RECORD__DAYS",
                "1\nmode = 'enforce'",
                "APIMON_RECORD__DAYS: ",
            ),
        ] {
            let said = applied(name, text).unwrap_err().to_string();
            assert!(said.contains(wanted), "{name}: {said}");
        }
    }
}
