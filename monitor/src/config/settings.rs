//! Validated settings: what the rest of the program sees. Must not know how they were written.

use std::{fmt, net::SocketAddr, ops::RangeInclusive, path::PathBuf};

use crate::{
    body::BodySettings,
    config::{
        ConfigError, DEFAULT_CONTROL, DEFAULT_LOG, DEFAULT_PIN_DIR, DEFAULT_STATE_DIR, keys, policy, raw,
        silence,
        values::{Text, check_interface, check_path},
    },
    journal::{JournalSettings, syslog::Address},
    judge::JudgeSettings,
    observe::{ObserveSettings, forwarded::settings::ClientSettings, identity::settings::IdentitySettings},
    record::RecordSettings,
};
use monitor_common::{Prefix, names::TAP_SHARDS_MAX};

/// Everything the operator can say, checked.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Interfaces to watch; empty: those with a default route, and `lo`.
    pub interfaces: Vec<String>,
    /// TCP ports whose connections are tapped, ascending; empty: every connection that speaks HTTP.
    pub ports: Vec<u16>,
    /// What survives a restart is kept here.
    pub state_dir: PathBuf,
    /// The control socket.
    pub control: PathBuf,
    /// The bpffs directory of maps and links.
    pub pin_dir: PathBuf,
    /// The anomaly log.
    pub journal: JournalSettings,
    /// Where the metrics are served over HTTP; `None`: nowhere.
    pub metrics: Option<SocketAddr>,
    /// Nets that never get a lease, beyond this host's own.
    pub allow: Vec<Prefix>,
    /// Mode, detectors, cases and verdicts.
    pub judge: JudgeSettings,
    /// Which bodies are read, and which values are credentials.
    pub observe: ObserveSettings,
    /// The record of observations.
    pub record: RecordSettings,
    /// What apimon may take of the host.
    pub limits: LimitSettings,
    /// Ring shards, and with them parse threads.
    pub shards: u32,
    /// Size of each ring shard, bytes, a power of two.
    pub ring_bytes: u32,
}

/// `[limits]`: what apimon may take of the host before it leaves work undone. 0: not limited.
#[derive(Clone, Copy, PartialEq, Eq, Debug, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LimitSettings {
    /// Share of all processors together, percent.
    pub cpu_percent: u32,
    /// Memory of the process, bytes.
    pub memory_bytes: u64,
}

impl Default for LimitSettings {
    fn default() -> Self {
        Self {
            cpu_percent: 60,
            memory_bytes: 1536 << 20,
        }
    }
}

/// The range that each number must lie in, with the reason of its ends.
#[derive(Debug)]
pub struct Bounds;

impl Bounds {
    /// A page below the smallest ring that holds one batch; above, it is not in any cache.
    pub const RING_BYTES: RangeInclusive<u32> = 64 * 1024..=256 * 1024 * 1024;
    /// A few lines at least; a gigabyte is no buffer.
    pub const JOURNAL_BYTES: RangeInclusive<usize> = 64 * 1024..=1024 * 1024 * 1024;
    /// A decoder gives no more than its window, which is 1 MiB.
    pub const BODY_BYTES: RangeInclusive<u32> = 1024..=960 * 1024;
    /// Most nets of proxies. The lists of large networks have some hundred.
    pub const PROXIES: usize = 4096;
    /// Largest file of keys, bytes.
    pub const KEY_FILE_BYTES: u64 = 1 << 20;
    /// Most names in one list of `[identity]`.
    pub const NAMES: usize = 64;
    /// A few thousand observations at least; a terabyte is a warehouse.
    pub const RECORD_BYTES: RangeInclusive<u64> = 1 << 20..=1 << 40;
    /// Whoever keeps addresses for longer than a year needs another tool.
    pub const RECORD_DAYS: RangeInclusive<u32> = 1..=366;
    /// A share of all processors.
    pub const CPU_PERCENT: RangeInclusive<u32> = 0..=100;
    /// Below, not even empty tables fit.
    pub const MEMORY_BYTES: RangeInclusive<u64> = 128 << 20..=1 << 44;
    /// Most interfaces.
    pub const INTERFACES: usize = 64;
}

