//! The shield's way out of one interface: a pinned TCX link, or, where the kernel has no TCX, a filter of a clsact
//! queueing discipline. Either is adopted where there is one, and lasts as the shield does. Must not stop a start:
//! where neither can be had there is none, and that is said.

use std::path::Path;

use aya::{
    Ebpf,
    programs::{
        LinkOrder, ProgramError, SchedClassifier, TcAttachType,
        links::{FdLink, PinnedLink},
        tc::{self, NlOptions, SchedClassifierLink, TcAttachOptions},
    },
};
use monitor_common::names::PROG_SHIELD_EGRESS;

use super::tap::{LOOPBACK_IFINDEX, is_unsupported};
use crate::kernel::{
    KernelError, Warning,
    filters::{self, Filter},
    load::classifier,
    maps::error_chain,
    pins,
    probe::Interface,
};

/// Before the tap's filter and whatever the kernel numbers by itself.
const PRIORITY: u16 = 1;

/// The program on one interface. Dropping this leaves it in place: its pin holds the link, and a filter needs nobody.
#[derive(Debug)]
pub(in crate::kernel) struct HeldEgress {
    /// Whether an earlier daemon had put it there.
    pub(in crate::kernel) adopted: bool,
    held: Held,
}

#[derive(Debug)]
enum Held {
    Link(#[expect(dead_code, reason = "held as the shield's link is; the pin is what keeps it")] PinnedLink),
    Filter,
}

impl HeldEgress {
    /// Puts it on an interface, in place of an earlier daemon's if there is one. `None` on the loopback interface,
    /// where no lease drops anything, and where the kernel refuses both ways.
    pub(in crate::kernel) fn attach(
        ebpf: &mut Ebpf,
        interface: &Interface,
        pin_dir: &Path,
        use_tcx: bool,
        warnings: &mut Vec<Warning>,
    ) -> Result<Option<Self>, KernelError> {
        if interface.index == LOOPBACK_IFINDEX {
            return Ok(None);
        }
        let program = classifier(ebpf, PROG_SHIELD_EGRESS)?;
        if use_tcx {
            match link(program, interface, pin_dir) {
                Ok(held) => return Ok(Some(held)),
                Err(Refusal::NoTcx) => {}
                Err(Refusal::Other(error)) => return Err(failed(interface, &*error)),
            }
        }
        match filter(program, interface) {
            Ok(held) => Ok(Some(held)),
            Err(error) => {
                warnings.push(Warning::NoEgress {
                    interface: interface.name.clone(),
                    reason: error_chain(&error),
                });
                Ok(None)
            }
        }
    }

    /// Takes it off.
    pub(in crate::kernel) fn remove(self, interface: &str, pin_dir: &Path) -> Result<(), KernelError> {
        match self.held {
            Held::Link(_) => pins::remove(&pins::egress_path(pin_dir, interface)),
            Held::Filter => {
                filters::remove(interface, TcAttachType::Egress, PROG_SHIELD_EGRESS);
                Ok(())
            }
        }
    }
}

/// Why there is no link.
enum Refusal {
    NoTcx,
    Other(Box<dyn std::error::Error>),
}

impl<E: std::error::Error + 'static> From<E> for Refusal {
    fn from(error: E) -> Self {
        Self::Other(Box::new(error))
    }
}

fn link(program: &mut SchedClassifier, interface: &Interface, pin_dir: &Path) -> Result<HeldEgress, Refusal> {
    let pin = pins::egress_path(pin_dir, &interface.name);
    if let Some(link) = adoptable(&pin, interface)? {
        return adopt(program, link, &pin);
    }
    let made = match create(program, interface) {
        Ok(made) => made,
        Err(error) if is_unsupported(&error) => return Err(Refusal::NoTcx),
        Err(error) => return Err(error.into()),
    };
    Ok(HeldEgress {
        adopted: false,
        held: Held::Link(FdLink::try_from(made)?.pin(&pin)?),
    })
}

fn create(program: &mut SchedClassifier, interface: &Interface) -> Result<SchedClassifierLink, ProgramError> {
    let first = TcAttachOptions::TcxOrder(LinkOrder::first());
    let id = program.attach_with_options(&interface.name, TcAttachType::Egress, first)?;
    program.take_link(id)
}

/// The pinned link, if it is still on this interface; one that is not is removed.
fn adoptable(pin: &Path, interface: &Interface) -> Result<Option<FdLink>, KernelError> {
    if !pin.exists() {
        return Ok(None);
    }
    let link = PinnedLink::from_pin(pin).map(FdLink::from);
    if let Ok(link) = link
        && pins::link_ifindex(&link) == Some(interface.index)
    {
        return Ok(Some(link));
    }
    pins::remove(pin)?;
    Ok(None)
}

/// Replaces the program of a link in one step.
fn adopt(program: &mut SchedClassifier, link: FdLink, pin: &Path) -> Result<HeldEgress, Refusal> {
    let id = program.attach_to_link(SchedClassifierLink::try_from(link)?)?;
    drop(program.take_link(id));
    Ok(HeldEgress {
        adopted: true,
        held: Held::Link(PinnedLink::from_pin(pin)?),
    })
}

/// Puts the program into an earlier daemon's filter, in one step; else makes a filter.
fn filter(program: &mut SchedClassifier, interface: &Interface) -> Result<HeldEgress, ProgramError> {
    let present = filters::filters(interface.index, TcAttachType::Egress).unwrap_or_default();
    let ours = present.iter().find(|filter| filter.name == PROG_SHIELD_EGRESS);
    let adopted = ours.is_some_and(|filter| replace(program, interface, filter).is_ok());
    if !adopted {
        filters::remove(&interface.name, TcAttachType::Egress, PROG_SHIELD_EGRESS);
        // An error here means that there is one; if not, attaching fails and says why.
        let _ = tc::qdisc_add_clsact(&interface.name);
        // The first place may be taken by a filter of another kind; the kernel then chooses the next.
        make(program, interface, PRIORITY).or_else(|_| make(program, interface, 0))?;
    }
    Ok(HeldEgress {
        adopted,
        held: Held::Filter,
    })
}

fn replace(
    program: &mut SchedClassifier,
    interface: &Interface,
    present: &Filter,
) -> Result<(), Box<dyn std::error::Error>> {
    let egress = TcAttachType::Egress;
    let link = SchedClassifierLink::attached(
        &interface.name,
        egress,
        present.priority,
        present.handle.into(),
        None,
    )?;
    let id = program.attach_to_link(link)?;
    leave(program.take_link(id)?);
    Ok(())
}

fn make(program: &mut SchedClassifier, interface: &Interface, priority: u16) -> Result<(), ProgramError> {
    let options = TcAttachOptions::Netlink(NlOptions {
        priority,
        ..NlOptions::default()
    });
    let id = program.attach_with_options(&interface.name, TcAttachType::Egress, options)?;
    leave(program.take_link(id)?);
    Ok(())
}

/// Leaves a filter in its place: the drop of its handle, which holds only numbers, would take it off.
fn leave(link: SchedClassifierLink) {
    std::mem::forget(link);
}

fn failed(interface: &Interface, error: &(dyn std::error::Error + 'static)) -> KernelError {
    KernelError::Attach {
        program: PROG_SHIELD_EGRESS,
        interface: interface.name.clone(),
        reason: error_chain(error),
    }
}
