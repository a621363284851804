//! The Debian package in a Debian that has nothing of ours: it installs, starts, watches, blocks, and goes without a
//! trace, by what the guide says.
//!
//! `cargo xtask test` makes the package.
#![expect(clippy::unwrap_used, reason = "a suite fails by panicking")]

use std::{process::Output, time::Duration};

use apimon::verdict::Mode;
use apimon_tests::{
    handbook::Document,
    installed::{ASKER, Installed, package, said},
    site::{HOST_V4, INTERFACE},
    wait,
};

/// Bound of every wait here.
const PATIENCE: Duration = Duration::from_mins(1);
/// Somebody who does nothing wrong.
const HONEST: &str = "203.0.113.20";
/// The section that is done.
const SECTION: &str = "From package to the first block";

/// The first line of each block: where it is typed.
const PLACES: [&str; 2] = ["# on the API host, as root", "# on the other machine"];

/// What a reader sees, in order: the beginning of a line, and what its output says, at once or soon.
const SEEN: [(&str, &[&str]); 9] = [
    ("apimon doctor", &["0 failures"]),
    ("apimon status", &["observe", INTERFACE]),
    ("apimon cases", &["probing", ASKER]),
    (
        "apimon explain 1",
        &["would be dropped", "observe mode", "how to silence"],
    ),
    ("apimon endpoints", &["GET /"]),
    ("apimon config check", &["apimon.toml"]),
    ("apimon status", &["enforce"]),
    ("apimon block list", &[ASKER, "probing"]),
    ("apimon explain 1", &["apimon block remove"]),
];

/// A line without its comment, with the addresses of this network; and the exit codes that the comment promises.
fn typed(line: &str) -> (String, Vec<i32>) {
    let (command, comment) = line.split_once(" # ").unwrap_or((line, ""));
    let comment = comment.trim().split(':').next().unwrap_or_default();
    let codes = comment.strip_prefix("exits with ").unwrap_or("0");
    let codes = codes.split(" or ").map(|code| code.parse().unwrap()).collect();
    let command = command.replace("http://API/", &format!("http://{HOST_V4}/"));
    (command.trim().replace("ASKER", ASKER), codes)
}

/// A reader at work.
struct Reader {
    host: Installed,
    seen: usize,
}

impl Reader {
    fn block(&mut self, block: &str) {
        let mut lines = block.lines();
        let place = lines.next();
        assert!(
            PLACES.map(Some).contains(&place),
            "where is this typed? {place:?}"
        );
        let on_host = place == Some(PLACES[0]);
        for line in lines.filter(|line| !line.trim().is_empty()) {
            let (command, codes) = typed(line);
            let words: Vec<&str> = command.split_whitespace().collect();
            if let ["systemctl", rest @ ..] = words.as_slice() {
                self.host.systemctl(rest).unwrap();
                continue;
            }
            let expected = SEEN.get(self.seen).filter(|(begin, _)| command == *begin);
            self.seen += usize::from(expected.is_some());
            self.line(
                on_host,
                &command,
                &codes,
                expected.map_or(&[], |(_, words)| words),
            );
        }
    }

    /// Types a line until it says what it should. Only what reads is expected to say something, so again does no harm.
    fn line(&self, on_host: bool, command: &str, codes: &[i32], words: &[&str]) {
        let mut last = String::new();
        let fits = || {
            let output = if on_host {
                self.host.on_host(command)
            } else {
                self.host.elsewhere(command)
            };
            let output: Output = output.unwrap();
            last = format!("{:?}: {}", output.status, said(&output));
            let code = output.status.code().unwrap_or(-1);
            let there = words.iter().all(|word| last.contains(word));
            match words {
                [] => {
                    assert!(codes.contains(&code), "`{command}`: {last}");
                    true
                }
                _ => codes.contains(&code) && there,
            }
        };
        let waited = wait::until_true(command, PATIENCE, fits);
        assert!(waited.is_ok(), "`{command}` does not say {words:?}: {last}");
    }
}

#[test]
fn the_guide_leads_from_the_package_to_the_first_block_and_back() {
    let host = Installed::open("guide", &package().unwrap(), &[HONEST]).unwrap();
    let url = format!("http://{HOST_V4}/");
    let mut reader = Reader { host, seen: 0 };
    let guide = Document::named("docs/guide.md").unwrap();
    let blocks = guide.blocks_of(SECTION, "sh").unwrap();
    let (first, rest) = blocks.split_first().unwrap();
    reader.block(first);
    installed(&reader.host);
    // The unit's WatchdogSec counts on it, also when the sandbox is closed.
    let goes_on = || reader.host.manager.has_heard("WATCHDOG=1");
    wait::until_true("word that it goes on", PATIENCE, goes_on).unwrap();
    for block in rest {
        reader.block(block);
        assert_eq!(
            reader.host.curl(HONEST, &url).unwrap(),
            "200",
            "others are served all the while"
        );
    }
    assert_eq!(
        reader.seen,
        SEEN.len(),
        "the guide does not say {:?}",
        SEEN.get(reader.seen)
    );
    removed(&mut reader.host);
}

/// What stands in docs/install.md is there, and the threads have what they need and no more.
fn installed(host: &Installed) {
    let status = host.client().status().unwrap();
    assert_eq!(status.mode, Mode::Observe);
    let errors = host.errors();
    assert!(
        errors.contains("anomaly log: /var/log/apimon/anomalies.jsonl"),
        "{errors}"
    );
    let passwd = std::fs::read_to_string(host.debian.path("etc/passwd")).unwrap();
    let user = passwd.lines().find(|line| line.starts_with("apimon:")).unwrap();
    let hostile = |name: &str| ["parse", "judge"].contains(&name);
    for thread in status.threads.iter().filter(|thread| hostile(&thread.name)) {
        let uid = thread.uid.to_string();
        assert_eq!(user.split(':').nth(2).unwrap(), uid, "{thread:?}");
        assert!(
            thread.capabilities.is_empty() && thread.seccomp_filters == 2,
            "{thread:?}"
        );
    }
    let pages = host.on_host("ls /usr/share/man/man1 | grep -c ^apimon").unwrap();
    assert!(said(&pages).trim().parse::<u32>().unwrap() > 20);
    assert!(
        host.debian
            .path("usr/share/bash-completion/completions/apimon")
            .is_file()
    );
}

/// The package goes, and takes everything with it.
fn removed(host: &mut Installed) {
    host.stop().unwrap();
    let purged = host.on_host("apt purge --yes apimon").unwrap();
    assert!(purged.status.success(), "{}", said(&purged));
    for gone in ["usr/bin/apimon", "etc/apimon", "var/lib/apimon", "var/log/apimon"] {
        assert!(!host.debian.path(gone).exists(), "{gone} is left");
    }
    assert!(
        !host.site.lab().pins().exists(),
        "something is left in the kernel"
    );
}
