//! What the judge knows about an observation beyond what it says itself: who acts, where, and what was before. Must not
//! know what detectors make of it.

use monitor_common::IpKey;

use super::{
    graph::{Graph, Voice},
    objects::{Asked, Target},
};
use crate::{
    observe::{
        ActorClass, ObjectId, Principal, PrincipalKind,
        endpoint::{Endpoint, EndpointId},
    },
    time::Timestamp,
};

/// Who acts: the principal if the request carries a credential, else the client.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Actor {
    /// Who the credential says it is.
    Principal(Principal),
    /// A client without credential.
    Client(IpKey),
    /// Many, none of whom stands out: what is done to an endpoint from everywhere.
    Several,
}

impl Actor {
    /// The user's short fingerprint, if a login says who acts.
    pub(crate) fn user(self) -> Option<u64> {
        match self {
            Self::Principal(principal) if principal.kind == PrincipalKind::User => {
                Some(principal.fingerprint.short())
            }
            _ => None,
        }
    }
}

impl std::fmt::Display for Actor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Principal(principal) => principal.fmt(f),
            Self::Client(addr) => write!(f, "client:{addr}"),
            Self::Several => f.write_str("several"),
        }
    }
}

/// What tables of detectors are looked up by.
#[derive(Clone, Copy, Debug)]
pub struct Keys<'a> {
    /// As in [`Context`].
    pub actor_key: u64,
    /// As in [`Context`].
    pub source_key: u64,
    /// As in [`Context`].
    pub client_key: u64,
    /// Short fingerprint of the credential, 0 without one.
    pub credential: u64,
    /// As in [`Context`].
    pub endpoint: EndpointId,
    /// As in [`Context`].
    pub(crate) asked: &'a [Asked],
}

/// What the judge knows about an observation beyond what it says itself.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// Who acts.
    pub actor: Actor,
    /// Keyed hash of the actor, for table keys.
    pub actor_key: u64,
    /// What kind of user the actor is.
    pub class: ActorClass,
    /// Keyed hash of the source address, for table keys.
    pub source_key: u64,
    /// Keyed hash of the client address ([`crate::observe::Observation::client_addr`]): the source's where nothing was
    /// forwarded.
    pub client_key: u64,
    /// Keyed hash of the client's network, as operators hand them out: /24 and /56.
    pub network_key: u64,
    /// Which endpoint was asked.
    pub endpoint: EndpointId,
    /// What is known of it.
    pub about: &'a Endpoint,
    /// Object ids of the path, in path order.
    pub path_ids: &'a [ObjectId],
    /// Whether the client is in a network of one's own, and most others are not.
    pub inside: bool,
    /// When the actor was first seen.
    pub known_since: Timestamp,
    /// How often the actor was served (2xx or 3xx) before.
    pub served: u32,
    /// Keyed hash of the roles that the credential claims, else of those that pages about the actor said; 0 for none.
    pub roles: u64,
    /// Whether this answer is the first that says so.
    pub tells_roles: bool,
    /// What is known of the user that this login names; nothing if it is none.
    pub familiar: Familiar,
    /// Every object that the request names: in its path, its query and its body.
    pub(crate) asked: &'a [Asked],
    /// Who was given which objects, before this answer.
    pub(crate) graph: &'a Graph,
}

/// Who acts, as tables know him.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Who {
    /// As in [`Context`].
    pub(crate) actor_key: u64,
    /// As in [`Context`].
    pub(crate) class: ActorClass,
    /// As in [`Context`].
    pub(crate) client_key: u64,
    /// The user's short fingerprint, if a login says who it is.
    pub(crate) user: Option<u64>,
    /// As in [`Context`].
    pub(crate) roles: u64,
}

impl Context<'_> {
    /// Where the request went.
    pub(crate) fn target(&self) -> Target<'_> {
        Target {
            endpoint: self.endpoint,
            about: self.about,
            path_ids: self.path_ids,
        }
    }

    /// The same as those who are compared know him.
    pub(super) fn voice(&self) -> Voice {
        Voice::of(&self.who())
    }

    /// Who acts.
    pub(crate) fn who(&self) -> Who {
        Who {
            actor_key: self.actor_key,
            class: self.class,
            client_key: self.client_key,
            user: self.actor.user(),
            roles: self.roles,
        }
    }
}

/// What earlier logins say about the user of this one.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Familiar {
    /// A login of this user was accepted before.
    pub user: bool,
    /// And one from this client.
    pub here: bool,
}
