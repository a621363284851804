//! Attaching to interfaces: modes, adoption, other programs in the way, and leaving.
#![expect(clippy::unwrap_used, reason = "a suite fails by panicking")]

use std::{path::Path, thread, time::Duration};

use apimon::kernel::{
    KeepShield, Kernel, KernelError, KernelSettings, Kind, Mode, ShieldMode, TapMode, Tapped, remove_all,
};
use apimon_tests::{
    frames::V4_SOURCE,
    kernel::{Pins, TestKernel, enter},
    netns::{Lab, Space},
};
use monitor_common::Prefix;

/// Pinned maps of one kernel side.
const MAPS: usize = 16;

/// Runs a test inside a namespace with a pair of virtual interfaces, `v0` here and `v1` in the other.
fn in_pair(tag: &str, test: impl FnOnce(&Space) + Send) {
    let lab = Lab::new(tag).unwrap();
    let (here, there) = (lab.space("here").unwrap(), lab.space("there").unwrap());
    here.connect("v0", &there, "v1").unwrap();
    thread::scope(|scope| {
        let done = scope.spawn(|| {
            enter(here.name()).unwrap();
            test(&here);
        });
        if let Err(panic) = done.join() {
            std::panic::resume_unwind(panic);
        }
    });
}

fn settings(interfaces: &[&str]) -> KernelSettings {
    KernelSettings {
        interfaces: interfaces.iter().map(ToString::to_string).collect(),
        mode: Mode::Enforce,
        tapped: Tapped::Ports(vec![80]),
        ..KernelSettings::default()
    }
}

fn refusal(pins: &Pins, interfaces: &[&str]) -> KernelError {
    let settings = KernelSettings {
        pin_dir: pins.path().to_owned(),
        ..settings(interfaces)
    };
    Kernel::open(&settings).unwrap_err()
}

