//! Client and server over a socket in a temporary directory, with a service that is a table.

use std::{
    io::{Read, Write},
    os::unix::{fs::MetadataExt, net::UnixStream},
    path::{Path, PathBuf},
    sync::Arc,
};

use super::{client::*, dto::*, *};

struct Table;

impl Service for Table {
    fn status(&self) -> Result<Status, Refused> {
        Ok(Status {
            version: "test".into(),
            ports: vec![80],
            ..Status::default()
        })
    }
    fn sources(&self, limit: usize) -> Result<Vec<Source>, Refused> {
        Ok(vec![Source::default(); limit])
    }
    fn actors(&self, limit: usize) -> Result<Vec<Actor>, Refused> {
        Ok(vec![Actor::default(); limit])
    }
    fn history(&self, span: Span) -> Result<History, Refused> {
        Ok(History {
            step_seconds: if span == Span::Second { 1 } else { 60 },
            points: vec![Point::default()],
        })
    }
    fn cases(&self, limit: usize) -> Result<Vec<Case>, Refused> {
        let count = limit.min(3);
        Ok(vec![
            Case {
                number: 7,
                evidence: serde_json::json!({"value": 1.0}),
                ..Case::default()
            };
            count
        ])
    }
    fn case(&self, number: u32) -> Result<Case, Refused> {
        Err(Refused::not_found(format!("there is no case {number}")))
    }
    fn explain(&self, number: u32) -> Result<Explanation, Refused> {
        Ok(Explanation {
            points: i32::try_from(number).unwrap(),
            ..Explanation::default()
        })
    }
    fn endpoints(&self, limit: usize) -> Result<Vec<Endpoint>, Refused> {
        Ok(vec![Endpoint::default(); limit.min(3)])
    }
    fn silences(&self) -> Result<Vec<Silence>, Refused> {
        Ok(Vec::new())
    }
    fn silence(&self, request: SilenceRequest) -> Result<Silence, Refused> {
        Ok(Silence {
            comment: request.comment,
            ..Silence::default()
        })
    }
    fn unsilence(&self, id: u32) -> Result<Silence, Refused> {
        Ok(Silence {
            id,
            ..Silence::default()
        })
    }
    fn leases(&self) -> Result<Vec<Lease>, Refused> {
        Ok(Vec::new())
    }
    fn block(&self, source: Prefix, request: BlockRequest) -> Result<Lease, Refused> {
        Ok(Lease {
            source: source.to_string(),
            left_seconds: request.ttl_seconds.unwrap_or(600),
            reason: request.reason,
            ..Lease::default()
        })
    }
    fn reload(&self) -> Result<Reloaded, Refused> {
        Ok(Reloaded {
            file: Some("/etc/x.toml".into()),
            changes: crate::config::Changes {
                applied: vec!["mode".into()],
                restart: vec!["log.path".into()],
            },
        })
    }
    fn verify(&self, repair: bool) -> Result<Verified, Refused> {
        Ok(Verified {
            daemon: true,
            leases: u64::from(repair),
            ..Verified::default()
        })
    }
    fn allows(&self) -> Result<Vec<Allow>, Refused> {
        Ok(vec![Allow::default()])
    }
    fn allow(&self, net: Prefix, request: AllowRequest) -> Result<Allow, Refused> {
        Ok(Allow {
            net: net.to_string(),
            left_seconds: request.for_seconds,
            comment: request.comment,
            ..Allow::default()
        })
    }
    fn disallow(&self, net: Prefix) -> Result<Allow, Refused> {
        Err(Refused::not_found(format!("{net} is not allowed")))
    }
    fn unblock(&self, _source: Prefix) -> Result<Lease, Refused> {
        Err(Refused::new(409, "observe-mode", "not in observe mode"))
    }
}

/// A server on a thread of its own, which ends with the process.
fn server() -> (tempfile::TempDir, PathBuf, Listening) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("run/control.sock");
    let listening = Listening::bind(&path).unwrap();
    let listener = listening.listener().unwrap();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(server::serve(listener, Arc::new(Table)))
    });
    (dir, path, listening)
}

fn raw(path: &Path, request: &str) -> String {
    let mut stream = UnixStream::connect(path).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    // A refused body may end the connection early; what was answered before counts.
    drop(stream.read_to_string(&mut answer));
    answer
}

