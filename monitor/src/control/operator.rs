//! Who is at the other end of the socket, and what they may do. Must not know what is asked.
//!
//! Reading is for whom the socket file lets in: root, and members of the group `apimon` where there is one. Changing is
//! for root and for the user that the daemon runs as; the kernel says who that is (`SO_PEERCRED`, unix(7)), not the
//! client.
//!
//! Names come from `/etc/passwd` and `/etc/group` themselves. The system's own look-up would load modules into a daemon
//! with privileges and may ask the network; a user of a directory service appears by number.

use std::{
    fs::File,
    io::{BufRead, BufReader, Read},
    path::Path,
};

use tokio::net::unix::UCred;

use crate::journal::event::Operator;

/// The group whose members may read.
pub const GROUP: &str = "apimon";
/// Bytes read of a file of names. Nobody but root writes them; a mistake there must not cost memory here.
const NAMES_BYTES: u64 = 4 << 20;

/// Who a connection belongs to, as the kernel noted when it was made.
#[derive(Clone, Copy, Debug)]
pub(super) struct Peer {
    uid: u32,
    pid: Option<u32>,
}

impl Peer {
    pub(super) fn of(credentials: UCred) -> Self {
        Self {
            uid: credentials.uid(),
            pid: credentials.pid().and_then(|pid| u32::try_from(pid).ok()),
        }
    }

    /// Whether this peer may change anything, where the daemon runs as `owner`.
    pub(super) fn may_change(self, owner: u32) -> bool {
        self.uid == 0 || self.uid == owner
    }

    /// With the name, for the log.
    pub(super) fn named(self) -> Operator {
        Operator {
            uid: self.uid,
            pid: self.pid,
            user: name_of(Path::new("/etc/passwd"), self.uid),
        }
    }
}

/// The number of the group whose members may read; `None` where there is no such group.
pub fn readers() -> Option<u32> {
    number_of(Path::new("/etc/group"), GROUP)
}

/// The name of a number, in a file of lines like `name:x:number:...` (passwd(5)).
fn name_of(path: &Path, number: u32) -> Option<String> {
    find(path, |_, there| there == number).map(|(name, _)| name)
}

/// The number of a name, as above (group(5)).
fn number_of(path: &Path, name: &str) -> Option<u32> {
    find(path, |there, _| there == name).map(|(_, number)| number)
}

fn find(path: &Path, wanted: impl Fn(&str, u32) -> bool) -> Option<(String, u32)> {
    let file = File::open(path).ok()?.take(NAMES_BYTES);
    let mut lines = BufReader::new(file).lines().map_while(Result::ok);
    lines.find_map(|line| {
        let mut fields = line.split(':');
        let (name, number) = (fields.next()?, fields.nth(1)?.parse().ok()?);
        wanted(name, number).then(|| (name.to_owned(), number))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_numbers_are_found_in_files_with_nonsense() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("passwd");
        std::fs::write(
            &path,
            "# a comment\n\nbroken\nx:y\na:x:not-a-number:1\nalice:x:1000:1000::/:/bin/sh\nbob:x:1001\n",
        )
        .unwrap();
        assert_eq!(name_of(&path, 1000).as_deref(), Some("alice"));
        assert_eq!(number_of(&path, "bob"), Some(1001));
        assert_eq!((name_of(&path, 1), number_of(&path, "a")), (None, None));
        assert_eq!(name_of(Path::new("/nonexistent"), 0), None);
    }

    #[test]
    fn only_root_and_the_daemons_own_user_may_change() {
        let peer = |uid| Peer { uid, pid: None };
        assert!(peer(0).may_change(990) && peer(990).may_change(990));
        assert!(!peer(1000).may_change(990) && !peer(65_534).may_change(0));
    }
}
