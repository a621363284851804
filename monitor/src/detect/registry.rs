//! The list of detectors. Must not know what they do.

use super::{
    DetectSettings, Detector, DetectorInfo, brute_force, credential_stuffing, evasion, flood, foreign_object,
    function_level, id_enumeration, invalid_token, leaked_secret, missing_auth, parameter_pollution,
    password_spray, probing, rate_abuse, scraping, token_cycling, token_sharing,
};

/// Every detector that is on, in the order of evaluation.
pub fn detectors(settings: &DetectSettings) -> Vec<Box<dyn Detector>> {
    let mut on: Vec<Box<dyn Detector>> = Vec::new();
    // One line for each.
    macro_rules! add {
        ($name:ident, $detector:ident) => {
            if settings.$name.enabled {
                on.push(Box::new($name::$detector::new(settings.$name.clone())));
            }
        };
    }
    add!(id_enumeration, IdEnumeration);
    add!(foreign_object, ForeignObject);
    add!(parameter_pollution, ParameterPollution);
    add!(scraping, Scraping);
    add!(probing, Probing);
    add!(leaked_secret, LeakedSecret);
    add!(rate_abuse, RateAbuse);
    add!(token_sharing, TokenSharing);
    add!(brute_force, BruteForce);
    add!(password_spray, PasswordSpray);
    add!(credential_stuffing, CredentialStuffing);
    add!(function_level, FunctionLevel);
    add!(missing_auth, MissingAuth);
    add!(invalid_token, InvalidToken);
    add!(token_cycling, TokenCycling);
    on
}

/// What is fixed about the detectors that look at something else than observations.
const OTHERS: [&DetectorInfo; 3] = [&evasion::INFO, &flood::SYN_FLOOD, &flood::PACKET_RATE];

/// What is fixed about the detectors that are on, and about those that are on by default: all that a policy or a
/// silence can name.
pub fn infos(settings: &DetectSettings) -> Vec<&'static DetectorInfo> {
    let of = |settings: &DetectSettings| {
        let on = detectors(settings);
        on.iter().map(|detector| detector.info()).collect::<Vec<_>>()
    };
    let mut all = of(settings);
    all.extend(of(&DetectSettings::default()));
    all.extend(OTHERS);
    all.sort_by_key(|info| info.id);
    all.dedup_by_key(|info| info.id);
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_detectors_have_the_same_name_or_id() {
        let all = infos(&DetectSettings::default());
        for part in [|info: &DetectorInfo| info.name, |info: &DetectorInfo| info.id] {
            let different: std::collections::BTreeSet<_> = all.iter().map(|info| part(info)).collect();
            assert_eq!(different.len(), all.len());
        }
        assert_eq!(
            all.len(),
            detectors(&DetectSettings::default()).len() + OTHERS.len()
        );
    }
}
