//! The tree of path templates, learned from paths with bounded memory. Must not know about methods or actors.
//!
//! One node for each literal segment, and at most three other children a node: `{id}` for values, `{date}`, and
//! `{unknown}` for whatever nobody ever served.

use std::{collections::HashSet, hash::BuildHasher as _};

use hashbrown::HashTable;
use serde::{Deserialize, Serialize};

use super::{
    super::template::{self, Shape},
    mask,
    path::Path,
    prefix::{self, Prefixes},
    record::RecordError,
};
use crate::lru::TableStats;

/// Most literal children of a node. A position with more distinct names is a name of objects (slugs, user names).
pub(super) const SIBLINGS: u16 = 32;
/// Most doubtful children of a node (`user42`, `hunter2`).
const DOUBTFUL: u16 = 3;
/// A literal with fewer uses than this is taken for a value when its parent collapses.
pub(super) const SELDOM: u32 = 8;
/// No node.
const NONE: u32 = u32::MAX;
/// The root, and the node of everything that does not fit.
const ROOT: u32 = 0;
pub(super) const OVERFLOW: u32 = 1;

/// One position of a template.
#[derive(Debug)]
pub(super) struct Node {
    parent: u32,
    /// What it stands for.
    pub(super) label: Label,
    hits: u32,
    first_source: u64,
    /// Whether more than one source asked for it.
    pub(super) several_sources: bool,
    literals: u16,
    doubtful: u16,
    collapsed: bool,
    doubtful_collapsed: bool,
    id: u32,
    date: u32,
    unknown: u32,
}

/// What a node stands for.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Label {
    Root,
    Literal { text: Box<str>, doubtful: bool },
    Id,
    Date,
    Unknown,
}

/// A node as it is kept on disk.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(clippy::struct_excessive_bools, reason = "independent facts")]
pub(super) struct NodeRecord {
    pub(super) parent: u32,
    pub(super) label: Label,
    hits: u32,
    first_source: u64,
    several_sources: bool,
    collapsed: bool,
    doubtful_collapsed: bool,
    /// Whether its word is still told from values.
    told: bool,
}

/// The tree.
#[derive(Debug)]
pub(super) struct Tree {
    capacity: usize,
    nodes: Vec<Node>,
    /// The literal nodes, by parent and text.
    literals: HashTable<u32>,
    /// Keyed at random, so that nobody outside can choose names that collide.
    hasher: foldhash::fast::RandomState,
    prefixes: Prefixes,
    unlearned: u64,
}

impl Tree {
    /// Only the root, and the node of everything that does not fit.
    pub(super) fn new(capacity: usize) -> Self {
        Self {
            capacity,
            nodes: vec![
                Node::new(NONE, Label::Root, 0),
                Node::new(ROOT, Label::Unknown, 0),
            ],
            literals: HashTable::new(),
            hasher: foldhash::fast::RandomState::default(),
            prefixes: Prefixes::new(),
            unlearned: 0,
        }
    }

    /// Size and losses; what was not learned counts as evicted.
    pub(super) fn stats(&self) -> TableStats {
        TableStats {
            len: self.nodes.len(),
            capacity: self.capacity.max(2),
            evictions: self.unlearned,
        }
    }

    /// The node of a path, learned if new; the values on the way go to `value`. `absent`: the answer says that there is
    /// no such path.
    pub(super) fn resolve<'a>(
        &mut self,
        path: &'a str,
        absent: bool,
        source: u64,
        mut value: impl FnMut(&'a str),
    ) -> u32 {
        let split = prefix::split(path);
        if let Some((before, last)) = split
            && let Some(parent) = self.prefixes.get(before)
        {
            let node = self.step(parent, last, &[], absent, source);
            if self.is_id(node) {
                value(last);
            }
            return node;
        }
        let mut read = Path::default();
        read.read(path);
        let (parent, node) = self.walk(&read, absent, source, value);
        if let Some((before, _)) = split
            && read.is_short()
            && self.is_lasting(parent)
        {
            self.prefixes.put(before, parent);
        }
        node
    }

    /// The nodes of the last two segments of a path.
    fn walk<'a>(
        &mut self,
        path: &Path<'a>,
        absent: bool,
        source: u64,
        mut value: impl FnMut(&'a str),
    ) -> (u32, u32) {
        let (mut parent, mut node) = (ROOT, ROOT);
        for (at, &segment) in path.segments().iter().enumerate() {
            let behind = path.segments().get(at + 1..).unwrap_or_default();
            (parent, node) = (node, self.step(node, segment, behind, absent, source));
            match self.nodes.get(node as usize).map(|n| &n.label) {
                Some(Label::Id) => value(segment),
                Some(Label::Unknown) => return (node, node),
                _ => {}
            }
        }
        if path.cut {
            node = self.special(node, Label::Unknown, source);
        }
        (parent, node)
    }

