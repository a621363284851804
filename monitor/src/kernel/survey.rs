//! What an interface is and what else is attached to it: for the doctor, and for the sentence about a program that is
//! in the way. Reads only. Must not judge what it finds.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use aya::programs::{ProgramInfo, SchedClassifier, TcAttachType, links::PinnedLink};

use super::{KernelError, bpffs, filters, inspect::program_name, object, probe};
use crate::netlink;

/// Most files looked at below the BPF file system, and how deep.
const PINS_MAX: usize = 512;
const PIN_DEPTH: usize = 4;
/// Most files of `/proc` looked at for who holds a program.
const FDS_MAX: usize = 65_536;

/// An interface and its hooks.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Survey {
    /// Its index.
    pub index: u32,
    /// Largest packet, bytes.
    pub mtu: u32,
    /// Kind of a virtual device, or the driver's name; empty where neither is known.
    pub driver: String,
    /// Whether frames begin with an Ethernet header.
    pub ethernet: bool,
    /// Whether it is a port of a bridge or bond.
    pub is_port: bool,
    /// What its driver can do for XDP; `None` where the kernel does not say (before 6.3).
    pub features: Option<XdpFeatures>,
    /// The XDP program, and whether it runs in the driver.
    pub xdp: Option<(Holder, Option<bool>)>,
    /// Programs at the TC hooks, way in first.
    pub tc: Vec<Holder>,
    /// Names of the offloads that are on; `None` where the kernel does not say.
    pub offloads: Option<BTreeSet<String>>,
}

/// What a driver can do for XDP (`enum netdev_xdp_act`, linux/netdev.h).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct XdpFeatures {
    /// Runs programs at all.
    pub basic: bool,
    /// Gives programs packets of several pieces.
    pub frags: bool,
}

/// An attached program, and whose it is as far as can be seen.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Holder {
    /// Its id.
    pub id: u32,
    /// Its name; empty where it has none.
    pub name: String,
    /// Where it or its link is pinned.
    pub pins: Vec<PathBuf>,
    /// Processes that hold it, as `name (pid)`.
    pub processes: Vec<String>,
}

impl std::fmt::Display for Holder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let name = if self.name.is_empty() {
            "unnamed"
        } else {
            &self.name
        };
        write!(f, "`{name}` (id {}", self.id)?;
        for pin in &self.pins {
            write!(f, ", pinned at {}", pin.display())?;
        }
        for process in &self.processes {
            write!(f, ", held by {process}")?;
        }
        f.write_str(")")
    }
}

/// Whether the kernel programs were built into this binary.
pub fn has_programs() -> bool {
    object::bytes().is_ok()
}

/// Whether the directory, or what there is of its path, is on a BPF file system.
pub fn is_on_bpffs(pin_dir: &Path) -> bool {
    bpffs::is_there(pin_dir)
}

/// Looks at one interface.
pub fn survey(name: &str) -> Result<Survey, KernelError> {
    let found = probe::interface(name)?;
    let tc = [TcAttachType::Ingress, TcAttachType::Egress].into_iter();
    let tc = tc.flat_map(|side| at_hook(name, found.index, side));
    let driver = if found.kind.is_empty() {
        driver(name, found.index)
    } else {
        found.kind
    };
    Ok(Survey {
        index: found.index,
        mtu: found.mtu,
        driver,
        ethernet: found.ethernet,
        is_port: found.master.is_some(),
        features: features(found.index),
        xdp: found.xdp.map(|xdp| (Holder::of(xdp.program_id), xdp.native)),
        tc: tc.collect(),
        offloads: offloads(found.index),
    })
}

/// The programs at one TC hook: links of TCX, then filters.
fn at_hook(name: &str, index: u32, side: TcAttachType) -> Vec<Holder> {
    let linked = SchedClassifier::query_tcx(name, side).map_or_else(|_| Vec::new(), |(_, programs)| programs);
    let filters = filters::filters(index, side).unwrap_or_default();
    let filters = filters.iter().map(|filter| filter.program_id);
    let ids = linked.iter().map(ProgramInfo::id).chain(filters);
    ids.map(Holder::of).collect()
}

impl Holder {
    /// Finds out whose a program is.
    pub(super) fn of(id: u32) -> Self {
        Self {
            id,
            name: program_name(id).unwrap_or_default(),
            pins: pins_of(id),
            processes: processes_of(id),
        }
    }
}

/// The driver of hardware, as sysfs shows it. sysfs may be of another network namespace: then the index differs.
fn driver(name: &str, index: u32) -> String {
    let dir = Path::new("/sys/class/net").join(name);
    let same = fs::read_to_string(dir.join("ifindex")).is_ok_and(|text| text.trim() == index.to_string());
    let driver = fs::read_link(dir.join("device/driver")).ok().filter(|_| same);
    let name = driver.as_deref().and_then(Path::file_name);
    name.map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_default()
}

