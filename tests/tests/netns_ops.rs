//! What leaves the daemon beside blocks, held to the programs that read it and to what may befall it: the log under
//! logrotate, on a full disk and through rsyslog; the metrics under promtool; the control socket before a user who may
//! only read.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a suite fails by panicking"
)]

mod schema;

use std::{
    collections::{BTreeMap, BTreeSet},
    io::Write,
    path::{Path, PathBuf},
    process::Command,
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use apimon::{
    control::dto::AllowRequest,
    journal::{
        JournalSettings, JournalThread,
        event::{EventKind, JournalEvent},
    },
    metrics::catalogue,
    time::Timestamp,
};
use apimon_tests::{
    process::{self, Running},
    scene::Scene,
    wait,
};
use serde_json::Value;

const CLIENT: &str = "203.0.113.66";
const URL: &str = "http://10.77.0.10:8080/health";
const PATIENCE: Duration = Duration::from_secs(30);

/// Rotations of the test of logrotate.
const ROTATIONS: u64 = 12;
/// Changes made while the disk is full, each a line.
const CHANGES: u64 = 400;

fn packaged(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../packaging")
        .join(name)
}

#[test]
fn logrotate_under_load_loses_no_line() {
    let dir = tempfile::tempdir().unwrap();
    let log = dir.path().join("anomalies.jsonl");
    let config = dir.path().join("logrotate.conf");
    let text = format!(
        "{} {{\n rotate 1000\n size 1\n compress\n delaycompress\n create 0640 root root\n}}\n",
        log.display()
    );
    std::fs::write(&config, text).unwrap();
    let (journal, thread) = JournalThread::start(&JournalSettings::file(&log, 64 << 20)).unwrap();
    let stop = AtomicBool::new(false);
    let (said, began_ns) = (std::sync::atomic::AtomicU64::new(0), wait::now_ns());
    std::thread::scope(|scope| {
        // Also where this panics: the other thread would go on for ever.
        let _stopped = Stop(&stop);
        scope.spawn(|| {
            while !stop.load(Ordering::Relaxed) {
                let number = said.fetch_add(1, Ordering::Relaxed);
                journal.append(format!("{{\"n\":{number}}}").as_bytes());
                // The disk sets the pace; what the buffer cannot hold is another test.
                while journal.report().backlog_bytes > 1 << 20 {
                    std::thread::yield_now();
                }
            }
        });
        for rotation in 0..ROTATIONS {
            let mut logrotate = Command::new("logrotate");
            logrotate
                .args(["--force", "--state"])
                .arg(dir.path().join("state"));
            process::output(logrotate.arg(&config)).unwrap();
            // By a signal, as packaged, and by itself, where nobody tells it.
            if rotation % 2 == 0 {
                journal.reopen();
            }
            wait::until_true("the new file", PATIENCE, || journal.report().reopened > rotation).unwrap();
        }
    });
    let seconds = wait::elapsed(began_ns).as_secs_f64();
    let report = thread.close();
    let said = said.load(Ordering::Relaxed);
    let mut expected = 0;
    for number in (0..=ROTATIONS).rev() {
        for line in rotated(&log, number).lines() {
            assert_eq!(line, format!("{{\"n\":{expected}}}"), "in file {number}");
            expected += 1;
        }
    }
    assert_eq!(expected, said, "lines lost");
    assert_eq!((report.written_lines, report.lost_lines), (said, 0));
    eprintln!(
        "logrotate: {said} lines in {seconds:.1} s over {ROTATIONS} rotations, 0 lost, 0 twice, all in order"
    );
}

/// Says that it is over when it is dropped.
struct Stop<'a>(&'a AtomicBool);

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// The content of the file of so many rotations ago.
fn rotated(log: &Path, number: u64) -> String {
    let name = match number {
        0 => log.display().to_string(),
        1 => format!("{}.1", log.display()),
        _ => format!("{}.{number}.gz", log.display()),
    };
    let mut command = Command::new(if number > 1 { "zcat" } else { "cat" });
    process::output(command.arg(name)).unwrap()
}

/// A small disk, unmounted when dropped.
struct SmallDisk(PathBuf);

impl SmallDisk {
    fn mount(at: PathBuf) -> Self {
        std::fs::create_dir(&at).unwrap();
        let mut mount = Command::new("mount");
        mount
            .args(["-t", "tmpfs", "-o", "size=256k", "apimon-test"])
            .arg(&at);
        process::output(&mut mount).unwrap();
        Self(at)
    }

    /// Leaves no room.
    fn fill(&self) {
        let mut filler = std::fs::File::create(self.0.join("filler")).unwrap();
        while filler.write_all(&[0; 4096]).is_ok() {}
    }