pub(super) fn validate(raw: raw::File) -> Result<Settings, ConfigError> {
    Ok(Settings {
        interfaces: interfaces(raw.interfaces.unwrap_or_default())?,
        ports: checked_ports(raw.ports.unwrap_or_default())?,
        state_dir: path("state_dir", raw.state_dir, DEFAULT_STATE_DIR)?,
        control: path("control", raw.control, DEFAULT_CONTROL)?,
        pin_dir: path("pin_dir", raw.pin_dir, DEFAULT_PIN_DIR)?,
        journal: JournalSettings {
            format: raw.log.format.unwrap_or_default(),
            path: path("log.path", raw.log.path, DEFAULT_LOG)?,
            buffer_bytes: within(
                "log.buffer_bytes",
                raw.log.buffer_bytes,
                4 << 20,
                &Bounds::JOURNAL_BYTES,
            )?,
            journald: raw.log.journald.unwrap_or(false),
            syslog: syslog(&raw.log.syslog)?,
        },
        metrics: metrics(&raw.metrics)?,
        allow: raw
            .allow
            .iter()
            .map(|Text(net)| *net)
            // Whoever is behind a proxy pays for a lease of it.
            .chain(raw.clients.trusted_proxies.iter().copied())
            .collect(),
        judge: JudgeSettings {
            mode: raw.mode.unwrap_or_default(),
            policy: policy::checked(raw.policy, &raw.detect)?,
            silence: silence::checked(raw.silence, &raw.detect)?,
            detect: raw.detect,
            cases: raw.cases,
            verdict: raw.verdict,
            endpoints: raw.endpoints,
        },
        observe: ObserveSettings {
            bodies: bodies(raw.bodies)?,
            identity: identity(raw.identity)?,
            clients: clients(raw.clients)?,
        },
        record: record(raw.record)?,
        limits: limits(raw.limits)?,
        shards: shards(raw.tap.shards)?,
        ring_bytes: ring_bytes(raw.tap.ring_bytes)?,
    })
}

pub(super) fn value(key: &'static str, message: impl Into<String>) -> ConfigError {
    ConfigError::Value {
        key,
        message: message.into(),
    }
}

fn path(key: &'static str, given: Option<PathBuf>, default: &str) -> Result<PathBuf, ConfigError> {
    let path = given.unwrap_or_else(|| default.into());
    check_path(&path).map_err(|message| value(key, message))?;
    Ok(path)
}

fn interfaces(mut names: Vec<String>) -> Result<Vec<String>, ConfigError> {
    for name in &names {
        check_interface(name).map_err(|message| value("interfaces", message))?;
    }
    names.sort_unstable();
    names.dedup();
    if names.len() > Bounds::INTERFACES {
        let message = format!(
            "{} interfaces given, at most {} can be watched",
            names.len(),
            Bounds::INTERFACES
        );
        return Err(value("interfaces", message));
    }
    Ok(names)
}

fn checked_ports(mut ports: Vec<u16>) -> Result<Vec<u16>, ConfigError> {
    if ports.contains(&0) {
        return Err(value("ports", "0 is no TCP port; use 1 to 65535"));
    }
    ports.sort_unstable();
    ports.dedup();
    Ok(ports)
}

fn within<T: PartialOrd + fmt::Display>(
    key: &'static str,
    given: Option<T>,
    default: T,
    bounds: &RangeInclusive<T>,
) -> Result<T, ConfigError> {
    let number = given.unwrap_or(default);
    if bounds.contains(&number) {
        return Ok(number);
    }
    let message = format!(
        "{number} is out of range; use {} to {}",
        bounds.start(),
        bounds.end()
    );
    Err(value(key, message))
}

fn bodies(given: BodySettings) -> Result<BodySettings, ConfigError> {
    for (key, bytes) in [
        ("bodies.request_bytes", given.request_bytes),
        ("bodies.response_bytes", given.response_bytes),
    ] {
        within(key, Some(bytes), bytes, &Bounds::BODY_BYTES)?;
    }
    Ok(given)
}

fn clients(given: ClientSettings) -> Result<ClientSettings, ConfigError> {
    if given.trusted_proxies.len() > Bounds::PROXIES {
        let message = format!("use at most {} nets", Bounds::PROXIES);
        return Err(value("clients.trusted_proxies", message));
    }
    if given.trusted_proxies.iter().any(|net| net.bits() == 0) {
        return Err(value(
            "clients.trusted_proxies",
            "the whole internet is no proxy; name its nets",
        ));
    }
    Ok(given)
}

