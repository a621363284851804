//! Who uses one token: its clients, their parts, and how their uses interleave. Must not know how it is weighed.
//!
//! ```text
//! alone --second client, first is the owner--> owned --owner silent--> alone (the last client is the owner)
//!   \---second client, nobody was alone-----> pool
//! ```

use std::time::Duration;

use monitor_common::IpKey;
use smallvec::SmallVec;

use super::{
    super::{SUSPECTS, Suspect, network, share},
    Settings,
    crowds::Crowds,
};
use crate::{observe::Observation, time::Timestamp};

/// Clients remembered of one token. More say nothing new; the newcomer unused for longest gives way.
const CLIENTS: usize = 48;
/// Uses of two clients within this time cannot be one client that moved.
const QUICK: Duration = Duration::from_secs(2);
/// A request that a proxy passes on reaches the next server within this time.
const PASSED_ON: Duration = Duration::from_millis(500);

/// The part of a client.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Part {
    /// Had the token alone before all others, or holds it with others from the beginning.
    Holder,
    /// Held it earlier, or is the other address of the holder.
    Trusted,
    /// Came while a holder was there.
    Newcomer,
}

#[derive(Debug)]
struct Client {
    /// Behind a trusted proxy, the one that it forwards for.
    addr: IpKey,
    /// Who sends its packets: itself, or that proxy.
    source: IpKey,
    /// Key of its address.
    key: u64,
    print: u64,
    port: u16,
    proven: bool,
    part: Part,
    first: Timestamp,
    last: Timestamp,
    requests: u32,
    /// How often a holder came back after this newcomer's use.
    holder_returns: u32,
    /// How often this newcomer came back after a holder's use.
    own_returns: u32,
    /// A holder's use and one of this newcomer were too close for one client that moved.
    quick: bool,
    /// Requests of it that lay within the same request of another client: it may be a proxy on this host.
    passed_on: u32,
}

impl Client {
    /// Whether it only passes on what others ask for.
    fn is_proxy(&self) -> bool {
        self.passed_on * 2 > self.requests
    }
}

/// The use of one token.
#[derive(Debug, Default)]
pub(super) struct Usage {
    /// Nearly always there is one, which then needs no memory of its own.
    clients: SmallVec<[Client; 1]>,
    pool: bool,
    last: usize,
    /// What was asked for last.
    asked: u32,
    /// Requests before the first newcomer.
    held: u32,
    requests: u32,
    gaps: u32,
    /// Newcomers and returns at the last report: the next one says something new.
    reported: (u32, u32),
}

/// What the use of a token shows.
#[expect(
    clippy::struct_excessive_bools,
    reason = "independent facts, each worth points"
)]
#[derive(Clone, Debug)]
pub(super) struct Sharing {
    /// Newcomers that a holder came back after.
    pub(super) newcomers: u32,
    /// Greatest number of returns after any one of them.
    pub(super) returns: u32,
    /// One of them is another program than every holder.
    pub(super) other_program: bool,
    /// One of them is in another network than every holder.
    pub(super) other_network: bool,
    /// One of them was too close in time to a holder.
    pub(super) quick: bool,
    /// Networks of the newcomers.
    pub(super) networks: usize,
    /// Requests of the newcomers.
    pub(super) requests: u32,
    /// First use by a newcomer.
    pub(super) first: Timestamp,
    /// The holders are a pool.
    pub(super) pool: bool,
    /// Requests of the holders before the first newcomer, about.
    pub(super) held: u32,
}

impl Usage {
    /// Some address that used it.
    pub(super) fn any(&self) -> Option<IpKey> {
        self.clients.first().map(|client| client.addr)
    }

    /// Takes in one use. `asked` says for what. Whether it can have changed what the use shows: another client than the
    /// last one used it.
    pub(super) fn used(
        &mut self,
        observation: &Observation,
        key: u64,
        asked: u32,
        settings: &Settings,
    ) -> bool {
        self.requests = self.requests.saturating_add(1);
        let before = std::mem::replace(&mut self.asked, asked);
        self.gaps += u32::from(observation.gaps);
        let addr = observation.client_addr();
        let same = self
            .clients
            .get(self.last)
            .is_some_and(|client| client.addr == addr);
        if !same && before == asked {
            self.pass_on(observation);
        }
        let known = if same {
            Some(self.last)
        } else {
            self.clients.iter().position(|c| c.addr == addr)
        };
        let at = match known {
            Some(at) => at,
            None => self.enter(observation, key, settings),
        };
        if !same {
            self.interleave(at, observation.at, settings);
        }
        if let Some(client) = self.clients.get_mut(at) {
            client.last = client.last.max(observation.at);
            client.requests = client.requests.saturating_add(1);
            client.source = observation.client.addr;
            client.port = observation.client.port;
            client.proven |= observation.source_proven;
        }
        self.last = at;
        !same
    }

