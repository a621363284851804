//! Whose credentials are: a login that hands out a token says who will use it. Must not know what anyone does with it.
//!
//! Without this an account that logs in again is somebody new each time, and who walks under changing tokens of one account
//! is many. Only the answers of the servers teach it; what a client sends teaches nothing.

use crate::{
    lru::{Lru, TableStats},
    observe::{Fingerprint, Observation, Principal, PrincipalKind, extra::LoginOutcome},
};

/// The owners of opaque credentials.
#[derive(Debug)]
pub(super) struct Owners {
    /// The user, by the short fingerprint of the credential.
    users: Lru<u64, Option<Fingerprint>>,
}

impl Owners {
    /// Remembers so many credentials; the least recently handed out or used gives way.
    pub(super) fn new(capacity: usize) -> Self {
        Self {
            users: Lru::new(capacity),
        }
    }

    /// Size and losses.
    pub(super) fn stats(&self) -> TableStats {
        self.users.stats()
    }

    /// Learns from a login that was accepted.
    pub(super) fn learn(&mut self, observation: &Observation) {
        let extra = observation.extra();
        let Some(login) = extra
            .login
            .filter(|login| login.outcome == LoginOutcome::Accepted)
        else {
            return;
        };
        let Some(user) = login.user else { return };
        for credential in &extra.handed_out {
            *self.users.entry(credential.short()) = Some(user);
        }
    }

    /// Who asks: the user that an opaque credential was handed to, else whom it says itself.
    pub(super) fn principal(&self, observation: &Observation) -> Option<Principal> {
        let principal = observation.principal?;
        if !matches!(principal.kind, PrincipalKind::Bearer | PrincipalKind::Session) {
            return Some(principal);
        }
        let user = observation
            .credential
            .and_then(|credential| *self.users.peek(&credential.fingerprint.short())?);
        Some(user.map_or(principal, |fingerprint| Principal {
            kind: PrincipalKind::User,
            fingerprint,
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observe::extra::{Extra, Login};

    #[test]
    fn a_login_says_whose_the_token_is() {
        let mut owners = Owners::new(4);
        let (user, token) = (Fingerprint([1; 16]), Fingerprint([2; 16]));
        let principal = Principal {
            kind: PrincipalKind::Bearer,
            fingerprint: token,
        };
        let mut use_of_it = crate::observe::tests::observation();
        use_of_it.principal = Some(principal);
        use_of_it.credential = Some(crate::observe::Credential {
            fingerprint: token,
            roles: 0,
            service: false,
        });
        for outcome in [
            LoginOutcome::Refused,
            LoginOutcome::Unclear,
            LoginOutcome::Accepted,
        ] {
            assert_eq!(owners.principal(&use_of_it), Some(principal), "{outcome:?}");
            let mut login = crate::observe::tests::observation();
            login.extra = Some(Box::new(Extra {
                login: Some(Login {
                    user: Some(user),
                    password: None,
                    outcome,
                }),
                handed_out: vec![token],
                ..Extra::default()
            }));
            owners.learn(&login);
        }
        let owner = owners.principal(&use_of_it).unwrap();
        assert_eq!((owner.kind, owner.fingerprint), (PrincipalKind::User, user));
    }
}
