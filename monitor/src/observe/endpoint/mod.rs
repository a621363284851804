//! Endpoints: method and path template, learned from traffic with bounded memory. Must not know about abuse.
//!
//! - A segment that looks like a value ([`super::template::shape`]) becomes `{id}` at once.
//! - A word becomes a literal, unless the answer says that there is no such path (404, 400): probing must not fill the
//!   tree. On such an answer a word is learned only in front of a value, and only into half of the room.
//! - A position with more than 32 words, or more than 3 doubtful ones, collapses: those used seldom and all later ones
//!   are values.
//! - A full tree learns no more: what is new is `{unknown}`, counted. Nothing is forgotten, so that endpoint numbers
//!   stay true for the detectors.

mod hints;
mod mask;
mod names;
mod node;
mod operation;
mod path;
mod prefix;
mod record;
mod tree;
pub mod usage;
mod version;

use hashbrown::HashMap;
use serde::{Deserialize, Serialize};

pub use self::{
    hints::Hints,
    hints::for_administrators,
    names::stem,
    record::{Record, RecordError},
    version::UNVERSIONED,
};
use self::{
    names::{kinds, object_stem},
    node::{Answer, Label},
    tree::Tree,
    usage::Usage,
};
use super::{ObjectId, Observation, identity::InstallKey, method::Method};
use crate::{lru::TableStats, time::Timestamp};

/// Most GraphQL operations of one path. Names made up by a client; the others are counted together.
const OPERATIONS: usize = 256;
/// Longest name of one, bytes.
const OPERATION_BYTES: usize = 128;

/// Answers after which their mean length is known, and those that it follows.
const ANSWERS: u64 = 10;
const ANSWERS_MEAN: u64 = 100;

/// Answers to requests without a credential that make an endpoint open.
const OPEN: u64 = 5;
/// And one of so many answers must be one of them.
const OPEN_SHARE: u64 = 50;

/// Most object ids read from one path.
pub const PATH_IDS: usize = 4;

/// Settings of the endpoints, `[endpoints]` in the configuration.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EndpointSettings {
    /// Most endpoints. Paths made up by a scanner on a server that answers 200 to everything.
    pub endpoints_max: usize,
    /// Most nodes of the tree of templates. As above.
    pub nodes_max: usize,
}

impl Default for EndpointSettings {
    fn default() -> Self {
        Self {
            endpoints_max: 10_000,
            nodes_max: 65_536,
        }
    }
}

/// What is known of an endpoint.
#[derive(Clone, Debug)]
pub struct Endpoint {
    node: u32,
    method: Method,
    operation: Option<Box<str>>,
    /// Time of the first request.
    pub first: Timestamp,
    /// Time of the last request.
    pub last: Timestamp,
    /// Requests so far.
    pub requests: u64,
    /// Requests with a credential that were answered 2xx.
    pub served_principals: u64,
    /// Requests without a credential that were answered 2xx.
    pub served_anonymous: u64,
    /// Requests with a credential that were answered 401 or 403.
    pub refused_principals: u64,
    /// Requests without a credential that were answered 401 or 403.
    pub refused_anonymous: u64,
    /// Mean length of the answers 2xx to requests with a credential, bytes; follows the last ones.
    answer_bytes: f64,
    /// Name stems of the objects at each id of the path: `order` for `/orders/{id}`; 0 if it is no object (page, date,
    /// ...).
    pub stems: [u64; PATH_IDS],
    /// Name stems of what a request without id lists here: `order` for `/orders`, `/orders/mine` and `/orders/search`;
    /// 0 for none.
    pub lists: [u64; 2],
    /// Whether the path exists for nobody (`{unknown}`).
    pub unknown: bool,
    /// Whether this is an index of the whole site: `robots.txt`, `sitemap.xml`.
    pub site_index: bool,
    /// What the words of its path say that it is for.
    pub hints: Hints,
}

