//! Whether this process may do what the daemon must. Must not know how the kernel programs are loaded.

use rustix::thread::{CapabilitySet, capabilities};

/// The process lacks rights that the daemon needs.
#[derive(Debug, thiserror::Error)]
#[error("`apimon run` needs {missing}; run it as root, or grant it these capabilities")]
pub struct PrivilegeError {
    missing: String,
}

/// What loading, attaching and pinning takes, with the names that setcap and systemd use.
const NEEDED: [(CapabilitySet, &str); 3] = [
    (CapabilitySet::BPF, "CAP_BPF"),
    (CapabilitySet::NET_ADMIN, "CAP_NET_ADMIN"),
    (CapabilitySet::PERFMON, "CAP_PERFMON"),
];

/// Checks the effective capabilities before anything is touched. `CAP_SYS_ADMIN` stands for the newer two, as it does
/// in the kernel.
pub fn check() -> Result<(), PrivilegeError> {
    // Where they cannot be read, the kernel itself will say what it refuses.
    let Ok(sets) = capabilities(None) else {
        return Ok(());
    };
    match missing(sets.effective) {
        names if names.is_empty() => Ok(()),
        names => Err(PrivilegeError {
            missing: names.join(", "),
        }),
    }
}

fn missing(effective: CapabilitySet) -> Vec<&'static str> {
    let admin = effective.contains(CapabilitySet::SYS_ADMIN);
    let covered =
        |needed: CapabilitySet| effective.contains(needed) || (admin && needed != CapabilitySet::NET_ADMIN);
    let lacking = NEEDED.iter().filter(|(needed, _)| !covered(*needed));
    lacking.map(|(_, name)| *name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_named() {
        assert_eq!(
            missing(CapabilitySet::empty()),
            ["CAP_BPF", "CAP_NET_ADMIN", "CAP_PERFMON"]
        );
        assert_eq!(missing(CapabilitySet::SYS_ADMIN), ["CAP_NET_ADMIN"]);
        assert!(missing(CapabilitySet::all()).is_empty());
    }
}
