//! The one gate: nothing is blocked except through a [`Blockable`], and only [`Gate::admit`] makes one. Must not know
//! why a block is wanted.

use std::net::IpAddr;

use monitor_common::{IpKey, Prefix};

use super::{Refusal, exclusivity::Sharing, never::NeverBlock};
use crate::{enforce::LeaseKind, time::Timestamp};

/// A source that may be blocked: it passed the gate. Cannot be made in any other way.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Blockable {
    source: Prefix,
}

impl Blockable {
    /// The source.
    pub fn source(self) -> Prefix {
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
        /// Who else uses it.
        sharing: Sharing,
    },
    /// A case about packets as such, which anybody may have forged: it may slow their source down, and not drop it.
    Packets {
        /// Who else uses the source.
        sharing: Sharing,
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

    /// Changes how many blocks a minute pass. What is left of the ration of before is cut to the new one.
    pub fn ration(&mut self, per_minute: u32) {
        self.per_minute = per_minute;
        self.tokens = self.tokens.min(u64::from(per_minute) * MINUTE_NS);
    }

    /// Replaces the set of sources that are never blocked.
    pub fn set_never_block(&mut self, never: NeverBlock) {
        self.never = never;
    }

    /// Whether the address or net itself may be blocked, whoever asks. A net that only holds some that are never
    /// blocked may be: the shield spares them one by one.
    pub fn check_address(&self, source: Prefix) -> Result<(), Refusal> {
        if let Some(what) = not_remote_net(source) {
            return Err(Refusal::NotRemote(what));
        }
        let found = self.never.find(source.addr());
        Self::refuse(found.filter(|(prefix, _)| prefix.bits() <= source.bits()))
    }

    /// Whether nobody in a net is never blocked: what a detector may ask for is no wider than that.
    pub fn check_all(&self, source: Prefix) -> Result<(), Refusal> {
        self.check_address(source)?;
        Self::refuse(self.never.iter().find(|(prefix, _)| prefix.overlaps(&source)))
    }

    fn refuse(found: Option<(Prefix, &str)>) -> Result<(), Refusal> {
        found.map_or(Ok(()), |(prefix, label)| {
            Err(Refusal::NeverBlock {
                prefix: prefix.to_string(),
                label: label.to_owned(),
            })
        })
    }

    /// Lets a source through, or says why not. What cannot be helped is said first.
    pub fn admit(
        &mut self,
        source: Prefix,
        kind: LeaseKind,
        claim: Claim,
        now: Timestamp,
    ) -> Result<Blockable, Refusal> {
        let (may, sharing) = match claim {
            Claim::Operator => {
                self.check_address(source)?;
                return Ok(Blockable { source });
            }
            Claim::Case { proven, sharing } => (proven, sharing),
            Claim::Packets { sharing } => (kind != LeaseKind::Drop, sharing),
        };
        // Before the never-block set, which holds the trusted proxies: for them there is something to be done,
        // upstream.
        if sharing.forwards {
            return Err(Refusal::Forwards);
        }
        self.check_all(source)?;
        if !may {
            return Err(Refusal::Unproven);
        }
        if sharing.others >= self.shared_principals {
            return Err(Refusal::Shared {
                others: sharing.others,
            });
        }
        self.take_token(now)?;
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

/// Nets of addresses that are not those of one remote host each, with what [`not_remote`] says of them.
const SPECIAL: [(IpKey, u8); 10] = [
    (IpKey::from_v4([0; 4]), 104),
    (IpKey::from_v4([127, 0, 0, 0]), 104),
    (IpKey::from_v4([169, 254, 0, 0]), 112),
    (IpKey::from_v4([224, 0, 0, 0]), 100),
    (IpKey::from_v4([240, 0, 0, 0]), 100),
    (IpKey([0; 16]), 128),
    (IpKey([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]), 128),
    (IpKey([0xff, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]), 8),
    (IpKey([0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]), 10),
    // Mapped IPv4 addresses as IPv6: an IPv6 net around them is wider than any that is given out.
    (IpKey([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0, 0, 0]), 96),
];

/// What a net holds, if not only remote hosts.
fn not_remote_net(net: Prefix) -> Option<&'static str> {
    if net.is_host() {
        return not_remote(net.addr().into());
    }
    let specials = SPECIAL
        .iter()
        .filter_map(|(addr, bits)| Prefix::new(*addr, *bits));
    // An IPv4 net lies in the last of them, which is there for IPv6 nets alone.
    let special = specials
        .filter(|special| !(net.is_v4() && special.bits() == 96))
        .find(|special| special.overlaps(&net))?;
    not_remote(special.addr().into()).or(Some("wider than one network"))
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
        sharing: Sharing {
            others: 0,
            forwards: false,
        },
    };

    fn gate() -> Gate {
        let mut gate = Gate::new(20, 2);
        let mut never = NeverBlock::default();
        never.insert("198.51.100.0/24".parse().unwrap(), "gateway");
        gate.set_never_block(never);
        gate
    }

    fn ip(text: &str) -> Prefix {
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
                let refusal = gate().admit(ip(addr), LeaseKind::Drop, claim, Timestamp::ZERO);
                assert!(
                    matches!(refusal, Err(Refusal::NotRemote(_))),
                    "{addr}: {refusal:?}"
                );
            }
        }
        for claim in [PROVEN, Claim::Operator] {
            let refusal = gate().admit(ip("198.51.100.7"), LeaseKind::Drop, claim, Timestamp::ZERO);
            assert!(matches!(refusal, Err(Refusal::NeverBlock { .. })), "{refusal:?}");
        }
    }

    #[test]
    fn a_case_needs_proof_and_a_source_of_its_own() {
        let source = ip("203.0.113.5");
        let claim = |proven, others| Claim::Case {
            proven,
            sharing: Sharing {
                others,
                forwards: false,
            },
        };
        assert_eq!(
            gate().admit(source, LeaseKind::Drop, claim(false, 0), Timestamp::ZERO),
            Err(Refusal::Unproven)
        );
        assert_eq!(
            gate().admit(source, LeaseKind::Drop, claim(true, 2), Timestamp::ZERO),
            Err(Refusal::Shared { others: 2 })
        );
        assert_eq!(
            gate()
                .admit(source, LeaseKind::Drop, claim(true, 1), Timestamp::ZERO)
                .map(Blockable::source),
            Ok(source)
        );
        let proxy = Claim::Case {
            proven: true,
            sharing: Sharing {
                others: 0,
                forwards: true,
            },
        };
        // A trusted proxy is never blocked, and may be on this host; what stops the actor behind it is asked for all
        // the same.
        for source in ["203.0.113.5", "198.51.100.7", "127.0.0.1"] {
            assert_eq!(
                gate().admit(ip(source), LeaseKind::Drop, proxy, Timestamp::ZERO),
                Err(Refusal::Forwards)
            );
        }
        assert!(
            gate()
                .admit(source, LeaseKind::Drop, Claim::Operator, Timestamp::ZERO)
                .is_ok()
        );
    }

    #[test]
    fn packets_that_anybody_may_have_forged_slow_their_source_down_and_do_not_drop_it() {
        let slow = LeaseKind::Throttle {
            packets: 20,
            bytes: 0,
        };
        let packets = |others| Claim::Packets {
            sharing: Sharing {
                others,
                forwards: false,
            },
        };
        let admit = |source, kind, claim| gate().admit(ip(source), kind, claim, Timestamp::ZERO).map(drop);
        let source = "203.0.113.5";
        assert_eq!(admit(source, LeaseKind::Drop, packets(0)), Err(Refusal::Unproven));
        assert_eq!(admit(source, slow, packets(0)), Ok(()));
        assert_eq!(
            admit(source, slow, packets(2)),
            Err(Refusal::Shared { others: 2 })
        );
        assert!(
            admit("198.51.100.7", slow, packets(0)).is_err(),
            "never blocked is never slowed down"
        );
    }

    #[test]
    fn nets_of_special_addresses_are_not_blocked_and_those_around_a_gateway_are_by_hand() {
        for net in [
            "0.0.0.0/0",
            "126.0.0.0/7",
            "192.0.0.0/2",
            "::/0",
            "::/64",
            "fe00::/8",
            "169.254.169.0/24",
        ] {
            let refusal = gate().admit(ip(net), LeaseKind::Drop, Claim::Operator, Timestamp::ZERO);
            assert!(
                matches!(refusal, Err(Refusal::NotRemote(_))),
                "{net}: {refusal:?}"
            );
        }
        for (net, by_hand, by_case) in [
            ("203.0.113.0/24", true, true),
            ("2001:db8::/64", true, true),
            ("198.51.100.0/25", false, false),
            ("198.51.0.0/16", true, false),
        ] {
            let admitted = |claim| {
                gate()
                    .admit(ip(net), LeaseKind::Drop, claim, Timestamp::ZERO)
                    .is_ok()
            };
            assert_eq!(
                (admitted(Claim::Operator), admitted(PROVEN)),
                (by_hand, by_case),
                "{net}"
            );
        }
    }

    #[test]
    fn blocks_are_rationed_and_the_operator_is_not() {
        let mut gate = gate();
        let source = ip("203.0.113.5");
        let at = |seconds: u64| Timestamp::from_nanos((1_000_000 + seconds) * 1_000_000_000);
        let admitted = |gate: &mut Gate, now| {
            (0..100)
                .filter(|_| gate.admit(source, LeaseKind::Drop, PROVEN, now).is_ok())
                .count()
        };
        assert_eq!(admitted(&mut gate, at(0)), 20);
        assert_eq!(admitted(&mut gate, at(6)), 2);
        assert_eq!(admitted(&mut gate, at(5)), 0, "a step back gives nothing");
        assert_eq!(admitted(&mut gate, at(10_000)), 20);
        assert_eq!(
            gate.admit(source, LeaseKind::Drop, PROVEN, at(10_000)),
            Err(Refusal::Rate(20))
        );
        assert!(
            gate.admit(source, LeaseKind::Drop, Claim::Operator, at(10_000))
                .is_ok()
        );
    }
}
