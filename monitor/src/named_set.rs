//! Small closed sets of facts with stable names: one bit each. Must not know any fact.

/// Declares an enum of facts with their stable names, and the set of them. Discriminants are bits: append only.
macro_rules! named_set {
    (
        $(#[$one_doc:meta])* $one:ident, $(#[$set_doc:meta])* $set:ident($bits:ty);
        $($(#[$doc:meta])* $name:ident = $bit:literal, $text:literal;)*
    ) => {
        $(#[$one_doc])*
        #[repr(u8)]
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        pub enum $one {
            $($(#[$doc])* $name = $bit,)*
        }

        impl $one {
            /// Every one with its stable name.
            pub const ALL: &'static [(Self, &'static str)] = &[$((Self::$name, $text),)*];
        }

        $(#[$set_doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Debug, Default, serde::Serialize, serde::Deserialize)]
        pub struct $set($bits);

        impl $set {
            /// None.
            pub const EMPTY: Self = Self(0);

            /// Adds one.
            pub fn insert(&mut self, one: $one) {
                self.0 |= 1 << one as u8;
            }

            /// Adds all of another set.
            pub fn merge(&mut self, other: Self) {
                self.0 |= other.0;
            }

            /// Whether it holds this one.
            pub fn contains(self, one: $one) -> bool {
                self.0 & (1 << one as u8) != 0
            }

            /// Whether it holds none.
            pub fn is_empty(self) -> bool {
                self.0 == 0
            }

            /// The stable names of its members.
            pub fn names(self) -> impl Iterator<Item = &'static str> {
                $one::ALL
                    .iter()
                    .filter(move |(one, _)| self.contains(*one))
                    .map(|(_, name)| *name)
            }
        }
    };
}

pub(crate) use named_set;

#[cfg(test)]
mod tests {
    use crate::{
        body::{BodyFact, fact::BodyFactSet},
        http::anomaly::{Anomaly, AnomalySet},
    };

    /// Each has its own bit and its own name.
    macro_rules! check {
        ($one:ident, $set:ident) => {
            let mut all = $set::default();
            for (one, _) in $one::ALL {
                assert!(!all.contains(*one), "{one:?}");
                all.insert(*one);
            }
            let mut names: Vec<_> = all.names().collect();
            names.sort_unstable();
            names.dedup();
            assert_eq!(names.len(), $one::ALL.len());
        };
    }

    #[test]
    fn each_has_its_own_bit_and_name() {
        check!(Anomaly, AnomalySet);
        check!(BodyFact, BodyFactSet);
    }
}
