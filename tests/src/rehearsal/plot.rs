//! What is said in a conversation: an honest crowd, and one abuse of each kind. Must not know sockets, nor what a
//! detector looks at beyond what its documentation says.

use std::net::{IpAddr, Ipv4Addr};

use base64::{
    Engine as _,
    prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD},
};
use serde_json::{Value, json};

use super::Line;

/// People in the crowd.
pub const PEOPLE: u8 = 30;
/// Addresses of the distributed abuse.
const BOTS: u8 = 40;
/// Orders of each of them.
const ORDERS: u32 = 4;

/// One request in the making.
#[derive(Debug)]
pub struct Ask {
    from: IpAddr,
    method: &'static str,
    target: String,
    /// What proves who asks, as a header.
    credential: Option<String>,
    program: &'static str,
    body: Option<Value>,
}

/// `GET target` from an address.
pub fn get(from: IpAddr, target: impl Into<String>) -> Ask {
    Ask {
        from,
        method: "GET",
        target: target.into(),
        credential: None,
        program: "app/4.2",
        body: None,
    }
}

/// `POST target` with a JSON body.
pub fn post(from: IpAddr, target: &str, body: Value) -> Ask {
    Ask {
        method: "POST",
        body: Some(body),
        ..get(from, target)
    }
}

impl Ask {
    /// With this bearer token.
    #[must_use]
    pub fn token(self, token: impl AsRef<str>) -> Self {
        self.credential(format!("Authorization: Bearer {}", token.as_ref()))
    }

    /// With this header.
    #[must_use]
    pub fn credential(self, header: impl Into<String>) -> Self {
        Self {
            credential: Some(header.into()),
            ..self
        }
    }

    /// By this program.
    #[must_use]
    pub fn program(self, program: &'static str) -> Self {
        Self { program, ..self }
    }

    /// Answered so.
    pub fn gets(self, status: u16, answer: &Value) -> Line {
        let credential = self.credential.map(|header| format!("{header}\r\n"));
        let body = self.body.map(|body| body.to_string()).unwrap_or_default();
        let kind = match body.len() {
            0 => String::new(),
            len => format!("Content-Type: application/json\r\nContent-Length: {len}\r\n"),
        };
        let head = format!(
            "{} {} HTTP/1.1\r\nHost: api.test\r\nUser-Agent: {}\r\nAccept: application/json\r\n",
            self.method, self.target, self.program
        );
        let said = answer.to_string();
        Line {
            from: self.from,
            request: format!("{head}{}{kind}\r\n{body}", credential.unwrap_or_default()),
            answer: format!(
                "HTTP/1.1 {status} -\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{said}",
                said.len()
            ),
            pause_ms: 0,
        }
    }
}

/// Address of the `n`th of the crowd.
pub fn person(n: u8) -> IpAddr {
    Ipv4Addr::new(10, 20, n, 7).into()
}

/// Address of an abuser.
pub fn abuser(n: u8) -> IpAddr {
    Ipv4Addr::new(203, 0, 113, n).into()
}

fn bot(n: u8) -> IpAddr {
    Ipv4Addr::new(198, 51, n, 9).into()
}

/// Every address that speaks.
pub fn everybody() -> Vec<IpAddr> {
    let people = (0..PEOPLE).map(person);
    people
        .chain((1..=20).map(abuser))
        .chain((0..BOTS).map(bot))
        .collect()
}

/// An opaque token.
fn token(of: &str) -> String {
    format!("tk-{of}-5f2c9d7be1a04c63")
}

/// An unsigned or signed JSON Web Token; the signature is made up, nobody looks at it.
fn jwt(algorithm: &str, subject: &str, role: &str) -> String {
    let part = |value: Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
    let signature = if algorithm == "none" {
        ""
    } else {
        "bm9ib2R5LWxvb2tz"
    };
    let header = part(json!({ "alg": algorithm, "typ": "JWT" }));
    let claims = part(json!({ "iss": "https://idp.test", "sub": subject, "roles": [role] }));
    format!("{header}.{claims}.{signature}")
}

fn order(of: u32, n: u32) -> u32 {
    10_000 + 37 * of + 7 * n
}

fn person_token(n: u8) -> String {
    jwt("RS256", &format!("person-{n}"), "user")
}

fn login(from: IpAddr, user: &str, password: &str) -> Ask {
    post(
        from,
        "/api/login",
        json!({ "username": user, "password": password }),
    )
}

fn refused() -> Value {
    json!({ "error": "unauthorized" })
}

