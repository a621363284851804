//! The tree of path templates, learned from paths with bounded memory. Must not know about methods or actors.
//!
//! One node for each literal segment, and at most three other children a node: `{id}` for values, `{date}`, and
//! `{unknown}` for whatever nobody ever served.

use std::{collections::HashSet, hash::BuildHasher as _};

use hashbrown::HashTable;

use super::{
    super::template::{self, Shape},
    hints, mask,
    node::{Answer, Label, NONE, Node, NodeRecord},
    path::Path,
    prefix::{self, Prefixes},
    record::RecordError,
};
use crate::lru::TableStats;

/// Most literal children of a node. A position with more distinct names is a name of objects (slugs, user names).
pub(super) const SIBLINGS: u16 = 32;
/// Most literal children of a node that never were there, as far as answers say: what a scan asks of a server that
/// refuses everything, or sends everybody to its login. Words for administrators and versions have twice the room.
const UNSURE: u16 = SIBLINGS / 2;
/// Most doubtful children of a node (`user42`, `hunter2`).
const DOUBTFUL: u16 = 3;
/// A literal with fewer uses than this is taken for a value when its parent collapses.
pub(super) const SELDOM: u32 = 8;
/// The root, and the node of everything that does not fit.
const ROOT: u32 = 0;
pub(super) const OVERFLOW: u32 = 1;

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

    /// The node of a path, learned if new; the values on the way go to `value`.
    pub(super) fn resolve<'a>(
        &mut self,
        path: &'a str,
        answer: Answer,
        source: u64,
        mut value: impl FnMut(&'a str),
    ) -> u32 {
        let split = prefix::split(path);
        if let Some((before, last)) = split
            && let Some(parent) = self.prefixes.get(before)
        {
            let node = self.step(parent, last, &[], answer, source);
            if self.is_id(node) {
                value(last);
            }
            return node;
        }
        let mut read = Path::default();
        read.read(path);
        let (parent, node) = self.walk(&read, answer, source, value);
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
        answer: Answer,
        source: u64,
        mut value: impl FnMut(&'a str),
    ) -> (u32, u32) {
        let (mut parent, mut node) = (ROOT, ROOT);
        for (at, &segment) in path.segments().iter().enumerate() {
            let behind = path.segments().get(at + 1..).unwrap_or_default();
            (parent, node) = (node, self.step(node, segment, behind, answer, source));
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
        self.ancestry(node).all(|node| {
            let named = matches!(node.label, Label::Literal { doubtful: false, .. });
            named && node.there && node.hits >= SELDOM
        })
    }

    /// The child of `parent` for a segment.
    fn step(&mut self, parent: u32, segment: &str, behind: &[&str], answer: Answer, source: u64) -> u32 {
        if segment.bytes().all(|byte| byte.is_ascii_digit()) {
            // What is nothing but a number is never learned as a name.
            return self.special(parent, Label::Id, source);
        }
        if segment.starts_with(mask::UNKNOWN) {
            return self.special(parent, Label::Unknown, source);
        }
        let hash = self.hasher.hash_one((parent, segment));
        if let Some(child) = self.literal(hash, parent, segment) {
            let Some(node) = self.nodes.get_mut(child as usize) else {
                return OVERFLOW;
            };
            node.hits = node.hits.saturating_add(1);
            node.several_sources |= node.first_source != source;
            if answer != Answer::There || std::mem::replace(&mut node.there, true) {
                return child;
            }
            let doubtful = matches!(node.label, Label::Literal { doubtful: true, .. });
            self.turned_out(parent, doubtful);
            let told = self.literal(hash, parent, segment).is_some();
            return if told {
                child
            } else {
                self.special(parent, Label::Id, source)
            };
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
        let full = match answer {
            Answer::Absent => doubtful || !before_value || node.literals + node.unsure >= SIBLINGS / 2,
            Answer::Unsure => {
                node.unsure >= UNSURE && !(hints::is_telling(segment) && node.unsure < 2 * UNSURE)
            }
            Answer::There => false,
        };
        if full {
            return self.special(parent, Label::Unknown, source);
        }
        // A quarter is kept for ids under the names that are known.
        if self.nodes.len() >= self.capacity / 4 * 3 {
            self.unlearned += 1;
            return self.special(parent, Label::Unknown, source);
        }
        self.learn((parent, hash), segment, doubtful, answer == Answer::There, source)
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
    fn learn(
        &mut self,
        (parent, hash): (u32, u64),
        segment: &str,
        doubtful: bool,
        there: bool,
        source: u64,
    ) -> u32 {
        let Some(node) = self.nodes.get_mut(parent as usize) else {
            return OVERFLOW;
        };
        node.literals += u16::from(!doubtful && there);
        node.unsure += u16::from(!there);
        node.doubtful += u16::from(doubtful);
        if self.collapses(parent) {
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
        if let Some(node) = self.nodes.get_mut(child as usize) {
            node.there = there;
        }
        self.tell(child, hash);
        child
    }

    /// A literal child of which that was not known turns out to be there.
    fn turned_out(&mut self, parent: u32, doubtful: bool) {
        if let Some(node) = self.nodes.get_mut(parent as usize) {
            node.literals += u16::from(!doubtful);
            node.unsure = node.unsure.saturating_sub(1);
        }
        self.collapses(parent);
    }

    /// Takes the names under a node for values if they are too many. Whether they were.
    fn collapses(&mut self, parent: u32) -> bool {
        let Some(node) = self.nodes.get_mut(parent as usize) else {
            return false;
        };
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
        }
        many || many_doubtful
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
                there: node.there,
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
                parent.literals += u16::from(!doubtful && record.there);
                parent.unsure += u16::from(!record.there);
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
            there: record.there,
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
