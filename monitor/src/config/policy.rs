//! Whether the rules of `[policy]` can be carried out as they are written. Must not know how they are applied.

use monitor_common::throttle::Rates;

use super::{ConfigError, suggest};
use crate::{
    detect::{DetectSettings, registry},
    verdict::policy::{Action, PolicySettings, Rule},
};

/// A rule that can do nothing, or not what it seems to, is refused.
pub(super) fn checked(given: PolicySettings, detect: &DetectSettings) -> Result<PolicySettings, ConfigError> {
    for (index, rule) in given.rules.iter().enumerate() {
        let wrong = |message: String| {
            let place = format!("rule {} of the policy: ", index + 1);
            value("policy.rules", place + &message)
        };
        for name in &rule.detectors {
            known_detector(name, detect).map_err(wrong)?;
        }
        if rule.severity_min > 100 || rule.confidence_min > 100 {
            return Err(wrong("severity and confidence go from 0 to 100".into()));
        }
        if rule.lease_seconds == Some(0) {
            return Err(wrong("a lease must last at least one second".into()));
        }
        if rule.action == Action::Throttle {
            rates(&given, rule).map_err(wrong)?;
        }
    }
    rates(&given, &Rule::default()).map_err(|message| value("policy", message))?;
    Ok(given)
}

/// Whether there is a detector of that name.
pub(super) fn known_detector(name: &str, detect: &DetectSettings) -> Result<(), String> {
    let known: Vec<&str> = registry::infos(detect).iter().map(|info| info.name).collect();
    if known.contains(&name) {
        return Ok(());
    }
    Err(match suggest::nearest(name, &known) {
        Some(right) => format!("there is no detector `{name}`; did you mean `{right}`?"),
        None => format!("there is no detector `{name}`; there are {}", known.join(", ")),
    })
}

/// The rates of a throttle must lie within what the kernel can count, and limit something.
fn rates(settings: &PolicySettings, rule: &Rule) -> Result<(), String> {
    let given = rule.packets_per_second.is_some() || rule.bytes_per_second.is_some();
    let (packets, bytes) = if given {
        (
            rule.packets_per_second.unwrap_or(0),
            rule.bytes_per_second.unwrap_or(0),
        )
    } else {
        (
            settings.throttle_packets_per_second,
            settings.throttle_bytes_per_second,
        )
    };
    if packets == 0 && bytes == 0 {
        return Err("a throttle needs a rate: packets_per_second, bytes_per_second or both".into());
    }
    if packets > Rates::PACKETS_MAX || bytes > Rates::BYTES_MAX || (bytes > 0 && bytes < Rates::BYTES_MIN) {
        return Err(format!(
            "a throttle has at most {} packets a second, and {} to {} bytes a second",
            Rates::PACKETS_MAX,
            Rates::BYTES_MIN,
            Rates::BYTES_MAX
        ));
    }
    Ok(())
}

fn value(key: &'static str, message: impl Into<String>) -> ConfigError {
    ConfigError::Value {
        key,
        message: message.into(),
    }
}
