//! The tap on one interface: TCX links, or filters of a clsact queueing discipline where the kernel has no TCX.
//! Nothing of it is pinned: it ends with the daemon.

use aya::{
    Ebpf,
    programs::{
        LinkOrder, ProgramError, SchedClassifier, TcAttachType,
        tc::{self, NlOptions, SchedClassifierLink, TcAttachOptions},
    },
};
use monitor_common::names::{PROG_TAP_EGRESS, PROG_TAP_INGRESS};
use rustix::io::Errno;

use super::{TapMode, errno};
use crate::kernel::{KernelError, Warning, filters, load::classifier, maps::error_chain, probe::Interface};

/// Index of the loopback interface: every packet on it goes out and comes in again, and is seen once.
pub(super) const LOOPBACK_IFINDEX: u32 = 1;

/// The tap on one interface. Dropping this takes it off.
#[derive(Debug)]
pub(in crate::kernel) struct HeldTap {
    pub(in crate::kernel) mode: TapMode,
    pub(in crate::kernel) ifindex: u32,
    #[expect(dead_code, reason = "held for its drop, which detaches")]
    links: Vec<SchedClassifierLink>,
}

impl HeldTap {
    /// Puts the tap on an interface: on the way in, and on the way out unless it is the loopback interface.
    pub(in crate::kernel) fn attach(
        ebpf: &mut Ebpf,
        interface: &Interface,
        use_tcx: bool,
        warnings: &mut Vec<Warning>,
    ) -> Result<Self, KernelError> {
        let mut hooks = vec![(PROG_TAP_INGRESS, TcAttachType::Ingress)];
        if interface.index != LOOPBACK_IFINDEX {
            hooks.push((PROG_TAP_EGRESS, TcAttachType::Egress));
        }
        let mut mode = if use_tcx { TapMode::Tcx } else { TapMode::Clsact };
        let mut links = Vec::new();
        for (name, side) in hooks {
            let program = classifier(ebpf, name)?;
            if mode == TapMode::Tcx {
                match tcx(program, interface, side) {
                    Ok(link) => {
                        links.push(link);
                        continue;
                    }
                    Err(error) if is_unsupported(&error) => {
                        warnings.push(Warning::NoTcx {
                            interface: interface.name.clone(),
                            reason: error_chain(&error),
                        });
                        mode = TapMode::Clsact;
                    }
                    Err(error) => return Err(failed(name, interface, &error)),
                }
            }
            links.push(clsact(name, program, interface, side)?);
        }
        Ok(Self {
            mode,
            ifindex: interface.index,
            links,
        })
    }
}

fn tcx(
    program: &mut SchedClassifier,
    interface: &Interface,
    side: TcAttachType,
) -> Result<SchedClassifierLink, ProgramError> {
    let options = TcAttachOptions::TcxOrder(LinkOrder::default());
    let id = program.attach_with_options(&interface.name, side, options)?;
    program.take_link(id)
}

/// Attaches a filter. A filter of the same name is what a killed daemon left, and goes first.
fn clsact(
    name: &'static str,
    program: &mut SchedClassifier,
    interface: &Interface,
    side: TcAttachType,
) -> Result<SchedClassifierLink, KernelError> {
    // An error here means that there is one already; if not, attaching fails and says why.
    let _ = tc::qdisc_add_clsact(&interface.name);
    filters::remove(&interface.name, side, name);
    let options = TcAttachOptions::Netlink(NlOptions::default());
    let id = program
        .attach_with_options(&interface.name, side, options)
        .map_err(|error| failed(name, interface, &error))?;
    program
        .take_link(id)
        .map_err(|error| failed(name, interface, &error))
}

/// Whether the kernel does not know the kind of link (it says `EINVAL` before 6.6).
pub(super) fn is_unsupported(error: &ProgramError) -> bool {
    let unknown = [Errno::INVAL, Errno::OPNOTSUPP].map(|errno| Some(errno.raw_os_error()));
    unknown.contains(&errno(error))
}

fn failed(
    program: &'static str,
    interface: &Interface,
    error: &(dyn std::error::Error + 'static),
) -> KernelError {
    KernelError::Attach {
        program,
        interface: interface.name.clone(),
        reason: error_chain(error),
    }
}
