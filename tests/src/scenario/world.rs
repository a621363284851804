//! The API at work: users, their objects and tokens, and what it answers. Must not know who is honest.

use std::collections::HashMap;

use base64::{Engine as _, engine::general_purpose::STANDARD};

use super::{
    api::{Auth, Guard, Ids, ObjectKind, Plan, Shape},
    dice::Dice,
    token,
};

/// Users who share with one another.
const TEAM: usize = 8;
/// One in so many objects is open to whoever has the link.
pub const LINKED: usize = 50;

/// The state of one API.
#[derive(Debug)]
pub struct World<'a> {
    /// The API.
    pub plan: &'a Plan,
    /// Its users.
    pub accounts: Vec<Account>,
    /// Its objects, kind by kind.
    pub stores: Vec<Store>,
    by_name: HashMap<String, usize>,
    dice: Dice,
}

/// One user.
#[derive(Clone, Debug)]
pub struct Account {
    /// E-mail address, which is the name to log in with.
    pub name: String,
    /// Its number, the `sub` of its tokens.
    pub number: u64,
    /// Its password.
    pub password: String,
    /// Whether it is an administrator.
    pub admin: bool,
    /// Whether it is a program.
    pub service: bool,
    /// What each of its devices was handed out last.
    pub tokens: HashMap<usize, Issued>,
    /// How many objects of each kind it has beyond the rule of the API, and whether side by side.
    pub owns: HashMap<usize, usize>,
    /// Whether its ids follow one another.
    pub neighbours: bool,
}

/// A token.
#[derive(Clone, Debug)]
pub struct Issued {
    /// As sent.
    pub text: String,
    /// Since when it is there, microseconds.
    pub issued_us: u64,
    /// When it is no longer good, microseconds.
    pub expires_us: u64,
    /// What the next one is had for.
    pub refresh: String,
}

impl Account {
    /// What this device was handed out last.
    pub fn token(&self, device: usize) -> Option<&Issued> {
        self.tokens.get(&device)
    }
}

impl Issued {
    /// Whether it has been handed out, and has not expired.
    pub fn is_good(&self, now_us: u64) -> bool {
        (self.issued_us..self.expires_us).contains(&now_us)
    }
}

/// All objects of one kind.
#[derive(Clone, Debug, Default)]
pub struct Store {
    /// Their ids.
    pub ids: Vec<String>,
    /// Whose they are; `None`: everybody's.
    pub owners: Vec<Option<usize>>,
    /// Indices by owner.
    pub of: HashMap<usize, Vec<usize>>,
    /// Indices of those that belong to nobody.
    pub public: Vec<usize>,
}

/// Which object is asked for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Asked {
    /// One that there is.
    Known(usize),
    /// An id that stands for nothing.
    Unknown(String),
}

/// The credential of a request.
#[derive(Clone, Debug, Default)]
pub struct Shown {
    /// As sent; `None`: none.
    pub text: Option<String>,
    /// Whose it is.
    pub account: Option<usize>,
    /// Whether the server takes it.
    pub good: bool,
}

/// One request, before it has the form of bytes.
#[derive(Clone, Debug)]
pub struct Call {
    /// Which endpoint.
    pub endpoint: usize,
    /// Which object.
    pub asked: Option<Asked>,
    /// The object that stands beside it in a parameter given twice.
    pub beside: Option<usize>,
    /// Which page.
    pub page: usize,
    /// What proves who asks.
    pub shown: Shown,
    /// Which of the user's devices asks.
    pub device: usize,
    /// The account and password to log in with.
    pub login: Option<(String, String)>,
    /// What a new token is asked for with, and whose it is.
    pub refresh: Option<String>,
    /// What is checked, where that is not the endpoint's own way.
    pub guard: Option<Guard>,
    /// The answer that comes anyway.
    pub forced: Option<u16>,
    /// The target, where it is none of the API's.
    pub path: Option<String>,
}

/// One answer.
#[derive(Clone, Debug, Default)]
pub struct Reply {
    /// Status code.
    pub status: u16,
    /// Further header lines, each with its end.
    pub head: String,
    /// JSON, or nothing.
    pub body: String,
}