    /// Another client asked for the same as the last one. If it asked before, and is answered after that one, the last
    /// one passed its request on, and holds nothing.
    fn pass_on(&mut self, observation: &Observation) {
        let Some(client) = self.clients.get_mut(self.last) else {
            return;
        };
        let within = observation.at <= client.last
            && client.last.since(observation.at) <= PASSED_ON
            && observation
                .answered
                .is_some_and(|answered| answered >= client.last);
        if !within {
            return;
        }
        client.passed_on = client.passed_on.saturating_add(1);
        if client.is_proxy() && client.part == Part::Holder {
            client.part = Part::Trusted;
        }
    }

    /// Enters a client, with the part that it comes in.
    fn enter(&mut self, observation: &Observation, key: u64, settings: &Settings) -> usize {
        let (now, addr, print) = (
            observation.at,
            observation.client_addr(),
            observation.client_print,
        );
        let part = self.part_of_new(now, addr, print, settings);
        if part == Part::Newcomer && !self.clients.iter().any(|c| c.part == Part::Newcomer) {
            self.held = self.requests.saturating_sub(1);
        }
        if part == Part::Holder {
            self.pool |= !self.clients.is_empty();
        }
        if self.clients.len() >= CLIENTS {
            let oldest = self
                .clients
                .iter()
                .enumerate()
                .min_by_key(|(_, client)| (client.part != Part::Newcomer, client.last))
                .map(|(at, _)| at);
            oldest.map(|at| self.clients.remove(at));
        }
        self.clients.push(Client {
            addr,
            source: observation.client.addr,
            key,
            print,
            port: observation.client.port,
            proven: observation.source_proven,
            part,
            first: now,
            last: now,
            requests: 0,
            holder_returns: 0,
            own_returns: 0,
            quick: false,
            passed_on: 0,
        });
        self.clients.len() - 1
    }

    fn part_of_new(&mut self, now: Timestamp, addr: IpKey, print: u64, settings: &Settings) -> Part {
        self.hand_over(now, settings);
        let mut holders = self.clients.iter().filter(|c| c.part == Part::Holder);
        let Some(holder) = holders.next() else {
            return Part::Holder;
        };
        if self.pool {
            let like = self.clients.iter().filter(|c| c.part == Part::Holder);
            let member = like
                .clone()
                .any(|c| c.print == print || network(c.addr) == network(addr));
            return if member { Part::Holder } else { Part::Newcomer };
        }
        let twin = holder.addr.is_v4() != addr.is_v4()
            && holder.print == print
            && !self.clients.iter().any(|c| c.addr.is_v4() == addr.is_v4());
        if twin {
            return Part::Trusted;
        }
        // What a holder owned before others came, it still owns when more come.
        let others = self.clients.iter().any(|c| c.part == Part::Newcomer);
        let alone = holder.last.max(now).since(holder.first);
        if others || settings.owns(alone, holder.requests, holder.print == print) {
            Part::Newcomer
        } else {
            Part::Holder
        }
    }

    /// When all holders have been silent for long, whoever used the token since, and was not found out, holds it now.
    fn hand_over(&mut self, now: Timestamp, settings: &Settings) {
        let held = self
            .clients
            .iter()
            .filter(|c| c.part == Part::Holder)
            .map(|c| c.last)
            .max();
        if held.is_none_or(|last| now.since(last) <= settings.silent()) || self.reported != (0, 0) {
            return;
        }
        let Some(heir) = self
            .clients
            .iter()
            .filter(|c| c.part == Part::Newcomer && now.since(c.last) <= settings.silent())
            .max_by_key(|c| c.requests)
            .map(|c| c.addr)
        else {
            return;
        };
        let heirs = self.clients.iter().filter(|c| c.part == Part::Newcomer).count();
        self.pool = heirs > 1;
        for client in &mut self.clients {
            client.part = match client.part {
                Part::Newcomer if self.pool || client.addr == heir => Part::Holder,
                _ => Part::Trusted,
            };
            (client.holder_returns, client.own_returns, client.quick) = (0, 0, false);
        }
    }