    fn make_room(&self) {
        std::fs::remove_file(self.0.join("filler")).unwrap();
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        drop(process::output(Command::new("umount").arg("--lazy").arg(&self.0)));
    }
}

/// Numbers of the changes that are in the log, in its order.
fn changes(lines: &[Value]) -> Vec<u64> {
    let of = |line: &Value| {
        let words = line["apimon"]["detail"].as_str()?;
        words.rsplit_once("change ")?.1.parse().ok()
    };
    lines.iter().filter_map(of).collect()
}

#[test]
fn a_full_disk_is_a_case_and_the_log_tells_of_its_own_hole() {
    let mut scene = Scene::open("opsdisk", "enforce", &[CLIENT]).unwrap();
    scene.apimon.config = "[log]\nbuffer_bytes = 65536\n".to_owned();
    let disk = SmallDisk::mount(scene.apimon.dir.join("disk"));
    std::os::unix::fs::symlink(disk.0.join("log"), scene.apimon.log()).unwrap();
    let mut daemon = scene.apimon.start(scene.host()).unwrap();
    let client = scene.apimon.client();
    let report = || client.status().unwrap().log.report;
    let change = |number: u64| {
        let request = AllowRequest {
            for_seconds: None,
            comment: format!("change {number}"),
        };
        client.allow("198.51.100.7".parse().unwrap(), &request).unwrap();
    };
    disk.fill();
    for number in 0..CHANGES {
        change(number);
    }
    wait::until_true("a case of the log", PATIENCE, || {
        client
            .cases()
            .unwrap()
            .iter()
            .any(|case| case.rule == "log-failing")
    })
    .unwrap();
    let during = report();
    assert!(
        during
            .failing
            .as_deref()
            .unwrap_or_default()
            .contains("No space left"),
        "{during:?}"
    );
    assert!(
        during.lost_lines > 0 && during.backlog_bytes <= 65_536,
        "{during:?}"
    );
    assert!(scene.apimon.ask(&["status"]).unwrap().contains("FAILING"));
    assert_eq!(
        scene.curl(CLIENT, URL).unwrap(),
        "200",
        "the API is served all the while"
    );

    disk.make_room();
    wait::until_true("a log that is written", PATIENCE, || report().failing.is_none()).unwrap();
    change(CHANGES);
    let recovered = |lines: &[Value]| {
        let of_case = |line: &&Value| line["rule"]["name"] == "log-failing";
        let last = lines.iter().rfind(of_case)?;
        let told = last["message"].as_str()?.contains("can be written again");
        told.then(|| last["apimon"]["evidence"]["value"].as_f64())
            .flatten()
    };
    let lost_as_told = wait::until("the line that tells of the hole", PATIENCE, || {
        let lines = scene.apimon.log_lines();
        recovered(&lines).filter(|_| changes(&lines).contains(&CHANGES))
    })
    .unwrap();
    daemon.terminate().unwrap();

    let text = std::fs::read_to_string(scene.apimon.log()).unwrap();
    schema::assert_valid(&text);
    let there = changes(&scene.apimon.log_lines());
    let unique: BTreeSet<u64> = there.iter().copied().collect();
    assert!(
        there.is_sorted() && unique.len() == there.len(),
        "out of order, or twice: {there:?}"
    );
    let missing = CHANGES + 1 - there.len() as u64;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count")]
    let told = lost_as_told as u64;
    // Beside the changes, the case's own lines found no room: at most one each time that the loss doubled.
    assert!(
        missing <= told && told - missing <= 16,
        "{missing} changes are missing, the log tells of {told}"
    );
    eprintln!(
        "full disk: {} changes, {} in the log, {missing} missing; the case tells of {told} lost lines; {} bytes waited",
        CHANGES + 1,
        there.len(),
        during.backlog_bytes
    );
}

