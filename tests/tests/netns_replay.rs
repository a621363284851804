//! The same frames, read live by the tap and replayed from a capture of them, give the same transactions.
//!
//! The live side is put together from the daemon's own parts (kernel programs, ring, reader), so that every transaction
//! can be looked at; the daemon itself shows only counts and cases.
#![expect(clippy::unwrap_used, reason = "a suite fails by panicking")]

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    thread,
    time::Duration,
};

use apimon::{
    kernel::{self, KernelSettings, TapRing, Tapped, TimeBase},
    limits::Limits,
    reader::Reader,
    replay::TransactionLines,
    time::Clock,
};
use apimon_tests::{
    kernel::{TestKernel, enter},
    scene::{self, Scene},
    site::{INTERFACE, PORT},
    wait,
};

const PEOPLE: [&str; 3] = ["192.0.2.11", "10.20.3.7", "2001:db8:77::3"];
const WALKER: &str = "203.0.113.66";
const PATIENCE: Duration = Duration::from_secs(30);

/// Reads the ring until `stop`; the lines that `apimon replay --transactions` would print.
fn read_live(mut ring: TapRing, stop: &AtomicBool) -> Vec<u8> {
    let base = TimeBase::now(Clock);
    let mut reader = Reader::new(Limits::default());
    let mut lines = TransactionLines::new(Vec::new());
    loop {
        let last = stop.load(Ordering::Acquire);
        ring.wait(Duration::from_millis(20)).unwrap();
        let drained = ring.drain(usize::MAX, |header, payload| {
            reader.segment(&kernel::segment(header, payload, base), &mut lines);
        });
        assert_eq!(drained.malformed, 0);
        if last && drained.records == 0 {
            reader.finish(&mut lines);
            return lines.finish().unwrap();
        }
    }
}

/// Attaches a tap to the host's interface and reads it on a thread of the host's namespace.
fn start_live(scene: &Scene, stop: &Arc<AtomicBool>) -> thread::JoinHandle<Vec<u8>> {
    let settings = KernelSettings {
        interfaces: vec![INTERFACE.to_owned()],
        tapped: Tapped::Ports(vec![PORT]),
        ..KernelSettings::default()
    };
    let (ready, attached) = mpsc::channel();
    let (stop, host) = (Arc::clone(stop), scene.host().name().to_owned());
    let reading = thread::spawn(move || {
        enter(&host).unwrap();
        let mut kernel = TestKernel::load("replay", settings).unwrap();
        let ring = kernel.kernel.take_rings().remove(0);
        ready.send(()).unwrap();
        read_live(ring, &stop)
    });
    attached.recv_timeout(PATIENCE).unwrap();
    reading
}

#[test]
fn live_and_replay_give_the_same_transactions() {
    let everybody: Vec<_> = PEOPLE.into_iter().chain([WALKER]).collect();
    let scene = Scene::open("same", "observe", &everybody).unwrap();
    let stop = Arc::new(AtomicBool::new(false));
    let reading = start_live(&scene, &stop);
    let recording = scene.record().unwrap();
    let people = scene.clients("honest", &PEOPLE, 1, 0).unwrap();
    let walker = scene.clients("walk", &[WALKER], 31, 2).unwrap();
    let count =
        |tallies: &[apimon_tests::client::Tally]| tallies.iter().map(|tally| tally.asked).sum::<u64>();
    let recorded = || scene::replay(recording.file(), &["--transactions"]).unwrap_or_default();
    wait::until_true("300 transactions", PATIENCE, || recorded().lines().count() > 300).unwrap();
    let asked = count(&walker.stop().unwrap()) + count(&people.stop().unwrap());
    wait::until_true("every transaction in the capture", PATIENCE, || {
        recorded().lines().count() as u64 >= asked
    })
    .unwrap();
    stop.store(true, Ordering::Release);
    let live = String::from_utf8(reading.join().unwrap()).unwrap();
    // As this reading of the ring does: bodies are not read.
    let config = scene.site.lab().dir().join("no-bodies.toml");
    std::fs::write(&config, "[bodies]\nrequests = false\nresponses = false\n").unwrap();
    let words = ["--transactions", "--config", config.to_str().unwrap()];
    let replayed = scene::replay(&recording.stop().unwrap(), &words).unwrap();

    // Requests of different connections in the same microsecond may stand in another order.
    let sorted = |text: &str| {
        let mut lines: Vec<_> = text.lines().map(str::to_owned).collect();
        lines.sort();
        lines
    };
    assert_eq!(sorted(&live).len() as u64, asked);
    assert_eq!(sorted(&live), sorted(&replayed));
}