    /// Client `at` uses the token after another one did: notes who came back after whom.
    fn interleave(&mut self, at: usize, now: Timestamp, settings: &Settings) {
        self.hand_over(now, settings);
        let Some(client) = self.clients.get(at) else {
            return;
        };
        let (part, before, requests) = (client.part, client.last, client.requests);
        if requests == 0 {
            return;
        }
        match part {
            Part::Trusted => {}
            Part::Holder => {
                for newcomer in self.clients.iter_mut().filter(|c| c.part == Part::Newcomer) {
                    let between = newcomer.last >= before && now.since(newcomer.last) <= settings.together();
                    if between && now.since(before) <= settings.together() {
                        newcomer.holder_returns += 1;
                        newcomer.quick |= now.since(before) <= QUICK;
                    }
                }
            }
            Part::Newcomer => {
                let holder = self
                    .clients
                    .iter()
                    .filter(|c| c.part == Part::Holder)
                    .map(|c| c.last)
                    .max();
                let between =
                    holder.is_some_and(|last| last >= before) && now.since(before) <= settings.together();
                if let (true, Some(client)) = (between, self.clients.get_mut(at)) {
                    client.own_returns += 1;
                    client.quick |= now.since(before) <= QUICK;
                }
            }
        }
    }

    /// What the use shows, if it shows more than at the last report.
    pub(super) fn sharing(&self, now: Timestamp, crowds: &Crowds, settings: &Settings) -> Option<Sharing> {
        let holders = || self.clients.iter().filter(|c| c.part == Part::Holder);
        let mut sharing = Sharing {
            newcomers: 0,
            returns: 0,
            other_program: false,
            other_network: false,
            quick: false,
            networks: 0,
            requests: 0,
            first: now,
            pool: self.pool,
            held: self.held,
        };
        let mut networks = Vec::new();
        for client in self
            .accused(crowds)
            .filter(|c| now.since(c.last) <= 4 * settings.together())
        {
            sharing.newcomers += 1;
            sharing.returns = sharing.returns.max(client.holder_returns);
            sharing.other_program |= holders().all(|c| c.print != client.print);
            sharing.other_network |= holders().all(|c| network(c.addr) != network(client.addr));
            sharing.quick |= client.quick;
            sharing.requests += client.requests;
            sharing.first = sharing.first.min(client.first);
            networks.push(network(client.addr));
        }
        networks.sort_unstable();
        networks.dedup();
        sharing.networks = networks.len();
        let (newcomers, returns) = self.reported;
        let more = sharing.newcomers > newcomers || sharing.returns >= 2 * returns.max(1);
        (sharing.newcomers > 0 && more).then_some(sharing)
    }

    /// The newcomers with proof that they and a holder used the token at the same time. Of several, one return of the
    /// holder after each will do; a single one can be the holder on its way, and needs more.
    fn accused<'a>(&'a self, crowds: &'a Crowds) -> impl Iterator<Item = &'a Client> {
        let newcomers = self
            .clients
            .iter()
            .filter(|c| c.part == Part::Newcomer && !c.is_proxy() && !self.is_carried(c, crowds));
        let several = newcomers.clone().filter(|c| c.holder_returns >= 1).count() >= 3;
        newcomers.filter(move |c| {
            if several {
                c.holder_returns >= 1
            } else {
                c.holder_returns >= 2 && c.own_returns >= 1
            }
        })
    }

    /// Whether a newcomer may be a holder under another address of its carrier: the same program, and many others at
    /// both addresses.
    fn is_carried(&self, newcomer: &Client, crowds: &Crowds) -> bool {
        let like = |c: &Client| c.part != Part::Newcomer && c.print == newcomer.print && crowds.is_one(c.key);
        crowds.is_one(newcomer.key) && self.clients.iter().any(like)
    }

    /// Notes that what the use shows now was reported.
    pub(super) fn report(&mut self, crowds: &Crowds) {
        let newcomers = u32::try_from(self.accused(crowds).count()).unwrap_or(u32::MAX);
        let returns = self.accused(crowds).map(|c| c.holder_returns).max().unwrap_or(0);
        self.reported = (newcomers, returns);
    }

    /// The newcomers found out.
    pub(super) fn suspects(&self, crowds: &Crowds, actor: u64) -> Vec<Suspect> {
        self.accused(crowds)
            .take(SUSPECTS)
            .map(|client| Suspect {
                addr: client.source,
                port: client.port,
                proven: client.proven,
                forwarded: (client.source != client.addr).then_some(client.addr),
                actors: vec![actor],
            })
            .collect()
    }

    /// Share of the uses that were seen whole.
    pub(super) fn coverage(&self) -> f64 {
        1.0 - share(self.gaps, self.requests)
    }
}
