//! What is left out of a list: the same flags under the same names, wherever they make sense. Must not know the lists.

use std::time::Duration;

use monitor_common::{IpKey, Prefix};

use super::args;

/// By detector.
#[derive(Debug, Default, clap::Args)]
pub(super) struct Detector {
    /// Only those of this detector (the rule.name of the log)
    #[arg(long, value_name = "NAME", visible_alias = "rule")]
    detector: Option<String>,
}

/// By severity.
#[derive(Debug, Default, clap::Args)]
pub(super) struct Severity {
    /// Only those at least so severe, 1 to 100
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(1..=100))]
    severity: Option<u8>,
}

/// By actor.
#[derive(Debug, Default, clap::Args)]
pub(super) struct Actor {
    /// Only actors whose name holds this text, such as tok:9f3a or client:192.0.2.
    #[arg(long, value_name = "TEXT")]
    actor: Option<String>,
}

/// By source.
#[derive(Debug, Default, clap::Args)]
pub(super) struct Source {
    /// Only sources, or clients behind one, in this address or net
    #[arg(long, value_name = "NET", value_parser = args::net)]
    source: Option<Prefix>,
}

/// By endpoint.
#[derive(Debug, Default, clap::Args)]
pub(super) struct Endpoint {
    /// Only endpoints whose name holds this text
    #[arg(long, value_name = "TEXT")]
    endpoint: Option<String>,
}

/// By time.
#[derive(Debug, Default, clap::Args)]
pub(super) struct Since {
    /// Only what was seen within this time, such as 10m or 2d
    #[arg(long, value_name = "SPAN", value_parser = args::ttl)]
    since: Option<Duration>,
}

impl Detector {
    pub(super) fn fits(&self, name: &str) -> bool {
        self.detector.as_deref().is_none_or(|wanted| wanted == name)
    }
}

impl Severity {
    pub(super) fn fits(&self, severity: u8) -> bool {
        self.severity.is_none_or(|least| severity >= least)
    }
}

impl Actor {
    pub(super) fn fits(&self, name: &str) -> bool {
        self.actor.as_deref().is_none_or(|wanted| name.contains(wanted))
    }
}

impl Source {
    pub(super) fn is_given(&self) -> bool {
        self.source.is_some()
    }

    /// Whether one of these addresses or nets is, or lies in, what is wanted.
    pub(super) fn fits<'a>(&self, mut addresses: impl Iterator<Item = &'a str>) -> bool {
        self.source
            .is_none_or(|net| addresses.any(|text| inside(net, text)))
    }
}

fn inside(net: Prefix, text: &str) -> bool {
    let addr: Result<IpKey, _> = text.parse();
    addr.is_ok_and(|addr| net.contains(addr) && net.is_v4() == addr.is_v4())
}

impl Endpoint {
    pub(super) fn fits(&self, name: &str) -> bool {
        self.endpoint
            .as_deref()
            .is_none_or(|wanted| name.contains(wanted))
    }
}

impl Since {
    /// Whether what was last seen so long ago is recent enough.
    pub(super) fn fits(&self, quiet_seconds: u64) -> bool {
        self.since.is_none_or(|since| quiet_seconds <= since.as_secs())
    }

    pub(super) fn span(&self) -> Option<Duration> {
        self.since
    }
}

/// Everything that a finding can be told by.
#[derive(Debug, Default, clap::Args)]
pub(super) struct Finding {
    #[command(flatten)]
    pub(super) detector: Detector,
    #[command(flatten)]
    pub(super) severity: Severity,
    #[command(flatten)]
    pub(super) actor: Actor,
    #[command(flatten)]
    pub(super) source: Source,
    #[command(flatten)]
    pub(super) endpoint: Endpoint,
    #[command(flatten)]
    pub(super) since: Since,
}

impl Finding {
    /// Whether anything is asked for.
    pub(super) fn is_given(&self) -> bool {
        self.detector.detector.is_some()
            || self.severity.severity.is_some()
            || self.actor.actor.is_some()
            || self.source.source.is_some()
            || self.endpoint.endpoint.is_some()
            || self.since.since.is_some()
    }
}
