//! One actor: what it does next. Must not know how it is judged.

use std::{collections::VecDeque, net::IpAddr};

use super::{
    api::{Auth, Guard},
    dice::Dice,
    file::{Manner, Pick, Span, Times, Token, Twice},
    picks::Picker,
    program::Program,
    token,
    wire::Connection,
    world::{Call, Shown, World},
};

/// Somebody who sends requests.
#[derive(Debug)]
pub struct Actor {
    /// Number of the attack that it is part of; `None`: honest.
    pub episode: Option<usize>,
    /// Name of its group.
    pub group: String,
    /// Its own chance.
    pub dice: Dice,
    /// The accounts that it may use.
    pub accounts: Vec<usize>,
    /// Which of the user's devices it is.
    pub device: usize,
    /// With more than one account: requests until it takes the next.
    pub per_account: usize,
    /// Where it comes from: the first; others as its way says.
    pub addresses: Vec<IpAddr>,
    /// How its address changes.
    pub way: Way,
    /// What it uses.
    pub program: Program,
    /// What it does.
    pub steps: Vec<Step>,
    /// How often after the first time.
    pub repeat: usize,
    /// Pause between.
    pub rest: Span,
    /// Nothing is begun after this, microseconds.
    pub until_us: u64,
    /// Whether it is a person of the crowd, who mistypes and roams.
    pub human: bool,
    /// Whether its credential is somebody else's: it has what there is, and cannot log in for another.
    pub borrows: bool,
    /// Its connections.
    pub connections: Vec<Connection>,
    /// Requests sent.
    pub sent: usize,
    /// Where it is in its steps.
    pub place: Place,
    /// What is to be sent before the steps go on.
    pub queue: VecDeque<(Call, Option<Twice>)>,
}

/// How an actor's address changes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Way {
    /// Not at all.
    Stays,
    /// Any of them, another one after some requests.
    Any,
    /// To one that it had not before, now and then.
    Moves,
}

/// A step, with its names resolved.
#[derive(Clone, Debug)]
pub struct Step {
    /// What.
    pub what: What,
    /// How.
    pub manner: Manner,
}

/// What is done in a step.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum What {
    /// Asks an endpoint.
    Endpoint(usize),
    /// Does what users do.
    Browse,
    /// Nothing.
    Wait,
}

/// Where an actor is.
#[derive(Debug, Default)]
pub struct Place {
    step: usize,
    left: Option<usize>,
    done: usize,
    typos: Option<usize>,
    picker: Picker,
}

/// What an actor does now.
#[derive(Debug)]
pub enum Act {
    /// A request; the next thing so many seconds later.
    Send(Box<Call>, Option<Twice>, f64),
    /// Nothing for so many seconds.
    Pause(f64),
    /// It has gone.
    Over,
}

impl Actor {
    /// What it does at this time.
    pub fn act(&mut self, world: &mut World<'_>, now_us: u64) -> Act {
        if let Some((mut call, twice)) = self.queue.pop_front() {
            // Sent again as it was: what carried no credential still carries none.
            if call.shown.text.is_some() {
                call.shown = self.show(world, Token::Kept, false, now_us);
            }
            return Act::Send(Box::new(call), twice, self.dice.between(0.1, 1.0));
        }
        let Some(step) = self.steps.get(self.place.step).cloned() else {
            return self.again();
        };
        if self.place.left.is_none() {
            if now_us > self.until_us {
                return Act::Over;
            }
            self.begin(&step, world);
        }
        if self.place.left == Some(0) {
            self.place.left = None;
            self.place.step += 1;
            return Act::Pause(0.0);
        }
        match step.what {
            What::Wait => {
                self.place.left = Some(0);
                Act::Pause(self.gap(&step))
            }
            What::Browse => self.browse(&step, world, now_us),
            What::Endpoint(endpoint) => self.ask(endpoint, &step, world, now_us),
        }
    }

    /// From the first step on, if it comes back.
    fn again(&mut self) -> Act {
        if self.repeat == 0 {
            return Act::Over;
        }
        self.repeat -= 1;
        self.place = Place::default();
        Act::Pause(self.dice.between(self.rest.low, self.rest.high))
    }

