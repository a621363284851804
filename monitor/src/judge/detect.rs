//! One observation to all detectors: who acts, where, on what, and what was before. Must not know what is found.

use super::Judge;
use crate::{
    detect::{
        Actor, Context, Detector, Interest, Keys, Who,
        graph::Graph,
        inside::is_unnamed_proxy,
        objects::{self, Target},
    },
    observe::{Observation, extra::LoginOutcome},
    verdict::exclusivity::Exclusivity,
};

impl Judge {
    /// Resolves what the observation is about and shows it to every detector.
    pub(super) fn detect(&mut self, observation: &Observation) {
        self.owners.learn(observation);
        self.learn_roles(observation);
        let acts = self.who_acts(observation);
        let Acts {
            actor_key,
            client_key,
            ..
        } = acts;
        // Of few actors everything is in the processor's caches anyway.
        let many = self.actors.is_large();
        if many {
            self.actors.warm(&actor_key, |_| ());
            self.exclusivity.warm(client_key);
            self.graph.warm(actor_key);
        }
        let resolved = self.endpoints.resolve(observation, acts.source_key);
        self.asked = resolved.endpoint;
        let Some(about) = self.endpoints.get(resolved.endpoint) else {
            return;
        };
        let target = Target {
            endpoint: resolved.endpoint,
            about,
            path_ids: resolved.ids(),
        };
        let holds = Interest::of(observation, target.path_ids.len());
        self.objects.clear();
        if holds.meets(Interest::OBJECTS) {
            self.objects.extend(objects::asked(observation, &target));
        }
        if many {
            warm(
                &self.detectors,
                &self.graph,
                holds,
                &Keys {
                    actor_key,
                    source_key: acts.source_key,
                    client_key,
                    credential: observation
                        .credential
                        .map_or(0, |credential| credential.fingerprint.short()),
                    endpoint: resolved.endpoint,
                    asked: &self.objects,
                },
            );
        }
        let known = self.actors.entry(actor_key);
        let (roles, tells_roles) = known.roles(observation, about.hints.admin || !self.objects.is_empty());
        let who = Who {
            actor_key,
            class: observation.class(),
            client_key,
            user: acts.actor.user(),
            roles,
        };
        if known.since.is_none() {
            self.crowd.came(observation.client_addr());
        }
        if known.since.is_none() && observation.principal.is_some() {
            let before =
                self.exclusivity
                    .only_principal(client_key, observation.client_print, observation.at);
            if let Some(before) = before {
                self.graph.follow(actor_key, before);
            }
        }
        if holds.meets(Interest::OBJECTS) {
            self.graph.look(observation, &target, &who, &mut self.objects);
        }
        let known_since = *known.since.get_or_insert(observation.at);
        known.note(acts.actor, observation.status, observation.at);
        let cx = Context {
            actor: acts.actor,
            actor_key,
            class: who.class,
            source_key: acts.source_key,
            client_key,
            network_key: acts.network_key,
            endpoint: resolved.endpoint,
            about,
            path_ids: target.path_ids,
            inside: self.crowd.is_own(observation.client_addr()),
            known_since,
            served: known.served,
            roles,
            tells_roles,
            familiar: self.logins.familiar(observation, client_key),
            asked: &self.objects,
            graph: &self.graph,
        };
        if observation
            .status
            .is_some_and(|status| (200..400).contains(&status))
        {
            known.served = known.served.saturating_add(1);
            let proven = observation.principal.is_some() && !about.is_public();
            served(&mut self.exclusivity, observation, &acts, proven);
        }
        // In a private network whoever says so is a proxy that nobody entered as one, or an attacker who is inside
        // already: a block of the one would hit everybody.
        if observation.forwarded.is_some() || is_unnamed_proxy(observation) {
            self.exclusivity.forwarded(acts.source_key, observation.at);
        }
        for (interest, detector) in &mut self.detectors {
            if interest.meets(holds) {
                detector.observe(observation, &cx, &mut self.findings);
            }
        }
        if holds.meets(Interest::OBJECTS) {
            self.graph.learn(observation, &target, &who, &self.objects);
        }
    }

    /// A login says what the user may do who will come with what it hands out.
    fn learn_roles(&mut self, observation: &Observation) {
        let roles = observation.response_body.as_ref().map_or(0, |body| body.roles);
        let login = observation.extra().login;
        if roles != 0
            && let Some(login) = login.filter(|login| login.outcome == LoginOutcome::Accepted)
            && let Some(user) = login.user
        {
            self.actors.entry(user.short()).roles = roles;
        }
    }

    /// Who acts: the owner of a credential that was handed out, the credential's own principal, else the client.
    fn who_acts(&mut self, observation: &Observation) -> Acts {
        let source = self.addresses.keys(observation.client.addr);
        let client = observation
            .forwarded
            .map_or(source, |addr| self.addresses.keys(addr));
        let (actor, actor_key) = match self.owners.principal(observation) {
            Some(principal) => (Actor::Principal(principal), principal.fingerprint.short()),
            None => (Actor::Client(observation.client_addr()), client.own),
        };
        Acts {
            actor,
            actor_key,
            source_key: source.own,
            client_key: client.own,
            network_key: client.network,
        }
    }
}

/// Asks memory for what the detectors are about to look up.
fn warm(detectors: &[(Interest, Box<dyn Detector>)], graph: &Graph, holds: Interest, keys: &Keys<'_>) {
    graph.warm_objects(keys.asked);
    for (interest, detector) in detectors {
        if interest.meets(holds) {
            detector.warm(keys);
        }
    }
}

/// Who acts, and from where, with the keys of the tables.
#[derive(Clone, Copy)]
struct Acts {
    actor: Actor,
    actor_key: u64,
    source_key: u64,
    client_key: u64,
    network_key: u64,
}

/// Remembers who was served at a source. A principal is `proven` where its credential was needed.
fn served(exclusivity: &mut Exclusivity, observation: &Observation, acts: &Acts, proven: bool) {
    let user = match observation.principal {
        Some(_) => acts.actor_key,
        None => observation.client_print,
    };
    exclusivity.served(
        acts.client_key,
        user,
        observation.client_print,
        proven,
        observation.at,
    );
}
