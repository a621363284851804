//! How people and programs use the shop: the well-behaved, and those who walk order numbers, use a stolen token, guess
//! passwords or look for doors.
//!
//! Each runs until it is told to stop and tells what became of its requests.

use std::{cell::Cell, net::IpAddr, rc::Rc, time::Duration};

use hyper::Method;
use serde_json::json;
use tokio::time::sleep;

use super::{Session, Tally};
use crate::{
    api::{Answer, FIRST_ORDER, ORDERS, Shop},
    site::Site,
    wait,
};

/// Set when all clients are to finish their current request and end.
pub type Stop = Rc<Cell<bool>>;

/// How long people wait for an answer.
const PEOPLE_WAIT: Duration = Duration::from_secs(4);
/// How long abusers wait for an answer.
const ABUSERS_WAIT: Duration = Duration::from_millis(800);
/// A person's app opens a new connection after so many requests.
const REQUESTS_A_CONNECTION: u32 = 25;

/// One client while it works.
struct Client {
    session: Session,
    tally: Tally,
    stop: Stop,
}

impl Client {
    fn new(source: IpAddr, patience: Duration, program: &'static str, stop: &Stop) -> Self {
        Self {
            session: Session::new(source, Site::api_for(source), patience, program),
            tally: Tally::new(source),
            stop: Rc::clone(stop),
        }
    }

    fn stopped(&self) -> bool {
        self.stop.get()
    }

    /// `GET path`, counted. Whether the answer was as expected.
    async fn get(&mut self, path: &str, expected: &[u16]) -> bool {
        let asked = wait::now_ns();
        let outcome = self.session.get(path).await;
        self.tally.count(asked, path, expected, outcome).is_some()
    }

    async fn log_in(&mut self, user: u32) {
        let answer = self.try_password(user, &Shop::password(user), 200).await;
        let token = answer.and_then(|answer| Some(answer.body.get("token")?.as_str()?.to_owned()));
        if let Some(token) = token {
            self.session.set_token(token);
        }
    }

    /// `POST /api/login`, counted; the answer, if it is the expected one.
    async fn try_password(&mut self, user: u32, password: &str, expected: u16) -> Option<Answer> {
        let asked = wait::now_ns();
        let body = json!({"user": user, "password": password});
        let outcome = self.session.ask(Method::POST, "/api/login", Some(body)).await;
        self.tally.count(asked, "/api/login", &[expected], outcome)
    }
}

/// A person with the shop's app: logs in, looks at the own orders and at the catalogue, now and then follows an old
/// link. 2 to 10 requests a second.
pub async fn honest(source: IpAddr, user: u32, stop: Stop) -> Tally {
    let mut client = Client::new(source, PEOPLE_WAIT, "shop-app/2.4", &stop);
    let mut dice = Dice::new(user);
    // People do not all start at once.
    sleep(Duration::from_millis(dice.below(600))).await;
    client.log_in(user).await;
    let own = Shop::orders_of(user);
    let mut on_this_connection = 0;
    while !client.stopped() {
        let (path, expected) = next_click(&mut dice, user, &own);
        client.get(&path, &[expected]).await;
        on_this_connection += 1;
        if on_this_connection == REQUESTS_A_CONNECTION {
            client.session.close();
            on_this_connection = 0;
        }
        sleep(Duration::from_millis(100 + dice.below(400))).await;
    }
    client.tally
}

/// What a person opens next, and the status it should have.
fn next_click(dice: &mut Dice, user: u32, own: &[u32]) -> (String, u16) {
    match dice.below(20) {
        0..7 => ("/api/orders".to_owned(), 200),
        7..14 => {
            // The newest few are what people look at.
            let choice = usize::try_from(dice.below(4)).unwrap_or(0);
            let order = own.get(choice).copied().unwrap_or(FIRST_ORDER);
            (format!("/api/orders/{order}"), 200)
        }
        14..16 => (format!("/api/users/{user}"), 200),
        16..19 => ("/api/products?page=1".to_owned(), 200),
        _ => (format!("/api/order/{user}"), 404),
    }
}

/// Reads one order after the other, whosever they are. Goes on trying when nobody answers any more.
pub async fn walk(source: IpAddr, user: u32, pause: Duration, stop: Stop) -> Tally {
    let mut client = Client::new(source, ABUSERS_WAIT, "python-requests/2.32.3", &stop);
    client.log_in(user).await;
    for order in (FIRST_ORDER..FIRST_ORDER + ORDERS).cycle() {
        if client.stopped() {
            break;
        }
        client.get(&format!("/api/orders/{order}"), &[200]).await;
        sleep(pause).await;
    }
    client.tally
}

/// Uses a token that was handed out to somebody else.
pub async fn steal(source: IpAddr, victim: u32, pause: Duration, stop: Stop) -> Tally {
    let mut client = Client::new(source, ABUSERS_WAIT, "curl/8.5.0", &stop);
    client.session.set_token(Shop::token(victim));
    let own = Shop::orders_of(victim);
    for order in own.iter().cycle() {
        if client.stopped() {
            break;
        }
        client.get("/api/orders", &[200]).await;
        sleep(pause).await;
        client.get(&format!("/api/orders/{order}"), &[200]).await;
        sleep(pause).await;
    }
    client.tally
}

/// Guesses the password of one user.
pub async fn guess(source: IpAddr, victim: u32, pause: Duration, stop: Stop) -> Tally {
    let mut client = Client::new(source, ABUSERS_WAIT, "Hydra", &stop);
    for number in 1_u32.. {
        if client.stopped() {
            break;
        }
        client.try_password(victim, &format!("summer{number}"), 401).await;
        sleep(pause).await;
    }
    client.tally
}

/// Tries one common password with one user after the other. Those from `first` on are there or not.
pub async fn spray(source: IpAddr, first: u32, pause: Duration, stop: Stop) -> Tally {
    let mut client = Client::new(source, ABUSERS_WAIT, "okhttp/4.12.0", &stop);
    for user in first.. {
        if client.stopped() {
            break;
        }
        client.try_password(user, "Winter2026!", 401).await;
        sleep(pause).await;
    }
    client.tally
}

/// Looks for what careless people leave on servers, and for doors that nobody told of.
pub async fn scan(source: IpAddr, pause: Duration, stop: Stop) -> Tally {
    const TRIED: [&str; 12] = [
        "/.env",
        "/.git/config",
        "/wp-login.php",
        "/phpinfo.php",
        "/server-status",
        "/actuator/env",
        "/api/admin",
        "/api/debug",
        "/api/internal/users",
        "/api/v2/orders",
        "/backup.sql",
        "/console",
    ];
    let mut client = Client::new(source, ABUSERS_WAIT, "Mozilla/5.0 zgrab/0.x", &stop);
    for path in TRIED.iter().cycle() {
        if client.stopped() {
            break;
        }
        client.get(path, &[404]).await;
        sleep(pause).await;
    }
    client.tally
}

/// Chance that is the same in every run.
struct Dice(u64);

impl Dice {
    fn new(seed: u32) -> Self {
        Self(u64::from(seed).wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// A number below `bound` (xorshift64*).
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) % bound
    }
}
