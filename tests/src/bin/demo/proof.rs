//! The claims of the demo, each checked against what the clients, the kernel and the log say.

use std::{net::IpAddr, time::Duration};

use apimon::control::dto::{Case, Lease, Source};
use apimon_tests::{client::Tally, secrets::Planted};

use crate::{
    cast,
    say::{self, Teller},
};

/// Everything that was seen, in the words of those who saw it.
pub(crate) struct Seen {
    /// The well-behaved, by their own counts.
    pub(crate) people: Vec<Tally>,
    /// The one that walks.
    pub(crate) walker: Tally,
    /// The other abusers, each with the rule that is to find him.
    pub(crate) others: Vec<(&'static str, Tally)>,
    /// The leases, as the kernel counts them.
    pub(crate) leases: Vec<Lease>,
    /// The sources, as the kernel counts them.
    pub(crate) sources: Vec<Source>,
    /// The cases.
    pub(crate) cases: Vec<Case>,
    /// Everything apimon wrote: log, outputs, errors.
    pub(crate) said: String,
}

/// The claims and whether they hold.
pub(crate) struct Proof {
    claims: Vec<(bool, String)>,
}

impl Proof {
    /// Holds every claim against what was seen.
    pub(crate) fn of(seen: &Seen) -> Self {
        let mut proof = Self { claims: Vec::new() };
        proof.people(seen);
        proof.abuser(seen, &seen.walker, "id-enumeration");
        for (rule, abuser) in &seen.others {
            proof.abuser(seen, abuser, rule);
        }
        proof.nobody_else(seen);
        proof.no_secret(seen);
        proof
    }

    /// Whether all claims are true.
    pub(crate) fn holds(&self) -> bool {
        !self.claims.is_empty() && self.claims.iter().all(|(holds, _)| *holds)
    }

    /// Prints them.
    pub(crate) fn tell(&self, teller: &Teller) {
        teller.say("What was claimed, and whether it is so:");
        for (holds, text) in &self.claims {
            let word = if *holds { "true " } else { "FALSE" };
            say::detail(&format!("{word}  {text}"));
        }
    }

    fn claim(&mut self, holds: bool, text: String) {
        self.claims.push((holds, text));
    }

    fn people(&mut self, seen: &Seen) {
        let asked: u64 = seen.people.iter().map(|tally| tally.asked).sum();
        let failed: u64 = seen.people.iter().map(|tally| tally.failed).sum();
        let slowest = seen.people.iter().map(Tally::slowest).max().unwrap_or_default();
        let all_work = seen.people.len() == usize::from(cast::PEOPLE)
            && seen.people.iter().all(|tally| tally.answered > 20);
        self.claim(
            all_work && failed == 0,
            format!(
                "{} honest clients made {asked} requests and {failed} of them failed (slowest answer {} ms)",
                seen.people.len(),
                slowest.as_millis()
            ),
        );
        let victim = seen.people.iter().find(|tally| tally.source == cast::victim());
        let answered = victim.map_or(0, |tally| tally.answered);
        let failed = victim.map_or(0, |tally| tally.failed);
        self.claim(
            answered > 20 && failed == 0,
            format!("the stolen token's owner was served throughout ({answered} answers, {failed} failures)"),
        );
    }

    fn abuser(&mut self, seen: &Seen, tally: &Tally, rule: &str) {
        let source = tally.source;
        let lease = seen.leases.iter().find(|lease| is(&lease.source, source));
        let dropped = lease.map_or(0, |lease| lease.packets);
        let blamed = seen.cases.iter().any(|case| {
            case.rule == rule
                && case
                    .sources
                    .iter()
                    .any(|named| is(&named.source, source) && named.verdict == "drop")
        });
        let silence = tally
            .first_failure
            .as_ref()
            .is_some_and(|first| first.asked_ns > tally.last_answer_ns);
        // A keep-alive connection fails once; every further failure is a new connection that was not let in.
        let new_connections_failed = tally.failed >= 2;
        self.claim(
            blamed && dropped > 0 && silence && new_connections_failed && tally.answered > 0,
            format!(
                "{source}: {} answers, then none ({} attempts failed, new connections too); {rule}; {dropped} packets \
                 dropped in the kernel",
                tally.answered, tally.failed
            ),
        );
    }

    fn nobody_else(&mut self, seen: &Seen) {
        let abusers = cast::abusers();
        let others: Vec<_> = seen
            .leases
            .iter()
            .filter(|lease| !abusers.iter().any(|abuser| is(&lease.source, *abuser)))
            .map(|lease| lease.source.as_str())
            .collect();
        self.claim(
            others.is_empty(),
            format!("nobody else holds a lease{}", listed(&others)),
        );
        let hit: Vec<_> = seen
            .sources
            .iter()
            .filter(|source| source.dropped > 0 && !abusers.iter().any(|abuser| is(&source.source, *abuser)))
            .map(|source| source.source.as_str())
            .collect();
        self.claim(
            hit.is_empty() && !seen.sources.is_empty(),
            format!("no packet of anybody else was dropped{}", listed(&hit)),
        );
    }

    fn no_secret(&mut self, seen: &Seen) {
        let planted = Planted::of_users(1..=cast::WALKER_USER);
        let found = planted.found_in(&seen.said);
        self.claim(
            found.is_empty() && !seen.said.is_empty(),
            format!(
                "no token, password or e-mail stands in the {} bytes that apimon wrote{}",
                seen.said.len(),
                listed(&found)
            ),
        );
    }

    /// Adds the claim about the time from the request that tipped the scale to the first dropped packet.
    pub(crate) fn reaction(&mut self, seen: &Seen, reaction: Option<Duration>, bound: Duration) {
        let case = seen.cases.iter().find(|case| case.rule == "id-enumeration");
        let tipped = case.and_then(|case| case.evidence.get("requests")?.as_u64());
        // The first answer was to the login.
        let after = tipped.map(|tipped| seen.walker.answered.saturating_sub(1 + tipped));
        let text = match (reaction, after) {
            (Some(reaction), Some(after)) => format!(
                "{:.1} ms after the last byte of the walker's request that tipped the scale its next one was dropped; \
                 {after} more were answered",
                reaction.as_secs_f64() * 1e3
            ),
            _ => "no packet of the walker was dropped".to_owned(),
        };
        self.claim(reaction.is_some_and(|reaction| reaction < bound), text);
    }
}

fn listed(names: &[&str]) -> String {
    if names.is_empty() {
        String::new()
    } else {
        format!(": but {}", names.join(", "))
    }
}

/// Whether a written address is this one.
pub(crate) fn is(written: &str, address: IpAddr) -> bool {
    written.parse() == Ok(address)
}
