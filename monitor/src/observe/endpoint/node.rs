//! One position of a template, and what answers say of it. Must not know how the tree grows.

use serde::{Deserialize, Serialize};

/// No node.
pub(super) const NONE: u32 = u32::MAX;

/// One position of a template.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "independent facts")]
pub(super) struct Node {
    pub(super) parent: u32,
    /// What it stands for.
    pub(super) label: Label,
    pub(super) hits: u32,
    pub(super) first_source: u64,
    /// Whether more than one source asked for it.
    pub(super) several_sources: bool,
    /// Literal children that were there, and those that were not yet.
    pub(super) literals: u16,
    pub(super) unsure: u16,
    pub(super) doubtful: u16,
    /// Whether an answer ever said that this is there, or something behind it.
    pub(super) there: bool,
    pub(super) collapsed: bool,
    pub(super) doubtful_collapsed: bool,
    pub(super) id: u32,
    pub(super) date: u32,
    pub(super) unknown: u32,
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
    pub(super) hits: u32,
    pub(super) first_source: u64,
    pub(super) several_sources: bool,
    pub(super) collapsed: bool,
    pub(super) doubtful_collapsed: bool,
    /// Whether its word is still told from values.
    pub(super) told: bool,
    /// Records of earlier versions do not say.
    #[serde(default = "yes")]
    pub(super) there: bool,
}

/// What an answer says of whether there is such a path.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Answer {
    /// There is none.
    Absent,
    /// A refusal, or a redirect: some servers answer so whatever is asked.
    Unsure,
    /// There is.
    There,
}

/// What records of earlier versions are taken to say.
fn yes() -> bool {
    true
}

impl Node {
    /// Newly learned, and there.
    pub(super) fn new(parent: u32, label: Label, first_source: u64) -> Self {
        Self {
            parent,
            label,
            hits: 1,
            first_source,
            several_sources: false,
            literals: 0,
            unsure: 0,
            doubtful: 0,
            there: true,
            collapsed: false,
            doubtful_collapsed: false,
            id: NONE,
            date: NONE,
            unknown: NONE,
        }
    }
}
