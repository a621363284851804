//! Which users logged in from which clients: who fails where he was accepted before has mistyped. Must not know what
//! anyone does with it.

use crate::{
    detect::Familiar,
    lru::{Lru, TableStats},
    observe::{Observation, extra::LoginOutcome},
};

/// Clients remembered of one user. A user of more devices is known by the last ones.
const CLIENTS: usize = 6;

/// The clients of users.
#[derive(Debug)]
pub(super) struct Logins {
    /// By the user's short fingerprint: short keys of clients, the last one first; 0 for none.
    users: Lru<u64, [u32; CLIENTS]>,
}

impl Logins {
    /// Remembers so many users; the one not seen for longest gives way.
    pub(super) fn new(capacity: usize) -> Self {
        Self {
            users: Lru::new(capacity),
        }
    }

    /// Size and losses.
    pub(super) fn stats(&self) -> TableStats {
        self.users.stats()
    }

    /// What is known before this observation; learns from it if it is a login that was accepted.
    pub(super) fn familiar(&mut self, observation: &Observation, client_key: u64) -> Familiar {
        let login = observation.extra.as_ref().and_then(|extra| extra.login);
        let Some((login, user)) = login.and_then(|login| Some((login, login.user?.short()))) else {
            return Familiar::default();
        };
        let client = short(client_key);
        let familiar = self
            .users
            .peek(&user)
            .map_or_else(Familiar::default, |clients| Familiar {
                user: true,
                here: clients.contains(&client),
            });
        if login.outcome == LoginOutcome::Accepted {
            let clients = self.users.entry(user);
            let at = clients.iter().position(|known| *known == client);
            if let Some(moved) = clients.get_mut(..=at.unwrap_or(CLIENTS - 1)) {
                moved.rotate_right(1);
            }
            if let Some(first) = clients.first_mut() {
                *first = client;
            }
        }
        familiar
    }
}

/// Half of a key will do among the clients of one user. Never 0.
fn short(key: u64) -> u32 {
    ((key >> 32) as u32).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observe::{
        Fingerprint,
        extra::{Extra, Login},
    };

    fn login(user: u8, outcome: LoginOutcome) -> Observation {
        let mut observation = crate::observe::tests::observation();
        observation.extra = Some(Box::new(Extra {
            login: Some(Login {
                user: Some(Fingerprint([user; 16])),
                password: None,
                outcome,
            }),
            ..Extra::default()
        }));
        observation
    }

    #[test]
    fn only_accepted_logins_make_familiar_and_the_last_clients_stay() {
        let mut logins = Logins::new(10);
        let mut familiar = |user, outcome, client: u64| {
            let familiar = logins.familiar(&login(user, outcome), client << 32);
            (familiar.user, familiar.here)
        };
        assert_eq!(familiar(1, LoginOutcome::Refused, 1), (false, false));
        assert_eq!(familiar(1, LoginOutcome::Accepted, 1), (false, false));
        assert_eq!(familiar(1, LoginOutcome::Refused, 1), (true, true));
        assert_eq!(familiar(1, LoginOutcome::Refused, 2), (true, false));
        assert_eq!(familiar(2, LoginOutcome::Refused, 1), (false, false));
        for client in 2..=CLIENTS as u64 {
            familiar(1, LoginOutcome::Accepted, client);
        }
        assert_eq!(familiar(1, LoginOutcome::Accepted, 1), (true, true));
        familiar(1, LoginOutcome::Accepted, 99);
        assert_eq!(
            familiar(1, LoginOutcome::Refused, 2),
            (true, false),
            "the oldest went"
        );
        assert_eq!(familiar(1, LoginOutcome::Refused, 1), (true, true));
    }
}