#[test]
fn rsyslog_reads_every_line_over_every_transport_and_none_breaks_out() {
    const LINES: usize = 200;
    let dir = tempfile::tempdir().unwrap();
    let (tcp, udp) = (free_port(), free_port());
    let (socket, got) = (dir.path().join("log.sock"), dir.path().join("got"));
    let config = dir.path().join("rsyslog.conf");
    let text = format!(
        "global(workDirectory=\"{0}\" maxMessageSize=\"64k\")\n\
         module(load=\"imuxsock\" SysSock.Use=\"off\")\n\
         input(type=\"imuxsock\" Socket=\"{1}\" UseSpecialParser=\"off\" ParseHostname=\"on\")\n\
         module(load=\"imtcp\")\ninput(type=\"imtcp\" address=\"127.0.0.1\" port=\"{tcp}\")\n\
         module(load=\"imudp\")\ninput(type=\"imudp\" address=\"127.0.0.1\" port=\"{udp}\")\n\
         template(name=\"flat\" type=\"string\" string=\"%app-name%|%procid%|%msgid%|%syslogseverity%|%msg%\\n\")\n\
         action(type=\"omfile\" file=\"{2}\" template=\"flat\")\n",
        dir.path().display(),
        socket.display(),
        got.display()
    );
    std::fs::write(&config, text).unwrap();
    let mut command = Command::new("rsyslogd");
    command
        .args(["-n", "-f"])
        .arg(&config)
        .arg("-i")
        .arg(dir.path().join("pid"));
    let rsyslog = Running::start("rsyslogd", &mut command, dir.path()).unwrap();
    let ready = || socket.exists() && std::net::TcpStream::connect(("127.0.0.1", tcp)).is_ok();
    wait::until_true("rsyslogd", PATIENCE, ready)
        .unwrap_or_else(|error| panic!("{error}: {}", rsyslog.stderr()));
    let read = || std::fs::read_to_string(&got).unwrap_or_default();
    for (round, address) in [
        format!("unix:{}", socket.display()),
        format!("tcp:127.0.0.1:{tcp}"),
        format!("udp:127.0.0.1:{udp}"),
    ]
    .iter()
    .enumerate()
    {
        let settings = JournalSettings {
            syslog: Some(address.parse().unwrap()),
            ..JournalSettings::file(dir.path().join("file"), 1 << 20)
        };
        let (journal, thread) = JournalThread::start(&settings).unwrap();
        for number in 0..LINES {
            let detail = format!(
                "\r\n<0>1 - evil root 0 - - {{\"fake\":1}}\u{85}\u{2028}\u{1b}[2J 5 <13>x {number} of {round}"
            );
            let kind = EventKind::DaemonStarted { detail };
            journal.say(&JournalEvent {
                at: Timestamp::from_nanos(1_800_000_000_000_000_000),
                kind,
            });
        }
        let report = thread.close();
        assert_eq!(
            (report.sinks[0].sent_messages, report.sinks[0].lost_messages),
            (LINES as u64, 0)
        );
        let wanted = LINES * (round + 1);
        wait::until_true("lines in rsyslog", PATIENCE, || read().lines().count() >= wanted)
            .unwrap_or_else(|error| panic!("{error}: {address}: {}", read().lines().count()));
    }
    let mut numbers = BTreeSet::new();
    for line in read().lines() {
        let fields: Vec<&str> = line.splitn(5, '|').collect();
        assert_eq!(fields[0], "apimon", "{line}");
        assert_eq!(
            (fields[1], fields[2], fields[3]),
            (&*std::process::id().to_string(), "daemon-started", "6")
        );
        schema::assert_valid(fields[4].trim_start());
        let value: Value = serde_json::from_str(fields[4]).unwrap();
        numbers.insert(
            value["apimon"]["detail"]
                .as_str()
                .unwrap()
                .rsplit_once("x ")
                .unwrap()
                .1
                .to_owned(),
        );
    }
    assert_eq!(numbers.len(), 3 * LINES, "each once, and nothing else");
}

fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

#[test]
fn a_user_who_may_only_read_changes_nothing_and_changes_have_a_name() {
    use std::os::unix::fs::PermissionsExt;
    let scene = Scene::open("opsuser", "enforce", &[CLIENT]).unwrap();
    let _daemon = scene.apimon.start(scene.host()).unwrap();
    let socket = scene.apimon.control();
    // As for a member of its group.
    std::fs::set_permissions(&socket, std::fs::Permissions::from_mode(0o666)).unwrap();
    let ask = |method: &str, path: &str| {
        let mut command = Command::new("setpriv");
        command
            .args([
                "--reuid=65534",
                "--regid=65534",
                "--clear-groups",
                "curl",
                "--silent",
            ])
            .args([
                "--write-out",
                "%{http_code}",
                "--request",
                method,
                "--unix-socket",
            ])
            .arg(&socket)
            .arg(format!("http://apimon{path}"));
        process::output(&mut command).unwrap()
    };
    assert!(ask("GET", "/v1/status").ends_with("200"));
    let said = ask("PUT", "/v1/leases/198.51.100.9");
    assert!(said.contains("not-permitted") && said.ends_with("403"), "{said}");
    assert!(scene.apimon.client().leases().unwrap().is_empty());
    scene
        .apimon
        .ask(&["block", "add", "198.51.100.9", "--reason", "a drill"])
        .unwrap();
    let lines = wait::until("both lines", PATIENCE, || {
        let lines = scene.apimon.log_lines();
        let both = ["control-denied", "block-add"].map(|action| {
            let of = |line: &&Value| line["event"]["action"] == action;
            lines.iter().find(of).cloned()
        });
        Some((both[0].clone()?, both[1].clone()?))
    })
    .unwrap();
    assert_eq!(
        (&lines.0["user"]["id"], &lines.0["apimon"]["done"]),
        (&"65534".into(), &false.into())
    );
    assert_eq!(
        (&lines.1["user"]["id"], &lines.1["user"]["name"]),
        (&"0".into(), &"root".into())
    );
    assert!(lines.1["process"]["pid"].is_u64());
    schema::assert_valid(&std::fs::read_to_string(scene.apimon.log()).unwrap());
    let denied = scene.apimon.client().status().unwrap().counters["control"]["denied_requests"];
    assert_eq!(denied, 1);
}

