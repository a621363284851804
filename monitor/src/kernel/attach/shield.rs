//! The shield on one interface: a pinned XDP link, adopted where there is one, made where there is none.

use std::path::Path;

use aya::programs::{
    ProgramError, Xdp, XdpMode,
    links::{FdLink, PinnedLink},
    xdp::XdpLink,
};
use monitor_common::names::PROG_SHIELD;
use rustix::io::Errno;

use super::{ShieldMode, errno};
use crate::kernel::{
    Holder, KernelError, Warning,
    maps::error_chain,
    pins,
    probe::{self, Interface},
};

/// The shield on one interface. Dropping this leaves the shield in place: its pin holds the link.
#[derive(Debug)]
pub(in crate::kernel) struct HeldShield {
    pub(in crate::kernel) mode: ShieldMode,
    /// Whether an earlier daemon had put it there.
    pub(in crate::kernel) adopted: bool,
    link: PinnedLink,
}

impl HeldShield {
    /// Puts the shield on an interface, in place of an earlier daemon's if there is one.
    pub(in crate::kernel) fn attach(
        program: &mut Xdp,
        interface: &Interface,
        pin_dir: &Path,
        warnings: &mut Vec<Warning>,
    ) -> Result<Self, KernelError> {
        let pin = pins::link_path(pin_dir, &interface.name);
        if let Some(link) = adoptable(&pin, interface, warnings)? {
            return adopt(program, link, &pin, interface, warnings);
        }
        let (link, mode) = create(program, interface, warnings)?;
        // Only a link can be pinned. Kernels that load this program (5.18 and newer) all have links.
        let link = FdLink::try_from(link).map_err(|error| failed(interface, &error))?;
        let link = link.pin(&pin).map_err(|error| failed(interface, &error))?;
        Ok(Self {
            mode,
            adopted: false,
            link,
        })
    }

    /// Takes the shield off: the link ends with its last descriptor, which is this one.
    pub(in crate::kernel) fn remove(self, pin: &Path) -> Result<(), KernelError> {
        self.link.unpin().map(drop).map_err(|source| KernelError::Pin {
            operation: "removing",
            path: pin.to_owned(),
            source,
        })
    }
}

/// The pinned link of this interface, if there is one and it is still on this interface. One that is not (the
/// interface was deleted and made again under the same name) is removed.
fn adoptable(
    pin: &Path,
    interface: &Interface,
    warnings: &mut Vec<Warning>,
) -> Result<Option<FdLink>, KernelError> {
    if !pin.exists() {
        return Ok(None);
    }
    let link = FdLink::from(PinnedLink::from_pin(pin).map_err(|error| failed(interface, &error))?);
    let reason = match pins::link_ifindex(&link) {
        Some(index) if index == interface.index => return Ok(Some(link)),
        Some(0) | None => "the interface that it guarded is gone".to_owned(),
        Some(index) => format!("it guards the interface of index {index}"),
    };
    warnings.push(Warning::StaleLink {
        interface: interface.name.clone(),
        reason,
    });
    pins::remove(pin)?;
    Ok(None)
}

/// Replaces the program of a link in one step: no packet passes unshielded.
fn adopt(
    program: &mut Xdp,
    link: FdLink,
    pin: &Path,
    interface: &Interface,
    warnings: &mut Vec<Warning>,
) -> Result<HeldShield, KernelError> {
    let link = XdpLink::try_from(link).map_err(|error| failed(interface, &error))?;
    // The program holds the link from now on, and must not: its drop would be harmless, but it is ours to remove.
    let id = program
        .attach_to_link(link)
        .map_err(|error| failed(interface, &error))?;
    drop(program.take_link(id));
    let link = PinnedLink::from_pin(pin).map_err(|error| failed(interface, &error))?;
    let mode = match interface.xdp.and_then(|xdp| xdp.native) {
        Some(true) => ShieldMode::Native,
        _ => ShieldMode::Generic,
    };
    if mode == ShieldMode::Generic {
        warnings.push(Warning::GenericXdp {
            interface: interface.name.clone(),
            reason: "an earlier run attached it so; `apimon detach` and a new start try native mode again"
                .to_owned(),
        });
    }
    Ok(HeldShield {
        mode,
        adopted: true,
        link,
    })
}

/// Makes a link: native if the driver can, else generic.
fn create(
    program: &mut Xdp,
    interface: &Interface,
    warnings: &mut Vec<Warning>,
) -> Result<(XdpLink, ShieldMode), KernelError> {
    let native_error = match program.attach_to_if_index(interface.index, XdpMode::Driver) {
        Ok(id) => return taken(program, id, interface).map(|link| (link, ShieldMode::Native)),
        Err(error) => error,
    };
    refuse_if_taken(&native_error, interface)?;
    match program.attach_to_if_index(interface.index, XdpMode::Skb) {
        Ok(id) => {
            warnings.push(Warning::GenericXdp {
                interface: interface.name.clone(),
                reason: native_refusal(&native_error),
            });
            taken(program, id, interface).map(|link| (link, ShieldMode::Generic))
        }
        Err(error) => {
            refuse_if_taken(&error, interface)?;
            Err(failed(interface, &error))
        }
    }
}

fn taken(
    program: &mut Xdp,
    id: aya::programs::xdp::XdpLinkId,
    interface: &Interface,
) -> Result<XdpLink, KernelError> {
    program.take_link(id).map_err(|error| failed(interface, &error))
}

/// In words, what a driver means by its refusal.
fn native_refusal(error: &ProgramError) -> String {
    match errno(error).map(Errno::from_raw_os_error) {
        Some(Errno::OPNOTSUPP) => "the driver does not support it".to_owned(),
        Some(Errno::INVAL | Errno::RANGE) => {
            "the driver does not support it with the interface's present MTU, offloads or queues".to_owned()
        }
        _ => error_chain(error),
    }
}

/// Somebody else's program is an error of its own: the kernel takes one program, and theirs was first.
fn refuse_if_taken(error: &ProgramError, interface: &Interface) -> Result<(), KernelError> {
    let busy = [Errno::BUSY, Errno::EXIST].map(|errno| Some(errno.raw_os_error()));
    if !busy.contains(&errno(error)) {
        return Ok(());
    }
    let present = probe::interface(&interface.name)?.xdp;
    let Some(id) = present.map(|xdp| xdp.program_id).filter(|id| *id != 0) else {
        return Ok(());
    };
    Err(KernelError::ShieldTaken {
        interface: interface.name.clone(),
        holder: format!("XDP program {}", Holder::of(id)),
    })
}

fn failed(interface: &Interface, error: &(dyn std::error::Error + 'static)) -> KernelError {
    KernelError::Attach {
        program: PROG_SHIELD,
        interface: interface.name.clone(),
        reason: error_chain(error),
    }
}
