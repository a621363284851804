//! Sets a scenario up: accounts, addresses, the crowd and the cast. Must not know how it is judged.

use std::{
    collections::{HashMap, HashSet, VecDeque},
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};

use anyhow::{Context as _, Result, bail};

use super::{
    actor::{Actor, Place as At, Step, Way, What},
    api::Auth,
    dice::Dice,
    file::{Group, Manner, Named, Place, Span, Who},
    program::Program,
    world::World,
};

/// When scenarios begin: 2026-01-12 08:00 UTC, a Monday.
pub const START_US: u64 = 1_768_204_800_000_000;

/// One attack, by its label.
#[derive(Clone, Debug)]
pub struct Episode {
    /// Name of its group.
    pub group: String,
    /// The detectors that must find it.
    pub attack: Vec<String>,
    /// Those that may.
    pub also: Vec<String>,
}

/// A scenario, ready to be played.
#[derive(Debug)]
pub struct Stage<'a> {
    /// The API.
    pub world: World<'a>,
    /// Everybody, and when each begins, microseconds.
    pub actors: Vec<(u64, Actor)>,
    /// The attacks.
    pub episodes: Vec<Episode>,
    /// Times in which the API fails now and then, microseconds.
    pub outages: Vec<(u64, u64)>,
    /// The proxy through which all come.
    pub proxy: Option<IpAddr>,
}

/// Hands out addresses, each once.
struct Addresses {
    dice: Dice,
    used: HashSet<IpAddr>,
}

impl Addresses {
    fn v4(&mut self) -> IpAddr {
        loop {
            let [a, b, c] = [
                40 + self.dice.below(50),
                self.dice.below(250),
                self.dice.below(250),
            ]
            .map(|n| u8::try_from(n).unwrap_or(0));
            let d = u8::try_from(1 + self.dice.below(250)).unwrap_or(1);
            let addr = IpAddr::V4(Ipv4Addr::new(a, b, c, d));
            if self.used.insert(addr) {
                return addr;
            }
        }
    }

    fn v6(&mut self) -> IpAddr {
        let word = |dice: &mut Dice| u16::try_from(dice.below(65_536)).unwrap_or(0);
        let mut words: [u16; 8] = std::array::from_fn(|_| word(&mut self.dice));
        words[0] = 0x2a02;
        words[4] = 0;
        IpAddr::V6(Ipv6Addr::from(words))
    }

    fn any(&mut self) -> IpAddr {
        if self.dice.chance(0.25) {
            self.v6()
        } else {
            self.v4()
        }
    }
}

/// Puts everybody in place. `crowd` is by how much the crowd is larger than the file says.
pub fn set(named: &Named, seed: u64, crowd: f64) -> Result<Stage<'_>> {
    let scenario = &named.scenario;
    let mut build = Build {
        world: World::new(&named.plan, seed ^ Dice::of(0, &named.name).roll()),
        addresses: Addresses {
            dice: Dice::of(seed, &named.name),
            used: HashSet::new(),
        },
        dice: Dice::of(seed, &format!("{}/stage", named.name)),
        seed: Dice::of(seed, &format!("{}/actors", named.name)).roll(),
        nats: Vec::new(),
        members: HashMap::new(),
        actors: Vec::new(),
        episodes: Vec::new(),
    };
    build.crowd(scenario.crowd, crowd, scenario.nat, scenario.minutes);
    // Groups that others lean on come first.
    let leans = |group: &Group| matches!(group.who, Who::As(_)) || matches!(group.address, Place::Of(_));
    let (later, first): (Vec<_>, Vec<_>) = scenario.cast.iter().partition(|(_, group)| leans(group));
    for (name, group) in first.into_iter().chain(later) {
        build.group(name, group).with_context(|| format!("cast.{name}"))?;
    }
    build.world.populate();
    for (begins, actor, known) in &mut build.actors {
        let at = begins.saturating_sub(60_000_000);
        for account in actor.accounts.iter().filter(|_| *known) {
            // Several who share an account share what it was handed out when the first of them came.
            let token = build
                .world
                .accounts
                .get(*account)
                .and_then(|a| a.token(actor.device));
            if token.is_none_or(|token| token.issued_us > at) {
                build.world.issue(*account, actor.device, at);
            }
        }
    }
    let end = START_US + micros(scenario.minutes * 60.0);
    let outages = if build.dice.chance(0.3) {
        let from = START_US + micros(scenario.minutes * 60.0 * build.dice.unit());
        vec![(from, (from + micros(build.dice.between(15.0, 60.0))).min(end))]
    } else {
        Vec::new()
    };
    Ok(Stage {
        world: build.world,
        actors: build
            .actors
            .into_iter()
            .map(|(at, actor, _)| (at, actor))
            .collect(),
        episodes: build.episodes,
        outages,
        proxy: scenario.proxy.then(|| IpAddr::V4(Ipv4Addr::new(10, 20, 0, 7))),
    })
}

