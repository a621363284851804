//! The user that threads become which read bytes of strangers. Must not know why.

use rustix::process::{Gid, Uid};

/// The user that the package makes.
const NAME: &str = "apimon";
/// The kernel's own number for nobody (`fs.overflowuid`), where that user is not there.
const NOBODY: u32 = 65_534;

/// Who to become: the user `apimon`, else nobody.
pub(super) fn unprivileged() -> (Uid, Gid) {
    let passwd = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    // Numbers of the system's file; root is nobody to become.
    let found = find(&passwd, NAME).filter(|(uid, gid)| *uid > 0 && *gid > 0);
    let (uid, gid) = found.unwrap_or((NOBODY, NOBODY));
    (Uid::from_raw(uid), Gid::from_raw(gid))
}

/// Numbers of user and group in a text as that of passwd(5).
fn find(passwd: &str, name: &str) -> Option<(u32, u32)> {
    passwd.lines().find_map(|line| {
        let mut fields = line.split(':');
        (fields.next() == Some(name)).then_some(())?;
        let (_password, uid, gid) = (fields.next()?, fields.next()?, fields.next()?);
        Some((uid.parse().ok()?, gid.parse().ok()?))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_user_is_found_by_its_whole_name() {
        let passwd = "root:x:0:0:root:/root:/bin/bash\napimonx:x:5:6::/:/x\nbroken\napimon:x:104:110::/:/usr/sbin/nologin\n";
        assert_eq!(find(passwd, "apimon"), Some((104, 110)));
        assert_eq!(find(passwd, "api"), None);
        assert_eq!(find("apimon:x:many:1", "apimon"), None);
    }
}