/// Lists are gone through for every request, and names of headers have no letter case.
fn identity(mut given: IdentitySettings) -> Result<IdentitySettings, ConfigError> {
    let lists = [
        ("identity.api_key_headers", &given.api_key_headers),
        ("identity.token_headers", &given.token_headers),
        ("identity.api_key_parameters", &given.api_key_parameters),
        ("identity.session_cookies", &given.session_cookies),
        ("identity.other_cookies", &given.other_cookies),
        ("identity.principal_claims", &given.principal_claims),
        ("identity.audiences", &given.audiences),
        ("identity.issuers", &given.issuers),
    ];
    for (key, list) in lists {
        if list.len() > Bounds::NAMES {
            let message = format!(
                "{} entries are too many; use at most {}",
                list.len(),
                Bounds::NAMES
            );
            return Err(value(key, message));
        }
        if list.iter().any(String::is_empty) {
            return Err(value(key, "an empty name is none; take it out"));
        }
    }
    given.keys = keys::read(&given.key_files)?;
    Ok(given)
}

fn record(given: RecordSettings) -> Result<RecordSettings, ConfigError> {
    Ok(RecordSettings {
        enabled: given.enabled,
        bytes: within("record.bytes", Some(given.bytes), 0, &Bounds::RECORD_BYTES)?,
        days: within("record.days", Some(given.days), 0, &Bounds::RECORD_DAYS)?,
    })
}

fn limits(given: LimitSettings) -> Result<LimitSettings, ConfigError> {
    within(
        "limits.cpu_percent",
        Some(given.cpu_percent),
        0,
        &Bounds::CPU_PERCENT,
    )?;
    if given.memory_bytes > 0 {
        within(
            "limits.memory_bytes",
            Some(given.memory_bytes),
            0,
            &Bounds::MEMORY_BYTES,
        )?;
    }
    Ok(given)
}

fn syslog(given: &str) -> Result<Option<Address>, ConfigError> {
    let address = (!given.is_empty()).then(|| given.parse());
    address
        .transpose()
        .map_err(|message: String| value("log.syslog", message))
}

/// Anybody who reaches the address may read: one that others reach must be meant.
fn metrics(given: &raw::Metrics) -> Result<Option<SocketAddr>, ConfigError> {
    if given.listen.is_empty() {
        return Ok(None);
    }
    let Ok(listen) = given.listen.parse::<SocketAddr>() else {
        let message = format!(
            "`{}` is no address with a port; write it as 127.0.0.1:9377",
            given.listen
        );
        return Err(value("metrics.listen", message));
    };
    if listen.ip().is_loopback() || given.expose {
        return Ok(Some(listen));
    }
    let message = format!(
        "others can reach {listen}, and the metrics are for whoever asks; use 127.0.0.1:{}, or say metrics.expose = true",
        listen.port()
    );
    Err(value("metrics.listen", message))
}

fn shards(given: Option<u32>) -> Result<u32, ConfigError> {
    let shards = given.unwrap_or_else(default_shards);
    if shards.is_power_of_two() && shards <= TAP_SHARDS_MAX {
        return Ok(shards);
    }
    Err(value(
        "tap.shards",
        format!("{shards} is not possible; use 1, 2 or {TAP_SHARDS_MAX}"),
    ))
}

/// The API needs the processors more than its monitor does: one parse thread up to eight of them.
pub(super) fn default_shards() -> u32 {
    match std::thread::available_parallelism().map_or(1, usize::from) {
        0..=8 => 1,
        9..=32 => 2,
        _ => TAP_SHARDS_MAX,
    }
}

fn ring_bytes(given: Option<u32>) -> Result<u32, ConfigError> {
    let bytes = within("tap.ring_bytes", given, 2 << 20, &Bounds::RING_BYTES)?;
    if bytes.is_power_of_two() {
        return Ok(bytes);
    }
    let message = format!("{bytes} is no power of two; use {}", bytes.next_power_of_two());
    Err(value("tap.ring_bytes", message))
}
