//! Whether two who use credentials are two persons. Must not know what they read.

use crate::{
    detect::{
        Actor, Context,
        graph::{Graph, short},
    },
    observe::{Principal, PrincipalKind},
};

/// Somebody who uses a credential.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Who {
    /// What names him, if his token does or his login did.
    named: Option<(PrincipalKind, u64)>,
    /// As the graph knows him, which may have read on his own page who he is.
    actor: u32,
}

impl Who {
    /// Who acts.
    pub(super) fn of(cx: &Context<'_>) -> Self {
        let named = match cx.actor {
            Actor::Principal(Principal {
                kind: kind @ (PrincipalKind::User | PrincipalKind::Jwt),
                ..
            }) => Some((kind, cx.actor_key)),
            _ => None,
        };
        Self {
            named,
            actor: short(cx.actor_key),
        }
    }

    /// Half of the key of his principal.
    pub(super) fn actor(&self) -> u32 {
        self.actor
    }

    /// Whether something names him.
    pub(super) fn is_named(&self) -> bool {
        self.named.is_some()
    }

    /// Whether these are two persons, if that is known. One whom a login named and one whom a token names may be the
    /// same; so may two keys whose own pages say the same address of mail.
    pub(super) fn is_another(&self, other: &Self, graph: &Graph) -> Option<bool> {
        match (self.named, other.named) {
            (Some((kind, one)), Some((as_kind, other))) if kind == as_kind => Some(one != other),
            _ => Some(graph.mail(self.actor)? != graph.mail(other.actor)?),
        }
    }
}
