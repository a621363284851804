//! No secret, and nothing as a client sent it, stands in a line.

use super::*;
use crate::{
    body::BodySettings,
    http::transaction::{HeadBuf, Mark, Request as HttpRequest, Response, Transaction, Version},
    observe::extract::Extractor,
};

/// Planted in every place; the log may have none of them.
const SECRETS: [&str; 8] = [
    "S3cr3tBearerT0ken",
    "c00kieS3ssionValue",
    "hunter2",
    "passw0rdInTheQuery",
    "resetTokenAbCdEf0123456789",
    "PLANTEDSECRETINPATH",
    "agentS3cret",
    "jane.doe@example.org",
];

fn transact(
    extractor: &mut Extractor,
    ms: u64,
    client: IpKey,
    target: &str,
    headers: &[(&str, &str)],
) -> Observation {
    let head = HeadBuf::new(Version::Http11, headers);
    let at = Timestamp::from_nanos((START_MS + ms) * 1_000_000);
    extractor.extract(&Transaction {
        client: Peer {
            addr: client,
            port: 1,
        },
        server: Peer {
            addr: ip("198.51.100.1"),
            port: 80,
        },
        proxied: None,
        ordinal: ms,
        request: HttpRequest {
            first: at,
            last: at,
            head: head.as_head(),
            method: b"GET",
            target: target.as_bytes(),
            body_len: Some(0),
            mark: Mark::NEW,
        },
        response: Some(Response {
            first: at,
            last: at,
            head: head.as_head(),
            status: 200,
            body_len: Some(10),
            mark: Mark::NEW,
        }),
        anomalies: AnomalySet::default(),
        source_proven: true,
        gaps: false,
    })
}

#[test]
fn no_planted_secret_comes_out() {
    let mut extractor = Extractor::new(KEY, BodySettings::BOTH);
    let mut judge = Judge::new(enforcing(), KEY);
    let (mut kernel, mut events) = (Kernel::default(), Vec::new());
    let headers = [
        ("Host", "api\u{1b}[31m"),
        ("Authorization", "Bearer S3cr3tBearerT0ken"),
        ("Cookie", "sid=c00kieS3ssionValue"),
        ("User-Agent", "agentS3cret\"}\n{\"x\":1"),
    ];
    let paths = [
        "/reset/resetTokenAbCdEf0123456789/users/",
        "/share/hunter2/users/",
        "/x/PLANTEDSECRETINPATH/users/",
        "/users/jane.doe@example.org/orders/",
        "/a\u{1b}[2J\"}\\n/orders/",
        "/orders;sid=c00kieS3ssionValue/",
    ];
    for (n, path) in paths.iter().enumerate() {
        let client = IpKey::from_v4([203, 0, 113, n as u8]);
        for i in 0..60u64 {
            let query = format!("?password=passw0rdInTheQuery&reset_id=passw0rdInTheQuery{i}");
            let target = format!("{path}{}{query}", 1000 + i);
            let ms = n as u64 * 10_000 + i * 50;
            let observation = transact(&mut extractor, ms, client, &target, &headers[..=(n % 4)]);
            judge.observe(&observation, &mut kernel, &mut events);
        }
    }
    for i in 0..60u64 {
        let target = format!("/vault/hunter2-{i}");
        let observation = transact(
            &mut extractor,
            90_000 + i * 50,
            ip("203.0.113.99"),
            &target,
            &headers,
        );
        judge.observe(&observation, &mut kernel, &mut events);
    }
    let lines: String = events
        .iter()
        .map(|event| crate::journal::ecs::line(event) + "\n")
        .collect();
    let all = format!("{lines}{events:?}{:?}", judge.cases().collect::<Vec<_>>()).to_lowercase();
    assert!(lines.lines().count() >= 7, "{lines}");
    for secret in SECRETS {
        assert!(!all.contains(&secret.to_lowercase()), "{secret} in {all}");
    }
    assert!(
        lines.bytes().all(|b| b == b'\n' || (0x20..=0x7e).contains(&b)),
        "{lines}"
    );
    assert!(lines.contains("/users/{id}"), "{lines}");
}