    /// Enters a step.
    fn begin(&mut self, step: &Step, world: &World<'_>) {
        let me = self.me();
        let endpoint = match step.what {
            What::Endpoint(at) => world.plan.endpoints.get(at),
            _ => None,
        };
        let kind = endpoint.and_then(|e| e.object.or(e.lists));
        let store = kind.and_then(|kind| world.stores.get(kind));
        let own = || store.and_then(|s| s.of.get(&me?)).map_or(0, Vec::len);
        let pages = |many: usize| match endpoint {
            Some(endpoint) if endpoint.lists.is_some() => many.div_ceil(endpoint.file.page_len.max(1)),
            _ => many,
        };
        let times = match &step.manner.times {
            Some(Times::Number(times)) => *times,
            Some(Times::Word(word)) if word == "all" => pages(store.map_or(0, |s| s.ids.len())),
            Some(Times::Word(word)) if word == "public" => pages(store.map_or(0, |s| s.public.len())),
            Some(Times::Word(_)) => pages(own()),
            None if step.what == What::Browse => self.session_len(),
            None => 1,
        };
        self.place.left = Some(times);
        self.place.done = 0;
        self.place.picker = Picker::new(times);
    }

    /// Calls of a session: log-normal, median 16.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "1 to 200")]
    fn session_len(&mut self) -> usize {
        let normal: f64 = (0..12).map(|_| self.dice.unit()).sum::<f64>() - 6.0;
        (2.77 + 0.9 * normal).exp().clamp(1.0, 200.0) as usize
    }

    /// The account that it uses now.
    fn me(&self) -> Option<usize> {
        let turn = self.sent.checked_div(self.per_account).unwrap_or(0);
        self.accounts.get(turn % self.accounts.len().max(1)).copied()
    }

    fn gap(&mut self, step: &Step) -> f64 {
        let every = step.manner.every.unwrap_or(Span { low: 0.3, high: 2.0 });
        self.dice.between(every.low, every.high)
    }

    /// One of the things that users do.
    fn browse(&mut self, step: &Step, world: &mut World<'_>, now_us: u64) -> Act {
        let total: u32 = world.plan.habits.iter().map(|(_, weight)| weight).sum();
        let mut at = self.dice.below(total as usize);
        let mut endpoint = 0;
        for (habit, weight) in &world.plan.habits {
            endpoint = *habit;
            match at.checked_sub(*weight as usize) {
                Some(rest) => at = rest,
                None => break,
            }
        }
        let act = self.ask(endpoint, step, world, now_us);
        let burst = self.dice.chance(0.7);
        match (act, step.manner.every) {
            (Act::Send(call, twice, _), None) => {
                let gap = if burst {
                    self.dice.between(0.1, 2.0)
                } else {
                    self.dice.between(2.0, 40.0)
                };
                Act::Send(call, twice, gap)
            }
            (act, _) => act,
        }
    }