    /// As if no prefix had been remembered.
    #[cfg(test)]
    pub(super) fn forget_prefixes(&mut self) {
        self.prefixes = Prefixes::new();
    }

    fn is_id(&self, node: u32) -> bool {
        matches!(self.nodes.get(node as usize), Some(Node { label: Label::Id, .. }))
    }

    /// Whether a path to this node leads there for good: a collapse leaves names that are used often ([`SELDOM`]), and
    /// what counts of them is known.
    fn is_lasting(&self, node: u32) -> bool {
        self.ancestry(node)
            .all(|node| node.hits >= SELDOM && matches!(node.label, Label::Literal { doubtful: false, .. }))
    }

    /// The child of `parent` for a segment.
    fn step(&mut self, parent: u32, segment: &str, behind: &[&str], absent: bool, source: u64) -> u32 {
        if segment.bytes().all(|byte| byte.is_ascii_digit()) {
            // What is nothing but a number is never learned as a name.
            return self.special(parent, Label::Id, source);
        }
        if segment.starts_with(mask::UNKNOWN) {
            return self.special(parent, Label::Unknown, source);
        }
        let hash = self.hasher.hash_one((parent, segment));
        if let Some(child) = self.literal(hash, parent, segment) {
            if let Some(node) = self.nodes.get_mut(child as usize) {
                node.hits = node.hits.saturating_add(1);
                node.several_sources |= node.first_source != source;
            }
            return child;
        }
        let doubtful = match template::shape(segment) {
            Shape::Value => return self.special(parent, Label::Id, source),
            Shape::Date => return self.special(parent, Label::Date, source),
            Shape::Word => false,
            Shape::Doubtful => true,
        };
        let Some(node) = self.nodes.get(parent as usize) else {
            return OVERFLOW;
        };
        if node.collapsed || (doubtful && node.doubtful_collapsed) {
            return self.special(parent, Label::Id, source);
        }
        let before_value = behind.iter().any(|s| template::shape(s) == Shape::Value);
        if absent && (doubtful || !before_value || node.literals >= SIBLINGS / 2) {
            return self.special(parent, Label::Unknown, source);
        }
        // A quarter is kept for ids under the names that are known.
        if self.nodes.len() >= self.capacity / 4 * 3 {
            self.unlearned += 1;
            return self.special(parent, Label::Unknown, source);
        }
        self.learn(parent, hash, segment, doubtful, source)
    }

    /// The literal child of `parent` with this text.
    fn literal(&self, hash: u64, parent: u32, segment: &str) -> Option<u32> {
        let is = |at: &u32| {
            self.nodes.get(*at as usize).is_some_and(|node| {
                node.parent == parent
                    && matches!(&node.label, Label::Literal { text, .. } if **text == *segment)
            })
        };
        self.literals.find(hash, is).copied()
    }

    /// Enters a literal child, or collapses the parent where it has too many.
    fn learn(&mut self, parent: u32, hash: u64, segment: &str, doubtful: bool, source: u64) -> u32 {
        let Some(node) = self.nodes.get_mut(parent as usize) else {
            return OVERFLOW;
        };
        node.literals += u16::from(!doubtful);
        node.doubtful += u16::from(doubtful);
        let (many, many_doubtful) = (node.literals > SIBLINGS, node.doubtful > DOUBTFUL);
        node.collapsed |= many;
        node.doubtful_collapsed |= many_doubtful;
        if many || many_doubtful {
            let nodes = &self.nodes;
            self.literals.retain(|child| {
                nodes.get(*child as usize).is_some_and(|n| match n.label {
                    _ if n.parent != parent => true,
                    Label::Literal { doubtful: true, .. } => false,
                    _ => !many || n.hits >= SELDOM,
                })
            });
            return self.special(parent, Label::Id, source);
        }
        let child = count(self.nodes.len());
        self.nodes.push(Node::new(
            parent,
            Label::Literal {
                text: segment.into(),
                doubtful,
            },
            source,
        ));
        self.tell(child, hash);
        child
    }

