//! Paths and methods to calls of [`Service`]. Must not know about sockets.

use http_body_util::Full;
use hyper::{Method, Response, StatusCode, body::Bytes, header};
use monitor_common::Prefix;
use serde::{Serialize, de::DeserializeOwned};

use super::{
    Service,
    dto::{Refused, Span},
};
use crate::journal::event::Operator;

/// Most of a list that can be asked for by a limit.
const LIMIT: usize = 65_536;
/// Sources and actors answered when no limit is asked for.
const BUSIEST: usize = 20;

/// One request, read whole.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) method: Method,
    pub(super) path: String,
    pub(super) query: String,
    pub(super) body: Bytes,
    /// Who asks.
    pub(super) by: Operator,
    /// Whether they may change anything.
    pub(super) may_change: bool,
}

/// One way to ask: a method, a path, and what is done.
pub(super) struct Route {
    pub(super) method: &'static str,
    /// As in the OpenAPI file. What stands in braces is one part of the path; `{net}` is the rest of it.
    pub(super) path: &'static str,
    call: fn(&dyn Service, &Call<'_>) -> Answer,
}

/// A request that fits a route.
struct Call<'a> {
    asked: &'a Asked,
    /// What stands in the place of the braces.
    part: &'a str,
}

type Answer = Result<Vec<u8>, Refused>;

const fn route(
    method: &'static str,
    path: &'static str,
    call: fn(&dyn Service, &Call<'_>) -> Answer,
) -> Route {
    Route { method, path, call }
}

/// Everything that can be asked. All but GET changes something and is for those who may.
pub(super) const ROUTES: &[Route] = &[
    route("GET", "/v1/status", |s, _| json(s.status())),
    route("GET", "/v1/sources", |s, c| json(s.sources(c.limit(BUSIEST)?))),
    route("GET", "/v1/actors", |s, c| json(s.actors(c.limit(BUSIEST)?))),
    route("GET", "/v1/history", |s, c| {
        json(s.history(span(&c.asked.query)?))
    }),
    route("GET", "/v1/cases", |s, c| json(s.cases(c.limit(usize::MAX)?))),
    route("GET", "/v1/cases/{number}", |s, c| {
        json(s.case(number(c.part, "case")?))
    }),
    route("GET", "/v1/cases/{number}/explain", |s, c| {
        json(s.explain(number(c.part, "case")?))
    }),
    route("GET", "/v1/endpoints", |s, c| {
        json(s.endpoints(c.limit(usize::MAX)?))
    }),
    route("GET", "/v1/silences", |s, _| json(s.silences())),
    route("POST", "/v1/silences", |s, c| json(s.silence(c.by(), c.body()?))),
    route("DELETE", "/v1/silences/{number}", |s, c| {
        json(s.unsilence(c.by(), number(c.part, "silence")?))
    }),
    route("GET", "/v1/leases", |s, _| json(s.leases())),
    route("PUT", "/v1/leases/{net}", |s, c| {
        json(s.block(c.by(), net(c.part)?, c.body_or_default()?))
    }),
    route("DELETE", "/v1/leases/{net}", |s, c| {
        json(s.unblock(c.by(), net(c.part)?))
    }),
    route("GET", "/v1/allow", |s, _| json(s.allows())),
    route("PUT", "/v1/allow/{net}", |s, c| {
        json(s.allow(c.by(), net(c.part)?, c.body_or_default()?))
    }),
    route("DELETE", "/v1/allow/{net}", |s, c| {
        json(s.disallow(c.by(), net(c.part)?))
    }),
    route("GET", "/v1/verify", |s, _| json(s.verify(None))),
    route("POST", "/v1/verify", |s, c| json(s.verify(Some(c.by())))),
    route("POST", "/v1/reload", |s, c| json(s.reload(c.by()))),
];

#[cfg(test)]
impl Route {
    /// Whether a path is of this route.
    pub(super) fn fits(&self, path: &str) -> bool {
        part(self.path, path).is_some()
    }
}

impl Call<'_> {
    fn limit(&self, default: usize) -> Result<usize, Refused> {
        limit(&self.asked.query, default)
    }

    fn by(&self) -> &Operator {
        &self.asked.by
    }

    fn body<T: DeserializeOwned>(&self) -> Result<T, Refused> {
        serde_json::from_slice(&self.asked.body).map_err(|error| Refused::bad_request(error.to_string()))
    }

    /// An empty body says nothing.
    fn body_or_default<T: DeserializeOwned + Default>(&self) -> Result<T, Refused> {
        if self.asked.body.is_empty() {
            Ok(T::default())
        } else {
            self.body()
        }
    }
}

