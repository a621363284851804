//! What stops an actor where its source must be let alone: rules for the proxy in front of it, or which credential to
//! look up. Must not know how a case came about.
//!
//! A rule holds nothing but addresses and the number of the case, written by this program: no byte that a client sent
//! gets into the configuration of a proxy.

use std::fmt::Write as _;

use monitor_common::IpKey;

use super::Verdict;
use crate::{
    case::Case,
    detect::Actor,
    observe::{Principal, PrincipalKind},
};

/// What is to be done upstream.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Upstream {
    /// Client addresses behind the proxy that only the actor uses.
    pub clients: Vec<IpKey>,
    /// For the `http`, `server` or `location` block of nginx; empty where no address tells the actor.
    pub nginx: String,
    /// For a `frontend` of `HAProxy`; as above.
    pub haproxy: String,
    /// A filter for `http_filters` of Envoy; as above.
    pub envoy: String,
    /// What tells the actor where an address does not.
    pub hint: Option<String>,
}

/// What stops the actor of a case, if one of its sources is to be stopped there.
pub fn advice(case: &Case) -> Option<Upstream> {
    let to_be_stopped = |verdict: &Verdict| matches!(verdict, Verdict::Upstream { .. });
    let sources = case
        .sources
        .iter()
        .filter(|source| to_be_stopped(&source.verdict));
    let behind: Vec<_> = sources.clone().flat_map(|source| &source.clients).collect();
    if sources.count() == 0 {
        return None;
    }
    let clients: Vec<IpKey> = behind
        .iter()
        .filter(|client| !client.shared)
        .map(|client| client.addr)
        .collect();
    let told = !clients.is_empty() && clients.len() == behind.len();
    let hint = if told { None } else { Some(hint(&case.actor)) };
    Some(Upstream {
        nginx: nginx(case.number, &clients),
        haproxy: haproxy(case.number, &clients),
        envoy: envoy(case.number, &clients),
        clients,
        hint,
    })
}

fn nginx(case: u32, clients: &[IpKey]) -> String {
    clients.iter().fold(String::new(), |mut rules, client| {
        let _infallible = writeln!(rules, "deny {client};  # apimon case {case}");
        rules
    })
}

fn haproxy(case: u32, clients: &[IpKey]) -> String {
    if clients.is_empty() {
        return String::new();
    }
    let list: Vec<String> = clients.iter().map(ToString::to_string).collect();
    format!(
        "# apimon case {case}\nhttp-request deny deny_status 403 if {{ src {} }}\n",
        list.join(" ")
    )
}

fn envoy(case: u32, clients: &[IpKey]) -> String {
    if clients.is_empty() {
        return String::new();
    }
    let mut filter = format!(
        "- name: envoy.filters.http.rbac\n  typed_config:\n    \"@type\": type.googleapis.com/envoy.extensions.filters.http.rbac.v3.RBAC\n    \
         rules:\n      action: DENY\n      policies:\n        apimon-case-{case}:\n          permissions: [{{ any: true }}]\n          principals:\n"
    );
    for client in clients {
        let bits = if client.is_v4() { 32 } else { 128 };
        let _infallible = writeln!(
            filter,
            "          - remote_ip: {{ address_prefix: \"{client}\", prefix_len: {bits} }}"
        );
    }
    filter
}

/// Which credential to look for, and its print. The print is keyed: it tells the credential to whoever has the key of
/// this installation, and cannot be turned into a rule.
fn hint(actor: &Actor) -> String {
    match actor {
        Actor::Principal(principal) => format!(
            "no address tells the actor: look for the {} whose print is {principal} in the application, and withdraw it there",
            carrier(principal)
        ),
        Actor::Client(_) => {
            "no address tells the actor, and it shows no credential: limit the endpoint at the proxy or in \
                             the application"
                .to_owned()
        }
        Actor::Several => "no single actor: limit the endpoint at the proxy or in the application".to_owned(),
    }
}

fn carrier(principal: &Principal) -> &'static str {
    match principal.kind {
        PrincipalKind::Bearer => "token of `Authorization: Bearer`",
        PrincipalKind::Jwt => "issuer and subject of the JSON Web Token in `Authorization: Bearer`",
        PrincipalKind::ApiKey => "API key",
        PrincipalKind::User => {
            "user name (of `Authorization: Basic`, or of the login that handed the token out)"
        }
        PrincipalKind::Session => "session in `Cookie`",
        PrincipalKind::Certificate => "client certificate (`X-Forwarded-Client-Cert` or `Client-Cert`)",
    }
}

#[cfg(test)]
#[path = "upstream_tests.rs"]
mod tests;