    /// Enters a literal node into the index.
    fn tell(&mut self, child: u32, hash: u64) {
        let (nodes, hasher) = (&self.nodes, &self.hasher);
        self.literals.insert_unique(hash, child, |at| {
            nodes.get(*at as usize).map_or(0, |node| match &node.label {
                Label::Literal { text, .. } => hasher.hash_one((node.parent, &**text)),
                _ => 0,
            })
        });
    }

    /// Everything learned, to be kept.
    pub(super) fn record(&self) -> Vec<NodeRecord> {
        let told: HashSet<u32> = self.literals.iter().copied().collect();
        let nodes = self.nodes.iter().zip(0..);
        nodes
            .map(|(node, at)| NodeRecord {
                parent: node.parent,
                label: node.label.clone(),
                hits: node.hits,
                first_source: node.first_source,
                several_sources: node.several_sources,
                collapsed: node.collapsed,
                doubtful_collapsed: node.doubtful_collapsed,
                told: told.contains(&at),
            })
            .collect()
    }

    /// The tree of an earlier run.
    pub(super) fn restore(capacity: usize, records: Vec<NodeRecord>) -> Result<Self, RecordError> {
        if records.len() > capacity.max(2) {
            return Err(RecordError::TooMany);
        }
        if records.len() < 2 || !records.iter().enumerate().all(|(at, record)| record.is_sound(at)) {
            return Err(RecordError::NoTree);
        }
        let mut tree = Self::new(capacity);
        for (record, at) in records.into_iter().zip(0..).skip(2) {
            tree.put_back(record, at)?;
        }
        Ok(tree)
    }

    fn put_back(&mut self, record: NodeRecord, at: u32) -> Result<(), RecordError> {
        let parent = self
            .nodes
            .get_mut(record.parent as usize)
            .ok_or(RecordError::NoTree)?;
        let free = match &record.label {
            Label::Literal { doubtful, .. } => {
                parent.literals += u16::from(!doubtful);
                parent.doubtful += u16::from(*doubtful);
                true
            }
            Label::Date => std::mem::replace(&mut parent.date, at) == NONE,
            Label::Unknown => std::mem::replace(&mut parent.unknown, at) == NONE,
            _ => std::mem::replace(&mut parent.id, at) == NONE,
        };
        let hash = match &record.label {
            Label::Literal { text, .. } if record.told => {
                let hash = self.hasher.hash_one((record.parent, &**text));
                let known = self.literal(hash, record.parent, text).is_some();
                (!known).then_some(hash).ok_or(RecordError::NoTree)?.into()
            }
            _ => None,
        };
        if !free {
            return Err(RecordError::NoTree);
        }
        self.nodes.push(Node {
            hits: record.hits,
            several_sources: record.several_sources,
            collapsed: record.collapsed,
            doubtful_collapsed: record.doubtful_collapsed,
            ..Node::new(record.parent, record.label, record.first_source)
        });
        if let Some(hash) = hash {
            self.tell(at, hash);
        }
        Ok(())
    }

    /// One node.
    pub(super) fn get(&self, node: u32) -> Option<&Node> {
        self.nodes.get(node as usize)
    }

    /// The `{id}`, `{date}` or `{unknown}` child of a node.
    pub(super) fn special(&mut self, parent: u32, label: Label, source: u64) -> u32 {
        let (new, full) = (count(self.nodes.len()), self.nodes.len() >= self.capacity);
        let Some(node) = self.nodes.get_mut(parent as usize) else {
            return OVERFLOW;
        };
        let slot = match label {
            Label::Date => &mut node.date,
            Label::Unknown => &mut node.unknown,
            _ => &mut node.id,
        };
        if *slot != NONE {
            return *slot;
        }
        if full {
            self.unlearned += 1;
            return OVERFLOW;
        }
        *slot = new;
        self.nodes.push(Node::new(parent, label, source));
        new
    }

    /// The labels from the root to `node`.
    pub(super) fn labels(&self, node: u32) -> Vec<&Label> {
        let mut labels: Vec<_> = self.ancestry(node).map(|n| &n.label).collect();
        labels.reverse();
        labels
    }

    /// `node`, its parent and so on, without the root.
    pub(super) fn ancestry(&self, node: u32) -> impl Iterator<Item = &Node> {
        let mut at = node;
        std::iter::from_fn(move || {
            let node = self.nodes.get(at as usize).filter(|n| n.label != Label::Root)?;
            at = node.parent;
            Some(node)
        })
    }
}

/// The next index.
fn count(len: usize) -> u32 {
    u32::try_from(len).unwrap_or(NONE)
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