impl Endpoint {
    /// The method.
    pub fn method(&self) -> &'static str {
        self.method.name()
    }

    /// The name of the GraphQL operation, where one path serves many.
    pub fn operation(&self) -> Option<&str> {
        self.operation.as_deref()
    }

    /// Mean length of the answers 2xx to requests with a credential, bytes; unknown while there were few.
    pub fn answer_bytes(&self) -> Option<u64> {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a mean of lengths"
        )]
        (self.served_principals >= ANSWERS).then_some(self.answer_bytes as u64)
    }

    fn follow(&mut self, answer: Option<u64>) {
        let Some(len) = answer else { return };
        #[expect(clippy::cast_precision_loss, reason = "lengths of bodies are far below 2^52")]
        let (len, answers) = (len as f64, self.served_principals.min(ANSWERS_MEAN) as f64);
        self.answer_bytes += (len - self.answer_bytes) / answers;
    }

    /// Whether a credential is used here by nobody, or by next to nobody, who is served.
    pub fn is_public(&self) -> bool {
        self.served_principals * 10 <= self.served_anonymous
    }

    /// Whether everybody may ask here, with a credential or without: some were served without, more than one who found
    /// a hole would be, and nobody was refused for it.
    pub fn is_open(&self) -> bool {
        let some =
            self.served_anonymous >= OPEN && self.served_anonymous * OPEN_SHARE >= self.served_principals;
        self.is_public() || (some && self.refused_anonymous == 0)
    }
}

/// The endpoint of everything that does not fit.
const REST: EndpointId = EndpointId(0);

/// Number of an endpoint, given in the order in which endpoints were first seen.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct EndpointId(pub u32);

/// What a path resolves to.
#[derive(Clone, Copy, Debug)]
pub struct Resolved {
    /// The endpoint.
    pub endpoint: EndpointId,
    ids: [ObjectId; PATH_IDS],
    len: u8,
}

impl Resolved {
    /// The object ids of the path, in path order.
    pub fn ids(&self) -> &[ObjectId] {
        self.ids.get(..usize::from(self.len)).unwrap_or_default()
    }
}

/// All endpoints of this host.
#[derive(Debug)]
#[expect(clippy::vec_box, reason = "2 KiB each, not to be moved when the list grows")]
pub struct EndpointTable {
    settings: EndpointSettings,
    key: InstallKey,
    tree: Tree,
    endpoints: Vec<Endpoint>,
    /// In the order of `endpoints`.
    usage: Vec<Box<Usage>>,
    by_node: HashMap<(u32, Method), EndpointId, foldhash::fast::FixedState>,
    /// The operations of an endpoint, by its number.
    operations: HashMap<u32, Vec<EndpointId>, foldhash::fast::FixedState>,
    unlearned: u64,
}

impl EndpointTable {
    /// A table that knows only the root and the endpoint of everything that does not fit.
    pub fn new(settings: EndpointSettings, key: InstallKey) -> Self {
        let tree = Tree::new(settings.nodes_max);
        let mut table = Self {
            settings,
            key,
            tree,
            endpoints: Vec::new(),
            usage: vec![Box::default()],
            by_node: HashMap::default(),
            operations: HashMap::default(),
            unlearned: 0,
        };
        let rest = table.describe(tree::OVERFLOW, Method::OTHER, None, Timestamp::ZERO);
        table.endpoints.push(rest);
        table
    }

    /// One endpoint.
    pub fn get(&self, id: EndpointId) -> Option<&Endpoint> {
        self.endpoints.get(id.0 as usize)
    }

    /// How one endpoint is used.
    pub fn usage(&self, id: EndpointId) -> Option<&Usage> {
        self.usage.get(id.0 as usize).map(|usage| &**usage)
    }

    /// Every endpoint known, in the order in which they were learned.
    pub fn iter(&self) -> impl Iterator<Item = (EndpointId, &Endpoint)> {
        (0..).map(EndpointId).zip(&self.endpoints).skip(1)
    }

    /// How many endpoints are known.
    pub fn len(&self) -> usize {
        self.endpoints.len() - 1
    }

