//! Flags that several commands share. Must not know the commands.

use std::path::PathBuf;

use anyhow::Result;

use crate::{
    config::{self, DEFAULT_CONTROL},
    control::client::Client,
};

/// How a client finds its daemon.
#[derive(Debug, clap::Args)]
pub(super) struct ControlArgs {
    /// Control socket of the daemon [default: /run/apimon/control.sock]
    #[arg(long, value_name = "PATH", env = "APIMON_CONTROL")]
    control: Option<PathBuf>,
}

impl ControlArgs {
    pub(super) fn client(&self) -> Client {
        let default = || PathBuf::from(DEFAULT_CONTROL);
        Client::new(&self.control.clone().unwrap_or_else(default))
    }
}

/// The flags of a command that reads from the daemon.
#[derive(Debug, clap::Args)]
pub(super) struct ReadArgs {
    #[command(flatten)]
    pub(super) control: ControlArgs,
    /// Print JSON instead of a table
    #[arg(long)]
    pub(super) json: bool,
}

/// A net that was entered before.
#[derive(Debug, clap::Args)]
pub(super) struct OneNet {
    /// IPv4 or IPv6 address or net, as it was given
    #[arg(value_name = "NET", value_parser = net)]
    pub(super) net: monitor_common::Prefix,
    #[command(flatten)]
    pub(super) read: ReadArgs,
}

/// A net to be entered.
#[derive(Debug, clap::Args)]
pub(super) struct NewNet {
    /// IPv4 or IPv6 address, or net such as 203.0.113.0/24
    #[arg(value_name = "NET", value_parser = net)]
    pub(super) net: monitor_common::Prefix,
    #[command(flatten)]
    pub(super) read: ReadArgs,
}

/// Parses a net of `--allow`.
pub(super) fn net(text: &str) -> Result<monitor_common::Prefix, String> {
    text.parse().map_err(|error| format!("{error}"))
}

/// The rates of `--throttle`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct RatesArg {
    pub(super) packets: Option<u64>,
    pub(super) bytes: Option<u64>,
}

/// Parses the rates of `--throttle`: `pps=100`, `bps=1000000` or both, with a comma between.
pub(super) fn rates(text: &str) -> Result<RatesArg, String> {
    let mut rates = RatesArg {
        packets: None,
        bytes: None,
    };
    for part in text.split(',') {
        let place = match part.split_once('=').map(|(name, _)| name.trim()) {
            Some("pps") => &mut rates.packets,
            Some("bps") => &mut rates.bytes,
            _ => {
                return Err(format!(
                    "`{part}` is no rate; write pps=PACKETS,bps=BYTES, either or both"
                ));
            }
        };
        let number = part.split_once('=').map_or("", |(_, number)| number.trim());
        let number = number.replace('_', "").parse();
        *place = Some(number.map_err(|_| format!("`{part}` needs a whole number, such as pps=100"))?);
    }
    Ok(rates)
}

/// Parses the span of `--ttl`.
pub(super) fn ttl(text: &str) -> Result<std::time::Duration, String> {
    config::parse_ttl(text)
}

/// Parses the mode of `--mode`.
pub(super) fn mode(text: &str) -> Result<crate::verdict::Mode, String> {
    match text {
        "observe" => Ok(crate::verdict::Mode::Observe),
        "enforce" => Ok(crate::verdict::Mode::Enforce),
        _ => Err("use observe or enforce".to_owned()),
    }
}
