//! What is open when a source is blocked ends at once: its sockets at a real nginx, and all that is still sent to it.
#![expect(clippy::unwrap_used, reason = "a suite fails by panicking")]

use std::{io::ErrorKind, net::UdpSocket, path::PathBuf, time::Duration};

use apimon_tests::{
    kernel::enter, netns::Space, nginx::Nginx, process, process::Running, scene::Scene, wait,
};

const BLOCKED: &str = "203.0.113.66";
const BLOCKED_V6: &str = "2001:db8:bad::66";
const OTHER: &str = "192.0.2.11";
const PORT: u16 = 8081;
const PATIENCE: Duration = Duration::from_secs(20);

fn url(source: &str) -> String {
    let host = if source.contains(':') {
        "[fd77:0:0:1::10]"
    } else {
        "10.77.0.10"
    };
    format!("http://{host}:{PORT}/large")
}

/// A download that would take minutes.
struct Download {
    running: Running,
    file: PathBuf,
}

impl Download {
    fn start(scene: &Scene, source: &'static str) -> Self {
        let file = scene.apimon.dir.join(format!("got-{}", source.replace(':', "-")));
        let mut command = scene.site.clients.command("curl");
        command.args(["--silent", "--globoff", "--interface", source, "--output"]);
        command.arg(&file).arg(url(source));
        let name = format!("curl-{}", source.replace(':', "-"));
        let running = Running::start(&name, &mut command, &scene.apimon.dir);
        let download = Self {
            running: running.unwrap(),
            file,
        };
        wait::until_true("a download", PATIENCE, || download.bytes() > 0).unwrap();
        download
    }

    fn bytes(&self) -> u64 {
        std::fs::metadata(&self.file).map_or(0, |file| file.len())
    }
}

/// The host's sockets to a peer, waiting ones (`TIME-WAIT`) left out.
fn sockets_to(scene: &Scene, peer: &str) -> String {
    let mut command = scene.host().command("ss");
    command.args([
        "-H",
        "-t",
        "-n",
        "state",
        "connected",
        "exclude",
        "time-wait",
        "dst",
    ]);
    command.arg(if peer.contains(':') {
        format!("[{peer}]")
    } else {
        peer.to_owned()
    });
    process::output(&mut command).unwrap()
}

#[test]
fn open_downloads_of_a_blocked_source_are_cut_and_others_go_on() {
    let scene = Scene::open("cut", "enforce", &[BLOCKED, BLOCKED_V6, OTHER]).unwrap();
    let large = std::fs::File::create(scene.apimon.dir.join("large")).unwrap();
    large.set_len(1 << 30).unwrap();
    let server = format!("root {}; limit_rate 500k;", scene.apimon.dir.display());
    let _nginx = Nginx::start(scene.host(), &scene.apimon.dir, PORT, &server).unwrap();
    let _daemon = scene.apimon.start(scene.host()).unwrap();
    let mut downloads = [BLOCKED, BLOCKED_V6, OTHER].map(|source| Download::start(&scene, source));
    for source in [BLOCKED, BLOCKED_V6] {
        assert!(sockets_to(&scene, source).contains("ESTAB"));
        scene
            .apimon
            .ask(&["block", "add", source, "--ttl", "5m"])
            .unwrap();
        wait::until_true("the end of nginx's socket", PATIENCE, || {
            sockets_to(&scene, source).is_empty()
        })
        .unwrap();
    }
    let [v4, v6, other] = downloads.each_ref().map(Download::bytes);
    let [cut_v4, cut_v6, going] = &mut downloads;
    wait::until_true("more of the other download", PATIENCE, || {
        going.bytes() > other + 1_000_000
    })
    .unwrap();
    assert!(going.running.ended().is_none());
    assert_eq!(
        (cut_v4.bytes(), cut_v6.bytes()),
        (v4, v6),
        "bytes went on after the block"
    );
    let counters = scene.apimon.client().status().unwrap().counters;
    let count = |stage: &str, name: &str| counters.get(stage).and_then(|of| of.get(name)).copied().unwrap();
    assert_eq!(count("connections", "closed_sockets"), 2);
    assert_eq!(count("connections", "refused_sockets"), 0);
    // The kernel announces the end by a reset, which is the first thing that is not sent any more.
    assert!(count("kernel", "egress_dropped_packets") >= 2, "{counters:?}");
}

/// Runs `work` on a thread inside a namespace.
fn inside<T: Send>(space: &Space, work: impl FnOnce() -> T + Send) -> T {
    std::thread::scope(|scope| {
        let thread = scope.spawn(|| {
            enter(space.name()).unwrap();
            work()
        });
        thread.join().unwrap()
    })
}

#[test]
fn nothing_is_sent_to_a_blocked_source_also_without_a_daemon() {
    let scene = Scene::open("egress", "enforce", &[BLOCKED, OTHER]).unwrap();
    let mut daemon = scene.apimon.start(scene.host()).unwrap();
    let bound = |source: &str| {
        let socket = UdpSocket::bind((source, 9999)).unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        socket
    };
    let (blocked, other) = inside(&scene.site.clients, || (bound(BLOCKED), bound(OTHER)));
    let host = inside(scene.host(), || UdpSocket::bind(("10.77.0.10", 0)).unwrap());
    let send = |to: &str| assert_eq!(host.send_to(b"x", (to, 9999)).unwrap_or(1), 1);
    let mut byte = [0];
    send(BLOCKED);
    blocked.recv(&mut byte).unwrap();
    scene
        .apimon
        .ask(&["block", "add", BLOCKED, "--ttl", "5m"])
        .unwrap();
    for killed in [false, true] {
        if killed {
            daemon.kill();
        }
        for _ in 0..5 {
            send(BLOCKED);
        }
        // On the same way, and later: when this is there, the others would be.
        send(OTHER);
        other.recv(&mut byte).unwrap();
        blocked.set_nonblocking(true).unwrap();
        let error = blocked.recv(&mut byte).unwrap_err();
        assert_eq!(
            error.kind(),
            ErrorKind::WouldBlock,
            "sent to a blocked source (daemon killed: {killed})"
        );
    }
}
