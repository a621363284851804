//! Which of our programs stand at the TC hooks of an interface: as TCX links, or as filters of clsact. Must not change
//! anything, and must not decide what should be there.

use std::collections::BTreeSet;

use aya::programs::{SchedClassifier, TcAttachType};
use monitor_common::names::{PROG_SHIELD_EGRESS, PROG_TAP_EGRESS, PROG_TAP_INGRESS};

use super::{attach::is_loopback, filters};

/// What should stand at the TC hooks of an interface, and whether it does.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct HooksFound {
    /// The interface.
    pub interface: String,
    /// Whether the way out is guarded; `None` where it need not be.
    pub egress: Option<bool>,
    /// Whether the tap copies all it should; `None` where it need not.
    pub tap: Option<bool>,
}

/// Looks at the hooks of an interface; `None` where the kernel does not say: there is no such interface.
pub(super) fn hooks(interface: &str, index: u32) -> Option<HooksFound> {
    // Of the filters of an interface that is not there the kernel says that there are none.
    filters::interface_name(index).filter(|present| present == interface)?;
    let ingress = names(interface, index, TcAttachType::Ingress)?;
    let egress = names(interface, index, TcAttachType::Egress)?;
    let loopback = is_loopback(index);
    let tap = ingress.contains(PROG_TAP_INGRESS) && (loopback || egress.contains(PROG_TAP_EGRESS));
    Some(HooksFound {
        interface: interface.to_owned(),
        egress: (!loopback).then(|| egress.contains(PROG_SHIELD_EGRESS)),
        tap: Some(tap),
    })
}

/// The names of the programs at one hook. The kernel keeps 15 bytes of each: ours are shorter.
fn names(interface: &str, index: u32, side: TcAttachType) -> Option<BTreeSet<String>> {
    let tcx = SchedClassifier::query_tcx(interface, side).ok();
    let filters = filters::filters(index, side).ok();
    if tcx.is_none() && filters.is_none() {
        return None;
    }
    let (_, programs) = tcx.unwrap_or_default();
    let linked = programs.iter().filter_map(|program| program.name_as_str());
    let filters = filters.unwrap_or_default().into_iter().map(|filter| filter.name);
    Some(linked.map(str::to_owned).chain(filters).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interface_that_is_not_there_has_no_hooks() {
        assert_eq!(hooks("none-such0", 9999), None);
    }

    #[test]
    fn the_kernel_keeps_the_names_whole() {
        for name in [PROG_SHIELD_EGRESS, PROG_TAP_EGRESS, PROG_TAP_INGRESS] {
            assert!(name.len() <= 15, "{name}");
        }
    }
}
