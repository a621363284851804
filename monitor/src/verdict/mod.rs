//! Stage 7: cases to verdicts, through the one gate. Must not know how a lease reaches the kernel.

pub mod allow;
pub mod enforcer;
pub mod exclusivity;
pub mod gate;
pub mod ledger;
pub mod never;
pub mod policy;
pub mod repeat;
pub mod upstream;

use std::{fmt, time::Duration};

use serde::{Deserialize, Serialize};

use crate::enforce::LeaseKind;

/// Whether verdicts are carried out.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// Say what would be done; the kernel drops nothing.
    #[default]
    Observe,
    /// Do it.
    Enforce,
}

/// Settings of the verdicts, `[verdict]` in the configuration.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct VerdictSettings {
    /// Least confidence, 0 to 100, at which a source is dropped.
    pub drop_confidence: u8,
    /// Length of a lease, seconds.
    pub lease_seconds: u64,
    /// Longest lease, seconds, also by hand.
    pub lease_max_seconds: u64,
    /// A source that is blocked again is blocked this many times as long as the last time, up to the longest; 1: always
    /// the same length.
    pub repeat_factor: u32,
    /// For how long a block is remembered for that, seconds.
    pub repeat_seconds: u64,
    /// Addresses of one IPv6 /64 that hold leases of cases before the whole /64 is blocked; 0: never. A client has all
    /// of its /64 to change its address in.
    pub v6_addresses: u32,
    /// Sources blocked a minute, at most. A detector gone mad, or an attacker who has others blocked.
    pub blocks_per_minute: u32,
    /// Leases at a time, at most. As above.
    pub leases_max: usize,
    /// A source with this many other principals that were served lately is not dropped: it is a proxy or a NAT.
    pub shared_principals: u32,
    /// How long ago "lately" is, seconds.
    pub shared_seconds: u64,
    /// Sources whose principals are remembered; the least recently seen gives way.
    pub sources_max: usize,
}

impl Default for VerdictSettings {
    fn default() -> Self {
        Self {
            drop_confidence: 70,
            lease_seconds: 600,
            lease_max_seconds: 7 * 86_400,
            repeat_factor: 2,
            repeat_seconds: 86_400,
            v6_addresses: 3,
            blocks_per_minute: 20,
            leases_max: 65_536,
            shared_principals: 2,
            shared_seconds: 86_400,
            sources_max: 1 << 18,
        }
    }
}

/// What is done about a source.
#[derive(Clone, PartialEq, Debug)]
pub enum Verdict {
    /// Written down only.
    Log,
    /// Its packets are dropped for `ttl` (in observe mode: would be).
    Drop {
        /// For how long.
        ttl: Duration,
        /// Whether it is carried out.
        enforced: bool,
    },
    /// Only so many of its packets pass for `ttl` (in observe mode: would).
    Throttle {
        /// Packets a second; 0: not limited.
        packets: u64,
        /// Bytes a second; 0: not limited.
        bytes: u64,
        /// For how long.
        ttl: Duration,
        /// Whether it is carried out.
        enforced: bool,
    },
    /// Others share the source, or the policy says so: to be stopped where the actor can be told apart, at the proxy or
    /// in the application ([`upstream`]).
    Upstream {
        /// How many other users share it.
        others: u32,
        /// Whether it is a proxy that forwards for others.
        forwards: bool,
    },
    /// Not to be blocked, and why.
    Never(Refusal),
}

/// Why the gate does not admit a block.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Refusal {
    /// Not an address of one remote host.
    #[error("the address is {0}: blocking it would hit this host or nobody")]
    NotRemote(&'static str),
    /// Listed.
    #[error("the address is in {prefix}, which is never blocked ({label})")]
    NeverBlock {
        /// The listed prefix.
        prefix: String,
        /// Why it is listed.
        label: String,
    },
    /// Anybody may have forged it.
    #[error("the source address is not proven: the server acknowledged none of its bytes")]
    Unproven,
    /// The cap of blocks a minute.
    #[error("more than {0} blocks a minute: see verdict.blocks_per_minute")]
    Rate(u32),
    /// The ledger is full.
    #[error("{0} leases are in force already: see verdict.leases_max")]
    Full(usize),
    /// Others were served at this source lately.
    #[error("{others} other principals share this source")]
    Shared {
        /// How many.
        others: u32,
    },
    /// It is a proxy.
    #[error("this source forwards for others: it is a proxy")]
    Forwards,
    /// The policy says so.
    #[error("the policy says never")]
    Policy,
    /// It was given while nothing was to be dropped.
    #[error("the lease was given in observe mode")]
    ObservedOnly,
    /// The lease could not be put into the kernel.
    #[error("the lease could not be carried out: {0}")]
    Failed(String),
}

impl From<Refusal> for Verdict {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Shared { others } => Self::Upstream {
                others,
                forwards: false,
            },
            Refusal::Forwards => Self::Upstream {
                others: 0,
                forwards: true,
            },
            refusal => Self::Never(refusal),
        }
    }
}

impl Verdict {
    /// How much it does: of several verdicts in one case the strongest stands for all.
    pub fn strength(&self) -> u8 {
        match self {
            Self::Log => 0,
            Self::Never(_) => 1,
            Self::Upstream { .. } => 2,
            Self::Throttle { .. } => 3,
            Self::Drop { .. } => 4,
        }
    }

    /// That of a lease of this kind.
    pub fn of_lease(kind: LeaseKind, ttl: Duration, enforced: bool) -> Self {
        match kind {
            LeaseKind::Drop => Self::Drop { ttl, enforced },
            LeaseKind::Throttle { packets, bytes } => Self::Throttle {
                packets,
                bytes,
                ttl,
                enforced,
            },
        }
    }

    /// Whether the source holds a lease because of it, and it is carried out.
    pub fn enforced(&self) -> bool {
        matches!(
            self,
            Self::Drop { enforced: true, .. } | Self::Throttle { enforced: true, .. }
        )
    }

    /// Stable name.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Log => "log",
            Self::Drop { .. } => "drop",
            Self::Throttle { .. } => "throttle",
            Self::Upstream { .. } => "upstream",
            Self::Never(_) => "never",
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Log => f.write_str("log only"),
            Self::Drop { ttl, enforced: true } => write!(f, "dropped for {} s", ttl.as_secs()),
            Self::Drop { ttl, enforced: false } => {
                write!(f, "would be dropped for {} s (observe mode)", ttl.as_secs())
            }
            Self::Throttle {
                packets,
                bytes,
                ttl,
                enforced,
            } => {
                let (packets, bytes) = (*packets, *bytes);
                let kind = LeaseKind::Throttle { packets, bytes };
                let (would, mode) = if *enforced {
                    ("", "")
                } else {
                    ("would be ", " (observe mode)")
                };
                write!(f, "{would}{kind} for {} s{mode}", ttl.as_secs())
            }
            Self::Upstream { forwards: true, .. } => {
                f.write_str("to be stopped upstream: the source is a proxy, which forwards for others")
            }
            Self::Upstream { others: 0, .. } => f.write_str("to be stopped upstream, as the policy says"),
            Self::Upstream { others, .. } => {
                write!(
                    f,
                    "to be stopped upstream: {others} other principals share the source"
                )
            }
            Self::Never(refusal) => write!(f, "not blocked: {refusal}"),
        }
    }
}
