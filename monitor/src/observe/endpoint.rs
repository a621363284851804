//! Endpoints: method and path template, learned from traffic with bounded memory. Must not know about abuse.
//!
//! Templates are a tree with one node for each literal segment and at most three other children a node: `{id}` for
//! values, `{date}`, and `{unknown}` for whatever nobody ever served.
//!
//! - A segment that looks like a value ([`template::shape`]) goes to `{id}` at once.
//! - A word becomes a literal, unless the answer says that there is no such path (404, 400): probing must not fill the tree.
//!   On such an answer a word is learned only in front of a value, and only into half of the room.
//! - A node with more than [`SIBLINGS`] literals, or more than [`DOUBTFUL`] doubtful ones, collapses: those used seldom and
//!   all later ones are values of `{id}`.
//! - A full tree learns no more: new words go to `{unknown}`, counted. Nothing is forgotten, so that endpoint numbers stay
//!   true for the detectors.

use hashbrown::HashMap;
use serde::{Deserialize, Serialize};

use super::{
    ObjectId, Observation,
    identity::{InstallKey, space},
    template::{self, Shape},
};
use crate::{lru::TableStats, time::Timestamp};

/// Most segments of a template; what is behind is `{unknown}`.
const DEPTH: usize = 16;
/// Most object ids read from one path.
pub const PATH_IDS: usize = 4;
/// Most literal children of a node. A position with more distinct names is a name of objects (slugs, user names).
const SIBLINGS: u16 = 32;
/// Most doubtful children of a node (`user42`, `hunter2`).
const DOUBTFUL: u16 = 3;
/// A literal with fewer uses than this is taken for a value when its parent collapses.
const SELDOM: u32 = 8;
/// No node.
const NONE: u32 = u32::MAX;

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
    /// Name stems of the objects at each id of the path: `order` for `/orders/{id}`; 0 if it is no object (page, date, ...).
    pub stems: [u64; PATH_IDS],
    /// Name stems of what a request without id lists here: `order` for `/orders` and `/orders/search`; 0 for none.
    pub lists: [u64; 2],
    /// Whether the path exists for nobody (`{unknown}`).
    pub unknown: bool,
    /// Whether this is an index of the whole site: `robots.txt`, `sitemap.xml`.
    pub site_index: bool,
}

impl Endpoint {
    /// The method.
    pub fn method(&self) -> &'static str {
        self.method.0
    }

    /// Whether a credential is used here by nobody, or by next to nobody, who is served.
    pub fn is_public(&self) -> bool {
        self.served_principals * 10 <= self.served_anonymous
    }
}

