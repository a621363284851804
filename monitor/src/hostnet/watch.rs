//! Tells that addresses, links or routes of this network namespace have changed (rtnetlink groups). Must not know what
//! has: whoever is told looks for itself.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::io::{Errno, Result};

use crate::netlink;

/// Groups of `linux/rtnetlink.h`: links, IPv4 addresses and routes, IPv6 addresses and routes.
const LINK: u32 = 1;
const IPV4_ADDRESS: u32 = 0x10;
const IPV4_ROUTE: u32 = 0x40;
const IPV6_ADDRESS: u32 = 0x100;
const IPV6_ROUTE: u32 = 0x400;

/// Notices read at once. A router that learns a million routes; what is left is another notice.
const NOTICES: usize = 256;

/// A socket on which the kernel gives notice.
#[derive(Debug)]
pub struct Watch(OwnedFd);

impl Watch {
    /// Asks for notices from now on.
    pub fn start() -> Result<Self> {
        let groups = LINK | IPV4_ADDRESS | IPV4_ROUTE | IPV6_ADDRESS | IPV6_ROUTE;
        netlink::listen(groups).map(Self)
    }

    /// Reads away what has come. An error that goes on is one that the socket will not get over.
    pub fn drain(&self) -> Result<()> {
        for _ in 0..NOTICES {
            match netlink::receive(&self.0) {
                // So many notices that some were lost: still only "something has changed".
                Ok(_) | Err(Errno::NOBUFS | Errno::INTR) => {}
                Err(Errno::AGAIN) => return Ok(()),
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

impl AsFd for Watch {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quiet_watch_is_drained_at_once() {
        let watch = Watch::start().unwrap();
        watch.drain().unwrap();
    }
}