    /// Asks an endpoint, or logs in first where that is needed.
    fn ask(&mut self, endpoint: usize, step: &Step, world: &mut World<'_>, now_us: u64) -> Act {
        let about = world.plan.endpoints.get(endpoint);
        let login = about.is_some_and(|e| e.file.login);
        let open = about.is_some_and(|e| e.file.open);
        let manner = &step.manner;
        let token = manner.token.unwrap_or(Token::Own);
        if !login
            && !open
            && token == Token::Own
            && !self.borrows
            && let Some(act) = self.log_in_first(world, now_us)
        {
            return act;
        }
        self.place.left = self.place.left.map(|left| left.saturating_sub(1));
        let done = self.place.done;
        self.place.done += 1;
        let gap = self.gap(step);
        let mut call = Call {
            endpoint,
            asked: None,
            beside: None,
            page: done,
            shown: Shown::default(),
            device: self.device,
            login: None,
            refresh: None,
            guard: manner.guard,
            forced: None,
            path: manner
                .words
                .as_ref()
                .map(|list| self.place.picker.word(list, &mut self.dice)),
        };
        if manner.pick == Some(Pick::Same) {
            call.page = 0;
        }
        if step.what == What::Browse {
            call.page = if self.dice.chance(0.85) {
                0
            } else {
                self.dice.below(4)
            };
        }
        if login {
            call.login = self.place.picker.login(manner, self.me(), world, &mut self.dice);
        } else if !open || manner.token.is_some() || self.is_logged_in(world, now_us) {
            call.shown = self.show(world, token, manner.guard == Some(Guard::None), now_us);
        }
        if let Some(kind) = about.and_then(|e| e.object) {
            let me = call.shown.account.or(self.me());
            let pick = manner.pick.unwrap_or_else(|| self.habit(kind, world));
            let owner = if token == Token::Others { self.me() } else { me };
            let asked = self
                .place
                .picker
                .object(kind, pick, manner, owner, world, &mut self.dice);
            if asked.is_none() {
                return Act::Pause(gap);
            }
            call.asked = asked;
            call.beside = world
                .stores
                .get(kind)
                .and_then(|s| s.of.get(&me?)?.first().copied());
        }
        let share = f64::from(manner.status_percent.unwrap_or(100)) / 100.0;
        call.forced = manner.status.filter(|_| self.dice.chance(share));
        let again = manner.again.unwrap_or(if self.human { 0.015 } else { 0.0 });
        if !login && self.dice.chance(again) {
            self.queue.push_back((call.clone(), manner.twice));
        }
        self.sent += 1;
        Act::Send(Box::new(call), manner.twice, gap)
    }

    /// Whether it has a credential: programs that have one send it everywhere.
    fn is_logged_in(&self, world: &World<'_>, now_us: u64) -> bool {
        let account = self.me().and_then(|me| world.accounts.get(me));
        account
            .and_then(|account| account.token(self.device))
            .is_some_and(|token| token.is_good(now_us))
    }

    /// What users look at: their own, now and then what others shared with them, or what is everybody's.
    fn habit(&mut self, kind: usize, world: &World<'_>) -> Pick {
        let store = world.stores.get(kind);
        let own = store.is_some_and(|s| self.me().is_some_and(|me| s.of.contains_key(&me)));
        match store {
            Some(store) if !store.public.is_empty() && (!own || self.dice.chance(0.7)) => Pick::Public,
            _ if own && self.dice.chance(0.97) => Pick::Own,
            _ => Pick::Shared,
        }
    }

    /// The login that must come before the next request, if one must.
    fn log_in_first(&mut self, world: &mut World<'_>, now_us: u64) -> Option<Act> {
        let me = self.me()?;
        let account = world.accounts.get(me)?;
        let old = account.token(self.device);
        if old.is_some_and(|token| token.is_good(now_us)) {
            return None;
        }
        let refresh = world.plan.endpoints.iter().position(|e| e.file.renews());
        if let (Some(endpoint), Some(old)) = (refresh, old) {
            let call = Call {
                endpoint,
                asked: None,
                beside: None,
                page: 0,
                shown: Shown {
                    account: Some(me),
                    ..Shown::default()
                },
                device: self.device,
                login: None,
                refresh: Some(old.refresh.clone()),
                guard: None,
                forced: None,
                path: None,
            };
            self.sent += 1;
            let gap = self.dice.between(0.1, 0.8);
            return Some(Act::Send(Box::new(call), None, gap));
        }
        let endpoint = world.plan.endpoints.iter().position(|e| e.file.login);
        let (Some(endpoint), false) = (endpoint, account.service) else {
            world.issue(me, self.device, now_us);
            return None;
        };
        let name = account.name.clone();
        let right = account.password.clone();
        let typos = match self.place.typos {
            Some(typos) => typos,
            None if !self.human => 0,
            None => match self.dice.unit() {
                x if x < 0.01 => 3,
                x if x < 0.09 => 1,
                _ => 0,
            },
        };
        self.place.typos = Some(typos.saturating_sub(1));
        let password = if typos > 0 {
            format!("{right}{}", self.dice.hex(1))
        } else {
            right
        };
        let call = Call {
            endpoint,
            asked: None,
            beside: None,
            page: 0,
            shown: Shown::default(),
            device: self.device,
            login: Some((name, password)),
            refresh: None,
            guard: None,
            forced: None,
            path: None,
        };
        let gap = if typos > 0 {
            self.dice.between(2.0, 8.0)
        } else {
            self.dice.between(0.1, 0.8)
        };
        self.sent += 1;
        Some(Act::Send(Box::new(call), None, gap))
    }

