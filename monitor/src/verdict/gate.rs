//! The one gate: nothing is blocked except through a [`Blockable`], and only [`Gate::admit`] makes one. Must not know
//! why a block is wanted.

use std::net::IpAddr;

use monitor_common::IpKey;

use super::{Refusal, never::NeverBlock};
use crate::time::Timestamp;

/// A source that may be blocked: it passed the gate. Cannot be made in any other way.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Blockable {
    source: IpKey,
}

impl Blockable {
    /// The source.
    pub fn source(self) -> IpKey {
        self.source
    }
}

/// Who wants a block, and what it knows about the source.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Claim {
    /// A case.
    Case {
        /// Whether the source address is proven.
        proven: bool,
        /// How many other principals share it.
        others: u32,
    },
    /// An operator, who needs no proof and is not rationed.
    Operator,
}

/// The gate.
#[derive(Debug)]
pub struct Gate {
    never: NeverBlock,
    shared_principals: u32,
    per_minute: u32,
    /// Blocks left, in units of a minute's nanoseconds each.
    tokens: u64,
    refilled: Timestamp,
}

const MINUTE_NS: u64 = 60_000_000_000;

impl Gate {
    /// With a full ration of blocks.
    pub fn new(per_minute: u32, shared_principals: u32) -> Self {
        Self {
            never: NeverBlock::default(),
            shared_principals,
            per_minute,
            tokens: u64::from(per_minute) * MINUTE_NS,
            refilled: Timestamp::ZERO,
        }
    }

    /// Replaces the set of sources that are never blocked.
    pub fn set_never_block(&mut self, never: NeverBlock) {
        self.never = never;
    }

    /// Whether the address itself may be blocked, whoever asks.
    pub fn check_address(&self, source: IpKey) -> Result<(), Refusal> {
        if let Some(what) = not_remote(source.into()) {
            return Err(Refusal::NotRemote(what));
        }
        match self.never.find(source) {
            Some((prefix, label)) => Err(Refusal::NeverBlock {
                prefix: prefix.to_string(),
                label: label.to_owned(),
            }),
            None => Ok(()),
        }
    }

    /// Lets a source through, or says why not. What cannot be helped is said first.
    pub fn admit(&mut self, source: IpKey, claim: Claim, now: Timestamp) -> Result<Blockable, Refusal> {
        self.check_address(source)?;
        if let Claim::Case { proven, others } = claim {
            if !proven {
                return Err(Refusal::Unproven);
            }
            if others >= self.shared_principals {
                return Err(Refusal::Shared { others });
            }
            self.take_token(now)?;
        }
        Ok(Blockable { source })
    }

    /// Takes one block out of the ration: `per_minute` at most at once, refilled evenly.
    fn take_token(&mut self, now: Timestamp) -> Result<(), Refusal> {
        let full = u64::from(self.per_minute) * MINUTE_NS;
        let passed = u64::try_from(now.since(self.refilled).as_nanos()).unwrap_or(u64::MAX);
        self.refilled = self.refilled.max(now);
        self.tokens = self
            .tokens
            .saturating_add(passed.saturating_mul(u64::from(self.per_minute)))
            .min(full);
        self.tokens = self
            .tokens
            .checked_sub(MINUTE_NS)
            .ok_or(Refusal::Rate(self.per_minute))?;
        Ok(())
    }
}

/// What an address is, if it is not that of one remote host.
fn not_remote(addr: IpAddr) -> Option<&'static str> {
    match addr {
        IpAddr::V4(v4) if v4.is_loopback() => Some("loopback"),
        IpAddr::V4(v4) if v4.octets()[0] == 0 => Some("unspecified"),
        IpAddr::V4(v4) if v4.is_multicast() => Some("multicast"),
        IpAddr::V4(v4) if v4.octets()[0] >= 240 => Some("reserved or broadcast"),
        IpAddr::V4(v4) if v4.is_link_local() => Some("link-local"),
        IpAddr::V6(v6) if v6.is_loopback() => Some("loopback"),
        IpAddr::V6(v6) if v6.is_unspecified() => Some("unspecified"),
        IpAddr::V6(v6) if v6.is_multicast() => Some("multicast"),
        // The next router speaks from a link-local address.
        IpAddr::V6(v6) if v6.is_unicast_link_local() => Some("link-local"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PROVEN: Claim = Claim::Case {
        proven: true,
        others: 0,
    };

    fn gate() -> Gate {
        let mut gate = Gate::new(20, 2);
        let mut never = NeverBlock::default();
        never.insert("198.51.100.0/24".parse().unwrap(), "gateway");
        gate.set_never_block(never);
        gate
    }

    fn ip(text: &str) -> IpKey {
        text.parse().unwrap()
    }

    #[test]
    fn what_is_never_blocked_is_not_blocked_by_hand_either() {
        for addr in [
            "127.0.0.1",
            "127.9.9.9",
            "::1",
            "0.0.0.0",
            "0.1.2.3",
            "::",
            "224.0.0.1",
            "ff02::1",
            "255.255.255.255",
            "169.254.169.254",
            "fe80::1",
            "::ffff:127.0.0.1",
        ] {
            for claim in [PROVEN, Claim::Operator] {
                let refusal = gate().admit(ip(addr), claim, Timestamp::ZERO);
                assert!(
                    matches!(refusal, Err(Refusal::NotRemote(_))),
                    "{addr}: {refusal:?}"
                );
            }
        }
        for claim in [PROVEN, Claim::Operator] {
            let refusal = gate().admit(ip("198.51.100.7"), claim, Timestamp::ZERO);
            assert!(matches!(refusal, Err(Refusal::NeverBlock { .. })), "{refusal:?}");
        }
    }

    #[test]
    fn a_case_needs_proof_and_a_source_of_its_own() {
        let source = ip("203.0.113.5");
        let claim = |proven, others| Claim::Case { proven, others };
        assert_eq!(
            gate().admit(source, claim(false, 0), Timestamp::ZERO),
            Err(Refusal::Unproven)
        );
        assert_eq!(
            gate().admit(source, claim(true, 2), Timestamp::ZERO),
            Err(Refusal::Shared { others: 2 })
        );
        assert_eq!(
            gate()
                .admit(source, claim(true, 1), Timestamp::ZERO)
                .map(Blockable::source),
            Ok(source)
        );
        assert!(gate().admit(source, Claim::Operator, Timestamp::ZERO).is_ok());
    }

    #[test]
    fn blocks_are_rationed_and_the_operator_is_not() {
        let mut gate = gate();
        let source = ip("203.0.113.5");
        let at = |seconds: u64| Timestamp::from_nanos((1_000_000 + seconds) * 1_000_000_000);
        let admitted = |gate: &mut Gate, now| {
            (0..100)
                .filter(|_| gate.admit(source, PROVEN, now).is_ok())
                .count()
        };
        assert_eq!(admitted(&mut gate, at(0)), 20);
        assert_eq!(admitted(&mut gate, at(6)), 2);
        assert_eq!(admitted(&mut gate, at(5)), 0, "a step back gives nothing");
        assert_eq!(admitted(&mut gate, at(10_000)), 20);
        assert_eq!(gate.admit(source, PROVEN, at(10_000)), Err(Refusal::Rate(20)));
        assert!(gate.admit(source, Claim::Operator, at(10_000)).is_ok());
    }
}
