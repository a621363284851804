//! Without TCX, as before Linux 6.6: tap and the shield's way out are filters of clsact. What they drop, how long they
//! last, and that none is left behind.
#![expect(clippy::unwrap_used, reason = "a suite fails by panicking")]

use std::{io::ErrorKind, net::UdpSocket, thread, time::Duration};

use apimon::kernel::{
    HooksFound, KeepShield, Kernel, KernelSettings, Kind, Mode, TapMode, Tapped, inspect, remove_all,
};
use apimon_tests::{
    kernel::{Pins, TestKernel, enter},
    netns::{Lab, Space},
    process,
};
use monitor_common::{Prefix, counter::Counter};

const PATIENCE: Duration = Duration::from_secs(20);

/// Runs a test inside a namespace with a pair of virtual interfaces, `v0` here and `v1` in the other.
fn in_pair(tag: &str, test: impl FnOnce(&Space, &Space) + Send) {
    let lab = Lab::new(tag).unwrap();
    let (here, there) = (lab.space("here").unwrap(), lab.space("there").unwrap());
    here.connect("v0", &there, "v1").unwrap();
    inside(&here, || test(&here, &there));
}

/// Runs `work` on a thread inside a namespace.
fn inside<T: Send>(space: &Space, work: impl FnOnce() -> T + Send) -> T {
    thread::scope(|scope| {
        let thread = scope.spawn(|| {
            enter(space.name()).unwrap();
            work()
        });
        thread
            .join()
            .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

fn settings(pins: &Pins) -> KernelSettings {
    KernelSettings {
        pin_dir: pins.path().to_owned(),
        interfaces: vec!["v0".to_owned()],
        mode: Mode::Enforce,
        tapped: Tapped::Ports(vec![80]),
        use_tcx: false,
        ..KernelSettings::default()
    }
}

fn open(pins: &Pins) -> Kernel {
    let opened = Kernel::open(&settings(pins)).unwrap();
    assert_eq!(opened.warnings, []);
    opened.kernel
}

/// The programs at a hook of `v0`, as `tc` shows them, the first to be asked first: name, place and id.
fn filters(space: &Space, side: &str) -> Vec<(String, String, String)> {
    let shown = process::output(space.command("tc").args(["filter", "show", "dev", "v0", side])).unwrap();
    let after = |line: &str, word: &str| -> Option<String> {
        let mut words = line.split_whitespace().skip_while(|found| *found != word);
        words.nth(1).map(str::to_owned)
    };
    let filter = |line: &str| {
        let place = format!("{} {}", after(line, "pref")?, after(line, "handle")?);
        Some((after(line, "handle")?, place, after(line, "id")?, line.to_owned()))
    };
    let found = shown.lines().filter_map(filter);
    found
        .map(|(handle, place, id, line)| (after(&line, &handle).unwrap_or_default(), place, id))
        .collect()
}

fn names(space: &Space, side: &str) -> Vec<String> {
    filters(space, side).into_iter().map(|(name, ..)| name).collect()
}

fn hooks(pins: &Pins) -> Vec<HooksFound> {
    inspect(pins.path()).unwrap().hooks
}

fn guarded(egress: bool, tap: bool) -> Vec<HooksFound> {
    vec![HooksFound {
        interface: "v0".to_owned(),
        egress: Some(egress),
        tap: Some(tap),
    }]
}

#[test]
fn the_filter_of_the_way_out_outlives_its_daemon_and_is_replaced_in_its_place() {
    in_pair("filters", |space, _| {
        let pins = Pins::new("filters");
        let kernel = open(&pins);
        assert_eq!(kernel.attachments().first().unwrap().tap, TapMode::Clsact);
        assert_eq!(names(space, "egress"), ["shield_egress", "tap_egress"]);
        assert_eq!(names(space, "ingress"), ["tap_ingress"]);
        assert_eq!(hooks(&pins), guarded(true, true));
        let first = filters(space, "egress").remove(0);

        drop(kernel);
        assert_eq!(
            filters(space, "egress"),
            std::slice::from_ref(&first),
            "the shield outlives its daemon"
        );
        assert_eq!(hooks(&pins), guarded(true, false));

        let kernel = open(&pins);
        let second = filters(space, "egress").remove(0);
        assert_eq!((&second.0, &second.1), (&first.0, &first.1), "in its place");
        assert_ne!(second.2, first.2, "the program was replaced");
        assert_eq!(names(space, "egress"), ["shield_egress", "tap_egress"]);

        // As SIGKILL does: nothing is taken off.
        std::mem::forget(kernel);
        assert_eq!(remove_all(pins.path()).unwrap().shields_removed, 1);
        assert_eq!(names(space, "egress"), [""; 0], "a filter was left behind");
        assert_eq!(names(space, "ingress"), [""; 0], "a filter was left behind");
    });
}

#[test]
fn filters_that_another_tool_flushed_are_missed_and_put_back() {
    in_pair("flushed", |space, _| {
        let pins = Pins::new("flushed");
        let mut kernel = open(&pins);
        process::output(space.command("tc").args(["qdisc", "del", "dev", "v0", "clsact"])).unwrap();
        assert_eq!(hooks(&pins), guarded(false, false));
        assert_eq!(kernel.reattach("v0").unwrap(), []);
        assert_eq!(hooks(&pins), guarded(true, true));
        assert_eq!(names(space, "egress"), ["shield_egress", "tap_egress"]);
    });
}

#[test]
fn a_place_that_another_filter_has_is_left_to_it() {
    in_pair("place", |space, _| {
        let tc = |words: &[&str]| process::output(space.command("tc").args(words)).unwrap();
        tc(&["qdisc", "add", "dev", "v0", "clsact"]);
        // Of classic BPF, for IPv4 alone; it matches nothing.
        let to = ["filter", "add", "dev", "v0", "egress", "pref", "1"];
        tc(&[&to[..], &["protocol", "ip", "bpf", "bytecode", "1,6 0 0 0"]].concat());
        let pins = Pins::new("place");
        let kernel = open(&pins);
        assert_eq!(hooks(&pins), guarded(true, true));
        kernel.detach(KeepShield::Never).unwrap();
        assert_eq!(names(space, "egress"), [""; 0]);
        assert!(tc(&["filter", "show", "dev", "v0", "egress"]).contains("protocol ip pref 1 bpf"));
    });
}

#[test]
fn nothing_is_sent_to_a_leased_source_with_a_daemon_and_without() {
    in_pair("wayout", |here, there| {
        here.ip("addr add 10.9.0.1/24 dev v0").unwrap();
        there.ip("addr add 10.9.0.2/24 dev v1").unwrap();
        there.ip("addr add 10.9.0.3/24 dev v1").unwrap();
        let [leased, other] = inside(there, || {
            ["10.9.0.2:9999", "10.9.0.3:9999"].map(|address| {
                let socket = UdpSocket::bind(address).unwrap();
                socket.set_read_timeout(Some(PATIENCE)).unwrap();
                socket
            })
        });
        let host = UdpSocket::bind("10.9.0.1:0").unwrap();
        let send = |to: &UdpSocket| host.send_to(b"x", to.local_addr().unwrap()).unwrap();
        let reaches = || {
            send(&leased);
            assert_eq!(leased.recv(&mut [0]).unwrap(), 1);
        };
        let stopped = |when: &str| {
            send(&leased);
            send(&leased);
            send(&other);
            // On the same way, and later: when this is there, the others would be.
            other.recv(&mut [0]).unwrap();
            leased.set_nonblocking(true).unwrap();
            let error = leased.recv(&mut [0]).expect_err(when);
            assert_eq!(error.kind(), ErrorKind::WouldBlock, "{when}");
            leased.set_nonblocking(false).unwrap();
        };
        let source = Prefix::host("10.9.0.2".parse().unwrap());
        let grant = |kernel: &Kernel| {
            let minute = Duration::from_mins(1);
            kernel.leases().grant(source, minute, Kind::Drop, 0).unwrap();
        };

        let pins = Pins::new("wayout");
        let kernel = TestKernel::with_pins(pins, settings(&Pins::new("unused"))).unwrap();
        reaches();
        let before = kernel.counts().unwrap();
        grant(&kernel.kernel);
        stopped("with a daemon");
        let counted = kernel.counts().unwrap().since(&before);
        assert!(counted.get(Counter::EgressDropped) >= 2, "{counted:?}");

        let pins = kernel.kill();
        stopped("without a daemon");
        let ended = open(&pins).detach(KeepShield::WhileLeased).unwrap();
        assert_eq!(ended.kept_for_leases, 1);
        stopped("while the lease runs");
        open(&pins).detach(KeepShield::Never).unwrap();
        reaches();
    });
}
