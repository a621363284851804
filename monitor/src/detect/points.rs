//! Evidence added up: named measures and the points they give. Must not know what is measured.

use super::Measure;

/// Points, part by part.
#[derive(Clone, PartialEq, Debug, Default)]
pub(super) struct Points {
    /// The parts.
    pub(super) measures: Vec<Measure>,
    /// Their sum, capped by what the evidence allows.
    pub(super) sum: i32,
}

impl Points {
    /// Adds a part.
    pub(super) fn add(&mut self, name: &str, value: impl Into<f64>, points: i32) {
        self.sum += points;
        self.measures.push(Measure {
            name: name.into(),
            value: value.into(),
            points,
        });
    }

    /// Adds a part that is there or not.
    pub(super) fn flag(&mut self, name: &str, on: bool, points: i32) {
        self.add(name, u8::from(on), if on { points } else { 0 });
    }

    /// No more than this, whatever was added.
    pub(super) fn cap(&mut self, most: i32) {
        self.sum = self.sum.min(most);
    }
}

/// 0 up to `from`, `most` from `to` on, in between in proportion.
#[expect(clippy::cast_possible_truncation, reason = "between 0 and `most`")]
pub(super) fn ramp(value: f64, from: f64, to: f64, most: i32) -> i32 {
    (((value - from) / (to - from)).clamp(0.0, 1.0) * f64::from(most)).round() as i32
}

/// 50 at the threshold and so many for each further, up to `most`; 0 below it.
pub(super) fn climb(value: u32, threshold: u32, each: i32, most: i32) -> i32 {
    value.checked_sub(threshold).map_or(0, |over| {
        let further = each.saturating_mul(i32::try_from(over).unwrap_or(i32::MAX));
        further.saturating_add(50).min(most)
    })
}
