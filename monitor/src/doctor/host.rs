//! The host: kernel, privileges, BPF file system, rings. Must not know about interfaces.

use std::{fs, path::Path};

use rustix::process::{Resource, getrlimit};

use super::{Level, Line};
use crate::{config::Settings, kernel, privilege};

/// First kernels with what apimon uses: XDP programs for packets of several pieces, and TCX.
const FRAGS: (u32, u32) = (5, 18);
const TCX: (u32, u32) = (6, 6);
/// First kernel that does not hold BPF memory against `RLIMIT_MEMLOCK`.
const NO_MEMLOCK: (u32, u32) = (5, 11);
/// Locked memory that maps and rings take on an older one, bytes.
const MEMLOCK_BYTES: u64 = 256 << 20;

pub(super) fn lines(settings: &Settings) -> Vec<Line> {
    let release = rustix::system::uname().release().to_string_lossy().into_owned();
    let version = version(&release);
    vec![
        kernel_line(&release, version),
        programs(),
        privileges(),
        bpffs(&settings.pin_dir),
        jit(&read("/proc/sys/net/core/bpf_jit_enable")),
        btf(Path::new("/sys/kernel/btf/vmlinux").exists()),
        memlock(version, getrlimit(Resource::Memlock).current),
        rings(settings, cpus()),
    ]
}

fn read(path: &str) -> String {
    fs::read_to_string(path).unwrap_or_default().trim().to_owned()
}

fn cpus() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

/// Major and minor number of a release such as `6.18.44-fc`.
fn version(release: &str) -> Option<(u32, u32)> {
    let mut numbers = release.split(|c: char| !c.is_ascii_digit());
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

fn kernel_line(release: &str, version: Option<(u32, u32)>) -> Line {
    let line = |means: &str| Line::ok("kernel", format!("Linux {release}"), means);
    match version {
        None => line("a release that cannot be read").but(Level::Warn, "apimon needs Linux 5.18 or newer"),
        Some(version) if version < FRAGS => {
            line("too old for the shield").but(Level::Fail, "run Linux 5.18 or newer")
        }
        Some(version) if version < TCX => line(
            "has all that shield and tap use but TCX: clsact filters do its work, and if another tool flushes them apimon puts \
             them back within 15 seconds",
        ),
        Some(_) => line("has all that shield and tap use"),
    }
}

fn programs() -> Line {
    if kernel::has_programs() {
        Line::ok("programs", "built in", "nothing has to be compiled on this host")
    } else {
        Line::ok(
            "programs",
            "missing from this binary",
            "nothing can be watched or dropped",
        )
        .but(Level::Fail, "run `cargo xtask setup` and build again")
    }
}

fn privileges() -> Line {
    match privilege::check() {
        Ok(()) => Line::ok(
            "privileges",
            "CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON",
            "`apimon run` may start here",
        ),
        Err(error) => Line::ok(
            "privileges",
            error.to_string(),
            "`apimon run` will be refused, and this look cannot see other programs",
        )
        .but(
            Level::Fail,
            "run it as root, or grant the capabilities in its unit file",
        ),
    }
}

fn bpffs(pin_dir: &Path) -> Line {
    let shown = pin_dir.display();
    if kernel::is_on_bpffs(pin_dir) {
        Line::ok(
            "bpffs",
            format!("{shown} is on a BPF file system"),
            "leases outlive the daemon",
        )
    } else {
        Line::ok(
            "bpffs",
            format!("{shown} is not on a BPF file system"),
            "apimon mounts one at /sys/fs/bpf if it may; in a container it would end with the container",
        )
        .but(Level::Warn, "mount -t bpf bpf /sys/fs/bpf, on the host")
    }
}

fn jit(enabled: &str) -> Line {
    match enabled {
        "" => Line::ok("jit", "cannot be read", "programs may be interpreted, and slow")
            .but(Level::Warn, "sysctl net.core.bpf_jit_enable"),
        "0" => Line::ok("jit", "off", "programs are interpreted: several times slower")
            .but(Level::Warn, "sysctl -w net.core.bpf_jit_enable=1"),
        _ => Line::ok("jit", "on", "programs run as machine code"),
    }
}

fn btf(there: bool) -> Line {
    let found = if there {
        "the kernel has its type information"
    } else {
        "the kernel has no type information"
    };
    Line::ok(
        "btf",
        found,
        "apimon does not need it: its programs read no kernel structures",
    )
}

fn memlock(version: Option<(u32, u32)>, limit: Option<u64>) -> Line {
    let found = limit.map_or_else(|| "unlimited".to_owned(), |bytes| format!("{bytes} bytes"));
    if version.is_some_and(|version| version >= NO_MEMLOCK) {
        return Line::ok(
            "memlock",
            found,
            "of no matter: this kernel counts BPF memory in the memory cgroup",
        );
    }
    let line = Line::ok("memlock", found, "maps and rings are held against this limit");
    if limit.is_some_and(|limit| limit < MEMLOCK_BYTES) {
        line.but(
            Level::Fail,
            "LimitMEMLOCK=infinity in the unit file, or ulimit -l unlimited",
        )
    } else {
        line
    }
}

/// A ring that is full loses segments; how soon depends on what the link can bring.
fn rings(settings: &Settings, cpus: usize) -> Line {
    const GIGABIT_BYTES_PER_MS: u64 = 125_000;
    let bytes = u64::from(settings.ring_bytes);
    let found = format!("{} of {bytes} bytes, {cpus} CPUs", settings.shards);
    let room_ms = bytes.saturating_mul(u64::from(settings.shards)) / GIGABIT_BYTES_PER_MS;
    let line = Line::ok(
        "rings",
        found,
        format!("room for {room_ms} ms of HTTP at 1 Gbit/s while the readers are held up"),
    );
    if settings.shards as usize > cpus {
        line.but(Level::Warn, "fewer shards: each has a thread of its own")
    } else if room_ms < 5 {
        line.but(
            Level::Warn,
            "a larger ring_bytes: the readers come every 5 ms under load",
        )
    } else {
        line
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn releases_are_read() {
        assert_eq!(version("6.18.44-fc-v445"), Some((6, 18)));
        assert_eq!(version("5.15-rc1"), Some((5, 15)));
        assert_eq!(version("next"), None);
        for (release, level) in [
            ("5.10.0", Level::Fail),
            ("6.1.0", Level::Ok),
            ("6.6.1", Level::Ok),
        ] {
            assert_eq!(kernel_line(release, version(release)).level, level, "{release}");
        }
        assert_eq!(kernel_line("odd", None).level, Level::Warn);
    }

    #[test]
    fn the_limit_of_locked_memory_matters_on_old_kernels_only() {
        assert_eq!(memlock(Some((5, 10)), Some(64 << 10)).level, Level::Fail);
        assert_eq!(memlock(Some((5, 10)), None).level, Level::Ok);
        assert_eq!(memlock(Some((6, 1)), Some(64 << 10)).level, Level::Ok);
    }

    #[test]
    fn what_cannot_be_read_is_a_line() {
        assert_eq!(jit("").level, Level::Warn);
        assert_eq!(jit("0").level, Level::Warn);
        assert_eq!(bpffs(Path::new("/no/such")).level, Level::Warn);
        assert_eq!(btf(false).level, Level::Ok);
    }
}
