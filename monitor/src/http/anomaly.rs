//! Protocol oddities as facts. Must not judge them: detectors do.

/// One kind of oddity. The discriminant is its bit in an [`AnomalySet`]; append only.
#[repr(u8)]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Anomaly {
    /// Retransmitted bytes differ from those seen first.
    ConflictingOverlap = 0,
}

impl Anomaly {
    /// Every anomaly with its stable name.
    pub const ALL: &'static [(Self, &'static str)] = &[(Self::ConflictingOverlap, "conflicting-overlap")];
}

/// A set of [`Anomaly`].
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct AnomalySet(u64);

impl AnomalySet {
    /// Adds one.
    pub fn insert(&mut self, anomaly: Anomaly) {
        self.0 |= 1 << anomaly as u8;
    }

    /// Whether it holds `anomaly`.
    pub fn contains(self, anomaly: Anomaly) -> bool {
        self.0 & (1 << anomaly as u8) != 0
    }

    /// Whether it holds none.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The stable names of its members.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        Anomaly::ALL
            .iter()
            .filter(move |(a, _)| self.contains(*a))
            .map(|(_, name)| *name)
    }
}