impl<'a> World<'a> {
    /// An API without users.
    pub fn new(plan: &'a Plan, seed: u64) -> Self {
        Self {
            plan,
            accounts: Vec::new(),
            stores: vec![Store::default(); plan.kinds.len()],
            by_name: HashMap::new(),
            dice: Dice::of(seed, "world"),
        }
    }

    /// A new user.
    pub fn join(&mut self, admin: bool, service: bool) -> usize {
        const FIRST: [&str; 12] = [
            "anna", "ben", "carla", "david", "elif", "finn", "greta", "hugo", "ida", "jonas", "kira", "leo",
        ];
        let at = self.accounts.len();
        let first = FIRST.get(self.dice.below(FIRST.len())).copied().unwrap_or("max");
        let name = format!("{first}.{}{at}@mail.example", self.dice.hex(3));
        self.by_name.insert(name.clone(), at);
        self.accounts.push(Account {
            name,
            number: 70_000 + at as u64,
            password: format!("{}-{}", first, self.dice.hex(8)),
            admin,
            service,
            tokens: HashMap::new(),
            owns: HashMap::new(),
            neighbours: false,
        });
        at
    }

    /// Makes the objects of all users.
    pub fn populate(&mut self) {
        for kind in 0..self.plan.kinds.len() {
            let Some((_, about)) = self.plan.kinds.get(kind) else {
                continue;
            };
            let mut owners: Vec<Option<usize>> = vec![None; about.public];
            let mut blocks = Vec::new();
            for (at, account) in self.accounts.iter().enumerate() {
                let [low, high] = about.owned;
                let by_rule = if high == 0 || account.service {
                    0
                } else {
                    self.dice.zipf(1.3, low, high)
                };
                let many = account.owns.get(&kind).copied().unwrap_or(by_rule);
                if account.neighbours {
                    blocks.push((at, many));
                } else {
                    owners.extend(std::iter::repeat_n(Some(at), many));
                }
            }
            for at in (1..owners.len()).rev() {
                owners.swap(at, self.dice.below(at + 1));
            }
            for (account, many) in blocks {
                owners.extend(std::iter::repeat_n(Some(account), many));
            }
            for owner in owners {
                self.add(kind, owner);
            }
        }
    }

    /// One more object of this kind.
    fn add(&mut self, kind: usize, owner: Option<usize>) -> Option<usize> {
        let (name, about) = self.plan.kinds.get(kind)?;
        let store = self.stores.get_mut(kind)?;
        let at = store.ids.len();
        let number = about.first + at as u64;
        store.ids.push(match about.ids {
            Ids::Number => number.to_string(),
            Ids::Prefixed => format!("{}-{number}", name.get(..3).unwrap_or(name).to_uppercase()),
            Ids::Uuid => self.dice.uuid(),
            Ids::Hex => self.dice.hex(24),
            Ids::Slug => format!("{name}-{}-{number}", self.dice.hex(5)),
            Ids::Ulid => self.dice.ulid(at),
            Ids::Snowflake => {
                (100_000_000_000_000_000 + number * 4_194_304 + self.dice.roll() % 4_194_304).to_string()
            }
            Ids::Global => STANDARD.encode(format!("{name}:{number}")),
            Ids::Key => format!("2026/{:02}/{}/{number}.jpg", 1 + at % 12, self.dice.hex(6)),
        });
        store.owners.push(owner);
        match owner {
            Some(owner) => store.of.entry(owner).or_default().push(at),
            None => store.public.push(at),
        }
        Some(at)
    }

    /// Hands a device of a user a new token.
    pub fn issue(&mut self, account: usize, device: usize, now_us: u64) {
        let (auth, renews) = (self.plan.api.auth, self.renews());
        let life_us = self.plan.api.token_minutes * 60_000_000;
        let Some(user) = self.accounts.get_mut(account) else {
            return;
        };
        let lasts = user.service || matches!(auth, Auth::Key | Auth::Basic);
        let expires_us = if lasts {
            now_us.saturating_add(400 * 86_400_000_000)
        } else {
            now_us + life_us
        };
        let text = token::make(
            auth,
            user,
            &self.plan.api.host,
            now_us,
            expires_us,
            &mut self.dice,
        );
        let refresh = if renews {
            format!("rt_{}", self.dice.hex(40))
        } else {
            String::new()
        };
        user.tokens.insert(
            device,
            Issued {
                text,
                issued_us: now_us,
                expires_us,
                refresh,
            },
        );
    }

