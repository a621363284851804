//! The Debian package in a Debian that has nothing of ours: it installs, starts, watches, and goes without a trace.
//!
//! `cargo xtask test` makes the package. The clean Debian is made once by debootstrap and kept below the cache of the user
//! (`~/.cache/apimon`); that takes the network, and fails without.
#![expect(clippy::unwrap_used, reason = "a suite fails by panicking")]

use std::{
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use apimon::{control::client::Client, verdict::Mode};
use apimon_tests::{
    process::{self, Running},
    scene::Scene,
    site::INTERFACE,
    wait,
};
use rustix::process::Signal;

const SOURCE: &str = "203.0.113.66";
const URL: &str = "http://10.77.0.10:8080/health";
/// Bound of every wait here.
const PATIENCE: Duration = Duration::from_mins(1);
/// The release that the package is made for.
const RELEASE: &str = "bookworm";

/// In a mount namespace of its own, so that nothing stays mounted.
const INSTALL_AND_RUN: &str = r#"
set -eu
mount --bind /proc "$ROOT/proc"
mount --rbind /sys "$ROOT/sys"
mount --rbind /dev "$ROOT/dev"
export DEBIAN_FRONTEND=noninteractive PATH=/usr/sbin:/usr/bin:/sbin:/bin
chroot "$ROOT" dpkg --install /apimon.deb
chroot "$ROOT" apimon version
chroot "$ROOT" apimon config check
exec chroot "$ROOT" apimon run
"#;

/// A clean Debian, kept over runs.
fn clean_debian() -> PathBuf {
    let home = std::env::var_os("HOME").unwrap_or_else(|| "/root".into());
    let cache =
        std::env::var_os("XDG_CACHE_HOME").map_or_else(|| Path::new(&home).join(".cache"), PathBuf::from);
    let kept = cache.join("apimon").join(format!("debian-{RELEASE}"));
    if !kept.exists() {
        let making = kept.with_extension(format!("making-{}", std::process::id()));
        std::fs::create_dir_all(&making).unwrap();
        process::output(
            Command::new("debootstrap")
                .args(["--variant=minbase", RELEASE])
                .arg(&making),
        )
        .unwrap();
        std::fs::rename(&making, &kept).unwrap();
    }
    kept
}

fn shell(root: &Path, words: &[&str]) -> String {
    process::output(Command::new("chroot").arg(root).args(words)).unwrap()
}

#[test]
fn the_package_installs_in_a_clean_debian_and_runs_there() {
    let deb = std::env::var_os("APIMON_DEB")
        .expect("no package: `cargo xtask test` makes it, and names it in APIMON_DEB");
    let scene = Scene::open("package", "observe", &[SOURCE]).unwrap();
    let root = scene.apimon.dir.join("root");
    process::output(Command::new("cp").arg("-a").arg(clean_debian()).arg(&root)).unwrap();
    std::fs::copy(deb, root.join("apimon.deb")).unwrap();

    let mut command = scene.host().command("unshare");
    command
        .args(["--mount", "--propagation", "private", "sh", "-c", INSTALL_AND_RUN])
        .env("ROOT", &root)
        .env("APIMON_PIN_DIR", scene.apimon.pins());
    let mut daemon = Running::start("installed", &mut command, &scene.apimon.dir).unwrap();
    let client = Client::new(&root.join("run/apimon/control.sock"));
    wait::until_true("the installed daemon", PATIENCE, || {
        daemon.ended().is_some() || client.status().is_ok()
    })
    .unwrap();
    let said = daemon.stderr();
    let status = client.status().unwrap_or_else(|error| panic!("{error}\n{said}"));
    assert_eq!(status.mode, Mode::Observe);
    assert!(
        status.interfaces.iter().any(|found| found.name == INTERFACE),
        "{said}"
    );
    assert!(
        said.contains("anomaly log: /var/log/apimon/anomalies.jsonl"),
        "{said}"
    );

    let passwd = std::fs::read_to_string(root.join("etc/passwd")).unwrap();
    let user = passwd.lines().find(|line| line.starts_with("apimon:")).unwrap();
    for thread in status
        .threads
        .iter()
        .filter(|thread| ["parse", "judge"].contains(&&*thread.name))
    {
        assert_eq!(
            user.split(':').nth(2).unwrap(),
            thread.uid.to_string(),
            "{thread:?}"
        );
        assert!(
            thread.capabilities.is_empty() && thread.seccomp_filters == 2,
            "{thread:?}"
        );
    }
    assert_eq!(scene.curl(SOURCE, URL).unwrap(), "200");
    wait::until_true("the request", PATIENCE, || {
        client
            .status()
            .is_ok_and(|status| status.totals.transactions == 1)
    })
    .unwrap();
    daemon.signal(Signal::TERM).unwrap();
    assert!(daemon.wait(PATIENCE).unwrap().success(), "{}", daemon.stderr());

    let pages = shell(&root, &["sh", "-c", "ls /usr/share/man/man1 | grep -c ^apimon"]);
    assert!(pages.trim().parse::<u32>().unwrap() > 20, "{pages}");
    assert!(
        root.join("usr/share/bash-completion/completions/apimon")
            .is_file()
    );
    shell(&root, &["dpkg", "--purge", "apimon"]);
    for gone in ["usr/bin/apimon", "etc/apimon", "var/lib/apimon", "var/log/apimon"] {
        assert!(!root.join(gone).exists(), "{gone} is left");
    }
}