/// What honest people do: log in, look at their orders, at products, at a report, at the state of things.
pub fn crowd() -> Vec<Line> {
    let mut lines = Vec::new();
    for n in 0..PEOPLE {
        let (from, token) = (person(n), person_token(n));
        let ask = |target: String| get(from, target).token(token.clone());
        let user = format!("person{n}@example.test");
        lines.push(get(from, "/api/account").gets(401, &refused()));
        lines.push(login(from, &user, &format!("right-{n}")).gets(200, &json!({ "access_token": token })));
        let own: Vec<u32> = (0..ORDERS).map(|i| order(n.into(), i)).collect();
        let list: Vec<Value> = own.iter().map(|id| json!({ "order_id": id })).collect();
        lines.push(ask("/api/orders".into()).gets(200, &json!({ "orders": list })));
        for id in own {
            let answer = json!({ "order_id": id, "total": 17 });
            lines.push(ask(format!("/api/orders/{id}")).gets(200, &answer));
        }
        for i in 0..12 {
            let id = 1 + (u32::from(n) * 7 + i) % 200;
            let answer = json!({ "product_id": id, "name": "a thing" });
            lines.push(ask(format!("/api/products/{id}")).gets(200, &answer));
        }
        let report = json!({ "report": "all is well", "of": n });
        lines.push(ask(format!("/api/reports?report_id={}", 700 + u32::from(n))).gets(200, &report));
        for _ in 0..4 {
            lines.push(ask("/api/account".into()).gets(200, &json!({ "balance": 12, "plan": "basic" })));
        }
        lines.push(ask("/api/state".into()).gets(200, &json!({ "state": "ok" })));
    }
    for i in 0..30 {
        let n = i % 2;
        let admin =
            get(abuser(17 + n), "/api/admin/users").token(jwt("RS256", &format!("admin-{n}"), "admin"));
        lines.push(admin.gets(200, &json!({ "users": ["..."], "page": i })));
    }
    lines
}

/// Every other way to say who one is: an API key in a header and in the query, Basic, a session cookie, and the
/// certificate that a proxy has seen.
pub fn credentials() -> Vec<Line> {
    let user = BASE64_STANDARD.encode("basic-user:basic-password-77");
    let headers = [
        "X-API-Key: key-8d1f0b6a2c9e4735".to_owned(),
        format!("Authorization: Basic {user}"),
        "Cookie: theme=dark; sessionid=s3ss10n9f2c7be1a04c63d5".to_owned(),
        "X-Forwarded-Client-Cert: Hash=8d1f0b6a2c9e47358d1f0b6a2c9e4735;Subject=\"CN=certified-user\""
            .to_owned(),
    ];
    let state = || json!({ "state": "ok" });
    let mut lines: Vec<Line> = headers
        .into_iter()
        .map(|header| {
            get(person(1), "/api/state")
                .credential(header)
                .gets(200, &state())
        })
        .collect();
    lines.push(get(person(1), "/api/state?api_key=key-in-query-77f0b6a2c9e4").gets(200, &state()));
    lines
}

/// What of all this must never be written down: by what it is, and the value.
pub fn secrets(lines: &[Line]) -> Vec<(&'static str, String)> {
    const BEGINS: [(&str, &str, &[char]); 9] = [
        ("bearer token", "Authorization: Bearer ", &['\r']),
        ("Basic credential", "Authorization: Basic ", &['\r']),
        ("API key", "X-API-Key: ", &['\r']),
        ("session cookie", "sessionid=", &['\r', ';']),
        ("certificate", "Subject=\"CN=", &['"']),
        ("API key in the query", "api_key=", &[' ', '&']),
        ("password", "\"password\":\"", &['"']),
        ("user name", "\"username\":\"", &['"']),
        ("shown key", "\"access_key\":\"", &['"']),
    ];
    let mut found: Vec<(&str, String)> = vec![
        ("user of Basic", "basic-user".to_owned()),
        ("password of Basic", "basic-password-77".to_owned()),
    ];
    for line in lines {
        for (what, begin, ends) in BEGINS {
            for text in [&line.request, &line.answer] {
                let value = text
                    .split_once(begin)
                    .and_then(|(_, rest)| rest.split(ends).next());
                found.extend(value.map(|value| (what, value.to_owned())));
            }
        }
    }
    found.extend((0..PEOPLE).map(|n| ("subject of a token", format!("person-{n}"))));
    found.sort_unstable();
    found.dedup();
    found
}

/// One abuse of each kind, all but those that take their time: who does it, and what they say.
pub fn abuses() -> Vec<(&'static str, Vec<Line>)> {
    vec![
        ("id-enumeration", walk()),
        ("token-sharing", shared_token()),
        ("foreign-object", foreign_objects()),
        ("parameter-pollution", repeated_ids()),
        ("brute-force", guessed_password()),
        ("password-spray", sprayed_password()),
        ("credential-stuffing", stuffed_pairs()),
        ("invalid-token-accepted", unsigned_token()),
        ("missing-auth", nobody()),
        ("function-level", not_an_admin()),
        ("scraping", all_products()),
        ("probing", scanner()),
        ("leaked-secret", shown_key()),
    ]
}

fn walk() -> Vec<Line> {
    let step = |n: u32| {
        let ask = get(abuser(1), format!("/api/orders/{}", 40_000 + n)).token(token("walker"));
        if n.is_multiple_of(3) {
            ask.gets(404, &json!({ "error": "none" }))
        } else {
            ask.gets(200, &json!({ "order_id": 40_000 + n }))
        }
    };
    (0..60).map(step).collect()
}

