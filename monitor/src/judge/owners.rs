//! Whose credentials are: a login that hands out a token says who will use it. Must not know what anyone does with it.
//!
//! Without this an account that logs in again is somebody new each time, and who walks under changing tokens of one
//! account is many. The same holds for a session whose cookie is replaced with every answer, and for a token that is
//! renewed. Only the answers of the servers teach it; what a client sends teaches nothing.

use crate::{
    lru::{Lru, TableStats},
    observe::{Extra, Fingerprint, Observation, Principal, PrincipalKind, extra::LoginOutcome},
};

/// The owners of opaque credentials.
#[derive(Debug)]
pub(super) struct Owners {
    /// The owner, by the short fingerprint of the credential.
    owners: Lru<u64, Option<Principal>>,
}

impl Owners {
    /// Remembers so many credentials; the least recently handed out or used gives way.
    pub(super) fn new(capacity: usize) -> Self {
        Self {
            owners: Lru::new(capacity),
        }
    }

    /// Size and losses.
    pub(super) fn stats(&self) -> TableStats {
        self.owners.stats()
    }

    /// Learns from an answer that hands out credentials.
    pub(super) fn learn(&mut self, observation: &Observation) {
        let Some(extra) = observation.extra.as_deref() else {
            return;
        };
        let Some(owner) = self.owner_of_new(observation, extra) else {
            return;
        };
        for credential in &extra.handed_out {
            self.own(*credential, owner);
        }
        // A login that hands out nothing: the session that the client has already is the user's from now on.
        let session = || {
            observation
                .principal
                .filter(|known| known.kind == PrincipalKind::Session)
        };
        if extra.handed_out.is_empty()
            && let Some(session) = session()
        {
            self.own(session.fingerprint, owner);
        }
    }

    /// Who asks: the owner of an opaque credential, else whom it says itself.
    pub(super) fn principal(&self, observation: &Observation) -> Option<Principal> {
        let principal = observation.principal?;
        if !matches!(principal.kind, PrincipalKind::Bearer | PrincipalKind::Session) {
            return Some(principal);
        }
        let known = observation
            .credential
            .and_then(|credential| self.owner(credential.fingerprint));
        Some(known.unwrap_or(principal))
    }

    /// Whose the credentials are that an answer hands out: the user's who logs in, else the owner's of the credential
    /// that they take the place of.
    fn owner_of_new(&self, observation: &Observation, extra: &Extra) -> Option<Principal> {
        let user = extra
            .login
            .filter(|login| login.outcome == LoginOutcome::Accepted)
            .and_then(|login| login.user);
        if let Some(fingerprint) = user {
            return Some(Principal {
                kind: PrincipalKind::User,
                fingerprint,
            });
        }
        let renewed = extra.renews?;
        let own = || {
            observation
                .principal
                .filter(|principal| principal.fingerprint == renewed)
        };
        self.owner(renewed).or_else(own)
    }

    fn owner(&self, credential: Fingerprint) -> Option<Principal> {
        *self.owners.peek(&credential.short())?
    }

    fn own(&mut self, credential: Fingerprint, owner: Principal) {
        *self.owners.entry(credential.short()) = Some(owner);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observe::extra::Login;

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
            audience: 0,
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

    /// Each answer replaces the cookie: all of them are one actor, and the user's once somebody logs in.
    #[test]
    fn a_session_that_changes_with_every_answer_is_one() {
        let mut owners = Owners::new(8);
        let session = |n: u8| Principal {
            kind: PrincipalKind::Session,
            fingerprint: Fingerprint([n; 16]),
        };
        let step = |n: u8| {
            let mut observation = crate::observe::tests::observation();
            observation.principal = Some(session(n));
            observation.credential = Some(crate::observe::Credential {
                fingerprint: session(n).fingerprint,
                roles: 0,
                audience: 0,
                service: false,
            });
            observation.extra = Some(Box::new(Extra {
                handed_out: vec![session(n + 1).fingerprint],
                renews: Some(session(n).fingerprint),
                ..Extra::default()
            }));
            observation
        };
        for n in 1..5 {
            let observation = step(n);
            assert_eq!(owners.principal(&observation), Some(session(1)), "{n}");
            owners.learn(&observation);
        }
        let mut login = step(5);
        login.extra = Some(Box::new(Extra {
            login: Some(Login {
                user: Some(Fingerprint([99; 16])),
                password: None,
                outcome: LoginOutcome::Accepted,
            }),
            ..Extra::default()
        }));
        owners.learn(&login);
        assert_eq!(owners.principal(&step(5)).unwrap().kind, PrincipalKind::User);
    }
}
