//! What can be said in the log, before it has the form of a line. Must not know about JSON or files.

use monitor_common::Prefix;

use crate::{case::Case, time::Timestamp, verdict::ledger::LeaseRecord};

/// One thing to say, and when it happened.
#[derive(Clone, PartialEq, Debug)]
pub struct JournalEvent {
    /// When, in the time of the observations.
    pub at: Timestamp,
    /// What.
    pub kind: EventKind,
}

/// What can be said.
#[derive(Clone, PartialEq, Debug)]
pub enum EventKind {
    /// A detector found something new.
    CaseOpened(Box<Case>),
    /// More of the same: the counts doubled, or the verdict changed.
    CaseUpdated(Box<Case>),
    /// Nothing more of it for a while, or it gave way to newer ones.
    CaseClosed(Box<Case>),
    /// A source is dropped from now on.
    LeaseGranted(LeaseRecord),
    /// A lease is over.
    LeaseEnded {
        /// The lease.
        lease: LeaseRecord,
        /// Why.
        how: LeaseEnd,
    },
    /// A block was refused.
    LeaseRefused {
        /// Whose packets were to be dropped.
        source: Prefix,
        /// Number of the case, 0 if asked by hand.
        case: u32,
        /// Why not.
        refusal: String,
    },
    /// An operator changed something.
    Audit {
        /// What, as a stable word: `block-add`, `block-remove`, ...
        action: &'static str,
        /// Who asked for it; `None`: nobody did, its time had come.
        by: Option<Operator>,
        /// About which source, if any.
        source: Option<Prefix>,
        /// The operator's reason or the result.
        detail: String,
        /// Whether it was done.
        done: bool,
    },
    /// The daemon began to watch.
    DaemonStarted {
        /// How: mode, interfaces, ports.
        detail: String,
    },
    /// The daemon ends.
    DaemonStopped {
        /// Why, and the leases left in force.
        detail: String,
    },
    /// Something was not seen.
    Loss {
        /// Stable name of the counter.
        reason: String,
        /// How many since the last notice.
        count: u64,
        /// What was counted: `packets`, `bytes`, `transactions`, ...
        unit: &'static str,
    },
}

/// Who asked for a change, as the kernel says of their connection.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Operator {
    /// Their user.
    pub uid: u32,
    /// Their process, which may have ended since.
    pub pid: Option<u32>,
    /// The name of that user, where it has one.
    pub user: Option<String>,
}

impl std::fmt::Display for Operator {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.user {
            Some(name) => write!(f, "{name} (uid {})", self.uid),
            None => write!(f, "uid {}", self.uid),
        }
    }
}

/// How a lease ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LeaseEnd {
    /// Its time was over.
    Expired,
    /// An operator took it back.
    Removed,
    /// It had only been given as "would drop", and the mode changed.
    ModeChanged,
    /// The net around it holds a lease now.
    Absorbed,
    /// An operator said that its source is not to be blocked.
    Allowed,
    /// It is from before a restart, and may no longer be: the source is now never blocked, or there is no room.
    NotAdopted,
}

impl LeaseEnd {
    /// Stable name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Expired => "expired",
            Self::Removed => "removed",
            Self::ModeChanged => "mode-changed",
            Self::Absorbed => "absorbed",
            Self::Allowed => "allowed",
            Self::NotAdopted => "not-adopted",
        }
    }

    /// In words.
    pub fn words(self) -> &'static str {
        match self {
            Self::Expired => "its time was over",
            Self::Removed => "an operator took it back",
            Self::ModeChanged => "it had only been tried, in observe mode",
            Self::Absorbed => "the net around it holds one now",
            Self::Allowed => "an operator allows its source",
            Self::NotAdopted => "it was from before a restart and may no longer be",
        }
    }
}
