//! Scenario files: who does what to which API, when, and what it is. Must not know how it is played.
//!
//! A file is one scenario, or several that differ in little: each table under `variant` is laid over the rest.

use std::{collections::BTreeMap, fs, path::Path};

use anyhow::{Context as _, Result, ensure};
use serde::Deserialize;
use toml::{Table, Value};

use super::api::{Api, Guard, Plan};

/// One scenario.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// What it is about, in a sentence.
    pub about: String,
    /// Name of the API.
    pub api: String,
    /// Capture time that the crowd is there for, minutes.
    #[serde(default = "half_an_hour")]
    pub minutes: f64,
    /// Users of the crowd. Scaled by the number of benign requests that are asked for.
    #[serde(default = "crowd")]
    pub crowd: usize,
    /// Share of the crowd behind one of few addresses.
    #[serde(default = "nat")]
    pub nat: f64,
    /// Whether all come through one proxy, which is configured as trusted.
    #[serde(default)]
    pub proxy: bool,
    /// Groups of actors, by name.
    #[serde(default)]
    pub cast: BTreeMap<String, Group>,
}

fn half_an_hour() -> f64 {
    30.0
}

fn crowd() -> usize {
    60
}

fn nat() -> f64 {
    0.15
}

/// Actors that do the same.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Group {
    /// How many.
    #[serde(default = "one")]
    pub count: usize,
    /// The detectors of which each episode must have a case; nothing for honest actors.
    #[serde(default)]
    pub attack: Vec<String>,
    /// Detectors that may say something as well, because it is true.
    #[serde(default)]
    pub also: Vec<String>,
    /// Whether the members are one attacker; else each is an episode of its own.
    #[serde(default = "yes")]
    pub together: bool,
    /// When its members begin: a time, or a range over which they spread.
    #[serde(default)]
    pub start: Span,
    /// Where from.
    #[serde(default)]
    pub address: Place,
    /// What program.
    #[serde(default)]
    pub program: Option<String>,
    /// Who they are.
    #[serde(default)]
    pub who: Who,
    /// Whether they are administrators.
    #[serde(default)]
    pub admin: bool,
    /// Whether each one's objects have ids that follow one another.
    #[serde(default)]
    pub neighbours: bool,
    /// How many objects of each kind each one has, beyond the API's own rule.
    #[serde(default)]
    pub owns: BTreeMap<String, usize>,
    /// What they do.
    pub steps: Vec<Step>,
    /// How often.
    #[serde(default = "one")]
    pub repeat: usize,
    /// Pause between that.
    #[serde(default)]
    pub rest: Span,
    /// For steps that do not say it themselves.
    #[serde(default)]
    pub with: Manner,
}

fn one() -> usize {
    1
}

fn yes() -> bool {
    true
}

/// What an actor does next.
#[derive(Clone, Debug, Deserialize)]
pub struct Step {
    /// Name of an endpoint; or `login`, `browse` (a session of the crowd's kind), `wait`.
    #[serde(rename = "do")]
    pub what: String,
    /// How.
    #[serde(flatten)]
    pub manner: Manner,
}

/// How it is done.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Manner {
    /// How often; or once for each of its own objects.
    pub times: Option<Times>,
    /// Time between two.
    pub every: Option<Span>,
    /// Which objects.
    pub pick: Option<Pick>,
    /// For `stride`, how far; for `random`, out of how many.
    pub by: Option<u64>,
    /// What the endpoint checks here, instead of what the API says.
    pub guard: Option<Guard>,
    /// Which credential.
    pub token: Option<Token>,
    /// As whom one logs in.
    pub user: Option<Pick>,
    /// With which password: `right`, `wrong`, `one` or `list`.
    pub password: Option<String>,
    /// An answer that comes whatever is asked.
    pub status: Option<u16>,
    /// How often in a hundred that answer comes.
    pub status_percent: Option<u8>,
    /// A parameter given twice.
    pub twice: Option<Twice>,
    /// Share of requests that are sent again.
    pub again: Option<f64>,
    /// The target is another, from a list of words that exist nowhere.
    pub words: Option<String>,
}

/// How often.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(untagged)]
pub enum Times {
    /// So often.
    Number(usize),
    /// `own`: once for each own object; `all`: for each there is.
    Word(String),
}

/// Which objects or users.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Pick {
    /// Any of its own.
    Own,
    /// Its own in order.
    OwnNext,
    /// One of its own, always the same.
    Same,
    /// The ids there are, upwards from some place.
    Up,
    /// And downwards.
    Down,
    /// With a stride.
    Stride,
    /// Random ids of the range in use.
    Random,
    /// Random objects of others.
    Foreign,
    /// All objects of others, in random order, none twice.
    Harvested,
    /// What its team shares with it.
    Shared,
    /// What is open to whoever has the link.
    Link,
    /// Objects of nobody.
    Public,
    /// And in order.
    PublicNext,
    /// Ids that are no objects.
    Missing,
}

/// Which credential.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Token {
    /// Its own, renewed when it has expired.
    Own,
    /// Its own, never renewed.
    Kept,
    /// None.
    None,
    /// Its own, expired, and the server does not look.
    Expired,
    /// Made without a signature, and the server does not look.
    Unsigned,
    /// Not yet valid, and the server does not look.
    Future,
    /// Of others, another one each time.
    Others,
    /// Made up: the server refuses it.
    MadeUp,
}

