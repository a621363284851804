//! An attempt to log in, as all detectors of guessed passwords read it, and the client that made it. Must not know what
//! is guessed.

use super::{Actor, Context};
use crate::observe::{Observation, extra::LoginOutcome};

/// One attempt.
#[derive(Clone, Copy, Debug)]
pub(super) struct Attempt {
    /// Key of the user that it names.
    pub(super) user: Option<u64>,
    /// Hash of the password or code.
    pub(super) secret: Option<u64>,
    /// How it ended.
    pub(super) outcome: LoginOutcome,
    /// The request itself names user or password; else only the words of its path say that it is a login.
    pub(super) told: bool,
}

impl Attempt {
    /// The attempt in this observation, if it is one.
    pub(super) fn of(observation: &Observation, cx: &Context<'_>) -> Option<Self> {
        if let Some(login) = observation.extra.as_ref().and_then(|extra| extra.login) {
            return Some(Self {
                user: login.user.map(|user| user.short()),
                secret: login.password,
                outcome: login.outcome,
                told: true,
            });
        }
        let by_path = cx.about.hints.login && matches!(cx.about.method(), "POST" | "PUT" | "PATCH");
        by_path.then(|| Self {
            user: None,
            secret: None,
            outcome: by_status(observation.status),
            told: false,
        })
    }

    /// Whether the answer says no.
    pub(super) fn refused(&self) -> bool {
        self.outcome == LoginOutcome::Refused
    }

    /// Whether the answer says yes.
    pub(super) fn accepted(&self) -> bool {
        self.outcome == LoginOutcome::Accepted
    }
}

/// How a login ended of which nothing but the status is known. A redirect leads on, or back to the form.
fn by_status(status: Option<u16>) -> LoginOutcome {
    match status {
        Some(200..=299) => LoginOutcome::Accepted,
        Some(400 | 401 | 403 | 422) => LoginOutcome::Refused,
        _ => LoginOutcome::Unclear,
    }
}

/// Who tries, and its key: always the client. What a refused credential says about itself is the victim, or made up.
pub(super) fn client(observation: &Observation, cx: &Context<'_>) -> (Actor, u64) {
    (Actor::Client(observation.client_addr()), cx.client_key)
}
