//! The shield's way out of one interface: a pinned TCX link, adopted where there is one, so that it lasts as the shield
//! does. Must not stop a start: a kernel without TCX has none, and says so.

use std::path::Path;

use aya::{
    Ebpf,
    programs::{
        LinkOrder, ProgramError, SchedClassifier, TcAttachType,
        links::{FdLink, PinnedLink},
        tc::{SchedClassifierLink, TcAttachOptions},
    },
};
use monitor_common::names::PROG_SHIELD_EGRESS;

use super::tap::{LOOPBACK_IFINDEX, is_unsupported};
use crate::kernel::{KernelError, Warning, load::classifier, maps::error_chain, pins, probe::Interface};

/// The program on one interface. Dropping this leaves it in place: its pin holds the link.
#[derive(Debug)]
pub(in crate::kernel) struct HeldEgress {
    /// Whether an earlier daemon had put it there.
    pub(in crate::kernel) adopted: bool,
    #[expect(dead_code, reason = "held as the shield's link is; the pin is what keeps it")]
    link: PinnedLink,
}

impl HeldEgress {
    /// Puts it on an interface, in place of an earlier daemon's if there is one. `None` on the loopback interface, where
    /// no lease drops anything, and where the kernel has no TCX.
    pub(in crate::kernel) fn attach(
        ebpf: &mut Ebpf,
        interface: &Interface,
        pin_dir: &Path,
        warnings: &mut Vec<Warning>,
    ) -> Result<Option<Self>, KernelError> {
        if interface.index == LOOPBACK_IFINDEX {
            return Ok(None);
        }
        let pin = pins::egress_path(pin_dir, &interface.name);
        let program = classifier(ebpf, PROG_SHIELD_EGRESS)?;
        if let Some(link) = adoptable(&pin, interface)? {
            return adopt(program, link, &pin)
                .map(Some)
                .map_err(|error| failed(interface, &*error));
        }
        let made = match create(program, interface) {
            Ok(made) => made,
            Err(error) if is_unsupported(&error) => {
                warnings.push(Warning::NoEgress {
                    interface: interface.name.clone(),
                    reason: error_chain(&error),
                });
                return Ok(None);
            }
            Err(error) => return Err(failed(interface, &error)),
        };
        let made = FdLink::try_from(made).map_err(|error| failed(interface, &error))?;
        let link = made.pin(&pin).map_err(|error| failed(interface, &error))?;
        Ok(Some(Self { adopted: false, link }))
    }
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
fn adopt(
    program: &mut SchedClassifier,
    link: FdLink,
    pin: &Path,
) -> Result<HeldEgress, Box<dyn std::error::Error>> {
    let id = program.attach_to_link(SchedClassifierLink::try_from(link)?)?;
    drop(program.take_link(id));
    Ok(HeldEgress {
        adopted: true,
        link: PinnedLink::from_pin(pin)?,
    })
}

fn failed(interface: &Interface, error: &(dyn std::error::Error + 'static)) -> KernelError {
    KernelError::Attach {
        program: PROG_SHIELD_EGRESS,
        interface: interface.name.clone(),
        reason: error_chain(error),
    }
}
