//! Whether the rules of `[[silence]]` can be carried out as they are written. Must not know how they are applied.

use super::{ConfigError, policy::known_detector, raw, values::Text};
use crate::{
    case::silence::{Conditions, Configured, SILENCES, SilenceError},
    detect::DetectSettings,
};

/// A rule that is about nothing, or about a detector that there is not, is refused.
pub(super) fn checked(
    given: Vec<raw::Silence>,
    detect: &DetectSettings,
) -> Result<Vec<Configured>, ConfigError> {
    let value = |message: String| ConfigError::Value {
        key: "silence",
        message,
    };
    if given.len() > SILENCES {
        return Err(value(SilenceError::Full.to_string()));
    }
    let check = |(index, rule): (usize, raw::Silence)| {
        let conditions = Conditions {
            detector: rule.detector,
            actor: rule.actor,
            endpoint: rule.endpoint,
            net: rule.net.map(|Text(net)| net),
        };
        let sound = conditions.check(&rule.comment).map_err(|error| error.to_string());
        let known = conditions
            .detector
            .as_ref()
            .map_or(Ok(()), |name| known_detector(name, detect));
        sound
            .and(known)
            .map_err(|message| value(format!("silence {}: {message}", index + 1)))?;
        Ok(Configured {
            conditions,
            comment: rule.comment,
        })
    };
    given.into_iter().enumerate().map(check).collect()
}
