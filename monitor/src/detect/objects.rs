//! The objects of one observation under the keys that detectors know them by. Must not know who may have them.
//!
//! A number means one object only among things of its kind (order 17, user 17); a UUID means one by itself.

use super::{
    EndpointId,
    graph::{Claim, Said},
};
use crate::observe::{BodyId, ObjectId, Observation, endpoint::Endpoint};

/// Where a request went.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Target<'a> {
    /// Which endpoint.
    pub(crate) endpoint: EndpointId,
    /// What is known of it.
    pub(crate) about: &'a Endpoint,
    /// Object ids of the path, in path order.
    pub(crate) path_ids: &'a [ObjectId],
}

/// Key of an object of this kind.
pub(super) fn key(kind: u64, id: &ObjectId) -> u64 {
    match id.number {
        Some(_) => id.hash ^ kind.rotate_left(23),
        None => id.hash,
    }
}

/// Key of an id whose kind is not known.
pub(super) fn key_of_any_kind(id: &ObjectId) -> u64 {
    id.hash.rotate_left(32)
}

/// An object that a request is about.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asked {
    /// Where it stands: endpoint, and position in the path, parameter or field.
    pub(super) place: u64,
    /// Stem of the kind, never 0.
    pub(super) kind: u64,
    /// Which.
    pub(super) id: ObjectId,
    /// Key of the object.
    pub(super) key: u64,
    /// Whether it stands in the path.
    pub(super) in_path: bool,
    /// What the graph says of it.
    pub(super) claim: Claim,
    /// What the answer says of whose it is, where that is another's.
    pub(super) said: Option<Said>,
    /// Whether the answer says that it is the principal's own.
    pub(super) mine: bool,
}

impl Asked {
    /// Whether it stands in the body.
    pub(super) fn in_body(&self) -> bool {
        self.place & BODY == BODY
    }
}

/// What tells places in the query and in the body from those in the path.
const QUERY: u64 = 1 << 31;
const BODY: u64 = 3 << 30;
/// Most objects looked at of one request body. A batch of more is judged by its first ones.
const BODY_IDS: usize = 16;

/// Every object that a request names: in its path, its query and its body.
pub(crate) fn asked<'a>(
    observation: &'a Observation,
    target: &'a Target<'a>,
) -> impl Iterator<Item = Asked> + 'a {
    let endpoint = u64::from(target.endpoint.0) << 32;
    let make = move |place: u64, kind: u64, id: ObjectId| Asked {
        place: endpoint | place & 0xffff_ffff,
        kind,
        id,
        key: key(kind, &id),
        in_path: place < target.about.stems.len() as u64,
        claim: Claim::default(),
        said: None,
        mine: false,
    };
    let path = target.path_ids.iter().zip(target.about.stems).enumerate();
    let path = path
        .filter(|(_, (_, kind))| *kind != 0)
        .map(move |(slot, (id, kind))| make(slot as u64, kind, *id));
    let query = observation.query_ids.iter().map(move |query| {
        let kind = if query.stem == 0 {
            target.about.lists[0]
        } else {
            query.stem
        };
        make(QUERY | query.stem & 0x3fff_ffff, kind.max(1), query.id)
    });
    let body = observation.request_body.iter().flat_map(|body| body.ids.iter());
    let body = body.filter(|id| id.named || id.shape.is_telling());
    let body = body.take(BODY_IDS).map(move |id| {
        make(
            BODY | id.path & 0x3fff_ffff,
            kind_in_body(id, target).max(1),
            id.id,
        )
    });
    path.chain(query).chain(body).filter(|asked| asked.kind != 0)
}

/// The kind of an id in a body: what its field says, else what the endpoint is about.
pub(super) fn kind_in_body(id: &BodyId, target: &Target<'_>) -> u64 {
    if id.stem != 0 { id.stem } else { kind_here(target) }
}

/// The kind of object that an endpoint answers with: `order` of `/orders`, `/orders/{id}` and `/users/{id}/orders`.
pub(super) fn kind_here(target: &Target<'_>) -> u64 {
    if target.about.lists[0] != 0 {
        return target.about.lists[0];
    }
    let ids = target.path_ids.len().min(target.about.stems.len());
    target
        .about
        .stems
        .get(..ids)
        .and_then(|stems| stems.last())
        .copied()
        .unwrap_or(0)
}
