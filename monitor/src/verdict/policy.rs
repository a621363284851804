//! Which verdict a case asks for: the operator's rules, else what each detector's evidence can justify. Must not know
//! whether the gate will let it pass.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::VerdictSettings;
use crate::{
    detect::{DetectorInfo, Remedy},
    enforce::LeaseKind,
};

/// Settings of the policy, `[policy]` in the configuration.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PolicySettings {
    /// Packets a second that a throttled source may send; 0: not limited.
    pub throttle_packets_per_second: u64,
    /// Bytes a second that it may send; 0: not limited.
    pub throttle_bytes_per_second: u64,
    /// The rules; the first that fits a finding decides, and where none fits it is written down only. Without any rule:
    /// from `verdict.drop_confidence` on, the strongest that the detector's evidence can justify.
    pub rules: Vec<Rule>,
}

impl Default for PolicySettings {
    fn default() -> Self {
        Self {
            // About five requests a second over one connection: a person does not notice, a scraper does.
            throttle_packets_per_second: 20,
            throttle_bytes_per_second: 0,
            rules: Vec::new(),
        }
    }
}

/// One rule, `[[policy.rules]]`.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// Names of detectors; empty: all of them.
    #[serde(default)]
    pub detectors: Vec<String>,
    /// Least severity, 1 to 100.
    #[serde(default)]
    pub severity_min: u8,
    /// Least confidence, 0 to 100.
    #[serde(default)]
    pub confidence_min: u8,
    /// What is done. A rule that names no detector does no more than each detector's evidence can justify; one that
    /// names it does what it says.
    pub action: Action,
    /// Length of the lease, seconds; `verdict.lease_seconds` if not given.
    #[serde(default)]
    pub lease_seconds: Option<u64>,
    /// Instead of `throttle_packets_per_second`.
    #[serde(default)]
    pub packets_per_second: Option<u64>,
    /// Instead of `throttle_bytes_per_second`.
    #[serde(default)]
    pub bytes_per_second: Option<u64>,
}

/// What a rule wants done.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    /// Write it down.
    #[default]
    Log,
    /// Slow the source down.
    Throttle,
    /// Drop the source.
    Drop,
    /// Leave the source alone, and say what stops the actor at the proxy.
    Upstream,
    /// Never touch the source for this.
    Never,
}

/// What a case asks for, before the gate.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Wish {
    /// Nothing but the log.
    Log,
    /// A lease.
    Lease {
        /// Of which kind.
        kind: LeaseKind,
        /// For how long the first time; the configured length if `None`.
        ttl: Option<Duration>,
    },
    /// Rules for the proxy.
    Upstream,
    /// That the source is let alone.
    Never,
}

/// The rules, ready to be asked.
#[derive(Debug)]
pub struct Policy {
    settings: PolicySettings,
    confidence_min: u8,
}

impl Policy {
    /// Of these settings.
    pub fn new(settings: PolicySettings, verdict: &VerdictSettings) -> Self {
        Self {
            settings,
            confidence_min: verdict.drop_confidence,
        }
    }

    /// What a finding asks for.
    pub fn wish(&self, detector: &DetectorInfo, severity: u8, confidence: u8) -> Wish {
        if self.settings.rules.is_empty() {
            let strong = confidence >= self.confidence_min;
            let remedy = if strong { detector.strongest } else { Remedy::Log };
            return self.carry_out(remedy, &Rule::default());
        }
        let fits = |rule: &&Rule| {
            (rule.detectors.is_empty() || rule.detectors.iter().any(|name| name == detector.name))
                && severity >= rule.severity_min
                && confidence >= rule.confidence_min
        };
        let Some(rule) = self.settings.rules.iter().find(fits) else {
            return Wish::Log;
        };
        let most = if rule.detectors.is_empty() {
            detector.strongest
        } else {
            Remedy::Drop
        };
        match rule.action {
            Action::Log => Wish::Log,
            Action::Throttle => self.carry_out(Remedy::Throttle.min(most), rule),
            Action::Drop => self.carry_out(most, rule),
            Action::Upstream => Wish::Upstream,
            Action::Never => Wish::Never,
        }
    }

    /// Least confidence at which a finding of this kind, as severe as that, asks for a lease; `None` if it never does.
    pub fn lease_confidence(&self, detector: &DetectorInfo, severity: u8) -> Option<u8> {
        (0..=100).find(|confidence| matches!(self.wish(detector, severity, *confidence), Wish::Lease { .. }))
    }

