use super::*;
use crate::{
    case::{CaseClient, CaseSource},
    detect::{Evidence, id_enumeration},
    observe::Fingerprint,
    time::Timestamp,
};

fn ip(text: &str) -> IpKey {
    text.parse().unwrap()
}

fn case(actor: Actor, verdict: Verdict, clients: &[(&str, bool)]) -> Case {
    let clients = clients.iter().map(|(addr, shared)| CaseClient {
        addr: ip(addr),
        shared: *shared,
    });
    Case {
        number: 12,
        detector: &id_enumeration::INFO,
        actor,
        endpoint: None,
        endpoint_name: "GET /a\"; allow all; {id}".into(),
        opened: Timestamp::ZERO,
        updated: Timestamp::ZERO,
        closed: None,
        findings: 1,
        severity: 1,
        confidence: 1,
        coverage: 1.0,
        evidence: Evidence::default(),
        sources: vec![CaseSource {
            addr: ip("10.0.0.1"),
            port: 1,
            clients: clients.collect(),
            verdict: verdict.clone(),
        }],
        verdict,
        connection: None,
        times: std::collections::VecDeque::new(),
        history: std::collections::VecDeque::new(),
    }
}

const PROXY: Verdict = Verdict::Upstream {
    others: 0,
    forwards: true,
};

fn principal() -> Actor {
    Actor::Principal(Principal {
        kind: PrincipalKind::ApiKey,
        fingerprint: Fingerprint([0xab; 16]),
    })
}

#[test]
fn clients_behind_a_proxy_get_ready_rules_of_addresses_only() {
    let actor = Actor::Client(ip("203.0.113.7"));
    let clients = [("203.0.113.7", false), ("2001:db8::9", false)];
    let advice = advice(&case(actor, PROXY, &clients)).unwrap();
    assert_eq!(
        advice.nginx,
        "deny 203.0.113.7;  # apimon case 12\ndeny 2001:db8::9;  # apimon case 12\n"
    );
    assert_eq!(
        advice.haproxy,
        "# apimon case 12\nhttp-request deny deny_status 403 if { src 203.0.113.7 2001:db8::9 }\n"
    );
    assert!(
        advice.envoy.ends_with(
            "apimon-case-12:\n          permissions: [{ any: true }]\n          principals:\n          - remote_ip: { \
             address_prefix: \"203.0.113.7\", prefix_len: 32 }\n          - remote_ip: { address_prefix: \"2001:db8::9\", \
             prefix_len: 128 }\n"
        ),
        "{}",
        advice.envoy
    );
    assert_eq!(advice.hint, None);
    for rules in [&advice.nginx, &advice.haproxy, &advice.envoy] {
        assert!(!rules.contains("allow"), "nothing that a client sent: {rules}");
    }
}

#[test]
fn where_only_a_credential_tells_the_actor_its_print_is_named() {
    let nat = Verdict::Upstream {
        others: 9,
        forwards: false,
    };
    let advice_of = |actor, verdict, clients: &[_]| advice(&case(actor, verdict, clients)).unwrap();
    let alone = advice_of(principal(), nat, &[]);
    assert_eq!((alone.nginx, alone.haproxy, alone.envoy), Default::default());
    assert!(
        alone
            .hint
            .unwrap()
            .contains("API key whose print is key:abababababab")
    );
    let shared = advice_of(principal(), PROXY, &[("203.0.113.7", true)]);
    assert_eq!(
        (shared.nginx.as_str(), shared.clients.len()),
        ("", 0),
        "an office behind the proxy"
    );
    assert!(shared.hint.is_some());
}

#[test]
fn what_is_not_to_be_stopped_there_has_none() {
    assert_eq!(advice(&case(principal(), Verdict::Log, &[])), None);
}
