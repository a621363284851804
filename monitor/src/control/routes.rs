//! Paths and methods to calls of [`Service`]. Must not know about sockets.

use http_body_util::Full;
use hyper::{Method, Response, StatusCode, body::Bytes, header};
use monitor_common::Prefix;
use serde::{Serialize, de::DeserializeOwned};

use super::{
    Service,
    dto::{Refused, Span},
};

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
}

/// Answers one request.
pub(super) fn answer(service: &dyn Service, asked: &Asked) -> Response<Full<Bytes>> {
    let path: Vec<&str> = asked.path.split('/').skip(1).collect();
    let [version, what @ ..] = path.as_slice() else {
        return refused(&Refused::not_found("no such path"));
    };
    if *version != "v1" {
        return refused(&Refused::not_found("no such path; paths start with /v1/"));
    }
    match (asked.method.as_str(), what) {
        ("GET", ["status"]) => json(service.status()),
        ("GET", ["sources"]) => json(limit(&asked.query, BUSIEST).and_then(|limit| service.sources(limit))),
        ("GET", ["actors"]) => json(limit(&asked.query, BUSIEST).and_then(|limit| service.actors(limit))),
        ("GET", ["history"]) => json(span(&asked.query).and_then(|span| service.history(span))),
        ("GET", ["cases"]) => json(limit(&asked.query, usize::MAX).and_then(|limit| service.cases(limit))),
        ("GET", ["cases", number]) => json(case_number(number).and_then(|number| service.case(number))),
        ("GET", ["cases", number, "explain"]) => {
            json(case_number(number).and_then(|number| service.explain(number)))
        }
        ("GET", ["endpoints"]) => {
            json(limit(&asked.query, usize::MAX).and_then(|limit| service.endpoints(limit)))
        }
        ("GET", ["silences"]) => json(service.silences()),
        ("POST", ["silences"]) => json(request(&asked.body).and_then(|request| service.silence(request))),
        ("DELETE", ["silences", id]) => json(silence_number(id).and_then(|id| service.unsilence(id))),
        ("GET", ["leases"]) => json(service.leases()),
        ("GET", ["verify"]) => json(service.verify(false)),
        ("POST", ["verify"]) => json(service.verify(true)),
        ("POST", ["reload"]) => json(service.reload()),
        ("PUT", ["leases", source @ ..]) => {
            json(named(source, &asked.body).and_then(|(source, request)| service.block(source, request)))
        }
        ("DELETE", ["leases", source @ ..]) => json(net(source).and_then(|source| service.unblock(source))),
        ("GET", ["allow"]) => json(service.allows()),
        ("PUT", ["allow", net @ ..]) => {
            json(named(net, &asked.body).and_then(|(net, request)| service.allow(net, request)))
        }
        ("DELETE", ["allow", source @ ..]) => json(net(source).and_then(|net| service.disallow(net))),
        (
            _,
            [
                "status" | "sources" | "actors" | "history" | "cases" | "endpoints" | "silences" | "leases"
                | "allow" | "verify" | "reload",
            ]
            | ["cases" | "silences" | "leases" | "allow", _]
            | ["cases", _, "explain"],
        ) => refused(&Refused::new(
            405,
            "method",
            "that path does not take that method",
        )),
        _ => refused(&Refused::not_found(
            "no such path; there are /v1/status, /v1/sources, /v1/actors, /v1/history, /v1/cases, /v1/endpoints, /v1/silences, /v1/leases, /v1/allow, /v1/verify and /v1/reload",
        )),
    }
}

/// The net at the end of a path, and what the body says of it; an empty body says nothing.
fn named<T: DeserializeOwned + Default>(parts: &[&str], body: &[u8]) -> Result<(Prefix, T), Refused> {
    let request = if body.is_empty() {
        T::default()
    } else {
        serde_json::from_slice(body).map_err(|error| Refused::bad_request(error.to_string()))?
    };
    Ok((net(parts)?, request))
}

/// The net at the end of a path, its slash as it is or encoded.
fn net(parts: &[&str]) -> Result<Prefix, Refused> {
    let mut plain = parts.join("/");
    for (code, plainly) in [("%3A", ":"), ("%3a", ":"), ("%2F", "/"), ("%2f", "/")] {
        plain = plain.replace(code, plainly);
    }
    plain.parse().map_err(|_| {
        Refused::bad_request(
            "the end of the path must be an IPv4 or IPv6 address or a net, such as 10.0.0.0/8",
        )
    })
}

fn request<T: DeserializeOwned>(body: &[u8]) -> Result<T, Refused> {
    serde_json::from_slice(body).map_err(|error| Refused::bad_request(error.to_string()))
}

fn silence_number(text: &str) -> Result<u32, Refused> {
    text.parse()
        .map_err(|_| Refused::bad_request("a silence has a number"))
}

fn case_number(text: &str) -> Result<u32, Refused> {
    text.parse()
        .map_err(|_| Refused::bad_request("a case has a number"))
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

fn json<T: Serialize>(result: Result<T, Refused>) -> Response<Full<Bytes>> {
    let encoded = result.and_then(|value| {
        serde_json::to_vec(&value).map_err(|error| Refused::new(500, "encoding", error.to_string()))
    });
    match encoded {
        Ok(body) => response(StatusCode::OK, body),
        Err(why) => refused(&why),
    }
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