    fn carry_out(&self, remedy: Remedy, rule: &Rule) -> Wish {
        let kind = match remedy {
            Remedy::Log => return Wish::Log,
            Remedy::Drop => LeaseKind::Drop,
            Remedy::Throttle => {
                let settings = &self.settings;
                let given = rule.packets_per_second.is_some() || rule.bytes_per_second.is_some();
                let usual = |rate| if given { 0 } else { rate };
                let packets = usual(settings.throttle_packets_per_second);
                let bytes = usual(settings.throttle_bytes_per_second);
                LeaseKind::Throttle {
                    packets: rule.packets_per_second.unwrap_or(packets),
                    bytes: rule.bytes_per_second.unwrap_or(bytes),
                }
            }
        };
        Wish::Lease {
            kind,
            ttl: rule.lease_seconds.map(Duration::from_secs),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::detect::id_enumeration;

    static TIMID: DetectorInfo = DetectorInfo {
        name: "timid",
        id: "APIMON-0099",
        description: "",
        owasp: "",
        cwe: "",
        technique: ("", ""),
        counts: "requests",
        strongest: Remedy::Throttle,
    };

    fn policy(rules: Vec<Rule>) -> Policy {
        let settings = PolicySettings {
            rules,
            ..PolicySettings::default()
        };
        Policy::new(settings, &VerdictSettings::default())
    }

    fn rule(action: Action) -> Rule {
        Rule {
            action,
            ..Rule::default()
        }
    }

    const DROP: Wish = Wish::Lease {
        kind: LeaseKind::Drop,
        ttl: None,
    };
    const THROTTLE: Wish = Wish::Lease {
        kind: LeaseKind::Throttle {
            packets: 20,
            bytes: 0,
        },
        ttl: None,
    };

    #[test]
    fn without_rules_each_detector_does_what_its_evidence_can_justify() {
        let policy = policy(Vec::new());
        assert_eq!(policy.wish(&id_enumeration::INFO, 90, 69), Wish::Log);
        assert_eq!(policy.wish(&id_enumeration::INFO, 10, 70), DROP);
        assert_eq!(policy.wish(&TIMID, 100, 100), THROTTLE);
        assert_eq!(policy.lease_confidence(&TIMID, 1), Some(70));
    }

    #[test]
    fn the_first_rule_that_fits_decides_and_where_none_fits_it_is_written_down() {
        let policy = policy(vec![
            Rule {
                detectors: vec!["timid".into()],
                confidence_min: 90,
                lease_seconds: Some(60),
                ..rule(Action::Drop)
            },
            Rule {
                severity_min: 80,
                confidence_min: 50,
                ..rule(Action::Drop)
            },
            Rule {
                detectors: vec!["id-enumeration".into()],
                confidence_min: 20,
                ..rule(Action::Upstream)
            },
        ]);
        let named = Wish::Lease {
            kind: LeaseKind::Drop,
            ttl: Some(Duration::from_mins(1)),
        };
        assert_eq!(policy.wish(&TIMID, 1, 90), named, "named: what it says");
        assert_eq!(
            policy.wish(&TIMID, 80, 89),
            THROTTLE,
            "not named: no more than it can justify"
        );
        assert_eq!(policy.wish(&TIMID, 79, 89), Wish::Log);
        assert_eq!(policy.wish(&id_enumeration::INFO, 80, 50), DROP);
        assert_eq!(policy.wish(&id_enumeration::INFO, 79, 50), Wish::Upstream);
        assert_eq!(policy.wish(&id_enumeration::INFO, 79, 19), Wish::Log);
        assert_eq!(policy.lease_confidence(&id_enumeration::INFO, 79), None);
    }

    #[test]
    fn a_rule_that_names_one_rate_limits_nothing_else() {
        let bytes = Rule {
            detectors: vec!["timid".into()],
            bytes_per_second: Some(10_000),
            ..rule(Action::Throttle)
        };
        let Wish::Lease { kind, .. } = policy(vec![bytes, rule(Action::Never)]).wish(&TIMID, 1, 1) else {
            panic!("a lease")
        };
        assert_eq!(
            kind,
            LeaseKind::Throttle {
                packets: 0,
                bytes: 10_000
            }
        );
        assert_eq!(policy(vec![rule(Action::Never)]).wish(&TIMID, 1, 1), Wish::Never);
    }
}