    /// The id of what an object belongs to: one of its owner's of this kind.
    pub fn parent(&self, name: &str, call: &Call, kind: Option<usize>) -> Option<&str> {
        let of = self.plan.kinds.iter().position(|(known, _)| known == name)?;
        let owner = match (&call.asked, kind.and_then(|kind| self.stores.get(kind))) {
            (Some(Asked::Known(at)), Some(store)) => *store.owners.get(*at)?,
            _ => call.shown.account,
        };
        let store = self.stores.get(of)?;
        let all = owner
            .and_then(|owner| store.of.get(&owner))
            .unwrap_or(&store.public);
        let turn = match call.asked {
            Some(Asked::Known(at)) => at,
            _ => call.page,
        };
        let at = all.get(turn % all.len().max(1))?;
        store.ids.get(*at).map(String::as_str)
    }

    /// The account of this name.
    pub fn account(&self, name: &str) -> Option<usize> {
        self.by_name.get(name).copied()
    }

    /// What the API answers.
    pub fn answer(&mut self, call: &Call, now_us: u64) -> Reply {
        let plan = self.plan;
        let Some(endpoint) = plan.endpoints.get(call.endpoint).filter(|_| call.path.is_none()) else {
            return refusal(call.forced.unwrap_or(404));
        };
        if let Some(token) = &call.refresh {
            return self.renew(call, token, now_us);
        }
        if let Some(status) = call.forced {
            return refusal(status);
        }
        if endpoint.file.login {
            return self.log_in(call, now_us);
        }
        if !endpoint.file.open && !call.shown.good {
            return self.unknown(now_us);
        }
        let me = call.shown.account;
        let guard = call.guard.unwrap_or(endpoint.file.guard);
        let admin = me
            .and_then(|me| self.accounts.get(me))
            .is_some_and(|account| account.admin || account.service);
        if endpoint.file.admin && !admin && guard != Guard::None {
            return refusal(403);
        }
        let status = endpoint.file.status.unwrap_or(200);
        let body = if let Some(kind) = endpoint.creates {
            let made = self.add(kind, me);
            made.map(|at| self.object(kind, at)).unwrap_or_default()
        } else if let Some(kind) = endpoint.lists {
            let all = endpoint.file.admin;
            self.list(kind, me, call.page, endpoint.file.page_len, all)
        } else if let (Some(kind), Some(asked)) = (endpoint.object, &call.asked) {
            match self.one(kind, asked, call, me, admin, guard) {
                Ok(body) => body,
                Err(_) if plan.api.shape == Shape::Graph => return nothing(),
                Err(status) => return refusal(status),
            }
        } else {
            let number = me.map_or(0, |me| 70_000 + me);
            format!(r#"{{"ok":true,"user_id":{number},"at":{}}}"#, now_us / 1_000_000)
        };
        let mut body = if status == 204 {
            String::new()
        } else {
            fill(body, endpoint.file.filling_bytes)
        };
        if let Some(what) = endpoint.file.leaks.as_deref() {
            body = leak(&body, what, &mut self.dice);
        }
        let status = if endpoint.creates.is_some() { 201 } else { status };
        Reply {
            status,
            head: String::new(),
            body,
        }
    }

    /// One object, or the status that says why not.
    fn one(
        &self,
        kind: usize,
        asked: &Asked,
        call: &Call,
        me: Option<usize>,
        admin: bool,
        guard: Guard,
    ) -> Result<String, u16> {
        let Asked::Known(at) = *asked else {
            return Err(404);
        };
        let owner = self.stores.get(kind).and_then(|store| *store.owners.get(at)?);
        let mine = owner.is_none() || owner == me || admin;
        let given = call.guard.is_none() && self.is_shared(kind, me, at);
        match guard {
            _ if mine || given => {}
            Guard::None => {}
            Guard::Mixed if at.is_multiple_of(2) => {}
            Guard::Forbidden | Guard::Mixed => return Err(403),
            Guard::Hidden => return Err(404),
        }
        Ok(self.object(kind, at))
    }

    fn log_in(&mut self, call: &Call, now_us: u64) -> Reply {
        let right = call.login.as_ref().and_then(|(name, password)| {
            let at = self.account(name)?;
            (self.accounts.get(at)?.password == *password).then_some(at)
        });
        let Some(at) = right else {
            return refusal(401);
        };
        self.hand_out(at, call.device, now_us)
    }

    /// The answer to somebody whose credential is not good.
    fn unknown(&self, now_us: u64) -> Reply {
        let mut reply = refusal(401);
        if self.plan.api.sessions_for_all {
            reply.head = format!("Set-Cookie: sid={now_us:032x}; Path=/; HttpOnly\r\n");
        }
        reply
    }

    /// A new token for one that has expired.
    fn renew(&mut self, call: &Call, token: &str, now_us: u64) -> Reply {
        let Some(at) = call.shown.account else {
            return refusal(401);
        };
        let known = self.accounts.get(at).and_then(|a| a.token(call.device));
        if known.is_none_or(|known| known.refresh != token) {
            return refusal(401);
        }
        self.hand_out(at, call.device, now_us)
    }

    /// Whether tokens are renewed.
    fn renews(&self) -> bool {
        self.plan.endpoints.iter().any(|endpoint| endpoint.file.renews())
    }

    /// A new token, as an answer.
    fn hand_out(&mut self, at: usize, device: usize, now_us: u64) -> Reply {
        self.issue(at, device, now_us);
        let Some((account, issued)) = self.accounts.get(at).and_then(|a| Some((a, a.token(device)?))) else {
            return refusal(500);
        };
        let refresh = if self.renews() {
            format!(r#""refresh_token":"{}","#, issued.refresh)
        } else {
            String::new()
        };
        let seconds = self.plan.api.token_minutes * 60;
        if self.plan.api.auth == Auth::Session {
            return Reply {
                status: 200,
                head: format!(
                    "Set-Cookie: sid={}; Path=/; HttpOnly; SameSite=Lax\r\n",
                    issued.text
                ),
                body: format!(r#"{{"user":{{"id":{}}}}}"#, account.number),
            };
        }
        Reply {
            status: 200,
            head: String::new(),
            body: format!(
                r#"{{"access_token":"{}","token_type":"Bearer",{refresh}"expires_in":{seconds},"user":{{"id":{}}}}}"#,
                issued.text, account.number
            ),
        }
    }

    /// Whether a user may see an object of another: of those that are shared at all, a fifth are the team's, and some
    /// are open to whoever has the link.
    pub fn is_shared(&self, kind: usize, me: Option<usize>, at: usize) -> bool {
        let shares = self.plan.kinds.get(kind).is_some_and(|(_, about)| about.shared);
        let owner = self.stores.get(kind).and_then(|store| *store.owners.get(at)?);
        let mates = me.zip(owner).is_some_and(|(me, owner)| me / TEAM == owner / TEAM);
        shares && (at.is_multiple_of(LINKED) || mates && at.is_multiple_of(5))
    }

    /// What a user's team shares with it.
    pub fn team_objects(&self, kind: usize, me: usize) -> Vec<usize> {
        let Some(store) = self.stores.get(kind) else {
            return Vec::new();
        };
        let first = me / TEAM * TEAM;
        (first..first + TEAM)
            .filter(|mate| *mate != me)
            .filter_map(|mate| store.of.get(&mate))
            .flatten()
            .copied()
            .filter(|at| self.is_shared(kind, Some(me), *at))
            .collect()
    }

    fn list(&self, kind: usize, me: Option<usize>, page: usize, len: usize, all: bool) -> String {
        let Some(store) = self.stores.get(kind) else {
            return String::new();
        };
        let mut of: Vec<usize>;
        let of: &[usize] = if all {
            of = (0..store.ids.len()).collect();
            &of
        } else if store.public.is_empty() {
            of = me.and_then(|me| store.of.get(&me)).cloned().unwrap_or_default();
            of.extend(me.map(|me| self.team_objects(kind, me)).unwrap_or_default());
            &of
        } else {
            &store.public
        };
        let items: Vec<String> = of
            .iter()
            .skip(page * len)
            .take(len)
            .map(|at| self.object(kind, *at))
            .collect();
        let (items, total) = (items.join(","), of.len());
        match self.plan.api.shape {
            Shape::Items | Shape::Links => format!(r#"{{"items":[{items}],"page":{page},"total":{total}}}"#),
            Shape::Array => format!("[{items}]"),
            Shape::Graph => {
                let items = items
                    .replace(r#"{"data":{"node":{"#, r#"{"node":{"#)
                    .replace("}}}", "}}");
                let name = self.plan.kinds.get(kind).map_or("", |(name, _)| name);
                format!(r#"{{"data":{{"{name}s":{{"edges":[{items}],"totalCount":{total}}}}}}}"#)
            }
        }
    }

    fn object(&self, kind: usize, at: usize) -> String {
        let store = self.stores.get(kind);
        let id = store.and_then(|s| s.ids.get(at)).map_or("", String::as_str);
        let owner = store.and_then(|s| s.owners.get(at)).copied().flatten();
        let Some((name, ObjectKind { ids, field, .. })) = self.plan.kinds.get(kind) else {
            return String::new();
        };
        let shape = self.plan.api.shape;
        let said = match (shape, ids) {
            (Shape::Links, _) => format!(r#""links":{{"self":"/{name}s/{id}"}}"#),
            (_, Ids::Number) => format!(r#""{field}":{id}"#),
            _ => format!(r#""{field}":"{id}""#),
        };
        let owner = match (self.plan.api.owner_field.as_str(), owner) {
            ("", _) | (_, None) => String::new(),
            (of, Some(owner)) => format!(r#""{of}":{},"#, 70_000 + owner),
        };
        let object = format!(
            r#"{{{said},{owner}"kind":"{name}","state":"active","total":"{}.90"}}"#,
            at % 97
        );
        if shape == Shape::Graph {
            format!(r#"{{"data":{{"node":{object}}}}}"#)
        } else {
            object
        }
    }
}

/// With so many bytes of filling.
fn fill(mut body: String, bytes: usize) -> String {
    if bytes > 0 && body.ends_with('}') {
        body.pop();
        body.push_str(r#","note":""#);
        body.push_str(&"n".repeat(bytes));
        body.push_str(r#""}"#);
    }
    body
}

fn leak(body: &str, what: &str, dice: &mut Dice) -> String {
    let secret = match what {
        "private-key" => format!(
            "-----BEGIN RSA PRIVATE KEY-----\\n{}\\n-----END RSA PRIVATE KEY-----",
            dice.hex(64)
        ),
        _ => format!(
            "AKIA{}",
            dice.hex(16).to_uppercase().replace(['0', '1', '8', '9'], "Q")
        ),
    };
    body.strip_suffix('}').map_or_else(
        || body.to_owned(),
        |head| format!(r#"{head},"config":"{secret}"}}"#),
    )
}

/// What a query language answers about what one may not see.
fn nothing() -> Reply {
    Reply {
        status: 200,
        head: String::new(),
        body: r#"{"data":{"node":null},"errors":[{"message":"not authorized","path":["node"]}]}"#.to_owned(),
    }
}

fn refusal(status: u16) -> Reply {
    let body = match status {
        204 | 304 => String::new(),
        200..=299 => r#"{"ok":true}"#.to_owned(),
        401 => r#"{"error":"invalid credentials"}"#.to_owned(),
        403 => r#"{"error":"forbidden"}"#.to_owned(),
        404 => r#"{"error":"not found"}"#.to_owned(),
        _ => format!(r#"{{"error":"status {status}"}}"#),
    };
    Reply {
        status,
        head: String::new(),
        body,
    }
}