fn links(pins: &Path) -> Vec<String> {
    let Ok(files) = std::fs::read_dir(pins.join("links")) else {
        return Vec::new();
    };
    let mut names: Vec<_> = files
        .map(|file| file.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

/// The XDP program of an interface, as `ip` shows it.
fn xdp_of(space: &Space, interface: &str) -> Option<String> {
    let shown = space.ip(&format!("-d link show {interface}")).unwrap();
    shown
        .split("prog/xdp")
        .nth(1)
        .map(|text| text.split_whitespace().take(2).collect::<Vec<_>>().join(" "))
}

#[test]
fn virtual_interfaces_run_it_natively_and_a_kill_leaves_the_shield() {
    in_pair("adopt", |space| {
        let first = TestKernel::load("adopt", settings(&["v0"])).unwrap();
        let attached = first.kernel.attachments().first().unwrap().clone();
        assert_eq!(
            (attached.shield, attached.tap),
            (ShieldMode::Native, TapMode::Tcx)
        );
        assert_eq!(first.warnings, []);
        let program = xdp_of(space, "v0").unwrap();

        let pins = first.kill();
        assert_eq!(
            xdp_of(space, "v0").as_ref(),
            Some(&program),
            "the shield outlives its daemon"
        );
        assert_eq!(links(pins.path()), ["egress-v0", "shield-v0"]);

        let second = TestKernel::with_pins(pins, settings(&["v0"])).unwrap();
        assert_eq!((second.adopted.links, second.warnings.len()), (1, 0));
        assert_eq!(second.kernel.attachments().first(), Some(&attached));
        let replaced = xdp_of(space, "v0").unwrap();
        assert_ne!(replaced, program, "the program was replaced");

        let pins = second.kill();
        assert_eq!(remove_all(pins.path()).unwrap().shields_removed, 1);
        assert_eq!(xdp_of(space, "v0"), None);
    });
}

#[test]
fn an_interface_made_again_under_its_name_is_guarded_again() {
    in_pair("again", |space| {
        let pins = TestKernel::load("again", settings(&["v0"])).unwrap().kill();
        space.ip("link del v0").unwrap();
        space.ip("link add v0 type veth peer name p0").unwrap();
        space.ip("link set v0 up").unwrap();
        let second = TestKernel::with_pins(pins, settings(&["v0"])).unwrap();
        assert_eq!(second.adopted.links, 0);
        let said: Vec<String> = second.warnings.iter().map(ToString::to_string).collect();
        assert!(said.iter().any(|text| text.contains("is gone")), "{said:?}");
        assert!(xdp_of(space, "v0").is_some());
    });
}

#[test]
fn another_program_is_named_and_left_alone() {
    in_pair("taken", |space| {
        let _first = TestKernel::load("holder", settings(&["v0"])).unwrap();
        let program = xdp_of(space, "v0").unwrap();
        let pins = Pins::new("taken");
        let error = refusal(&pins, &["v0"]);
        assert!(matches!(error, KernelError::ShieldTaken { .. }), "{error}");
        let id = program.split_whitespace().nth(1).unwrap();
        assert!(
            error
                .to_string()
                .contains(&format!("`shield` (id {id}, pinned at /sys/fs/bpf/")),
            "{error}: {program}"
        );
        assert_eq!(xdp_of(space, "v0"), Some(program));
        assert_eq!(links(pins.path()), [""; 0]);
    });
}

#[test]
fn a_start_that_fails_takes_off_what_it_attached() {
    in_pair("undo", |space| {
        let error = refusal(&Pins::new("undo"), &["v0", "nowhere"]);
        assert!(
            matches!(&error, KernelError::NoInterface { interface } if interface == "nowhere"),
            "{error}"
        );
        let _holder = TestKernel::load("undo-holder", settings(&["lo"])).unwrap();
        let pins = Pins::new("undo");
        let error = refusal(&pins, &["v0", "lo"]);
        assert!(
            matches!(&error, KernelError::ShieldTaken { interface, .. } if interface == "lo"),
            "{error}"
        );
        assert_eq!(xdp_of(space, "v0"), None);
        assert_eq!(links(pins.path()), [""; 0]);
        let twice = refusal(&pins, &["v0", "v0"]);
        assert!(matches!(twice, KernelError::Setting { .. }), "{twice}");
    });
}

#[test]
fn a_clean_end_keeps_the_shield_only_for_running_leases() {
    in_pair("end", |space| {
        let open = |pins: Pins| {
            let settings = KernelSettings {
                pin_dir: pins.path().to_owned(),
                ..settings(&["v0"])
            };
            (Kernel::open(&settings).unwrap().kernel, pins)
        };
        let (kernel, pins) = open(Pins::new("end"));
        let ended = kernel.detach(KeepShield::WhileLeased).unwrap();
        assert_eq!(
            (ended.kept_for_leases, ended.shields_removed, ended.maps_removed),
            (0, 1, MAPS)
        );
        assert!(xdp_of(space, "v0").is_none() && !pins.path().exists());

        let (kernel, pins) = open(pins);
        kernel
            .leases()
            .grant(Prefix::host(V4_SOURCE), Duration::from_mins(1), Kind::Drop, 0)
            .unwrap();
        let ended = kernel.detach(KeepShield::WhileLeased).unwrap();
        assert_eq!((ended.kept_for_leases, ended.shields_removed), (1, 0));
        assert!(xdp_of(space, "v0").is_some() && links(pins.path()) == ["egress-v0", "shield-v0"]);

        let (kernel, pins) = open(pins);
        let ended = kernel.detach(KeepShield::Never).unwrap();
        assert_eq!(
            (ended.kept_for_leases, ended.shields_removed, ended.maps_removed),
            (0, 1, MAPS)
        );
        assert!(xdp_of(space, "v0").is_none() && !pins.path().exists());
    });
}

#[test]
fn a_bridge_and_its_port_are_guarded_each_in_its_own_way() {
    in_pair("bridge", |space| {
        space.ip("link add br0 type bridge").unwrap();
        space.ip("link set v0 master br0").unwrap();
        space.ip("link set br0 up").unwrap();
        let both = TestKernel::load("bridge", settings(&["br0", "v0"])).unwrap();
        let modes: Vec<_> = both
            .kernel
            .attachments()
            .iter()
            .map(|held| (held.interface.as_str(), held.shield, held.tap))
            .collect();
        assert_eq!(
            modes,
            [
                ("v0", ShieldMode::Native, TapMode::Tcx),
                ("br0", ShieldMode::Generic, TapMode::Tcx)
            ]
        );
        let said: Vec<String> = both.warnings.iter().map(ToString::to_string).collect();
        let reason = "the shield on br0 runs in generic XDP mode (slower, behind the driver): native mode refused: \
                      the driver does not support it";
        assert_eq!(said, [reason]);
        assert!(xdp_of(space, "br0").is_some() && xdp_of(space, "v0").is_some());
    });
}

#[test]
fn a_vanished_interface_is_attached_to_again_when_it_is_back() {
    in_pair("reattach", |space| {
        let mut held = TestKernel::load("reattach", settings(&["v0", "lo"])).unwrap();
        space.ip("link del v0").unwrap();
        let error = held.kernel.reattach("v0").unwrap_err();
        assert!(matches!(error, KernelError::NoInterface { .. }), "{error}");
        space.ip("link add v0 type veth peer name p0").unwrap();
        held.kernel.reattach("v0").unwrap();
        assert!(xdp_of(space, "v0").is_some());
        let names: Vec<_> = held
            .kernel
            .attachments()
            .iter()
            .map(|held| held.interface.as_str())
            .collect();
        assert_eq!(names, ["lo", "v0"]);
        // One that is in its place is kept: the link, and with it every packet's way.
        held.kernel.reattach("lo").unwrap();
        assert!(xdp_of(space, "lo").is_some());
    });
}
