//! A small shop's HTTP API, and its hole: any token may read any order (OWASP API1:2023, broken object level
//! authorization). Must not know about apimon.

use std::hash::{DefaultHasher, Hash, Hasher};

use serde_json::{Value, json};

/// The shop's data: made by rule, so that server, clients and checks agree without talking.
#[derive(Clone, Copy, Debug)]
pub struct Shop;

/// Users 1 to this.
pub const USERS: u32 = 40;
/// The first order's number.
pub const FIRST_ORDER: u32 = 1000;
/// How many orders there are.
pub const ORDERS: u32 = 4000;

/// An answer of the API.
#[derive(Clone, PartialEq, Debug)]
pub struct Answer {
    /// Status code.
    pub status: u16,
    /// JSON body.
    pub body: Value,
}

impl Shop {
    /// The bearer token of a user.
    pub fn token(user: u32) -> String {
        format!("shop_{:016x}{:016x}", digest("token", user), digest("more", user))
    }

    /// The password of a user.
    pub fn password(user: u32) -> String {
        format!("correct-{:012x}", digest("password", user) >> 16)
    }

    /// The e-mail address of a user.
    pub fn email(user: u32) -> String {
        format!("user{user}-{:06x}@customers.example", digest("mail", user) >> 40)
    }

    /// Whose order it is.
    pub fn owner(order: u32) -> Option<u32> {
        let number = order.checked_sub(FIRST_ORDER)?;
        // Mixed, so that neighbouring numbers belong to different users, as they do in real shops.
        (number < ORDERS).then(|| u32::try_from(digest("order", order) % u64::from(USERS)).unwrap_or(0) + 1)
    }

    /// The newest orders of a user.
    pub fn orders_of(user: u32) -> Vec<u32> {
        (FIRST_ORDER..FIRST_ORDER + ORDERS)
            .rev()
            .filter(|order| Self::owner(*order) == Some(user))
            .take(10)
            .collect()
    }

    /// Whose token this is.
    fn user_of(token: &str) -> Option<u32> {
        (1..=USERS).find(|user| Self::token(*user) == token)
    }

    /// Answers one request. `authorization` is the value of that header, `body` the request's.
    pub fn answer(method: &str, target: &str, authorization: Option<&str>, body: &[u8]) -> Answer {
        let path = target.split('?').next().unwrap_or(target);
        let parts: Vec<_> = path.trim_start_matches('/').split('/').collect();
        let user = authorization
            .and_then(|value| value.strip_prefix("Bearer "))
            .and_then(Self::user_of);
        match (method, parts.as_slice()) {
            ("GET", ["health"]) => answer(200, json!({"status": "up"})),
            ("POST", ["api", "login"]) => login(body),
            ("GET", ["api", "products"]) => answer(200, products()),
            ("GET", ["api", "orders"]) => with_user(user, orders),
            ("GET", ["api", "orders", id]) => with_user(user, |_| order(id)),
            ("GET", ["api", "users", id]) => with_user(user, |user| profile(user, id)),
            _ => answer(404, json!({"error": "no such resource"})),
        }
    }
}

fn answer(status: u16, body: Value) -> Answer {
    Answer { status, body }
}

fn with_user(user: Option<u32>, then: impl FnOnce(u32) -> Answer) -> Answer {
    user.map_or_else(|| answer(401, json!({"error": "a valid token is needed"})), then)
}

fn login(body: &[u8]) -> Answer {
    let given: Value = serde_json::from_slice(body).unwrap_or_default();
    let user = given.get("user").and_then(Value::as_u64);
    let password = given.get("password").and_then(Value::as_str);
    let found =
        (1..=USERS).find(|known| user == Some((*known).into()) && password == Some(&Shop::password(*known)));
    match found {
        Some(user) => answer(200, json!({"user": user, "token": Shop::token(user)})),
        None => answer(401, json!({"error": "wrong user or password"})),
    }
}

fn orders(user: u32) -> Answer {
    answer(200, json!({"orders": Shop::orders_of(user)}))
}

/// The hole: whoever asks gets the order, whosever it is.
fn order(id: &str) -> Answer {
    let found = id.parse().ok().and_then(|id: u32| Some((id, Shop::owner(id)?)));
    let Some((id, owner)) = found else {
        return answer(404, json!({"error": "no such order"}));
    };
    let lines: Vec<_> = (0..=id % 4)
        .map(|n| json!({"sku": format!("SKU-{:05}", (id * 7 + n * 31) % 99_991), "count": 1 + n, "price": 990 + 100 * n}))
        .collect();
    answer(
        200,
        json!({"id": id, "user": owner, "email": Shop::email(owner), "lines": lines, "state": "sent"}),
    )
}

fn profile(user: u32, id: &str) -> Answer {
    if id.parse() == Ok(user) {
        answer(200, json!({"id": user, "email": Shop::email(user)}))
    } else {
        answer(403, json!({"error": "not yours"}))
    }
}

fn products() -> Value {
    let list: Vec<_> = (0..20)
        .map(|n| json!({"sku": format!("SKU-{n:05}"), "name": format!("Product {n}"), "price": 990 + 10 * n}))
        .collect();
    json!({"products": list})
}

/// The same on every machine and in every process.
fn digest(what: &str, number: u32) -> u64 {
    let mut hasher = DefaultHasher::new();
    (what, number).hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn get(target: &str, user: Option<u32>) -> Answer {
        let header = user.map(|user| format!("Bearer {}", Shop::token(user)));
        Shop::answer("GET", target, header.as_deref(), b"")
    }

    #[test]
    fn any_token_reads_any_order() {
        let foreign = (FIRST_ORDER..FIRST_ORDER + ORDERS)
            .find(|order| Shop::owner(*order) != Some(1))
            .unwrap();
        assert_eq!(get(&format!("/api/orders/{foreign}"), Some(1)).status, 200);
        assert_eq!(get(&format!("/api/orders/{foreign}"), None).status, 401);
        assert_eq!(get("/api/orders/1", Some(1)).status, 404);
        assert_eq!(get("/api/users/2", Some(1)).status, 403);
    }

    #[test]
    fn every_user_has_orders_and_can_log_in() {
        for user in 1..=USERS {
            assert!(Shop::orders_of(user).len() >= 5);
            let body = json!({"user": user, "password": Shop::password(user)}).to_string();
            let given = Shop::answer("POST", "/api/login", None, body.as_bytes());
            assert_eq!(given.body["token"], Shop::token(user));
        }
    }
}
