//! What is pinned, and taking it away. Must not load anything.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use aya::programs::links::{FdLink, PinnedLink};

use super::{KernelError, filters};

/// Directory of the pinned links, below the pin directory.
const LINKS: &str = "links";
/// How the file of a shield link begins; the interface's name follows.
const SHIELD: &str = "shield-";
/// The same of the link on the way out.
const EGRESS: &str = "egress-";

/// Whether a clean end leaves the shield in place.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum KeepShield {
    /// It stays while a lease runs and the mode is to enforce, so that every lease ends on its time.
    WhileLeased,
    /// It goes, and the leases with it.
    Never,
}

/// What a clean end did.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Detached {
    /// The shield stayed in place, for this many running leases.
    pub kept_for_leases: usize,
    /// Interfaces that the shield was taken off.
    pub shields_removed: usize,
    /// Pinned maps that were removed.
    pub maps_removed: usize,
}

/// The file of an interface's shield link. An interface's name cannot hold a slash; dots would be refused by bpffs.
pub(super) fn link_path(pin_dir: &Path, interface: &str) -> PathBuf {
    links_dir(pin_dir).join(format!("{SHIELD}{}", interface.replace('.', "%2e")))
}

/// The file of an interface's link on the way out.
pub(super) fn egress_path(pin_dir: &Path, interface: &str) -> PathBuf {
    links_dir(pin_dir).join(format!("{EGRESS}{}", interface.replace('.', "%2e")))
}

/// The interface whose shield link a file is, if it is one.
pub(super) fn link_interface(file: &Path) -> Option<String> {
    let name = file.file_name()?.to_str()?.strip_prefix(SHIELD)?;
    Some(name.replace("%2e", "."))
}

/// Directory of the links.
pub(super) fn links_dir(pin_dir: &Path) -> PathBuf {
    pin_dir.join(LINKS)
}

/// The file of a map.
pub(super) fn map_path(pin_dir: &Path, map: &str) -> PathBuf {
    pin_dir.join(map)
}

/// The interface that a link is on; 0 when that is gone. The kernel tells it in the `fdinfo` of the link's descriptor,
/// which is found by the link's id.
pub(super) fn link_ifindex(link: &FdLink) -> Option<u32> {
    let id = link.info().ok()?.id().to_string();
    files(Path::new("/proc/self/fdinfo"))
        .ok()?
        .iter()
        .find_map(|file| {
            let text = fs::read_to_string(file).ok()?;
            (field(&text, "link_id")? == id).then(|| field(&text, "ifindex")?.parse().ok())?
        })
}

/// The interface that the shield link pinned at `file` guards, if it is one; by its present name, which may be another
/// than when it was pinned.
fn guarded_interface(file: &Path) -> Option<String> {
    let named = link_interface(file)?;
    let link = PinnedLink::from_pin(file).map(FdLink::from).ok();
    let present = link.and_then(|link| filters::interface_name(link_ifindex(&link)?));
    Some(present.unwrap_or(named))
}

/// The value of a `name:<tab>value` line.
fn field<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    text.lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))
        .map(str::trim)
}

/// Removes every link and map pinned under `pin_dir`, without a daemon, and our filters on the interfaces of the links.
/// Nothing is dropped afterwards. Not to be called while a daemon runs: it would go on with maps that nobody else can
/// see.
pub fn remove_all(pin_dir: &Path) -> Result<Detached, KernelError> {
    let mut detached = Detached::default();
    for link in files(&links_dir(pin_dir))? {
        if let Some(interface) = guarded_interface(&link) {
            filters::remove_ours(&interface);
        }
        // The link ends with its last descriptor; the file was it.
        remove(&link)?;
        detached.shields_removed += usize::from(link_interface(&link).is_some());
    }
    detached.maps_removed = remove_maps(pin_dir)?;
    Ok(detached)
}

/// Removes the pinned maps and the directories, and says how many maps.
pub(super) fn remove_maps(pin_dir: &Path) -> Result<usize, KernelError> {
    let maps = files(pin_dir)?;
    for map in &maps {
        remove(map)?;
    }
    // Empty now, or not ours to remove.
    let _ = fs::remove_dir(links_dir(pin_dir));
    let _ = fs::remove_dir(pin_dir);
    Ok(maps.len())
}

/// The files of a directory; none if there is no such directory.
pub(super) fn files(dir: &Path) -> Result<Vec<PathBuf>, KernelError> {
    let unreadable = |source| KernelError::Pin {
        operation: "reading the directory",
        path: dir.to_owned(),
        source,
    };
    let entries = match fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(unreadable(error)),
    };
    let mut files = Vec::new();
    for entry in entries {
        let entry = entry.map_err(unreadable)?;
        if !entry.file_type().map_err(unreadable)?.is_dir() {
            files.push(entry.path());
        }
    }
    files.sort();
    Ok(files)
}

/// Removes one file.
pub(super) fn remove(path: &Path) -> Result<(), KernelError> {
    fs::remove_file(path).map_err(|source| KernelError::Pin {
        operation: "removing",
        path: path.to_owned(),
        source,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pin_of_a_vlan_interface_has_no_dot() {
        assert_eq!(
            link_path(Path::new("/p"), "eth0.7"),
            Path::new("/p/links/shield-eth0%2e7")
        );
    }

    #[test]
    fn an_interface_is_read_back_from_its_pin() {
        let pin = link_path(Path::new("/p"), "eth0.7");
        assert_eq!(link_interface(&pin).as_deref(), Some("eth0.7"));
        assert_eq!(link_interface(Path::new("/p/links/other")), None);
    }

    #[test]
    fn fields_are_found_by_their_whole_name() {
        let text = "pos:\t0\nlink_type:\txdp\nlink_id:\t12\nifindex:\t3\n";
        assert_eq!(field(text, "link_id"), Some("12"));
        assert_eq!(field(text, "ifindex"), Some("3"));
        assert_eq!(field(text, "link"), None);
    }
}
