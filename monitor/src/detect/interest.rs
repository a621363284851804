//! Which observations a detector is shown. Must not know detectors.

use crate::observe::{BodyFacts, Observation};

/// What a detector wants to see, so that the others cost it nothing: it is called when one of these holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Interest(u16);

impl Interest {
    /// Every observation.
    pub const EVERY: Self = Self(1);
    /// Answered 2xx or 3xx.
    pub const SERVED: Self = Self(1 << 1);
    /// Answered 401 or 403.
    pub const REFUSED: Self = Self(1 << 2);
    /// Answered any 4xx.
    pub const FAILED: Self = Self(1 << 3);
    /// Carries a credential.
    pub const CREDENTIAL: Self = Self(1 << 4);
    /// Carries none.
    pub const ANONYMOUS: Self = Self(1 << 5);
    /// Names objects, in path, query or body, or was answered with some or with names of persons.
    pub const OBJECTS: Self = Self(1 << 6);
    /// Has [`crate::observe::Extra`].
    pub const EXTRA: Self = Self(1 << 7);

    /// One or the other.
    #[must_use]
    pub const fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether something of it holds.
    pub fn meets(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// What holds of an observation that names so many objects in its path.
    pub fn of(observation: &Observation, path_ids: usize) -> Self {
        // Only answers have persons.
        let names = |body: &BodyFacts| !body.ids.is_empty() || !body.persons.is_empty();
        let flags = [
            (Self::SERVED, observation.is_status(2) || observation.is_status(3)),
            (Self::REFUSED, matches!(observation.status, Some(401 | 403))),
            (Self::FAILED, observation.is_status(4)),
            (Self::CREDENTIAL, observation.credential.is_some()),
            (Self::ANONYMOUS, observation.credential.is_none()),
            (
                Self::OBJECTS,
                path_ids > 0
                    || !observation.query_ids.is_empty()
                    || observation.request_body.as_ref().is_some_and(names)
                    || observation.response_body.as_ref().is_some_and(names),
            ),
            (Self::EXTRA, observation.extra.is_some()),
        ];
        flags
            .into_iter()
            .fold(Self::EVERY, |all, (one, on)| if on { all.or(one) } else { all })
    }
}