/// Answers one request.
pub(super) fn answer(service: &dyn Service, asked: &Asked) -> Response<Full<Bytes>> {
    let mut known = false;
    for route in ROUTES {
        let Some(part) = part(route.path, &asked.path) else {
            continue;
        };
        known = true;
        if asked.method != route.method {
            continue;
        }
        if asked.method != Method::GET && !asked.may_change {
            service.denied(&asked.by, route.method, route.path);
            return refused(&not_permitted(&asked.by));
        }
        return match (route.call)(service, &Call { asked, part }) {
            Ok(body) => response(StatusCode::OK, body),
            Err(why) => refused(&why),
        };
    }
    refused(&if known {
        Refused::new(405, "method", "that path does not take that method")
    } else {
        Refused::not_found(nothing_there())
    })
}

fn not_permitted(by: &Operator) -> Refused {
    let message = format!("{by} may read, but not change anything; run this command as root");
    Refused::new(403, "not-permitted", message)
}

fn nothing_there() -> String {
    let plain = ROUTES.iter().filter(|route| route.method == "GET");
    let mut paths: Vec<&str> = plain.map(|route| route.path).collect();
    paths.retain(|path| !path.contains('{'));
    format!("no such path; there are {}", paths.join(", "))
}

/// What stands in a path where its template has braces; empty where there are none. `None`: it is not of that template.
fn part<'a>(template: &str, path: &'a str) -> Option<&'a str> {
    let Some((before, rest)) = template.split_once('{') else {
        return (template == path).then_some("");
    };
    let (name, after) = rest.split_once('}')?;
    let part = path.strip_prefix(before)?.strip_suffix(after)?;
    (!part.is_empty() && (name == "net" || !part.contains('/'))).then_some(part)
}

/// The net at the end of a path, its slash and its colons as they are or encoded.
fn net(part: &str) -> Result<Prefix, Refused> {
    let mut plain = part.to_owned();
    for (code, plainly) in [("%3A", ":"), ("%3a", ":"), ("%2F", "/"), ("%2f", "/")] {
        plain = plain.replace(code, plainly);
    }
    plain.parse().map_err(|_| {
        Refused::bad_request(
            "the end of the path must be an IPv4 or IPv6 address or a net, such as 10.0.0.0/8",
        )
    })
}

fn number(part: &str, thing: &str) -> Result<u32, Refused> {
    part.parse()
        .map_err(|_| Refused::bad_request(format!("a {thing} has a number")))
}

fn limit(query: &str, default: usize) -> Result<usize, Refused> {
    match of_query(query, "limit=") {
        None => Ok(default),
        Some(text) => match text.parse() {
            Ok(limit) if (1..=LIMIT).contains(&limit) => Ok(limit),
            _ => Err(Refused::bad_request(format!("limit must be 1 to {LIMIT}"))),
        },
    }
}

fn span(query: &str) -> Result<Span, Refused> {
    let named = of_query(query, "step=").map_or(Some(Span::Second), Span::named);
    named.ok_or_else(|| Refused::bad_request("step must be second or minute"))
}

fn of_query<'a>(query: &'a str, name: &str) -> Option<&'a str> {
    query.split('&').find_map(|pair| pair.strip_prefix(name))
}

fn json<T: Serialize>(result: Result<T, Refused>) -> Answer {
    serde_json::to_vec(&result?).map_err(|error| Refused::new(500, "encoding", error.to_string()))
}

pub(super) fn refused(why: &Refused) -> Response<Full<Bytes>> {
    let status = StatusCode::from_u16(why.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response(status, serde_json::to_vec(why).unwrap_or_default())
}

fn response(status: StatusCode, mut body: Vec<u8>) -> Response<Full<Bytes>> {
    // A line feed at the end reads better under curl.
    body.push(b'\n');
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = status;
    response.headers_mut().insert(
        header::CONTENT_TYPE,
        header::HeaderValue::from_static("application/json"),
    );
    response
}
