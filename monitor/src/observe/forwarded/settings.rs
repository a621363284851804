//! What the operator says about proxies in front of this host. Must not know how addresses are found.

use monitor_common::Prefix;
use serde::{Deserialize, Deserializer};

/// `[clients]` of the configuration.
#[derive(Clone, PartialEq, Eq, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ClientSettings {
    /// Proxies that are believed when they say who the client is. They never get a lease.
    #[serde(deserialize_with = "nets")]
    pub trusted_proxies: Vec<Prefix>,
    /// Where they say it.
    pub header: ClientHeader,
}

/// Where a proxy says who the client is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ClientHeader {
    /// Any of the headers below; where two of them name different clients, neither is believed.
    #[default]
    Auto,
    /// `X-Forwarded-For`, the rightmost address that is no trusted proxy.
    XForwardedFor,
    /// `Forwarded` (RFC 7239), the same.
    Forwarded,
    /// `X-Real-IP`, one address.
    XRealIp,
    /// `CF-Connecting-IP`, one address.
    CfConnectingIp,
    /// `True-Client-IP`, one address.
    TrueClientIp,
    /// The PROXY protocol, and no header.
    ProxyProtocol,
}

fn nets<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Prefix>, D::Error> {
    let texts = Vec::<String>::deserialize(deserializer)?;
    let net = |text: &String| {
        text.parse()
            .map_err(|error| serde::de::Error::custom(format!("`{text}` is {error}")))
    };
    texts.iter().map(net).collect()
}