/// Where the same parameter stands twice.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Twice {
    /// In the query.
    Query,
    /// In the query and in a form.
    Across,
    /// In a form.
    Form,
}

/// Where actors come from.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Place {
    /// Each an address of its own.
    #[default]
    Own,
    /// All the same address.
    One,
    /// One of the addresses that many of the crowd share.
    Nat,
    /// The address of the members of another group.
    Of(String),
    /// Any of so many, another for each connection or after so many requests.
    Pool(usize),
    /// Any of so many that all of the group share, another for each connection or after so many requests.
    Carrier(usize),
    /// An address of its own, that changes from time to time, never back.
    Roam,
    /// An IPv4 and an IPv6 address at the same time.
    Dual,
}

/// Who actors are.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Who {
    /// Each a user of its own, who logs in first.
    #[default]
    User,
    /// Each a user of its own, who has been logged in for long.
    Known,
    /// All the same user.
    One,
    /// All the same user, who has logged in on each device of its own.
    Devices,
    /// All a service with one token.
    Service,
    /// Nobody.
    Nobody,
    /// Has the credential of a member of another group.
    As(String),
    /// Has accounts, and takes another one after so many requests.
    Many(usize, usize),
}

/// A time, or a range of times; seconds.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Span {
    /// At least.
    pub low: f64,
    /// At most.
    pub high: f64,
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        span(&text).ok_or_else(|| serde::de::Error::custom(format!("{text} is no time")))
    }
}

/// `90s`, `10min`, `0.2s..3s`.
fn span(text: &str) -> Option<Span> {
    let (low, high) = text.split_once("..").unwrap_or((text, text));
    Some(Span {
        low: seconds(low)?,
        high: seconds(high)?,
    })
}

fn seconds(text: &str) -> Option<f64> {
    let at = text.find(|c: char| c.is_ascii_alphabetic())?;
    let (number, unit) = text.split_at_checked(at)?;
    let number: f64 = number.trim().parse().ok()?;
    let factor = match unit {
        "ms" => 0.001,
        "s" => 1.0,
        "min" => 60.0,
        "h" => 3600.0,
        _ => return None,
    };
    Some(number * factor)
}

/// A scenario that can be played.
#[derive(Clone, Debug)]
pub struct Named {
    /// Name of the file, and of the variant.
    pub name: String,
    /// The scenario.
    pub scenario: Scenario,
    /// Its API.
    pub plan: Plan,
}

/// All scenarios of a directory, in the order of their names.
pub fn load(dir: &Path) -> Result<Vec<Named>> {
    let mut all = Vec::new();
    let mut paths: Vec<_> = fs::read_dir(dir)
        .with_context(|| format!("cannot read {}", dir.display()))?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|extension| extension == "toml"))
        .collect();
    paths.sort();
    for path in paths {
        read(&path, &dir.join("apis"), &mut all).with_context(|| path.display().to_string())?;
    }
    ensure!(!all.is_empty(), "no scenario in {}", dir.display());
    Ok(all)
}

fn read(path: &Path, apis: &Path, all: &mut Vec<Named>) -> Result<()> {
    let stem = path
        .file_stem()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned();
    let mut base: Table = toml::from_str(&fs::read_to_string(path)?)?;
    let variants = match base.remove("variant") {
        Some(Value::Table(variants)) => variants,
        _ => Table::from_iter([(String::new(), Value::Table(Table::new()))]),
    };
    for (variant, over) in variants {
        let mut table = base.clone();
        if let Value::Table(over) = over {
            lay_over(&mut table, over);
        }
        let name = if variant.is_empty() {
            stem.clone()
        } else {
            format!("{stem}/{variant}")
        };
        let scenario: Scenario = table.try_into().with_context(|| name.clone())?;
        let api = apis.join(format!("{}.toml", scenario.api));
        let text = fs::read_to_string(&api).with_context(|| api.display().to_string())?;
        let api: Api = toml::from_str(&text).with_context(|| scenario.api.clone())?;
        let plan = Plan::new(api).with_context(|| scenario.api.clone())?;
        all.push(Named { name, scenario, plan });
    }
    Ok(())
}

/// Lays one table over another: tables within tables are merged, everything else is replaced.
fn lay_over(base: &mut Table, over: Table) {
    for (key, value) in over {
        match (base.get_mut(&key), value) {
            (Some(Value::Table(base)), Value::Table(over)) => lay_over(base, over),
            (_, value) => drop(base.insert(key, value)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_units() {
        assert_eq!(
            span("90s"),
            Some(Span {
                low: 90.0,
                high: 90.0
            })
        );
        let range = Span {
            low: 0.2,
            high: 120.0,
        };
        assert_eq!(span("200ms..2min"), Some(range));
        assert_eq!(span("90"), None);
    }

    #[test]
    fn variants_replace_what_they_name() {
        let mut base: Table = toml::from_str("a = 1\n[t]\nx = 1\ny = 2").unwrap();
        lay_over(&mut base, toml::from_str("[t]\ny = 3").unwrap());
        assert_eq!(base, toml::from_str("a = 1\n[t]\nx = 1\ny = 3").unwrap());
    }
}
