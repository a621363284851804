//! Credentials that stood in answers: who uses them afterwards. Must not know what else is wrong with a secret.

use super::{
    AROUND, Kind, Leak, LeakedSecret, SELDOM, User, finding,
    read::{Read, Reader, Taken, Whose},
    who::Who,
};
use crate::{
    detect::{Context, Finding, Suspect, graph::short, inside::is_inside},
    observe::{
        Fingerprint, Observation,
        extra::{Secret, SecretPlace},
    },
};

impl LeakedSecret {
    /// A credential is in use: by whom it should not be?
    pub(super) fn used(&mut self, observation: &Observation, cx: &Context<'_>) -> Option<Finding> {
        let credential = observation.credential?.fingerprint.short();
        let user = self.users.entry(credential);
        if user.client == 0 {
            *user = User {
                client: cx.client_key,
                print: observation.client_print,
                last: cx.client_key,
                who: Who::of(cx),
                taken: self.reads.was_read(credential, cx.client_key),
            };
        }
        if user.taken {
            let taken = self
                .reads
                .taken(credential, &Who::of(cx), cx.graph, observation.at);
            user.taken = matches!(taken, Taken::ByWhom);
            if let Taken::Wrongly(read, whose) = taken {
                return Some(find_taken(read, whose, observation, cx));
            }
        }
        let (user, again) = (
            *user,
            std::mem::replace(&mut user.last, cx.client_key) == cx.client_key,
        );
        if user.client == cx.client_key || self.leaks.is_empty() {
            return None;
        }
        let leak = self.leaks.get(&credential)?.as_mut()?;
        let reader = leak.reader == Some(cx.client_key);
        let stranger = !again && observation.client_print != user.print;
        let stranger = stranger && (leak.reader.is_some() || !is_in_address(credential, observation));
        if leak.reported || leak.at > observation.at || !(reader || (stranger && leak.sure)) {
            return None;
        }
        leak.reported = reader;
        let (first, points) = (leak.at, if reader && leak.sure { 90 } else { 60 });
        let (place, who) = match leak.reader {
            Some(_) if reader => ("an answer to another", "the client that it stood in an answer to"),
            Some(_) => ("an answer to another", "a third client"),
            None => ("an address, as logs have it", "another one with another program"),
        };
        let summary = format!(
            "a credential in use by one client stood in {place}, and {:.0} s later {who} is served with it",
            observation.at.since(first).as_secs_f64()
        );
        let mut finding = finding(observation, cx, summary, points, ("stolen", 1.0), first);
        (finding.severity, finding.actor, finding.endpoint) = (90, cx.actor, None);
        finding.actor_key = cx.actor_key;
        // The principal is the victim's: what it is served meanwhile at its own address must not count for the thief.
        finding.suspects = vec![Suspect::of(observation, cx)];
        Some(finding)
    }

    /// A token that an answer hands out by its name: whose is it? Where that is known, and the answer goes to somebody
    /// else, it leaks. Who looks at a key of his own leaks nothing.
    pub(super) fn handed_out(
        &mut self,
        token: Fingerprint,
        observation: &Observation,
        cx: &Context<'_>,
    ) -> Option<Finding> {
        let key = token.short();
        let (asks, reader) = (observation.method.name() == "GET", Who::of(cx));
        let Some(user) = self.users.peek(&key).filter(|user| user.client != 0) else {
            // With POST a token is made for whoever asks.
            if asks {
                let reader = Reader {
                    who: reader,
                    alone: self.is_alone(observation, cx),
                };
                self.reads
                    .read(key, (cx.client_key, reader), cx.endpoint, observation.at);
            }
            return None;
        };
        if [user.client, user.last].contains(&cx.client_key) {
            return None;
        }
        match user.who.is_another(&reader, cx.graph) {
            Some(true) => {
                self.leak(key, true, observation, cx);
                self.place(Kind::Token, 1, observation, cx)
            }
            None if !user.who.is_named() => {
                // Nothing says whose the key is. What it is of does: nothing told this reader of that.
                let of = cx.asked.iter().rfind(|asked| asked.in_path)?;
                let known = of.mine || cx.graph.explains(short(cx.actor_key), of.key);
                if asks && !known {
                    self.leak(key, false, observation, cx);
                }
                None
            }
            Some(false) | None => None,
        }
    }

    /// Whether next to nobody reads here, of many who have credentials, and the reader has one of his own.
    fn is_alone(&self, observation: &Observation, cx: &Context<'_>) -> bool {
        let about = cx.about;
        let seldom = about.served_principals <= SELDOM && about.served_anonymous == 0;
        observation.principal.is_some()
            && seldom
            && self.users.stats().len >= AROUND
            && !about.hints.open
            && !is_inside(observation.client_addr())
    }

    /// Remembers who read a token of somebody else.
    pub(super) fn leak(&mut self, key: u64, sure: bool, observation: &Observation, cx: &Context<'_>) {
        let leak = self.leaks.entry(key);
        if leak.is_none_or(|leak| leak.reader.is_none() || (sure && !leak.sure)) {
            *leak = Some(Leak {
                reader: Some(cx.client_key),
                at: observation.at,
                sure,
                reported: leak.is_some_and(|leak| leak.reported),
            });
        }
    }

    /// A credential stands in the address of a request: in logs, in histories, and in what the next page is told.
    pub(super) fn logged(&mut self, secret: &Secret, observation: &Observation) {
        self.leaks.entry(secret.fingerprint.short()).get_or_insert(Leak {
            reader: None,
            at: observation.at,
            sure: true,
            reported: false,
        });
    }
}

/// Whether the request itself carries the credential in its address: a link that is meant to be opened anywhere.
fn is_in_address(credential: u64, observation: &Observation) -> bool {
    let secrets = &observation.extra().secrets;
    secrets
        .iter()
        .any(|secret| secret.place == SecretPlace::Url && secret.fingerprint.short() == credential)
}

/// A credential is used first by whoever read it in an answer.
fn find_taken(read: Read, whose: Whose, observation: &Observation, cx: &Context<'_>) -> Finding {
    let (as_whom, points, name) = match whose {
        Whose::Anothers => ("as somebody else", 60, "another-ones"),
        Whose::Nobodys => (
            "in place of his own, which next to nobody is given,",
            55,
            "given-to-nobody",
        ),
    };
    let summary = format!(
        "a credential stood in an answer to somebody, who is served with it {as_whom} {:.0} s later",
        observation.at.since(read.at).as_secs_f64()
    );
    let mut finding = finding(observation, cx, summary, points, (name, 1.0), read.at);
    (finding.severity, finding.actor, finding.endpoint) = (80, cx.actor, None);
    finding.suspects = vec![Suspect::of(observation, cx)];
    finding
}