#[test]
fn every_call_crosses_the_socket() {
    let (_dir, path, _listening) = server();
    let client = Client::new(&path);
    assert_eq!(client.status().unwrap().ports, [80]);
    assert_eq!(client.sources(3).unwrap().len(), 3);
    assert_eq!(client.actors(4).unwrap().len(), 4);
    assert_eq!(client.history(Span::Second).unwrap().step_seconds, 1);
    let minutes = client.history(Span::Minute).unwrap();
    assert_eq!((minutes.step_seconds, minutes.points.len()), (60, 1));
    assert_eq!(client.cases().unwrap()[0].number, 7);
    assert_eq!(client.cases().unwrap().len(), 3, "all that there are");
    assert_eq!(client.latest_cases(2).unwrap().len(), 2);
    assert_eq!(client.busiest_endpoints(1).unwrap().len(), 1);
    assert!(client.leases().unwrap().is_empty());
    let source = "2001:db8::7".parse().unwrap();
    let request = BlockRequest {
        ttl_seconds: Some(60),
        reason: "by hand".into(),
        ..BlockRequest::default()
    };
    let lease = client.block(source, &request).unwrap();
    assert_eq!((lease.source.as_str(), lease.left_seconds), ("2001:db8::7", 60));
    let net = client.block("2001:db8::/32".parse().unwrap(), &request).unwrap();
    assert_eq!(net.source, "2001:db8::/32");
    let request = AllowRequest {
        for_seconds: Some(60),
        comment: "office".into(),
    };
    let allow = client.allow("10.0.0.0/8".parse().unwrap(), &request).unwrap();
    assert_eq!((allow.net.as_str(), allow.left_seconds), ("10.0.0.0/8", Some(60)));
    assert_eq!(client.allows().unwrap().len(), 1);
    let said = client.disallow(source).unwrap_err().to_string();
    assert_eq!(said, "2001:db8::7 is not allowed");
    let Err(ClientError::Refused(refused)) = client.unblock(source) else {
        panic!("must be refused");
    };
    assert_eq!((refused.status, refused.code.as_str()), (409, "observe-mode"));
    let said = client.case(9).unwrap_err().to_string();
    assert_eq!(said, "there is no case 9");
}

#[test]
fn wrong_requests_are_told_apart() {
    let (_dir, path, _listening) = server();
    for (request, status) in [
        ("GET / HTTP/1.1\r\n", 404),
        ("GET /v2/status HTTP/1.1\r\n", 404),
        ("GET /v1/nothing HTTP/1.1\r\n", 404),
        ("POST /v1/status HTTP/1.1\r\n", 405),
        ("GET /v1/sources?limit=0 HTTP/1.1\r\n", 400),
        ("GET /v1/sources?limit=x HTTP/1.1\r\n", 400),
        ("GET /v1/actors?limit=x HTTP/1.1\r\n", 400),
        ("GET /v1/cases?limit=99999999 HTTP/1.1\r\n", 400),
        ("GET /v1/history HTTP/1.1\r\n", 200),
        ("GET /v1/history?step=hour HTTP/1.1\r\n", 400),
        ("PUT /v1/history HTTP/1.1\r\n", 405),
        ("GET /v1/cases/x HTTP/1.1\r\n", 400),
        ("PUT /v1/leases/host HTTP/1.1\r\n", 400),
        ("PUT /v1/leases/10.0.0.1 HTTP/1.1\r\ncontent-length: 8\r\n", 400),
        (
            "PUT /v1/leases/10.0.0.1 HTTP/1.1\r\ncontent-length: 99999999\r\n",
            413,
        ),
        ("PUT /v1/leases/10.0.0.0/33 HTTP/1.1\r\n", 400),
        ("PUT /v1/leases/10.0.0.0/8/8 HTTP/1.1\r\n", 400),
        ("PUT /v1/leases/10.0.0.0%2f8 HTTP/1.1\r\n", 200),
        ("PUT /v1/allow/10.0.0.0%2f8 HTTP/1.1\r\n", 200),
        ("PUT /v1/allow/x HTTP/1.1\r\n", 400),
        ("POST /v1/allow HTTP/1.1\r\n", 405),
        ("PUT /v1/leases/2001%3adb8%3A%3a1 HTTP/1.1\r\n", 200),
        ("nonsense\r\n", 400),
    ] {
        let body = if request.contains("length: 8\r\n") {
            "{\"x\": 1}"
        } else {
            ""
        };
        let answer = raw(
            &path,
            &format!("{request}host: a\r\nconnection: close\r\n\r\n{body}"),
        );
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status} ")),
            "{request}: {answer}"
        );
    }
}

#[test]
fn an_endless_head_is_cut() {
    let (_dir, path, _listening) = server();
    let answer = raw(
        &path,
        &format!("GET /v1/status HTTP/1.1\r\nx: {}\r\n\r\n", "y".repeat(100_000)),
    );
    assert!(answer.starts_with("HTTP/1.1 431 "), "{answer}");
}

#[test]
fn the_socket_is_private_and_goes_with_its_owner() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("c.sock");
    let listening = Listening::bind(&path).unwrap();
    assert_eq!(std::fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
    drop(listening);
    assert!(!path.exists());
}

#[test]
fn stale_used_and_foreign_files_are_told_apart() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("c.sock");
    drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
    let first = Listening::bind(&path).expect("a stale file is taken over");
    let said = Listening::bind(&path).unwrap_err().to_string();
    assert!(said.contains("another process listens"), "{said}");
    std::fs::remove_file(&path).unwrap();
    std::fs::write(&path, "precious").unwrap();
    drop(first);
    let said = Listening::bind(&path).unwrap_err().to_string();
    assert!(said.contains("no socket"), "{said}");
    assert_eq!(
        std::fs::read_to_string(&path).unwrap(),
        "precious",
        "not ours to remove"
    );
}

#[test]
fn nobody_there_is_said_with_the_path() {
    let error = Client::new(Path::new("/nonexistent/c.sock"))
        .status()
        .unwrap_err();
    assert!(matches!(error, ClientError::Unreachable { .. }));
    assert!(error.to_string().contains("/nonexistent/c.sock") && error.to_string().contains("apimon run"));
}