/// Seconds as microseconds.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "some days at most"
)]
pub fn micros(seconds: f64) -> u64 {
    (seconds.max(0.0) * 1e6) as u64
}

struct Build<'a> {
    world: World<'a>,
    addresses: Addresses,
    dice: Dice,
    seed: u64,
    nats: Vec<IpAddr>,
    members: HashMap<String, Vec<(usize, IpAddr)>>,
    /// When each begins, who, and whether it has tokens from before.
    actors: Vec<(u64, Actor, bool)>,
    episodes: Vec<Episode>,
}

impl Build<'_> {
    /// The users that are there anyway.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "numbers of people"
    )]
    fn crowd(&mut self, users: usize, factor: f64, nat: f64, minutes: f64) {
        let users = (users as f64 * factor).round() as usize;
        let nats = ((users as f64 * nat) / 30.0).ceil() as usize;
        self.nats = (0..nats.max(1)).map(|_| self.addresses.v4()).collect();
        let until_us = START_US + micros(minutes * 60.0);
        for at in 0..users {
            let account = self.world.join(false, false);
            let behind = self.dice.chance(nat);
            let mut addresses = vec![if behind {
                self.nats
                    .get(at % self.nats.len())
                    .copied()
                    .unwrap_or_else(|| self.addresses.v4())
            } else {
                self.addresses.any()
            }];
            let program = Program::any(&mut self.dice);
            let roams = !behind && self.dice.chance(0.25);
            if roams {
                addresses.extend((0..4).map(|_| self.addresses.any()));
            }
            let begins = START_US + micros(self.dice.unit() * minutes * 30.0);
            let mut actor = self.actor("crowd", account);
            actor.addresses = addresses;
            actor.way = if roams { Way::Moves } else { Way::Stays };
            actor.program = program;
            actor.steps = vec![Step {
                what: What::Browse,
                manner: Manner::default(),
            }];
            actor.repeat = usize::MAX;
            actor.rest = Span {
                low: 120.0,
                high: 3600.0,
            };
            actor.until_us = until_us;
            actor.human = true;
            let known = self.dice.chance(0.4);
            self.actors.push((begins, actor, known));
        }
    }

    fn actor(&self, group: &str, account: usize) -> Actor {
        Actor {
            episode: None,
            group: group.to_owned(),
            dice: Dice::of(self.seed, &format!("{group}/{}", self.actors.len())),
            accounts: vec![account],
            device: 0,
            per_account: 0,
            addresses: Vec::new(),
            way: Way::Stays,
            program: Program::of("mobile", &mut Dice::new(1)),
            steps: Vec::new(),
            repeat: 0,
            rest: Span::default(),
            until_us: u64::MAX,
            human: false,
            borrows: false,
            connections: Vec::new(),
            sent: 0,
            place: At::default(),
            queue: VecDeque::new(),
        }
    }

    fn group(&mut self, name: &str, group: &Group) -> Result<()> {
        let steps = self.steps(group)?;
        let program = Program::of(group.program.as_deref().unwrap_or("mobile"), &mut self.dice);
        let shared = self.addresses.v4();
        let account = match group.who {
            Who::One | Who::Devices | Who::Service => Some(self.join(group)),
            _ => None,
        };
        let carrier: Vec<IpAddr> = match group.address {
            Place::Carrier(many) => (0..many).map(|_| self.addresses.v4()).collect(),
            _ => Vec::new(),
        };
        let mut members = Vec::new();
        for at in 0..group.count {
            let (accounts, per_account) = self.accounts(group, account, at)?;
            let (mut addresses, way) = self.places(&group.address, shared, at)?;
            addresses.extend(&carrier);
            members.push((
                accounts.first().copied().unwrap_or(usize::MAX),
                addresses.first().copied().unwrap_or(shared),
            ));
            let mut actor = self.actor(name, 0);
            if !group.attack.is_empty() {
                if at == 0 || !group.together {
                    self.episodes.push(Episode {
                        group: name.to_owned(),
                        attack: group.attack.clone(),
                        also: group.also.clone(),
                    });
                }
                actor.episode = Some(self.episodes.len() - 1);
            }
            if group.who == Who::Devices {
                actor.device = at;
            }
            (actor.accounts, actor.per_account) = (accounts, per_account);
            (actor.addresses, actor.way) = (addresses, way);
            actor.program = if group.program.as_deref() == Some("any") {
                Program::any(&mut self.dice)
            } else {
                program.clone()
            };
            actor.steps.clone_from(&steps);
            actor.repeat = group.repeat.saturating_sub(1);
            actor.rest = group.rest;
            let Span { low, high } = group.start;
            let begins = START_US + micros(low + (high - low) * self.dice.unit());
            actor.borrows = matches!(group.who, Who::As(_));
            let known = match group.who {
                // Its owner's token is there when its owner is.
                Who::As(_) => false,
                Who::User | Who::Devices => !self.logs_in(),
                _ => true,
            };
            self.actors.push((begins, actor, known));
        }
        self.members.insert(name.to_owned(), members);
        Ok(())
    }

    /// Whether users log in for what they show. Keys are made once, and long before.
    fn logs_in(&self) -> bool {
        !matches!(self.world.plan.api.auth, Auth::Key | Auth::Basic)
    }

    fn join(&mut self, group: &Group) -> usize {
        let account = self.world.join(group.admin, group.who == Who::Service);
        let kinds = &self.world.plan.kinds;
        let owns: HashMap<_, _> = group
            .owns
            .iter()
            .filter_map(|(name, many)| Some((kinds.iter().position(|(kind, _)| kind == name)?, *many)))
            .collect();
        if let Some(account) = self.world.accounts.get_mut(account) {
            account.owns = owns;
            account.neighbours = group.neighbours;
        }
        account
    }

    fn accounts(&mut self, group: &Group, one: Option<usize>, at: usize) -> Result<(Vec<usize>, usize)> {
        Ok(match &group.who {
            Who::Nobody => (Vec::new(), 0),
            Who::As(other) => {
                let members = self
                    .members
                    .get(other)
                    .with_context(|| format!("no group {other}"))?;
                let Some((account, _)) = members.get(at % members.len().max(1)) else {
                    bail!("{other} has no members");
                };
                (vec![*account], 0)
            }
            Who::Many(many, per_account) => ((0..*many).map(|_| self.join(group)).collect(), *per_account),
            _ => (vec![one.unwrap_or_else(|| self.join(group))], 0),
        })
    }

    fn places(&mut self, place: &Place, shared: IpAddr, at: usize) -> Result<(Vec<IpAddr>, Way)> {
        Ok(match place {
            Place::Own => (vec![self.addresses.any()], Way::Stays),
            Place::One => (vec![shared], Way::Stays),
            Place::Nat => (
                self.nats.get(at % self.nats.len()).copied().into_iter().collect(),
                Way::Stays,
            ),
            Place::Of(other) => {
                let members = self
                    .members
                    .get(other)
                    .with_context(|| format!("no group {other}"))?;
                let addr = members
                    .get(at % members.len().max(1))
                    .map_or(shared, |(_, addr)| *addr);
                (vec![addr], Way::Stays)
            }
            Place::Pool(many) => ((0..*many).map(|_| self.addresses.v4()).collect(), Way::Any),
            Place::Carrier(_) => (Vec::new(), Way::Any),
            Place::Roam => ((0..32).map(|_| self.addresses.any()).collect(), Way::Moves),
            Place::Dual => (vec![self.addresses.v4(), self.addresses.v6()], Way::Any),
        })
    }

    fn steps(&self, group: &Group) -> Result<Vec<Step>> {
        let plan = self.world.plan;
        let mut steps = Vec::new();
        for step in &group.steps {
            let what = match step.what.as_str() {
                "wait" => What::Wait,
                "browse" => What::Browse,
                name => What::Endpoint(plan.endpoint(name)?),
            };
            steps.push(Step {
                what,
                manner: over(&step.manner, &group.with),
            });
        }
        Ok(steps)
    }
}

/// What the step says, else what the group says.
fn over(step: &Manner, group: &Manner) -> Manner {
    Manner {
        times: step.times.clone().or_else(|| group.times.clone()),
        every: step.every.or(group.every),
        pick: step.pick.or(group.pick),
        by: step.by.or(group.by),
        guard: step.guard.or(group.guard),
        token: step.token.or(group.token),
        user: step.user.or(group.user),
        password: step.password.clone().or_else(|| group.password.clone()),
        status: step.status.or(group.status),
        status_percent: step.status_percent.or(group.status_percent),
        twice: step.twice.or(group.twice),
        again: step.again.or(group.again),
        words: step.words.clone().or_else(|| group.words.clone()),
    }
}
