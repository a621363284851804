//! Which object, which account, which word comes next. Must not know who asks.

use base64::{Engine as _, engine::general_purpose::STANDARD};

use super::{
    api::Ids,
    dice::Dice,
    file::{Manner, Pick},
    world::{Asked, LINKED, World},
};

/// Where one is in a step.
#[derive(Debug, Default)]
pub struct Picker {
    start: Option<usize>,
    steps: Option<usize>,
    done: usize,
    order: Vec<usize>,
    victim: Option<usize>,
    secret: Option<String>,
}

impl Picker {
    /// For a step of so many requests.
    pub fn new(steps: usize) -> Self {
        Self {
            steps: Some(steps),
            ..Self::default()
        }
    }

    /// The next object of this kind.
    pub fn object(
        &mut self,
        kind: usize,
        pick: Pick,
        manner: &Manner,
        me: Option<usize>,
        world: &World<'_>,
        dice: &mut Dice,
    ) -> Option<Asked> {
        let store = world.stores.get(kind)?;
        let (name, about) = world.plan.kinds.get(kind)?;
        let len = store.ids.len();
        let own = me
            .and_then(|me| store.of.get(&me))
            .map(Vec::as_slice)
            .unwrap_or_default();
        let done = self.done;
        self.done += 1;
        let room = len.saturating_sub(self.steps.unwrap_or(len / 2));
        let start = *self.start.get_or_insert_with(|| dice.below(room + 1));
        let by = usize::try_from(manner.by.unwrap_or(0)).unwrap_or(0);
        let foreign = |at: &usize| {
            store
                .owners
                .get(*at)
                .is_some_and(|owner| owner.is_some() && *owner != me)
        };
        let any = |dice: &mut Dice, of: &[usize]| of.get(dice.below(of.len())).copied();
        let at = match pick {
            Pick::Own => any(dice, own)?,
            Pick::OwnNext => *own.get(done % own.len().max(1))?,
            Pick::Same => *own.first().or(store.public.first())?,
            Pick::Up => start + done,
            Pick::Down => (start + self.steps.unwrap_or(len / 2))
                .min(len)
                .saturating_sub(done + 1),
            Pick::Stride => start + done * by.max(2),
            Pick::Random => dice.below(if by == 0 { len } else { by }),
            Pick::Foreign => (0..64).map(|_| dice.below(len)).find(foreign)?,
            Pick::Harvested => {
                if self.order.is_empty() {
                    self.order = (0..len).filter(foreign).collect();
                    shuffle(&mut self.order, dice);
                }
                *self.order.get(done % self.order.len().max(1))?
            }
            Pick::Shared => any(dice, &world.team_objects(kind, me?))?,
            Pick::Link => (0..4096)
                .map(|_| dice.below(len))
                .find(|at| foreign(at) && at.is_multiple_of(LINKED))?,
            Pick::Public => {
                // Some are asked for much more often than others.
                let at = dice.zipf(1.2, 1, store.public.len().max(1)) - 1;
                *store.public.get(at)?
            }
            Pick::PublicNext => *store.public.get(done % store.public.len().max(1))?,
            Pick::Missing => len + dice.below(100_000),
        };
        if at < len {
            return Some(Asked::Known(at));
        }
        Some(Asked::Unknown(match about.ids {
            Ids::Number => (about.first + at as u64).to_string(),
            Ids::Prefixed => {
                let example = store.ids.first().map_or("", String::as_str);
                let head = example.split('-').next().unwrap_or_default();
                format!("{head}-{}", about.first + at as u64)
            }
            Ids::Uuid => dice.uuid(),
            Ids::Hex => dice.hex(24),
            Ids::Slug | Ids::Key => format!("no-{}-{at}", dice.hex(5)),
            Ids::Ulid => dice.ulid(at),
            Ids::Snowflake => (100_000_000_000_000_000 + dice.roll() % 100_000_000_000_000).to_string(),
            Ids::Global => STANDARD.encode(format!("{name}:{}", about.first + at as u64)),
        }))
    }

    /// The next name and password.
    pub fn login(
        &mut self,
        manner: &Manner,
        me: Option<usize>,
        world: &World<'_>,
        dice: &mut Dice,
    ) -> Option<(String, String)> {
        let count = world.accounts.len();
        let at = match manner.user.unwrap_or(Pick::Own) {
            Pick::Same => *self.victim.get_or_insert_with(|| dice.below(count)),
            Pick::Harvested => {
                if self.order.is_empty() {
                    self.order = (0..count).collect();
                    shuffle(&mut self.order, dice);
                }
                *self.order.get(self.done % self.order.len().max(1))?
            }
            Pick::Missing => usize::MAX,
            Pick::Own => me?,
            _ => dice.below(count),
        };
        self.done += 1;
        let (name, right) = world.accounts.get(at).map_or_else(
            || (format!("{}@elsewhere.example", dice.hex(8)), String::new()),
            |account| (account.name.clone(), account.password.clone()),
        );
        let password = match manner.password.as_deref() {
            Some("one") => self
                .secret
                .get_or_insert_with(|| "Winter2026!".to_owned())
                .clone(),
            Some("wrong") => self.secret.get_or_insert_with(|| dice.hex(9)).clone(),
            Some("list") => dice.hex(10),
            // A list of stolen pairs, of which few are still right.
            Some("leaked") if dice.chance(0.98) => dice.hex(10),
            _ => right,
        };
        Some((name, password))
    }

    /// The next path that exists nowhere.
    pub fn word(&mut self, list: &str, dice: &mut Dice) -> String {
        let at = self.done;
        self.done += 1;
        match list {
            "dav" => format!("/remote.php/dav/files/me/Photos/2026/IMG_{}.jpg", 4000 + at),
            "assets" => {
                const ASSETS: [&str; 6] = [
                    "/favicon.ico",
                    "/apple-touch-icon.png",
                    "/robots.txt",
                    "/manifest.json",
                    "/assets/app.css.map",
                    "/assets/vendor.js.map",
                ];
                ASSETS.get(at % ASSETS.len()).copied().unwrap_or("/").to_owned()
            }
            "routes" => format!("/app/{}/view", dice.hex(3)),
            _ => {
                const ROOTS: [&str; 40] = [
                    "admin",
                    "backup",
                    ".git/config",
                    ".env",
                    "wp-login.php",
                    "phpmyadmin",
                    "server-status",
                    "actuator/env",
                    "actuator/heapdump",
                    "api/v0/users",
                    "api/internal",
                    "debug/pprof",
                    "swagger.json",
                    "openapi.json",
                    "graphql/console",
                    "config.json",
                    "config.yml",
                    ".aws/credentials",
                    ".DS_Store",
                    "db.sql",
                    "dump.sql",
                    "old",
                    "test",
                    "dev",
                    "staging",
                    "console",
                    "jenkins",
                    "solr/admin",
                    "manager/html",
                    "cgi-bin/test",
                    "vendor/phpunit",
                    "xmlrpc.php",
                    "shell.php",
                    "upload.php",
                    "id_rsa",
                    "private.key",
                    "users.csv",
                    "metrics",
                    "trace",
                    "api/v1/debug",
                ];
                let root = ROOTS.get(at % ROOTS.len()).copied().unwrap_or("x");
                if at < ROOTS.len() {
                    format!("/{root}")
                } else {
                    format!("/{root}{}", dice.hex(2))
                }
            }
        }
    }
}

fn shuffle(order: &mut [usize], dice: &mut Dice) {
    for at in (1..order.len()).rev() {
        order.swap(at, dice.below(at + 1));
    }
}
