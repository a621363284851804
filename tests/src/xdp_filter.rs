//! xdp-filter of Debian's xdp-tools, loaded on a veth of a namespace of its own: what the shield is measured beside.
//!
//! Must not know what it is compared with.

use std::{net::IpAddr, path::PathBuf, time::Duration};

use anyhow::{Context as _, Result, ensure};

use crate::{
    netns::{Lab, Space},
    process::output,
};

const INTERFACE: &str = "xf0";
/// XDP's return values, linux/bpf.h.
const XDP_DROP: u32 = 1;
const XDP_PASS: u32 = 2;

/// A loaded xdp-filter that denies some sources; unloaded when dropped.
#[derive(Debug)]
pub struct XdpFilter {
    program: u64,
    packet: PathBuf,
    space: Space,
    _peer: Space,
    _lab: Lab,
}

impl XdpFilter {
    /// Loads it with the policy to allow, and denies these sources.
    pub fn load(denied: &[IpAddr]) -> Result<Self> {
        let lab = Lab::new("xdp-filter")?;
        let (space, peer) = (lab.space("filter")?, lab.space("peer")?);
        space.connect(INTERFACE, &peer, "xf1")?;
        let features = ["--policy", "allow", "--features", "ipv4,ipv6"];
        output(
            space
                .command("xdp-filter")
                .args(["load", INTERFACE])
                .args(features),
        )?;
        for source in denied {
            output(
                space
                    .command("xdp-filter")
                    .args(["ip", "--mode", "src", &source.to_string()]),
            )?;
        }
        let links: serde_json::Value =
            serde_json::from_str(&space.ip(&format!("-j link show {INTERFACE}"))?)?;
        let program = links
            .pointer("/0/xdp/prog/id")
            .and_then(serde_json::Value::as_u64);
        Ok(Self {
            program: program.context("xdp-filter is not attached")?,
            packet: lab.dir().join("packet"),
            space,
            _peer: peer,
            _lab: lab,
        })
    }

    /// Mean time of one run over this packet. Fails if the packet is not dropped, or not passed, as expected.
    pub fn run(&self, packet: &[u8], dropped: bool, repeat: u32) -> Result<Duration> {
        std::fs::write(&self.packet, packet)?;
        let (id, repeat) = (self.program.to_string(), repeat.to_string());
        let mut command = self.space.command("bpftool");
        command
            .args(["-j", "prog", "run", "id", &id, "data_in"])
            .arg(&self.packet);
        let said: serde_json::Value = serde_json::from_str(&output(command.args(["repeat", &repeat]))?)?;
        let number = |key: &str| said.get(key).and_then(serde_json::Value::as_u64);
        let expected = if dropped { XDP_DROP } else { XDP_PASS };
        ensure!(
            number("retval") == Some(u64::from(expected)),
            "xdp-filter answered {said}, expected {expected}"
        );
        Ok(Duration::from_nanos(
            number("duration").context("bpftool gave no duration")?,
        ))
    }
}

impl Drop for XdpFilter {
    fn drop(&mut self) {
        // The namespace goes with its interface; this also takes away what xdp-filter pinned.
        let _ = output(self.space.command("xdp-filter").args(["unload", INTERFACE]));
    }
}