#[test]
fn metrics_are_what_prometheus_dashboard_rules_and_documents_say() {
    let mut scene = Scene::open("opsmetrics", "enforce", &[CLIENT]).unwrap();
    // All that brings counters of its own.
    scene.apimon.config = "[metrics]\nlisten = \"127.0.0.1:9377\"\n[record]\nenabled = true\n\
        [log]\njournald = true\nsyslog = \"unix:/nonexistent/log\"\n"
        .to_owned();
    let _daemon = scene.apimon.start(scene.host()).unwrap();
    assert_eq!(scene.curl(CLIENT, URL).unwrap(), "200");
    let mut curl = scene.host().command("curl");
    curl.args(["--silent", "--fail", "http://127.0.0.1:9377/metrics"]);
    let text = process::output(&mut curl).unwrap();
    assert!(
        !text.contains(CLIENT) && !text.contains("/health"),
        "a label says what a client chose"
    );

    let counters = scene.apimon.client().status().unwrap().counters;
    assert_eq!(
        undescribed(&counters),
        Vec::<String>::new(),
        "not in monitor/src/metrics/catalogue.rs"
    );
    for stage in catalogue::STAGES {
        for told in stage.counters {
            let there = counters
                .get(stage.name)
                .is_some_and(|stage| stage.contains_key(told.name));
            assert!(there, "{}.{} is described and not counted", stage.name, told.name);
        }
    }
    for file in [
        "prometheus/apimon.rules.yml",
        "prometheus/apimon.test.yml",
        "grafana/apimon.json",
    ] {
        let used = metrics_in(&std::fs::read_to_string(packaged(file)).unwrap());
        assert!(!used.is_empty(), "{file}");
        for metric in used {
            let served = text.lines().any(|line| {
                let name = line.split(['{', ' ']).next();
                name == Some(&metric) || line.starts_with(&format!("# TYPE {metric} "))
            });
            assert!(served, "{file} names {metric}, which is not served");
        }
    }
    let dashboard: Value =
        serde_json::from_str(&std::fs::read_to_string(packaged("grafana/apimon.json")).unwrap()).unwrap();
    for panel in dashboard["panels"].as_array().unwrap() {
        assert!(
            panel["targets"][0]["expr"].is_string() && panel["gridPos"]["w"].is_u64(),
            "{panel}"
        );
    }
    promtool(&text);
}

fn undescribed(counters: &BTreeMap<String, BTreeMap<String, u64>>) -> Vec<String> {
    let mut missing = Vec::new();
    for (stage, names) in counters {
        for name in names.keys() {
            let of_table = stage == "judge" && name.starts_with("evicted_");
            if !of_table && catalogue::find(stage, name).is_none() {
                missing.push(format!("{stage}.{name}"));
            }
        }
    }
    missing
}

/// Names of metrics in a text.
fn metrics_in(text: &str) -> BTreeSet<String> {
    text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_')
        .filter(|word| word.starts_with("apimon_") || word.starts_with("process_"))
        .map(str::to_owned)
        .collect()
}

/// What Prometheus itself says of the text, the rules and the sample configuration.
fn promtool(text: &str) {
    let mut check = Command::new("promtool");
    check
        .args(["check", "metrics"])
        .stdin(std::process::Stdio::piped());
    let mut check = check
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    check.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let checked = check.wait_with_output().unwrap();
    let said =
        String::from_utf8_lossy(&checked.stderr).into_owned() + &String::from_utf8_lossy(&checked.stdout);
    assert!(checked.status.success() && said.is_empty(), "{said}");
    for words in [
        ["check", "rules", "apimon.rules.yml"],
        ["check", "config", "prometheus.yml"],
        ["test", "rules", "apimon.test.yml"],
    ] {
        let mut command = Command::new("promtool");
        command.args(words).current_dir(packaged("prometheus"));
        process::output(&mut command).unwrap();
    }
}
