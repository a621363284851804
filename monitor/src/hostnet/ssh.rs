//! Who is logged in over SSH: the peers of authenticated sessions. Must not know why that matters.
//!
//! Only authenticated sessions count. Anybody can open a connection to port 22, and would otherwise be safe from every
//! lease. OpenSSH tells in its process title: `sshd: user@pts/0` (or `sshd-session: user@notty`) is a session, while a
//! title that ends in a bracket (`[priv]`, `[preauth]`, `[net]`) is a connection on its way to become one.

use std::{
    collections::{BTreeSet, HashSet},
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    path::Path,
};

use super::read;

/// The state of an established connection in the kernel's tables.
const ESTABLISHED: &str = "01";

/// The far ends of all authenticated SSH sessions.
pub(super) fn session_peers(proc_root: &Path) -> BTreeSet<IpAddr> {
    let sockets = session_sockets(proc_root);
    if sockets.is_empty() {
        return BTreeSet::new();
    }
    let tables = ["self/net/tcp", "self/net/tcp6"].map(|table| read(&proc_root.join(table)));
    let connections = tables.iter().flat_map(|table| established(table));
    connections
        .filter(|(inode, _)| sockets.contains(inode))
        .map(|(_, peer)| peer)
        .collect()
}

/// Inodes of the sockets that session processes hold.
fn session_sockets(proc_root: &Path) -> HashSet<u64> {
    let Ok(processes) = std::fs::read_dir(proc_root) else {
        return HashSet::new();
    };
    let is_number = |entry: &std::fs::DirEntry| {
        let name = entry.file_name();
        name.as_encoded_bytes().iter().all(u8::is_ascii_digit)
    };
    processes
        .flatten()
        .filter(is_number)
        .map(|entry| entry.path())
        .filter(|process| is_session(&std::fs::read(process.join("cmdline")).unwrap_or_default()))
        .flat_map(|process| socket_inodes(&process.join("fd")))
        .collect()
}

fn is_session(title: &[u8]) -> bool {
    let title = title.split(|b| *b == 0).next().unwrap_or_default().trim_ascii();
    let ours = title.starts_with(b"sshd: ") || title.starts_with(b"sshd-session: ");
    ours && title.contains(&b'@') && !title.ends_with(b"]")
}

fn socket_inodes(fds: &Path) -> Vec<u64> {
    let Ok(entries) = std::fs::read_dir(fds) else {
        return Vec::new();
    };
    let inode = |entry: std::fs::DirEntry| {
        let target = std::fs::read_link(entry.path()).ok()?;
        target
            .to_str()?
            .strip_prefix("socket:[")?
            .strip_suffix(']')?
            .parse()
            .ok()
    };
    entries.flatten().filter_map(inode).collect()
}

/// Inode and far end of each established connection of a `/proc/net/tcp` or `tcp6` table:
/// `sl local remote state tx:rx tr:when retrnsmt uid timeout inode ...`.
fn established(table: &str) -> impl Iterator<Item = (u64, IpAddr)> {
    table.lines().skip(1).filter_map(|line| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let [_, _, remote, state, _, _, _, _, _, inode, ..] = fields.as_slice() else {
            return None;
        };
        let peer = address(remote.split_once(':')?.0)?;
        (*state == ESTABLISHED).then_some((inode.parse().ok()?, peer))
    })
}

/// Reads an address as the kernel prints it: words of four bytes, each a number in the byte order of the host.
fn address(text: &str) -> Option<IpAddr> {
    let word = |index: usize| {
        let digits = text.get(index * 8..index * 8 + 8)?;
        Some(u32::from_str_radix(digits, 16).ok()?.to_ne_bytes())
    };
    if text.len() == 8 {
        return Some(Ipv4Addr::from(word(0)?).into());
    }
    let mut bytes = [0; 16];
    for (index, chunk) in bytes.chunks_exact_mut(4).enumerate() {
        chunk.copy_from_slice(&word(index)?);
    }
    Some(Ipv6Addr::from(bytes).to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{fs, os::unix::fs::symlink};

    const HEAD: &str =
        "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n";

    fn process(root: &Path, pid: &str, title: &str, inode: u64) {
        let fds = root.join(pid).join("fd");
        fs::create_dir_all(&fds).unwrap();
        fs::write(root.join(pid).join("cmdline"), title).unwrap();
        symlink(format!("socket:[{inode}]"), fds.join("4")).unwrap();
        symlink("/dev/null", fds.join("0")).unwrap();
    }

    #[test]
    #[cfg(target_endian = "little")]
    fn only_authenticated_sessions_count() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path();
        fs::create_dir_all(root.join("self/net")).unwrap();
        process(root, "10", "sshd: root@pts/0\0\0\0", 100);
        process(root, "11", "sshd: a@b [preauth]\0", 101);
        process(root, "12", "nginx: a@b\0", 102);
        process(root, "13", "sshd-session: deploy@notty\0", 103);
        let row = |n: u32, remote: &str, state: &str, inode: u64| {
            format!(
                "   {n}: 0100007F:0016 {remote} {state} 00000000:00000000 02:0009 00000000     0        0 {inode} 4 0\n"
            )
        };
        let v4 = [
            HEAD.to_owned(),
            row(0, "076433C6:C001", "01", 100),
            row(1, "086433C6:C001", "01", 101),
            row(2, "096433C6:C001", "01", 102),
            row(3, "0A6433C6:C001", "06", 103),
        ];
        let v6 = [
            HEAD.to_owned(),
            row(0, "B80D0120000000000000000001000000:C001", "01", 103),
            row(1, "0000000000000000FFFF00000B6433C6:C001", "01", 103),
        ];
        fs::write(root.join("self/net/tcp"), v4.concat()).unwrap();
        fs::write(root.join("self/net/tcp6"), v6.concat()).unwrap();
        let peers: Vec<String> = session_peers(root).iter().map(ToString::to_string).collect();
        assert_eq!(peers, ["198.51.100.7", "198.51.100.11", "2001:db8::1"]);
    }

    #[test]
    fn nothing_readable_is_nobody() {
        assert!(session_peers(Path::new("/nonexistent")).is_empty());
    }
}
