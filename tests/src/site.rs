//! The network of the demo and the suites: one API host behind a router, and any number of client addresses.
//!
//! ```text
//! host  api0 10.77.0.10 ---- 10.77.0.1 up0  router  down0 10.77.255.1 ---- 10.77.255.2 net0  clients (lo: all others)
//! ```
//!
//! All traffic enters the host by `api0`. The client addresses live on the loopback interface of one namespace and
//! are chosen by binding; to the host they are machines in different networks. Must not know who the clients are.

use std::{
    fmt::Write as _,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
};

use anyhow::Result;

use crate::netns::{Lab, Space};

/// The host's interface.
pub const INTERFACE: &str = "api0";
/// The router's interface towards the host.
pub const ROUTER_INTERFACE: &str = "up0";
/// The host's address.
pub const HOST_V4: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 10);
/// The host's address.
pub const HOST_V6: Ipv6Addr = Ipv6Addr::new(0xfd77, 0, 0, 1, 0, 0, 0, 0x10);
/// The port of the API.
pub const PORT: u16 = 8080;

/// The three namespaces.
#[derive(Debug)]
pub struct Site {
    /// Serves the API; apimon runs here.
    pub host: Space,
    /// Between the two.
    pub router: Space,
    /// Holds all client addresses.
    pub clients: Space,
    lab: Lab,
}

impl Site {
    /// Builds the namespaces, with these client addresses.
    pub fn build(tag: &str, clients: &[IpAddr]) -> Result<Self> {
        let lab = Lab::new(tag)?;
        let site = Self {
            host: lab.space("host")?,
            router: lab.space("router")?,
            clients: lab.space("clients")?,
            lab,
        };
        site.host.connect(INTERFACE, &site.router, ROUTER_INTERFACE)?;
        site.clients.connect("net0", &site.router, "down0")?;
        site.address_host()?;
        site.address_clients(clients)?;
        Ok(site)
    }

    /// The lab all names come from.
    pub fn lab(&self) -> &Lab {
        &self.lab
    }

    /// Where the API is reached by a client of the family of `client`.
    pub fn api_for(client: IpAddr) -> SocketAddr {
        match client {
            IpAddr::V4(_) => SocketAddr::new(HOST_V4.into(), PORT),
            IpAddr::V6(_) => SocketAddr::new(HOST_V6.into(), PORT),
        }
    }

    fn address_host(&self) -> Result<()> {
        self.router.ip_batch(&format!(
            "addr add 10.77.0.1/24 dev {ROUTER_INTERFACE}\naddr add fd77:0:0:1::1/64 dev {ROUTER_INTERFACE} nodad\n"
        ))?;
        self.host.ip_batch(&format!(
            "addr add {HOST_V4}/24 dev {INTERFACE}\naddr add {HOST_V6}/64 dev {INTERFACE} nodad\n\
             route add default via 10.77.0.1\nroute add default via fd77:0:0:1::1\n"
        ))?;
        self.router.sysctl("ipv4.ip_forward", "1")?;
        self.router.sysctl("ipv6.conf.all.forwarding", "1")
    }

    fn address_clients(&self, clients: &[IpAddr]) -> Result<()> {
        let mut own = String::from(
            "addr add 10.77.255.2/24 dev net0\naddr add fd77:0:0:ff::2/64 dev net0 nodad\n\
             route add default via 10.77.255.1\nroute add default via fd77:0:0:ff::1\n",
        );
        let mut routes =
            String::from("addr add 10.77.255.1/24 dev down0\naddr add fd77:0:0:ff::1/64 dev down0 nodad\n");
        self.router.ip_batch(&routes)?;
        routes.clear();
        for client in clients {
            let (bits, hop) = match client {
                IpAddr::V4(_) => (32, "10.77.255.2"),
                IpAddr::V6(_) => (128, "fd77:0:0:ff::2"),
            };
            let nodad = if client.is_ipv6() { " nodad" } else { "" };
            // Writing to a String cannot fail.
            let _ = writeln!(own, "addr add {client}/{bits} dev lo{nodad}");
            let _ = writeln!(routes, "route add {client}/{bits} via {hop}");
        }
        self.clients.ip_batch(&own)?;
        self.router.ip_batch(&routes)
    }
}