/// `NETDEV_CMD_DEV_GET` (`linux/netdev.h`).
fn features(index: u32) -> Option<XdpFeatures> {
    const DEV_GET: u8 = 1;
    const IFINDEX: u16 = 1;
    const XDP_FEATURES: u16 = 3;
    const BASIC: u64 = 1;
    const RX_SG: u64 = 1 << 5;
    let asked = netlink::attribute_of(IFINDEX, &index.to_ne_bytes());
    let answer = netlink::ask_family("netdev", DEV_GET, &asked).ok()?;
    let bits = u64::from_ne_bytes(*netlink::attribute(&answer, XDP_FEATURES)?.first_chunk::<8>()?);
    Some(XdpFeatures {
        basic: bits & BASIC != 0,
        frags: bits & RX_SG != 0,
    })
}

/// `ETHTOOL_MSG_FEATURES_GET` (`linux/ethtool_netlink.h`): the names of what is active.
fn offloads(index: u32) -> Option<BTreeSet<String>> {
    const FEATURES_GET: u8 = 11;
    const HEADER: u16 = 1;
    const DEV_INDEX: u16 = 1;
    const ACTIVE: u16 = 4;
    const BITS: u16 = 3;
    const NAME: u16 = 2;
    let device = netlink::attribute_of(DEV_INDEX, &index.to_ne_bytes());
    let answer = netlink::ask_family("ethtool", FEATURES_GET, &netlink::nest_of(HEADER, &device)).ok()?;
    let bits = netlink::attribute(netlink::attribute(&answer, ACTIVE)?, BITS)?;
    let names = netlink::attributes(bits).filter_map(|(_, bit)| netlink::attribute(bit, NAME));
    Some(names.map(netlink::text).collect())
}

/// Where a program, or a link of it, is pinned.
fn pins_of(id: u32) -> Vec<PathBuf> {
    let mut dirs = vec![(PathBuf::from(bpffs::STANDARD), 0)];
    let (mut found, mut looked) = (Vec::new(), 0);
    while let Some((dir, depth)) = dirs.pop() {
        if !bpffs::is_bpffs(&dir) {
            continue;
        }
        for entry in fs::read_dir(&dir).into_iter().flatten().flatten() {
            let path = entry.path();
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                if depth < PIN_DEPTH {
                    dirs.push((path, depth + 1));
                }
            } else if looked < PINS_MAX {
                looked += 1;
                if is_at(&path, id) {
                    found.push(path);
                }
            }
        }
    }
    found.sort();
    found
}

/// Whether a program, or a link of it, is pinned at a path. What is opened may be of any kind, and the kernel answers a
/// question about another kind with nonsense; only the `fdinfo` of the descriptor says what it is.
fn is_at(path: &Path, id: u32) -> bool {
    let before = own_descriptors(id);
    let opened = PinnedLink::from_pin(path);
    opened.is_ok() && own_descriptors(id) > before
}

/// Descriptors of this process that hold a program, or a link of it.
fn own_descriptors(id: u32) -> usize {
    let wanted = prog_id(id);
    let files = fs::read_dir("/proc/self/fdinfo").into_iter().flatten().flatten();
    let texts = files.map(|file| fs::read_to_string(file.path()).unwrap_or_default());
    texts.filter(|text| text.contains(&wanted)).count()
}

/// The line by which the `fdinfo` of a program and that of a link name the program.
fn prog_id(id: u32) -> String {
    format!("prog_id:\t{id}\n")
}

/// Processes with a descriptor of a program, or of a link of it.
fn processes_of(id: u32) -> Vec<String> {
    let wanted = prog_id(id);
    let mut left = FDS_MAX;
    let mut found = Vec::new();
    for process in fs::read_dir("/proc").into_iter().flatten().flatten() {
        let name = process.file_name().to_string_lossy().into_owned();
        if !name.bytes().all(|byte| byte.is_ascii_digit()) {
            continue;
        }
        let files = fs::read_dir(process.path().join("fdinfo"))
            .into_iter()
            .flatten()
            .flatten();
        let mut texts = files.take(left).map(|file| {
            left = left.saturating_sub(1);
            fs::read_to_string(file.path()).unwrap_or_default()
        });
        if texts.any(|text| text.contains(&wanted)) {
            let command = fs::read_to_string(process.path().join("comm")).unwrap_or_default();
            found.push(format!("{} ({name})", command.trim_end()));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_is_surveyed_without_privilege() {
        let lo = survey("lo").unwrap();
        assert_eq!((lo.index, lo.ethernet, lo.is_port), (1, true, false));
        assert!(lo.mtu >= 1500);
        assert!(survey("no-such-if").is_err());
    }

    #[test]
    fn a_holder_is_named_with_what_is_known() {
        let holder = Holder {
            id: 7,
            name: String::new(),
            pins: vec!["/sys/fs/bpf/x".into()],
            processes: vec!["cilium (12)".into()],
        };
        assert_eq!(
            holder.to_string(),
            "`unnamed` (id 7, pinned at /sys/fs/bpf/x, held by cilium (12))"
        );
    }
}