    /// The credential that it shows.
    fn show(&mut self, world: &mut World<'_>, token: Token, hole: bool, now_us: u64) -> Shown {
        let account = match token {
            // Of those who are there: what was never handed out cannot be stolen.
            Token::Others => (0..256)
                .map(|_| self.dice.below(world.accounts.len()))
                .find(|at| {
                    let issued = world.accounts.get(*at).and_then(|a| a.token(0));
                    issued.is_some_and(|token| token.is_good(now_us))
                }),
            _ => self.me(),
        };
        let Some(account) = account.filter(|_| token != Token::None) else {
            // Where the server does not look, nobody is as good as anybody.
            return Shown {
                good: hole,
                ..Shown::default()
            };
        };
        let device = if token == Token::Others { 0 } else { self.device };
        let needs = world
            .accounts
            .get(account)
            .is_some_and(|a| a.token(device).is_none());
        if needs {
            world.issue(account, device, now_us);
        }
        let issued = world.accounts.get(account).and_then(|a| a.token(device).cloned());
        let Some(issued) = issued else {
            return Shown::default();
        };
        let (text, good) = match token {
            Token::MadeUp => (self.made_up(world, account, now_us), false),
            Token::Expired | Token::Unsigned | Token::Future => {
                (Self::flawed(world, account, token, now_us), true)
            }
            _ => (issued.text.clone(), issued.is_good(now_us)),
        };
        Shown {
            text: Some(text),
            account: Some(account),
            good,
        }
    }

    fn made_up(&mut self, world: &World<'_>, account: usize, now_us: u64) -> String {
        let host = &world.plan.api.host;
        let mut ghost = world.accounts.get(account).cloned();
        if let Some(ghost) = &mut ghost {
            ghost.number = 70_000 + self.dice.below(20_000) as u64;
            ghost.name = self.dice.hex(8);
        }
        ghost.map_or(String::new(), |ghost| {
            let later = now_us + 3_600_000_000;
            token::make(world.plan.api.auth, &ghost, host, now_us, later, &mut self.dice)
        })
    }

    fn flawed(world: &World<'_>, account: usize, flaw: Token, now_us: u64) -> String {
        const HOUR_US: u64 = 3_600_000_000;
        let (Some(user), Auth::Jwt) = (world.accounts.get(account), world.plan.api.auth) else {
            return String::new();
        };
        // One token for the whole attack: the same dice make the same signature.
        let mut dice = Dice::of(user.number, "flawed");
        let began = now_us - now_us % (24 * HOUR_US);
        let (alg, from, until) = match flaw {
            Token::Unsigned => ("none", began, began + 48 * HOUR_US),
            Token::Future => ("HS256", began + 72 * HOUR_US, began + 96 * HOUR_US),
            _ => ("HS256", began - 96 * HOUR_US, began - 48 * HOUR_US),
        };
        let issued = if flaw == Token::Future { began } else { from };
        token::jwt(alg, user, &world.plan.api.host, from, until, issued, &mut dice)
    }

    /// Where the next request comes from.
    pub fn address(&mut self) -> Option<IpAddr> {
        match self.way {
            Way::Any if self.sent.is_multiple_of(3) => {
                let to = self.dice.below(self.addresses.len());
                self.addresses.swap(0, to);
            }
            Way::Moves if self.addresses.len() > 1 && self.dice.chance(0.03) => {
                self.addresses.remove(0);
            }
            _ => {}
        }
        self.addresses.first().copied()
    }
}
