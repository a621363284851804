//! The one sentence a privileged suite says when it is started without its privilege. It never skips.

use std::os::unix::fs::MetadataExt;

/// Fails loudly unless this process is root with the tools that the namespaces need.
///
/// # Panics
/// If something is missing; the message says which command prepares it.
pub fn require_root() {
    let root = std::fs::metadata("/proc/self").is_ok_and(|entry| entry.uid() == 0);
    assert!(
        root,
        "this suite makes network namespaces and loads kernel programs: run `cargo xtask test` as root"
    );
    for program in ["ip", "nsenter", "setpriv"] {
        assert!(
            crate::programs::is_on_path(program),
            "`{program}` is missing: `cargo xtask test` installs what the suites need"
        );
    }
}
