//! The list of detectors. Must not know what they do.

use super::{
    DetectSettings, Detector, DetectorInfo, brute_force::BruteForce, id_enumeration::IdEnumeration,
    token_sharing::TokenSharing,
};

/// Every detector that is on, in the order of evaluation.
pub fn detectors(settings: &DetectSettings) -> Vec<Box<dyn Detector>> {
    let mut on: Vec<Box<dyn Detector>> = Vec::new();
    if settings.id_enumeration.enabled {
        on.push(Box::new(IdEnumeration::new(settings.id_enumeration.clone())));
    }
    if settings.foreign_object.enabled {
        on.push(Box::new(super::foreign_object::ForeignObject::new(
            settings.foreign_object.clone(),
        )));
    }
    if settings.token_sharing.enabled {
        on.push(Box::new(TokenSharing::new(settings.token_sharing.clone())));
    }
    if settings.brute_force.enabled {
        on.push(Box::new(BruteForce::new(settings.brute_force.clone())));
    }
    on
}

/// What is fixed about the detectors that are on, and about those that are on by default.
pub fn infos(settings: &DetectSettings) -> Vec<&'static DetectorInfo> {
    let of = |settings: &DetectSettings| {
        let on = detectors(settings);
        on.iter().map(|detector| detector.info()).collect::<Vec<_>>()
    };
    let mut all = of(settings);
    all.extend(of(&DetectSettings::default()));
    all.sort_by_key(|info| info.id);
    all.dedup_by_key(|info| info.id);
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_detectors_have_the_same_name_or_id() {
        let all = detectors(&DetectSettings::default());
        for part in [|info: &DetectorInfo| info.name, |info: &DetectorInfo| info.id] {
            let different: std::collections::BTreeSet<_> = all.iter().map(|d| part(d.info())).collect();
            assert_eq!(different.len(), all.len());
        }
        assert_eq!(infos(&DetectSettings::default()).len(), all.len());
    }
}
