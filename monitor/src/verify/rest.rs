//! Everything but the leases: never-block set, mode, maps, shields. Must not know where it was read.

use std::collections::BTreeSet;

use monitor_common::Prefix;

use super::{Drift, Part};
use crate::{
    kernel::{HooksFound, ShieldFound},
    verdict::Mode,
};

fn drift(part: Part, thing: impl Into<String>, found: impl Into<String>, mend: &str) -> Drift {
    Drift {
        part,
        thing: thing.into(),
        found: found.into(),
        mend: mend.to_owned(),
        repaired: false,
    }
}

/// Nets that should be in the kernel's never-block set, and those that should not. `complete` says that nothing else
/// may be there.
pub fn never_block(wanted: &BTreeSet<Prefix>, found: &BTreeSet<Prefix>, complete: bool) -> Vec<Drift> {
    const MISSING: &str = "not in the kernel's never-block set: only the gate would spare it";
    const EXTRA: &str = "in the kernel's never-block set without a reason: it cannot be blocked";
    let missing = wanted
        .difference(found)
        .map(|net| drift(Part::NeverBlock, net.to_string(), MISSING, "--repair enters it"));
    let extra = found
        .difference(wanted)
        .filter(|_| complete)
        .map(|net| drift(Part::NeverBlock, net.to_string(), EXTRA, "--repair removes it"));
    missing.chain(extra).collect()
}

/// The mode.
pub fn mode(wanted: Mode, found: Mode) -> Option<Drift> {
    let (name, told) = match (wanted, found) {
        (Mode::Enforce, Mode::Observe) => ("enforce", "the kernel observes: no lease drops anything"),
        (Mode::Observe, Mode::Enforce) => ("observe", "the kernel enforces: leases drop packets"),
        _ => return None,
    };
    Some(drift(Part::Mode, name, told, "--repair sets it"))
}

/// Maps that are missing or of another layout.
pub fn maps(found: &[(&'static str, Option<String>)]) -> Vec<Drift> {
    const MEND: &str = "restart apimon: it pins a new map, and carries over what it can";
    let faulty = found
        .iter()
        .filter_map(|(map, fault)| Some((*map, fault.as_ref()?)));
    faulty
        .map(|(map, fault)| drift(Part::Map, map, fault.as_str(), MEND))
        .collect()
}

/// Shields that are not where they should be. `wanted` are the interfaces that must have one, if that is known.
pub fn shields(wanted: &[String], found: &[ShieldFound], repairable: bool) -> Vec<Drift> {
    let mend = if repairable {
        "--repair attaches it again"
    } else {
        "start apimon: it attaches it again"
    };
    let missing = wanted
        .iter()
        .filter(|name| !found.iter().any(|shield| shield.interface == **name))
        .map(|name| {
            drift(
                Part::Shield,
                name.as_str(),
                "no shield link is pinned for it",
                mend,
            )
        });
    let faulty = found.iter().filter_map(|shield| {
        let fault = shield.fault.as_deref()?;
        Some(drift(Part::Shield, shield.interface.as_str(), fault, mend))
    });
    missing.chain(faulty).collect()
}

/// Programs that are not at the hooks where they should be. The tap ends with its daemon, and is missed only while one
/// runs.
pub fn hooks(found: &[HooksFound], daemon: bool) -> Vec<Drift> {
    const NO_EGRESS: &str =
        "nothing guards the way out: what is still sent to a dropped source is not stopped";
    const NO_TAP: &str = "the tap is not there, or only on one way: its HTTP is not seen";
    let mend = if daemon {
        "--repair attaches it again"
    } else {
        "start apimon: it attaches it again"
    };
    let of_interface = |hooks: &HooksFound| {
        let egress = (hooks.egress == Some(false)).then_some((Part::Egress, NO_EGRESS));
        let tap = (daemon && hooks.tap == Some(false)).then_some((Part::Tap, NO_TAP));
        let missed = egress.into_iter().chain(tap);
        let drifts = missed.map(|(part, found)| drift(part, hooks.interface.as_str(), found, mend));
        drifts.collect::<Vec<_>>()
    };
    found.iter().flat_map(of_interface).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nets(texts: &[&str]) -> BTreeSet<Prefix> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    #[test]
    fn a_set_that_is_not_known_in_full_may_hold_more() {
        let (wanted, found) = (
            nets(&["10.0.0.0/8", "192.0.2.1"]),
            nets(&["10.0.0.0/8", "192.0.2.9"]),
        );
        let named = |complete| -> Vec<String> {
            let drift = never_block(&wanted, &found, complete);
            drift.into_iter().map(|drift| drift.thing).collect()
        };
        assert_eq!(named(true), ["192.0.2.1", "192.0.2.9"]);
        assert_eq!(named(false), ["192.0.2.1"]);
    }

    #[test]
    fn a_shield_is_missed_by_name() {
        let found = [ShieldFound {
            interface: "eth1".into(),
            program: "shield".into(),
            native: Some(true),
            fault: Some("it is gone".into()),
        }];
        let drift = shields(&["eth0".into()], &found, false);
        let told: Vec<_> = drift.iter().map(|drift| (&*drift.thing, &*drift.found)).collect();
        assert_eq!(
            told,
            [
                ("eth0", "no shield link is pinned for it"),
                ("eth1", "it is gone")
            ]
        );
        assert!(drift[0].mend.contains("start apimon"));
    }

    #[test]
    fn a_tap_is_missed_while_a_daemon_runs_and_the_way_out_always() {
        let found = |egress, tap| HooksFound {
            interface: "eth0".into(),
            egress,
            tap,
        };
        let parts = |found: HooksFound, daemon| -> Vec<Part> {
            let drift = hooks(&[found], daemon);
            drift.into_iter().map(|drift| drift.part).collect()
        };
        assert_eq!(parts(found(Some(true), Some(true)), true), []);
        assert_eq!(parts(found(None, Some(false)), true), [Part::Tap]);
        assert_eq!(
            parts(found(Some(false), Some(false)), true),
            [Part::Egress, Part::Tap]
        );
        assert_eq!(parts(found(Some(false), Some(false)), false), [Part::Egress]);
    }

    #[test]
    fn modes_and_maps() {
        assert_eq!(mode(Mode::Enforce, Mode::Enforce), None);
        assert_eq!(mode(Mode::Enforce, Mode::Observe).unwrap().thing, "enforce");
        let found = [("LEASES", None), ("CONFIG", Some("it is not pinned".to_owned()))];
        assert_eq!(maps(&found)[0].thing, "CONFIG");
        assert_eq!(maps(&found).len(), 1);
    }
}
