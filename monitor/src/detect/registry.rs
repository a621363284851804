//! The list of detectors. Must not know what they do.

use super::{
    DetectSettings, Detector, brute_force::BruteForce, id_enumeration::IdEnumeration,
    token_sharing::TokenSharing,
};

/// Every detector that is on, in the order of evaluation.
pub fn detectors(settings: &DetectSettings) -> Vec<Box<dyn Detector>> {
    let mut on: Vec<Box<dyn Detector>> = Vec::new();
    if settings.id_enumeration.enabled {
        on.push(Box::new(IdEnumeration::new(settings.id_enumeration.clone())));
    }
    if settings.token_sharing.enabled {
        on.push(Box::new(TokenSharing::new(settings.token_sharing.clone())));
    }
    if settings.brute_force.enabled {
        on.push(Box::new(BruteForce::new(settings.brute_force.clone())));
    }
    on
}
