//! Floods of packets through the real kernel path: what becomes a case, and what is done about it.
#![expect(clippy::unwrap_used, reason = "a suite fails by panicking")]

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use anyhow::{Context as _, Result};
use apimon::control::dto::Case;
use apimon_tests::{
    assembled::Assembled,
    frames::{Shape, Transport},
    kernel::enter,
    scene::Scene,
    site::ROUTER_INTERFACE,
    wait,
};

const OTHER: &str = "192.0.2.11";
const URL: &str = "http://10.77.0.10:8080/health";
/// Enough for a few seconds of flood on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);
const SYN: u8 = 2;

/// Frames that enter the host's interface as from a driver, from these addresses on, until it is dropped.
struct Flood {
    over: Arc<AtomicBool>,
    thread: Option<std::thread::JoinHandle<Result<()>>>,
}

impl Flood {
    fn start(scene: &Scene, first: [u8; 4], sources: u32) -> Result<Self> {
        let space = scene.site.router.name().to_owned();
        let shown = scene
            .site
            .router
            .ip(&format!("-o link show dev {ROUTER_INTERFACE}"))?;
        let index = shown.split(':').next().context("no index")?.trim().parse()?;
        let over = Arc::new(AtomicBool::new(false));
        let told = Arc::clone(&over);
        let frame = syn();
        let thread = std::thread::spawn(move || {
            enter(&space)?;
            let generator = Assembled::generator(index, first, sources)?;
            while !told.load(Ordering::Relaxed) {
                // A few thousand a second: a flood to the detectors, and none to the machine.
                generator.run_live(&frame, 64)?;
                std::thread::sleep(Duration::from_millis(10));
            }
            Ok(())
        });
        Ok(Self {
            over,
            thread: Some(thread),
        })
    }

    fn stop(mut self) -> Result<()> {
        self.over.store(true, Ordering::Relaxed);
        let thread = self.thread.take().context("stopped twice")?;
        thread.join().map_err(|_| anyhow::anyhow!("the flood panicked"))?
    }
}

impl Drop for Flood {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
    }
}

/// A SYN towards a port that nobody listens on.
fn syn() -> Vec<u8> {
    let shape = Shape {
        padding: 6,
        ..Shape::tcp(b"")
    };
    let Transport::Tcp {
        ports,
        seq,
        ack,
        option_words,
        ..
    } = shape.transport
    else {
        unreachable!("it is TCP");
    };
    let transport = Transport::Tcp {
        ports,
        seq,
        ack,
        flags: SYN,
        option_words,
    };
    Shape { transport, ..shape }.build()
}

/// Who floods while apimon begins to look is taken for somebody who always sends much.
fn wait_for_its_first_looks(scene: &Scene) {
    wait::until_true("the first looks at the counters", PATIENCE, || {
        scene
            .apimon
            .client()
            .status()
            .is_ok_and(|status| status.uptime_seconds >= 4)
    })
    .unwrap();
}

fn case_of(scene: &Scene, actor: &str) -> Case {
    let found = wait::until(&format!("a case about {actor}"), PATIENCE, || {
        let cases = scene.apimon.client().cases().ok()?;
        cases
            .into_iter()
            .find(|case| case.rule == "syn-flood" && case.actor == actor)
    });
    found.with_context(|| scene.apimon.everything_said()).unwrap()
}

#[test]
fn a_syn_flood_of_one_source_is_slowed_down_and_others_are_served() {
    let mut scene = Scene::open("synflood", "enforce", &[OTHER]).unwrap();
    scene.apimon.config = "[detect.syn-flood]\nseconds = 2\n".to_owned();
    let _daemon = scene.apimon.start(scene.host()).unwrap();
    wait_for_its_first_looks(&scene);
    let flood = Flood::start(&scene, [203, 0, 113, 66], 1).unwrap();
    let case = case_of(&scene, "client:203.0.113.66");
    assert_eq!(case.verdict, "throttle", "{case:?}");
    let lease = || {
        let leases = scene.apimon.client().leases().unwrap();
        leases
            .into_iter()
            .find(|lease| lease.source == "203.0.113.66")
            .unwrap()
    };
    assert_eq!(lease().kind.name(), "throttle");
    wait::until_true("packets beyond the rate", PATIENCE, || lease().packets > 1000).unwrap();
    assert_eq!(scene.curl(OTHER, URL).unwrap(), "200");
    flood.stop().unwrap();
}

#[test]
fn a_syn_flood_of_made_up_sources_is_written_down_and_nobody_is_touched() {
    let mut scene = Scene::open("synspoof", "enforce", &[OTHER]).unwrap();
    scene.apimon.config = "[detect.syn-flood]\nseconds = 2\ntotal_min = 500.0\n".to_owned();
    let _daemon = scene.apimon.start(scene.host()).unwrap();
    wait_for_its_first_looks(&scene);
    let flood = Flood::start(&scene, [20, 0, 0, 0], 10_000_000).unwrap();
    let case = case_of(&scene, "several");
    assert_eq!(
        (case.verdict.as_str(), case.sources.len()),
        ("log", 0),
        "{case:?}"
    );
    assert_eq!(scene.apimon.client().leases().unwrap(), []);
    assert_eq!(scene.curl(OTHER, URL).unwrap(), "200");
    flood.stop().unwrap();
}
