//! One interface: XDP mode, packet sizes, offloads, VLANs, other programs. Must not know how it is asked.

use super::{Level, Line};
use crate::{
    config::Settings,
    kernel::{self, Holder, Survey},
};

/// Above this many bytes a packet does not fit one page with what XDP needs around it (3,498 to 3,520 by driver).
const PAGE_MTU: u32 = 3498;

pub(super) fn lines(name: &str, settings: &Settings) -> Vec<Line> {
    let named = |what: &str| format!("{name}: {what}");
    let found = match kernel::survey(name) {
        Ok(found) => found,
        Err(error) => {
            let line = Line::ok(named("interface"), error.to_string(), "it cannot be watched");
            return vec![line.but(Level::Fail, "name another with --interface")];
        }
    };
    let mut lines = vec![device(&named("interface"), &found)];
    lines.push(xdp_mode(&named("xdp"), &found));
    lines.push(mtu(named("mtu"), &found));
    lines.extend(offloads(name, &found));
    lines.push(holder(name, &found, settings));
    lines.extend(found.tc.iter().map(|program| tc(named("tc"), program)));
    lines
}

fn device(name: &str, found: &Survey) -> Line {
    let driver = if found.driver.is_empty() {
        "an unknown driver"
    } else {
        &found.driver
    };
    let line = |means| Line::ok(name, format!("index {}, {driver}", found.index), means);
    if found.is_port {
        return line("a port of a bridge or bond: shield and tap see what comes in by this port alone").but(
            Level::Warn,
            "name the bridge (generic XDP, all ports) or every port of it",
        );
    }
    match found.driver.as_str() {
        "bond" => line("a bond: native if each of its ports can; the program is put on all of them"),
        "bridge" => line("a bridge: packets for this host are seen, those between its ports are not"),
        "vlan" => line(
            "a VLAN device: only its own VLAN is seen; the device below sees all of them, and drops natively",
        ),
        _ if found.ethernet => line("can be watched"),
        _ => line("packets begin at the network layer, and are read so"),
    }
}

fn xdp_mode(name: &str, found: &Survey) -> Line {
    let line = |found: &str, means| Line::ok(name, found, means);
    match found.features {
        Some(can) if !can.basic => line(
            "the driver runs no XDP programs",
            "the shield runs in generic mode: slower, \
             and behind the driver",
        )
        .but(
            Level::Warn,
            "another driver or interface, if floods are to be dropped fast",
        ),
        Some(can) if !can.frags && found.mtu > PAGE_MTU => line(
            "native, but not with packets of several pieces",
            "this MTU does not fit: the shield falls back to generic mode",
        )
        .but(
            Level::Warn,
            format!("ip link set dev NAME mtu {PAGE_MTU}, or stay in generic mode"),
        ),
        Some(_) => line(
            "native",
            "the shield runs in the driver, before the kernel spends anything on a packet",
        ),
        None => line(
            "the kernel does not say what the driver can",
            "native mode is tried, then generic",
        )
        .but(Level::Warn, "none; `apimon status` says which it became"),
    }
}

fn mtu(name: String, found: &Survey) -> Line {
    let means = if found.mtu > PAGE_MTU {
        "jumbo frames: the shield reads headers from the first piece, which is all it needs"
    } else {
        "fits one page"
    };
    Line::ok(name, format!("{} bytes", found.mtu), means)
}

fn offloads(name: &str, found: &Survey) -> Vec<Line> {
    let named = |what: &str| format!("{name}: {what}");
    let Some(on) = &found.offloads else {
        let line = Line::ok(
            named("offloads"),
            "cannot be read",
            "LRO and VLAN offload may be on",
        );
        return vec![line.but(Level::Warn, format!("ethtool -k {name}"))];
    };
    let is_on = |what: &str| on.contains(what);
    let state = |what: &str| if is_on(what) { "on" } else { "off" };
    let lro = Line::ok(named("lro"), state("rx-lro"), "packets come as they were sent");
    vec![
        Line::ok(
            named("gro"),
            state("rx-gro"),
            "merges segments behind the shield; the tap reads merged ones whole, up to 512 KiB",
        ),
        if is_on("rx-lro") {
            Line {
                means: "the card merges packets before XDP sees them: many drivers refuse native mode then"
                    .to_owned(),
                ..lro
            }
            .but(Level::Warn, format!("ethtool -K {name} lro off"))
        } else {
            lro
        },
        Line::ok(
            named("vlan"),
            format!("tag taken off by the card: {}", state("rx-vlan-hw-parse")),
            "sources are read with a tag, two tags, or none in the packet; leases hold in every VLAN",
        ),
    ]
}

/// The XDP hook takes one program.
fn holder(interface: &str, found: &Survey, settings: &Settings) -> Line {
    let name = format!("{interface}: xdp program");
    let Some((holder, native)) = &found.xdp else {
        return Line::ok(name, "none", "the hook is free");
    };
    let mode = match native {
        Some(true) => "native",
        Some(false) => "generic",
        None => "several at once",
    };
    let pins = kernel::reach_pin_dir(&settings.pin_dir);
    if holder
        .pins
        .iter()
        .any(|pin| pin.starts_with(&pins) || pin.starts_with(&settings.pin_dir))
    {
        return Line::ok(
            name,
            format!("apimon's own, {mode}: {holder}"),
            "the shield is in its place",
        );
    }
    Line::ok(
        name,
        format!("{mode}: {holder}"),
        "the hook takes one program, and this one was first: `apimon run` will refuse this interface",
    )
    .but(
        Level::Fail,
        format!("end the tool that put it there, or `ip link set dev {interface} xdp off`; or watch another interface"),
    )
}

fn tc(name: String, program: &Holder) -> Line {
    Line::ok(
        name,
        program.to_string(),
        "a TC program beside the tap; what it drops or redirects before the tap, the tap does not see",
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::XdpFeatures;

    fn found() -> Survey {
        Survey {
            index: 3,
            mtu: 1500,
            driver: "veth".into(),
            ethernet: true,
            is_port: false,
            features: Some(XdpFeatures {
                basic: true,
                frags: false,
            }),
            xdp: None,
            tc: Vec::new(),
            offloads: None,
        }
    }

    #[test]
    fn the_mode_follows_from_driver_and_size() {
        let level = |mtu, features| {
            let survey = Survey {
                mtu,
                features,
                ..found()
            };
            xdp_mode("x", &survey).level
        };
        let can = |basic, frags| Some(XdpFeatures { basic, frags });
        assert_eq!(level(1500, can(true, false)), Level::Ok);
        assert_eq!(level(9000, can(true, false)), Level::Warn);
        assert_eq!(level(9000, can(true, true)), Level::Ok);
        assert_eq!(level(1500, can(false, false)), Level::Warn);
        assert_eq!(level(1500, None), Level::Warn);
    }

    #[test]
    fn merging_in_the_card_is_a_warning() {
        let with = |names: &[&str]| Survey {
            offloads: Some(names.iter().map(ToString::to_string).collect()),
            ..found()
        };
        let levels =
            |survey: &Survey| -> Vec<Level> { offloads("x", survey).iter().map(|line| line.level).collect() };
        assert_eq!(levels(&with(&["rx-gro"])), [Level::Ok; 3]);
        assert!(levels(&with(&["rx-lro"])).contains(&Level::Warn));
        assert_eq!(levels(&found()), [Level::Warn]);
    }
}
