//! Calls and answers as HTTP/1.1 bytes. Must not know about packets, or who is honest.

use std::fmt::Write as _;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

use super::{
    api::Auth,
    file::Twice,
    program::Program,
    world::{Asked, Call, Reply, World},
};

/// What a request says beyond the call.
#[derive(Clone, Copy, Debug)]
pub struct Frame<'a> {
    /// The program that sends it.
    pub program: &'a Program,
    /// How a parameter is given twice.
    pub twice: Option<Twice>,
    /// The client's address, where a proxy says it.
    pub forwarded: Option<std::net::IpAddr>,
}

/// The bytes of a request.
pub fn request(out: &mut String, call: &Call, world: &World<'_>, frame: Frame<'_>) {
    let Some(endpoint) = world.plan.endpoints.get(call.endpoint) else {
        return;
    };
    let fill = |text: &str, escape: bool| fill(text, call, world, endpoint.object, escape);
    let mut target = call.path.clone().unwrap_or_else(|| fill(&endpoint.target, true));
    let mut body = endpoint.file.body.as_deref().map(|body| fill(body, false));
    let mut media = "application/json";
    let mut method = endpoint.method.as_str();
    if let (Some(twice), Some(kind)) = (frame.twice, endpoint.object) {
        let name = world.plan.kinds.get(kind).map_or("", |(name, _)| name.as_str());
        let id = |at: Option<usize>| {
            at.and_then(|at| world.stores.get(kind)?.ids.get(at).cloned())
                .unwrap_or_default()
        };
        let wanted = match call.asked {
            Some(Asked::Known(at)) => id(Some(at)),
            _ => String::new(),
        };
        let own = id(call.beside);
        let base = target.split('?').next().unwrap_or_default().to_owned();
        match twice {
            Twice::Query => target = format!("{base}?{name}_id={own}&{name}_id={wanted}"),
            Twice::Across => {
                target = format!("{base}?{name}_id={own}");
                body = Some(format!("{name}_id={wanted}"));
            }
            Twice::Form => {
                target = base;
                body = Some(format!("{name}_id={own}&{name}_id={wanted}"));
            }
        }
        if twice != Twice::Query {
            (media, method) = ("application/x-www-form-urlencoded", "POST");
        }
    }
    let _ = write!(out, "{method} {target} HTTP/1.1\r\n");
    let auth = credential(call, world.plan.api.auth);
    frame.program.head(out, &world.plan.api.host, &auth);
    if let Some(addr) = frame.forwarded {
        let _ = write!(out, "X-Forwarded-For: {addr}\r\n");
    }
    if let Some(body) = body {
        let _ = write!(
            out,
            "Content-Type: {media}\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
    } else {
        out.push_str("\r\n");
    }
}

/// The header line of the credential.
fn credential(call: &Call, auth: Auth) -> String {
    let Some(text) = &call.shown.text else {
        return String::new();
    };
    match auth {
        Auth::Jwt | Auth::Opaque => format!("Authorization: Bearer {text}\r\n"),
        Auth::Session => format!("Cookie: theme=dark; sid={text}\r\n"),
        Auth::Key => format!("X-Api-Key: {text}\r\n"),
        Auth::Basic => format!("Authorization: Basic {text}\r\n"),
    }
}

/// Puts what is asked for in the place of the names in braces.
fn fill(text: &str, call: &Call, world: &World<'_>, kind: Option<usize>, escape: bool) -> String {
    let mut out = String::with_capacity(text.len() + 32);
    let mut rest = text;
    while let Some((before, tail)) = rest.split_once('{') {
        out.push_str(before);
        let Some((name, behind)) = tail.split_once('}') else {
            out.push('{');
            rest = tail;
            continue;
        };
        match name {
            "page" => drop(write!(out, "{}", call.page + 1)),
            "offset" => drop(write!(out, "{}", call.page * 20)),
            "cursor" => out.push_str(&URL_SAFE_NO_PAD.encode(format!("after:{}", call.page * 20))),
            // Days backwards: windows of a month.
            "date" => drop(write!(
                out,
                "20{:02}-{:02}-01",
                25 - call.page / 12 % 20,
                12 - call.page % 12
            )),
            "term" => drop(write!(out, "{}{}", letter(call.page / 26), letter(call.page))),
            "refresh" => out.push_str(call.refresh.as_deref().unwrap_or_default()),
            "me" => drop(write!(out, "{}", 70_000 + call.shown.account.unwrap_or(0))),
            "token" => out.push_str(call.shown.text.as_deref().unwrap_or_default()),
            "user" => out.push_str(call.login.as_ref().map_or("", |(user, _)| user)),
            "password" => out.push_str(call.login.as_ref().map_or("", |(_, password)| password)),
            _ if is_kind(name, kind, world) => match (&call.asked, kind) {
                (Some(Asked::Known(at)), Some(kind)) => {
                    let id = world.stores.get(kind).and_then(|s| s.ids.get(*at));
                    push(&mut out, id.map_or("", |id| id), escape);
                }
                (Some(Asked::Unknown(id)), _) => push(&mut out, id, escape),
                _ => out.push('0'),
            },
            _ if world.plan.kinds.iter().any(|(known, _)| known == name) => {
                push(&mut out, world.parent(name, call, kind).unwrap_or("0"), escape);
            }
            // Braces of JSON.
            _ => {
                out.push('{');
                rest = tail;
                continue;
            }
        }
        rest = behind;
    }
    out.push_str(rest);
    out
}

/// An id, as it stands in a body or in a target (RFC 3986 section 2).
fn push(out: &mut String, id: &str, escape: bool) {
    for byte in id.chars() {
        let plain = byte.is_ascii_alphanumeric() || matches!(byte, '-' | '_' | '.' | '~');
        if plain || !escape {
            out.push(byte);
        } else {
            let _ = write!(out, "%{:02X}", u32::from(byte));
        }
    }
}

fn letter(at: usize) -> char {
    char::from(b'a' + u8::try_from(at % 26).unwrap_or(0))
}

fn is_kind(name: &str, kind: Option<usize>, world: &World<'_>) -> bool {
    kind.and_then(|kind| world.plan.kinds.get(kind))
        .is_some_and(|(known, _)| known == name)
}

/// The bytes of an answer.
pub fn answer(out: &mut String, reply: &Reply) {
    let reason = match reply.status {
        200 => "OK",
        201 => "Created",
        204 => "No Content",
        304 => "Not Modified",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        429 => "Too Many Requests",
        500..=599 => "Server Error",
        _ => "Other",
    };
    let _ = write!(
        out,
        "HTTP/1.1 {} {reason}\r\nServer: nginx\r\nContent-Type: application/json\r\n{}",
        reply.status, reply.head
    );
    if matches!(reply.status, 204 | 304) {
        out.push_str("\r\n");
    } else {
        let _ = write!(out, "Content-Length: {}\r\n\r\n{}", reply.body.len(), reply.body);
    }
}
