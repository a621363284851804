//! What this host must never shut out: its own addresses, gateways, resolvers, and who administers it over SSH.
//!
//! Read anew every few seconds, because addresses and sessions come and go. Everything is read below a root
//! directory, so that tests have one of their own. Must not know what a lease is.

mod routes;
mod ssh;
pub mod watch;

use std::{
    collections::BTreeMap,
    fmt,
    net::IpAddr,
    path::{Path, PathBuf},
};

use monitor_common::Prefix;

use crate::verdict::never::NeverBlock;

/// Most nets that are kept. A resolver file or a route table without end; the first ones stay, in the order of
/// [`Why`].
pub const NETS_MAX: usize = 2048;

/// Why a net must never be shut out.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Why {
    /// The operator says so.
    Allowed,
    /// An operator said so while the daemon ran.
    AllowedByHand,
    /// An authenticated SSH session comes from there.
    SshSession,
    /// An address of this host.
    Own,
    /// The next hop of a default route.
    Gateway,
    /// A resolver that this host asks.
    Resolver,
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Allowed => "allow list",
            Self::AllowedByHand => "allowed by hand",
            Self::SshSession => "ssh session",
            Self::Own => "own address",
            Self::Gateway => "gateway",
            Self::Resolver => "resolver",
        })
    }
}

/// Nets that must never be shut out, with the reason of each.
pub type Nets = BTreeMap<Prefix, Why>;

/// The nets as the judge's gate takes them.
pub fn gate_set(nets: &Nets) -> NeverBlock {
    let mut set = NeverBlock::default();
    for (net, why) in nets {
        set.insert(*net, why.to_string());
    }
    set
}

/// The nets that operators allow, in the configuration and by hand.
pub fn allowed(configured: &[Prefix], by_hand: impl IntoIterator<Item = Prefix>) -> Nets {
    let by_hand = by_hand.into_iter().map(|net| (net, Why::AllowedByHand));
    // Of a net in both, the configuration is what stays.
    let configured = configured.iter().map(|net| (*net, Why::Allowed));
    by_hand.chain(configured).collect()
}

/// Those of the nets that operators have named.
pub fn said_by_operators(nets: &Nets) -> impl Iterator<Item = Prefix> {
    let named = nets
        .iter()
        .filter(|(_, why)| matches!(why, Why::Allowed | Why::AllowedByHand));
    named.map(|(net, _)| *net)
}

/// Where the facts are read.
#[derive(Clone, Debug)]
pub struct HostNet {
    proc_root: PathBuf,
    etc_root: PathBuf,
    /// The peer of the session from which the daemon was started: it may be hidden from the process list.
    started_from: Option<IpAddr>,
}

impl Default for HostNet {
    fn default() -> Self {
        let connection = std::env::var("SSH_CONNECTION").unwrap_or_default();
        Self {
            proc_root: "/proc".into(),
            etc_root: "/etc".into(),
            started_from: connection.split(' ').next().and_then(|addr| addr.parse().ok()),
        }
    }
}

impl HostNet {
    /// Everything that must never be shut out now, with the first reason found for each; `allowed` comes first.
    pub fn never_block(&self, allowed: Nets) -> Nets {
        let own = || own_addresses().into_iter().map(|addr| (addr, Why::Own));
        let gateways = || {
            self.routes()
                .into_iter()
                .filter_map(|r| Some((r.gateway?, Why::Gateway)))
        };
        let resolvers = || self.resolvers().into_iter().map(|addr| (addr, Why::Resolver));
        let sessions = || {
            let seen = ssh::session_peers(&self.proc_root).into_iter();
            seen.chain(self.started_from).map(|addr| (addr, Why::SshSession))
        };
        let mut nets = allowed;
        let found = sessions().chain(own()).chain(gateways()).chain(resolvers());
        for (addr, why) in found.filter(|(addr, _)| !addr.is_unspecified()) {
            if nets.len() < NETS_MAX {
                nets.entry(Prefix::host(addr.into())).or_insert(why);
            }
        }
        nets
    }

    /// The interfaces with a default route, sorted.
    pub fn default_interfaces(&self) -> Vec<String> {
        let mut names: Vec<String> = self.routes().into_iter().map(|route| route.interface).collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    fn routes(&self) -> Vec<routes::DefaultRoute> {
        let net = self.proc_root.join("self/net");
        let mut found = routes::ipv4(&read(&net.join("route")));
        found.extend(routes::ipv6(&read(&net.join("ipv6_route"))));
        found
    }

    fn resolvers(&self) -> Vec<IpAddr> {
        read(&self.etc_root.join("resolv.conf"))
            .lines()
            .filter_map(|line| line.trim().strip_prefix("nameserver"))
            .filter_map(|addr| addr.trim().split('%').next()?.parse().ok())
            .collect()
    }
}

/// What cannot be read has nothing to say: a host without IPv6 has no `ipv6_route`.
fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_default()
}

fn own_addresses() -> Vec<IpAddr> {
    match if_addrs::get_if_addrs() {
        Ok(interfaces) => interfaces.into_iter().map(|interface| interface.ip()).collect(),
        Err(error) => {
            log::error!("cannot list the addresses of this host: {error}");
            Vec::new()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(resolv: &str) -> (tempfile::TempDir, HostNet) {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(dir.path().join("self/net")).unwrap();
        std::fs::write(dir.path().join("resolv.conf"), resolv).unwrap();
        std::fs::write(dir.path().join("self/net/route"), routes::tests::V4).unwrap();
        std::fs::write(dir.path().join("self/net/ipv6_route"), routes::tests::V6).unwrap();
        let host = HostNet {
            proc_root: dir.path().into(),
            etc_root: dir.path().into(),
            started_from: "198.51.100.9".parse().ok(),
        };
        (dir, host)
    }

    #[test]
    fn each_kind_is_found_with_its_reason() {
        let (_dir, host) = host("# x\nnameserver 192.0.2.53\nnameserver fe80::1%eth0\nnameserver bad\n");
        let nets = host.never_block(allowed(
            &["10.0.0.0/8".parse().unwrap()],
            ["192.0.2.0/24".parse().unwrap()],
        ));
        for (net, why) in [
            ("10.0.0.0/8", Why::Allowed),
            ("192.0.2.0/24", Why::AllowedByHand),
            ("198.51.100.9", Why::SshSession),
            ("127.0.0.1", Why::Own),
            ("192.168.1.1", Why::Gateway),
            ("fe80::1", Why::Gateway),
            ("192.0.2.53", Why::Resolver),
        ] {
            assert_eq!(nets.get(&net.parse().unwrap()), Some(&why), "{net}");
        }
        assert!(!nets.keys().any(|net| net.bits() == 0));
    }

    #[test]
    fn the_number_of_nets_is_bounded() {
        let many: Vec<String> = (0..5000)
            .map(|n| format!("nameserver 10.0.{}.{}\n", n / 250, n % 250))
            .collect();
        let (_dir, host) = host(&many.concat());
        assert_eq!(host.never_block(Nets::new()).len(), NETS_MAX);
    }

    #[test]
    fn interfaces_with_a_default_route() {
        let (_dir, host) = host("");
        assert_eq!(host.default_interfaces(), ["eth0", "wg0"]);
    }
}