/// A request method that is told apart.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
struct Method(&'static str);

impl Method {
    fn of(text: &str) -> Self {
        const KNOWN: [&str; 17] = [
            "GET",
            "POST",
            "PUT",
            "PATCH",
            "DELETE",
            "HEAD",
            "OPTIONS",
            "CONNECT",
            "TRACE",
            "QUERY",
            "PROPFIND",
            "PROPPATCH",
            "MKCOL",
            "COPY",
            "MOVE",
            "LOCK",
            "REPORT",
        ];
        Self(
            KNOWN
                .iter()
                .find(|known| **known == text)
                .copied()
                .unwrap_or("OTHER"),
        )
    }
}

#[derive(Debug)]
struct Node {
    parent: u32,
    label: Label,
    hits: u32,
    first_source: u64,
    several_sources: bool,
    literals: u16,
    doubtful: u16,
    collapsed: bool,
    doubtful_collapsed: bool,
    id: u32,
    date: u32,
    unknown: u32,
}

#[derive(PartialEq, Eq, Debug)]
enum Label {
    Root,
    Literal { text: Box<str>, doubtful: bool },
    Id,
    Date,
    Unknown,
}

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
pub struct EndpointTable {
    settings: EndpointSettings,
    key: InstallKey,
    nodes: Vec<Node>,
    literals: HashMap<(u32, u64), u32, foldhash::fast::FixedState>,
    endpoints: Vec<Endpoint>,
    by_node: HashMap<(u32, Method), EndpointId, foldhash::fast::FixedState>,
    unlearned: u64,
}

impl EndpointTable {
    /// A table that knows only the root and the endpoint of everything that does not fit.
    pub fn new(settings: EndpointSettings, key: InstallKey) -> Self {
        let mut table = Self {
            settings,
            key,
            nodes: Vec::new(),
            literals: HashMap::default(),
            endpoints: Vec::new(),
            by_node: HashMap::default(),
            unlearned: 0,
        };
        table.nodes.push(Node::new(NONE, Label::Root, 0));
        table
    }

    /// One endpoint.
    pub fn get(&self, id: EndpointId) -> Option<&Endpoint> {
        self.endpoints.get(id.0 as usize)
    }

    /// How many endpoints are known.
    pub fn len(&self) -> usize {
        self.endpoints.len()
    }

    /// Whether none is known.
    pub fn is_empty(&self) -> bool {
        self.endpoints.is_empty()
    }

    /// Sizes and losses: endpoints, and nodes of the tree. What was not learned counts as evicted.
    pub fn tables(&self) -> [(&'static str, TableStats); 2] {
        let nodes = TableStats {
            len: self.nodes.len(),
            capacity: self.settings.nodes_max,
            evictions: self.unlearned,
        };
        let endpoints = TableStats {
            len: self.endpoints.len(),
            capacity: self.settings.endpoints_max,
            evictions: 0,
        };
        [("endpoints", endpoints), ("template_nodes", nodes)]
    }

    /// The endpoint and the object ids of a request, learned from it if new. `source` is the keyed hash of the address it
    /// came from.
    pub fn resolve(&mut self, observation: &Observation, source: u64) -> Resolved {
        let mut path = Path::default();
        path.read(&observation.path);
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
        let absent = matches!(observation.status, Some(404 | 400 | 410 | 414));
        let mut node = 0;
        for (at, segment) in path.segments().iter().enumerate() {
            let behind = path.segments().get(at + 1..).unwrap_or_default();
            node = self.step(node, segment, behind, absent, source);
            match self.nodes.get(node as usize).map(|n| &n.label) {
                Some(Label::Id) => {
                    if let Some(slot) = resolved.ids.get_mut(usize::from(resolved.len)) {
                        *slot = ObjectId::new(segment.as_bytes(), &self.key);
                        resolved.len += 1;
                    }
                }
                Some(Label::Unknown) => break,
                _ => {}
            }
        }
        if path.cut {
            node = self.special(node, Label::Unknown, source);
        }
        resolved.endpoint = self.endpoint(node, Method::of(&observation.method), observation.at);
        self.count(resolved.endpoint, observation);
        resolved
    }

    /// The child of `parent` for a segment.
    fn step(&mut self, parent: u32, segment: &str, behind: &[&str], absent: bool, source: u64) -> u32 {
        let shape = template::shape(segment);
        let doubtful = match shape {
            Shape::Value => return self.special(parent, Label::Id, source),
            Shape::Date => return self.special(parent, Label::Date, source),
            Shape::Word => false,
            Shape::Doubtful => true,
        };
        let hash = self.key.hash(space::SEGMENT, segment.as_bytes());
        if let Some(&child) = self.literals.get(&(parent, hash)) {
            if let Some(node) = self.nodes.get_mut(child as usize) {
                node.hits = node.hits.saturating_add(1);
                node.several_sources |= node.first_source != source;
            }
            return child;
        }
        let Some(node) = self.nodes.get(parent as usize) else {
            return 0;
        };
        if node.collapsed || (doubtful && node.doubtful_collapsed) {
            return self.special(parent, Label::Id, source);
        }
        let before_value = behind.iter().any(|s| template::shape(s) == Shape::Value);
        if absent && (doubtful || !before_value || node.literals >= SIBLINGS / 2) {
            return self.special(parent, Label::Unknown, source);
        }
        if self.nodes.len() >= self.settings.nodes_max {
            self.unlearned += 1;
            return self.special(parent, Label::Unknown, source);
        }
        self.learn(parent, hash, segment, doubtful, source)
    }

    /// Enters a literal child, or collapses the parent where it has too many.
    fn learn(&mut self, parent: u32, hash: u64, segment: &str, doubtful: bool, source: u64) -> u32 {
        let Some(node) = self.nodes.get_mut(parent as usize) else {
            return 0;
        };
        node.literals += u16::from(!doubtful);
        node.doubtful += u16::from(doubtful);
        let (many, many_doubtful) = (node.literals > SIBLINGS, node.doubtful > DOUBTFUL);
        node.collapsed |= many;
        node.doubtful_collapsed |= many_doubtful;
        if many || many_doubtful {
            let nodes = &self.nodes;
            self.literals.retain(|&(of, _), child| {
                of != parent
                    || nodes.get(*child as usize).is_some_and(|n| match n.label {
                        Label::Literal { doubtful: true, .. } => false,
                        _ => !many || n.hits >= SELDOM,
                    })
            });
            return self.special(parent, Label::Id, source);
        }
        let child = u32::try_from(self.nodes.len()).unwrap_or(NONE);
        self.nodes.push(Node::new(
            parent,
            Label::Literal {
                text: segment.into(),
                doubtful,
            },
            source,
        ));
        self.literals.insert((parent, hash), child);
        child
    }

    /// The `{id}`, `{date}` or `{unknown}` child of a node. These may go beyond `nodes_max`, three for each node at most.
    fn special(&mut self, parent: u32, label: Label, source: u64) -> u32 {
        let new = u32::try_from(self.nodes.len()).unwrap_or(NONE);
        let Some(node) = self.nodes.get_mut(parent as usize) else {
            return 0;
        };
        let slot = match label {
            Label::Date => &mut node.date,
            Label::Unknown => &mut node.unknown,
            _ => &mut node.id,
        };
        if *slot != NONE {
            return *slot;
        }
        *slot = new;
        self.nodes.push(Node::new(parent, label, source));
        new
    }

    fn endpoint(&mut self, node: u32, method: Method, at: Timestamp) -> EndpointId {
        if let Some(&id) = self.by_node.get(&(node, method)) {
            return id;
        }
        let full = self.endpoints.len() >= self.settings.endpoints_max;
        // The last one stands for all that do not fit.
        let node = if full { 0 } else { node };
        let id = EndpointId(u32::try_from(self.endpoints.len()).unwrap_or(NONE));
        if full {
            self.unlearned += 1;
            let id = EndpointId(id.0.saturating_sub(1));
            return id;
        }
        let endpoint = self.describe(node, method, at);
        self.endpoints.push(endpoint);
        self.by_node.insert((node, method), id);
        id
    }

    fn count(&mut self, id: EndpointId, observation: &Observation) {
        let Some(endpoint) = self.endpoints.get_mut(id.0 as usize) else {
            return;
        };
        endpoint.requests += 1;
        endpoint.last = endpoint.last.max(observation.at);
        if observation.status.is_some_and(|s| (200..300).contains(&s)) {
            match observation.principal {
                Some(_) => endpoint.served_principals += 1,
                None => endpoint.served_anonymous += 1,
            }
        }
    }

    /// Works out what an endpoint is about, once.
    fn describe(&self, node: u32, method: Method, at: Timestamp) -> Endpoint {
        let labels = self.labels(node);
        let mut endpoint = Endpoint {
            node,
            method,
            first: at,
            last: at,
            requests: 0,
            served_principals: 0,
            served_anonymous: 0,
            stems: [0; PATH_IDS],
            lists: [0; 2],
            unknown: labels.iter().any(|l| **l == Label::Unknown),
            site_index: false,
        };
        let mut literal = None;
        let mut slots = endpoint.stems.iter_mut();
        for label in &labels {
            match label {
                Label::Literal { text, .. } => literal = Some(&**text),
                Label::Id => {
                    if let (Some(slot), Some(name)) = (slots.next(), literal) {
                        *slot = object_stem(name, &self.key);
                    }
                }
                _ => {}
            }
        }
        let names = labels.iter().rev().map_while(|label| match label {
            Label::Literal { text, .. } => Some(&**text),
            _ => None,
        });
        for (slot, name) in endpoint.lists.iter_mut().zip(names) {
            endpoint.site_index |= name.starts_with("sitemap") || name == "robots.txt";
            *slot = stem(name, &self.key);
        }
        endpoint
    }

    /// The labels from the root to `node`.
    fn labels(&self, node: u32) -> Vec<&Label> {
        let mut labels: Vec<_> = self.ancestry(node).map(|n| &n.label).collect();
        labels.reverse();
        labels
    }

    /// `node`, its parent and so on, without the root.
    fn ancestry(&self, node: u32) -> impl Iterator<Item = &Node> {
        let mut at = node;
        std::iter::from_fn(move || {
            let node = self.nodes.get(at as usize).filter(|n| n.label != Label::Root)?;
            at = node.parent;
            Some(node)
        })
    }

    /// The path template in words: `/orders/{id}`. Doubtful names are shown once several sources used them.
    pub fn path(&self, id: EndpointId) -> String {
        let Some(endpoint) = self.get(id) else {
            return String::from("/{unknown}");
        };
        let mut nodes: Vec<_> = self.ancestry(endpoint.node).collect();
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

    /// Method and path template: `GET /orders/{id}`.
    pub fn name(&self, id: EndpointId) -> String {
        let method = self.get(id).map_or("OTHER", Endpoint::method);
        format!("{method} {}", self.path(id))
    }
}

impl Node {
    fn new(parent: u32, label: Label, first_source: u64) -> Self {
        Self {
            parent,
            label,
            hits: 1,
            first_source,
            several_sources: false,
            literals: 0,
            doubtful: 0,
            collapsed: false,
            doubtful_collapsed: false,
            id: NONE,
            date: NONE,
            unknown: NONE,
        }
    }
}

/// The segments of a path, without empty ones, dot segments and matrix parameters.
#[derive(Default)]
struct Path<'a> {
    segments: [&'a str; DEPTH],
    len: usize,
    cut: bool,
}

impl<'a> Path<'a> {
    fn read(&mut self, path: &'a str) {
        for segment in path.split('/') {
            let segment = segment.split(';').next().unwrap_or_default();
            match segment {
                "" | "." => {}
                ".." => self.len = self.len.saturating_sub(1),
                _ => {
                    let Some(slot) = self.segments.get_mut(self.len) else {
                        self.cut = true;
                        return;
                    };
                    *slot = segment;
                    self.len += 1;
                }
            }
        }
    }

    fn segments(&self) -> &[&'a str] {
        self.segments.get(..self.len).unwrap_or_default()
    }
}

/// Keyed hash of the stem of a name, without letter case and plural, so that `orders`, `Order` and the parameter
/// `order_id` are about the same kind of object.
pub fn stem(name: &str, key: &InstallKey) -> u64 {
    let mut text = [0; 32];
    let mut len = 0;
    for (slot, byte) in text.iter_mut().zip(name.bytes()) {
        *slot = byte.to_ascii_lowercase();
        len += 1;
    }
    let text = text.get(..len).unwrap_or_default();
    key.hash(space::PARAMETER, text.strip_suffix(b"s").unwrap_or(text))
        .max(1)
}

/// The stem of what is numbered behind a path segment, 0 where that is no object: pages, parts, dates, map tiles.
fn object_stem(name: &str, key: &InstallKey) -> u64 {
    const NOT_OBJECTS: [&str; 30] = [
        "page", "pages", "p", "offset", "skip", "limit", "year", "month", "day", "week", "date", "step",
        "chunk", "chunks", "part", "parts", "segment", "segments", "tile", "tiles", "maps", "frame",
        "frames", "range", "size", "width", "height", "version", "revision", "level",
    ];
    if NOT_OBJECTS.iter().any(|word| name.eq_ignore_ascii_case(word)) {
        0
    } else {
        stem(name, key)
    }
}

#[cfg(test)]
#[path = "endpoint_tests.rs"]
mod tests;
