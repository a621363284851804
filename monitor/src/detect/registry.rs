//! The list of detectors. Must not know what they do.

use super::{DetectSettings, Detector};

/// Every detector that is on, in the order of evaluation.
pub fn detectors(_settings: &DetectSettings) -> Vec<Box<dyn Detector>> {
    Vec::new()
}
