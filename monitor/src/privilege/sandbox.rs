//! Puts a thread where bytes of strangers can do little harm: no capability, another user, no file, no network, few
//! system calls. Must not know what the thread does.
//!
//! A step that the kernel refuses is said, and the others are taken: an unprivileged start, or an old kernel, has less
//! to lose or to offer.

use std::{
    collections::BTreeMap,
    io,
    sync::{Arc, Mutex, PoisonError},
};

use landlock::{ABI, Access as _, AccessFs, AccessNet, Ruleset, RulesetAttr as _, RulesetStatus, Scope};
use rustix::{
    process::{Gid, Uid},
    thread::{
        CapabilitySet, set_keep_capabilities, set_no_new_privs, set_thread_groups, set_thread_res_gid,
        set_thread_res_uid,
    },
};
use seccompiler::BpfProgram;

use super::{
    caps,
    filter::{self, Purpose},
    user,
};

/// What landlock did for each thread that entered, by the thread's name.
pub(super) type Fenced = Arc<Mutex<BTreeMap<String, &'static str>>>;

/// A sandbox for threads of one purpose, made ready before they start.
#[derive(Clone)]
pub struct Sandbox {
    user: (Uid, Gid),
    /// Capabilities that are left.
    kept: CapabilitySet,
    filters: Arc<[BpfProgram; 2]>,
    fenced: Fenced,
}

impl Sandbox {
    /// Reads who to become, and makes the filters.
    pub fn new(purpose: Purpose) -> io::Result<Self> {
        Ok(Self {
            user: user::unprivileged(),
            kept: match purpose {
                Purpose::Live => caps::for_maps(),
                Purpose::Replay => CapabilitySet::empty(),
            },
            filters: Arc::new(filter::programs(purpose).map_err(io::Error::other)?),
            fenced: Fenced::default(),
        })
    }

    /// What landlock did, for whoever shows it.
    pub(super) fn fenced(&self) -> BTreeMap<String, &'static str> {
        self.fenced.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Puts this thread, and all that it starts from now on, into the sandbox. There is no way back.
    pub fn enter(&self) {
        let said = |step: &str, done: io::Result<()>| {
            if let Err(error) = done {
                let thread = thread_name();
                log::warn!("thread {thread}: {step} is not possible here ({error}); it runs on without");
            }
        };
        said("no_new_privs", set_no_new_privs(true).map_err(Into::into));
        let fence = fence();
        let of_thread = fence.as_ref().copied().unwrap_or("none");
        self.fenced
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(thread_name(), of_thread);
        said("landlock", fence.map(drop));
        said("another user", self.become_user());
        said("dropping capabilities", caps::keep(self.kept));
        for filter in &*self.filters {
            said(
                "a seccomp filter",
                seccompiler::apply_filter(filter).map_err(io::Error::other),
            );
        }
    }

    /// Becomes the other user, for this thread alone. Whoever is not root is somebody harmless already.
    fn become_user(&self) -> io::Result<()> {
        if !rustix::process::geteuid().is_root() {
            return Ok(());
        }
        let (uid, gid) = self.user;
        set_keep_capabilities(!self.kept.is_empty())?;
        set_thread_groups(&[])?;
        set_thread_res_gid(gid, gid, gid)?;
        set_thread_res_uid(uid, uid, uid)?;
        Ok(())
    }
}

impl std::fmt::Debug for Sandbox {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sandbox")
            .field("user", &self.user)
            .finish_non_exhaustive()
    }
}

fn thread_name() -> String {
    std::thread::current().name().unwrap_or("thread").to_owned()
}

/// No file, no TCP port, no abstract socket and no signal to outside from now on; what is open stays so. As far as the
/// kernel knows of these.
fn fence() -> io::Result<&'static str> {
    /// The newest that is asked for; older kernels do what they can.
    const NEWEST: ABI = ABI::V6;
    let status = Ruleset::default()
        .handle_access(AccessFs::from_all(NEWEST))
        .and_then(|rules| rules.handle_access(AccessNet::from_all(NEWEST)))
        .and_then(|rules| rules.scope(Scope::from_all(NEWEST)))
        .and_then(Ruleset::create)
        .and_then(landlock::RulesetCreated::restrict_self)
        .map_err(io::Error::other)?;
    Ok(match status.ruleset {
        RulesetStatus::FullyEnforced => "full",
        RulesetStatus::PartiallyEnforced => "partial",
        RulesetStatus::NotEnforced => "none",
    })
}

#[cfg(test)]
mod tests {
    use std::{fs::File, net::UdpSocket, sync::mpsc, thread};

    use super::*;
    use crate::privilege::threads;

    #[test]
    fn a_thread_in_the_sandbox_computes_and_does_nothing_else() {
        let sandbox = Sandbox::new(Purpose::Live).unwrap();
        let inside = sandbox.clone();
        let (tell, told) = mpsc::channel();
        let (leave, left) = mpsc::channel::<()>();
        let caged = thread::Builder::new()
            .name("caged-0".into())
            .spawn(move || {
                inside.enter();
                let refused = [
                    File::open("/etc/passwd").is_err(),
                    UdpSocket::bind("127.0.0.1:0").is_err(),
                    thread::Builder::new().spawn(|| ()).is_err(),
                ];
                let memory = vec![7_u8; 8 << 20]
                    .iter()
                    .map(|byte| u64::from(*byte))
                    .sum::<u64>();
                tell.send((refused, memory)).unwrap();
                let _over = left.recv();
            })
            .unwrap();
        assert_eq!(told.recv().unwrap(), ([true; 3], 7 * (8 << 20)));
        let seen = threads(&sandbox);
        let state = seen.iter().find(|state| state.name == "caged").unwrap();
        assert!(state.capabilities.is_empty() && state.no_new_privs, "{state:?}");
        assert_eq!(state.seccomp_filters, 2);
        assert!(state.landlock.is_some());
        assert_ne!(state.uid, 0);
        drop(leave);
        caged.join().unwrap();
        assert!(File::open("/etc/passwd").is_ok(), "the others are as they were");
    }
}