fn shared_token() -> Vec<Line> {
    let state = || json!({ "balance": 12, "plan": "basic" });
    let owner = || {
        let ask = get(abuser(2), "/api/account").token(token("shared"));
        ask.gets(200, &state())
    };
    let mut lines: Vec<Line> = (0..8)
        .map(|_| Line {
            pause_ms: 100,
            ..owner()
        })
        .collect();
    for n in 0..12 {
        let thief = get(bot(n % 3), "/api/account")
            .token(token("shared"))
            .program("curl/8.5");
        lines.push(thief.gets(200, &state()));
        lines.push(owner());
    }
    lines
}

fn foreign_objects() -> Vec<Line> {
    let ask = |target: String| get(abuser(3), target).token(token("mallory"));
    let own: Vec<Value> = (0..3).map(|n| json!({ "order_id": 90_000 + n })).collect();
    let mut lines = vec![ask("/api/orders".into()).gets(200, &json!({ "orders": own }))];
    for n in 0..9 {
        let id = order(3 * n, n % ORDERS);
        lines.push(ask(format!("/api/orders/{id}")).gets(200, &json!({ "order_id": id, "total": 17 })));
    }
    lines
}

fn repeated_ids() -> Vec<Line> {
    let ask = |n: u32| {
        let target = format!("/api/reports?report_id=900&report_id={}", 700 + n);
        let ask = get(abuser(4), target).token(token("polluter"));
        ask.gets(200, &json!({ "report": "all is well", "of": n }))
    };
    (0..8).map(ask).collect()
}

fn guessed_password() -> Vec<Line> {
    let ask = |n: u32| login(abuser(6), "victim@example.test", &format!("guess-{n}")).gets(401, &refused());
    (0..30).map(ask).collect()
}

fn sprayed_password() -> Vec<Line> {
    let ask =
        |n: u32| login(abuser(7), &format!("somebody{n}@example.test"), "Winter2026!").gets(401, &refused());
    (0..20).map(ask).collect()
}

fn stuffed_pairs() -> Vec<Line> {
    let ask = |n: u8| {
        let user = format!("stuffed{n}@example.test");
        let ask = login(bot(n % BOTS), &user, &format!("old-{n}")).program("okhttp/3.1");
        ask.gets(401, &refused())
    };
    (0..2 * BOTS).map(ask).collect()
}

fn unsigned_token() -> Vec<Line> {
    let ask = |_| {
        let ask = get(abuser(9), "/api/account").token(jwt("none", "person-1", "user"));
        ask.gets(200, &json!({ "balance": 12, "plan": "basic" }))
    };
    (0..3).map(ask).collect()
}

fn nobody() -> Vec<Line> {
    let ask = |_| get(abuser(10), "/api/account").gets(200, &json!({ "balance": 12, "plan": "basic" }));
    (0..3).map(ask).collect()
}

fn not_an_admin() -> Vec<Line> {
    let ask = || get(person(5), "/api/admin/users").token(person_token(5));
    let refusal = (0..2).map(|_| {
        get(person(6), "/api/admin/users")
            .token(person_token(6))
            .gets(403, &refused())
    });
    refusal
        .chain([ask().gets(200, &json!({ "users": ["..."], "page": 1 }))])
        .collect()
}

fn all_products() -> Vec<Line> {
    let ask = |id: u32| {
        let ask = get(abuser(12), format!("/api/products/{id}")).token(token("scraper"));
        ask.gets(200, &json!({ "product_id": id, "name": "a thing" }))
    };
    (1..=500).map(ask).collect()
}

fn scanner() -> Vec<Line> {
    const PATHS: [&str; 12] = [
        "/.env",
        "/.git/config",
        "/wp-login.php",
        "/phpmyadmin/index.php",
        "/actuator/env",
        "/server-status",
        "/backup.sql",
        "/.aws/credentials",
        "/vendor/phpunit/phpunit/src/Util/PHP/eval-stdin.php",
        "/cgi-bin/luci",
        "/solr/admin/info/system",
        "/console/login",
    ];
    let ask = |path: &&str| {
        get(abuser(13), *path)
            .program("Mozilla/5.0")
            .gets(404, &json!({}))
    };
    PATHS.iter().map(ask).collect()
}

fn shown_key() -> Vec<Line> {
    let settings = json!({ "region": "eu", "access_key": "AKIA2OGYBAH6QLPW7XKD" });
    let ask = |_| {
        get(abuser(14), "/api/settings")
            .token(token("reader"))
            .gets(200, &settings)
    };
    (0..2).map(ask).collect()
}

/// The abuses that take their time, for `seconds`: `rate-abuse`, the same thing ten times a second, and
/// `token-cycling`, a guessed token every other second.
pub fn patient(seconds: u32) -> Vec<Line> {
    let hammer = |_| Line {
        pause_ms: 100,
        ..get(abuser(15), "/api/state")
            .token(token("hammer"))
            .gets(200, &json!({ "state": "ok" }))
    };
    let guess = |n: u32| {
        let ask = get(abuser(16), "/api/account").token(token(&format!("guess-{n}")));
        ask.gets(401, &refused())
    };
    let turn = |n: u32| (0..20).map(hammer).chain([guess(n)]);
    (0..seconds / 2).flat_map(turn).collect()
}