    /// Whether none is known.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Sizes and losses: endpoints, and nodes of the tree. What was not learned counts as evicted.
    pub fn tables(&self) -> [(&'static str, TableStats); 2] {
        let endpoints = TableStats {
            len: self.len(),
            capacity: self.settings.endpoints_max,
            evictions: self.unlearned,
        };
        [("endpoints", endpoints), ("template_nodes", self.tree.stats())]
    }

    /// The endpoint and the object ids of a request, learned from it if new. `source` is the keyed hash of the address
    /// it came from.
    pub fn resolve(&mut self, observation: &Observation, source: u64) -> Resolved {
        let none = ObjectId {
            hash: 0,
            number: None,
            plain: false,
        };
        let mut resolved = Resolved {
            endpoint: EndpointId(0),
            ids: [none; PATH_IDS],
            len: 0,
        };
        let answer = answer(observation);
        let key = self.key;
        let node = self.tree.resolve(&observation.path, answer, source, |segment| {
            if let Some(slot) = resolved.ids.get_mut(usize::from(resolved.len)) {
                *slot = mask::object(segment, &key);
                resolved.len += 1;
            }
        });
        resolved.endpoint = self.endpoint(node, observation.method, observation.at);
        let operation = observation.extra().operation.as_deref();
        if let Some(operation) = operation.filter(|_| answer != Answer::Absent) {
            resolved.endpoint = self.operation(resolved.endpoint, operation, observation.at);
        }
        self.count(resolved.endpoint, observation);
        resolved
    }

    fn endpoint(&mut self, node: u32, method: Method, at: Timestamp) -> EndpointId {
        match self.by_node.get(&(node, method)) {
            Some(&id) => id,
            None => self.enter(node, method, None, at).unwrap_or(REST),
        }
    }

    /// The endpoint of a GraphQL operation; that of its path where there are too many.
    fn operation(&mut self, whole: EndpointId, operation: &str, at: Timestamp) -> EndpointId {
        let known = self
            .operations
            .get(&whole.0)
            .map(Vec::as_slice)
            .unwrap_or_default();
        let is = |id: &&EndpointId| self.get(**id).is_some_and(|e| e.operation() == Some(operation));
        if let Some(id) = known.iter().find(is) {
            return *id;
        }
        let Some(&Endpoint { node, method, .. }) = self.get(whole).filter(|_| known.len() < OPERATIONS)
        else {
            return whole;
        };
        if whole == REST || !is_operation(operation) {
            return whole;
        }
        self.enter(node, method, Some(operation.into()), at)
            .unwrap_or(whole)
    }

    /// Enters an endpoint; `None` where there is no room.
    fn enter(
        &mut self,
        node: u32,
        method: Method,
        operation: Option<Box<str>>,
        at: Timestamp,
    ) -> Option<EndpointId> {
        if self.len() >= self.settings.endpoints_max {
            self.unlearned += 1;
            return None;
        }
        let id = EndpointId(u32::try_from(self.endpoints.len()).unwrap_or(u32::MAX));
        match (&operation, self.by_node.get(&(node, method))) {
            (Some(_), Some(whole)) => self.operations.entry(whole.0).or_default().push(id),
            (None, None) => {
                self.by_node.insert((node, method), id);
            }
            _ => return None,
        }
        let endpoint = self.describe(node, method, operation, at);
        self.endpoints.push(endpoint);
        self.usage.push(Box::default());
        Some(id)
    }

    fn count(&mut self, id: EndpointId, observation: &Observation) {
        let Some(endpoint) = self.endpoints.get_mut(id.0 as usize) else {
            return;
        };
        if let Some(usage) = self.usage.get_mut(id.0 as usize) {
            usage.count(observation);
        }
        endpoint.requests += 1;
        endpoint.last = endpoint.last.max(observation.at);
        let with = observation.principal.is_some();
        match observation.status {
            Some(200..=299) if with => {
                endpoint.served_principals += 1;
                endpoint.follow(observation.response_body_len);
            }
            Some(200..=299) => endpoint.served_anonymous += 1,
            Some(401 | 403) if with => endpoint.refused_principals += 1,
            Some(401 | 403) => endpoint.refused_anonymous += 1,
            _ => {}
        }
    }

    /// Works out what an endpoint is about, once.
    fn describe(&self, node: u32, method: Method, operation: Option<Box<str>>, at: Timestamp) -> Endpoint {
        let labels = self.tree.labels(node);
        let mut endpoint = Endpoint {
            node,
            method,
            operation,
            first: at,
            last: at,
            requests: 0,
            served_principals: 0,
            served_anonymous: 0,
            refused_principals: 0,
            refused_anonymous: 0,
            answer_bytes: 0.0,
            stems: [0; PATH_IDS],
            lists: [0; 2],
            unknown: labels.iter().any(|l| **l == Label::Unknown),
            site_index: false,
            hints: hints::hints(&labels, method, &self.key),
        };
        let mut literal = None;
        let mut slots = endpoint.stems.iter_mut();
        for label in &labels {
            match label {
                // `/books/v1/{id}` is about books.
                Label::Literal { text, .. } if literal.is_some() && version::is_version(text) => {}
                Label::Literal { text, .. } => literal = Some(&**text),
                Label::Id => {
                    if let Some(slot) = slots.next() {
                        *slot = object_stem(literal.unwrap_or_default(), &self.key);
                    }
                }
                _ => {}
            }
        }
        let names = labels.iter().rev().map_while(|label| match label {
            Label::Literal { text, .. } => Some(&**text),
            _ => None,
        });
        let names: Vec<&str> = names.filter(|name| !version::is_version(name)).collect();
        let site_index = |name: &&str| name.starts_with("sitemap") || *name == "robots.txt";
        endpoint.site_index = names.iter().take(endpoint.lists.len()).any(site_index);
        for (slot, name) in endpoint.lists.iter_mut().zip(kinds(&names)) {
            *slot = stem(name, &self.key);
        }
        // One path serves operations about all kinds of things.
        let words = endpoint.operation.as_deref().map(operation::words);
        endpoint.hints.admin |= words.is_some_and(|mut words| words.any(hints::says_administrators));
        if let Some(noun) = endpoint.operation.as_deref().and_then(operation::noun) {
            endpoint.lists = [stem(&noun, &self.key), 0];
        }
        endpoint
    }

    /// The path template in words: `/orders/{id}`. Doubtful names are shown once several sources used them.
    pub fn path(&self, id: EndpointId) -> String {
        let Some(endpoint) = self.get(id) else {
            return String::from("/{unknown}");
        };
        let mut nodes: Vec<_> = self.tree.ancestry(endpoint.node).collect();
        nodes.reverse();
        if nodes.is_empty() {
            return String::from("/");
        }
        nodes.iter().fold(String::new(), |mut path, node| {
            path.push('/');
            path.push_str(match &node.label {
                Label::Root => "",
                Label::Literal { doubtful: true, .. } if !node.several_sources => "{name}",
                Label::Literal { text, .. } => text,
                Label::Id => "{id}",
                Label::Date => "{date}",
                Label::Unknown => "{unknown}",
            });
            path
        })
    }

    /// Method and path template: `GET /orders/{id}`; with the GraphQL operation: `POST /graphql#getOrder`.
    pub fn name(&self, id: EndpointId) -> String {
        let method = self.get(id).map_or("OTHER", Endpoint::method);
        let operation = self.get(id).and_then(Endpoint::operation);
        let mark = if operation.is_some() { "#" } else { "" };
        format!(
            "{method} {}{mark}{}",
            self.path(id),
            operation.unwrap_or_default()
        )
    }
}

/// What an answer says of whether there is such a path. A form that was sent leads elsewhere when it was taken.
fn answer(observation: &Observation) -> Answer {
    let reads = matches!(observation.method.name(), "GET" | "HEAD");
    match observation.status {
        Some(404 | 400 | 410 | 414) => Answer::Absent,
        Some(401 | 403 | 405 | 429) => Answer::Unsure,
        Some(301..=303 | 307 | 308) if reads => Answer::Unsure,
        _ => Answer::There,
    }
}

/// Whether this can be the name of a GraphQL operation.
fn is_operation(name: &str) -> bool {
    (1..=OPERATION_BYTES).contains(&name.len())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

#[cfg(test)]
mod tests;
