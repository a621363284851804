use std::{
    io::{Read as _, Write as _},
    os::unix::{fs::MetadataExt, net::UnixStream},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use super::{client::*, dto::*, filled, *};

/// Answers with values whose every field is there.
#[derive(Default)]
pub(super) struct Table {
    pub(super) denied: AtomicUsize,
}

impl Service for Table {
    fn status(&self) -> Result<Status, Refused> {
        Ok(filled::status())
    }
    fn sources(&self, limit: usize) -> Result<Vec<Source>, Refused> {
        Ok(vec![filled::source(); limit])
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
        Ok(vec![filled::case(); count])
    }
    fn case(&self, number: u32) -> Result<Case, Refused> {
        match number {
            7 => Ok(filled::case()),
            _ => Err(Refused::not_found(format!("there is no case {number}"))),
        }
    }
    fn explain(&self, _number: u32) -> Result<Explanation, Refused> {
        Ok(filled::explanation())
    }
    fn endpoints(&self, limit: usize) -> Result<Vec<Endpoint>, Refused> {
        Ok(vec![filled::endpoint(); limit.min(3)])
    }
    fn silences(&self) -> Result<Vec<Silence>, Refused> {
        Ok(vec![filled::silence(), Silence::default()])
    }
    fn silence(&self, _by: &Operator, request: SilenceRequest) -> Result<Silence, Refused> {
        Ok(Silence {
            comment: request.comment,
            ..Silence::default()
        })
    }
    fn unsilence(&self, _by: &Operator, id: u32) -> Result<Silence, Refused> {
        Ok(Silence {
            id,
            ..Silence::default()
        })
    }
    fn leases(&self) -> Result<Vec<Lease>, Refused> {
        Ok(vec![filled::lease(), Lease::default()])
    }
    fn block(&self, _by: &Operator, source: Prefix, request: BlockRequest) -> Result<Lease, Refused> {
        Ok(Lease {
            source: source.to_string(),
            left_seconds: request.ttl_seconds.unwrap_or(600),
            reason: request.reason,
            ..Lease::default()
        })
    }
    fn reload(&self, _by: &Operator) -> Result<Reloaded, Refused> {
        Ok(filled::reloaded())
    }
    fn verify(&self, repair_for: Option<&Operator>) -> Result<Verified, Refused> {
        Ok(filled::verified(repair_for.is_some()))
    }
    fn allows(&self) -> Result<Vec<Allow>, Refused> {
        Ok(vec![filled::allow(), Allow::default()])
    }
    fn allow(&self, _by: &Operator, net: Prefix, request: AllowRequest) -> Result<Allow, Refused> {
        Ok(Allow {
            net: net.to_string(),
            left_seconds: request.for_seconds,
            comment: request.comment,
            ..Allow::default()
        })
    }
    fn disallow(&self, _by: &Operator, net: Prefix) -> Result<Allow, Refused> {
        Err(Refused::not_found(format!("{net} is not allowed")))
    }
    fn unblock(&self, _by: &Operator, source: Prefix) -> Result<Lease, Refused> {
        if source.is_host() {
            Err(Refused::new(409, "observe-mode", "not in observe mode"))
        } else {
            Ok(filled::lease())
        }
    }
    fn denied(&self, _by: &Operator, _method: &str, _path: &str) {
        self.denied.fetch_add(1, Ordering::Relaxed);
    }
}

/// A server on a thread of its own, which ends with the process.
pub(super) fn server() -> (tempfile::TempDir, PathBuf, Listening) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("run/control.sock");
    let listening = Listening::bind(&path, None).unwrap();
    let listener = listening.listener().unwrap();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(server::serve(listener, Arc::new(Table::default())))
    });
    (dir, path, listening)
}

pub(super) fn raw(path: &Path, request: &str) -> String {
    let mut stream = UnixStream::connect(path).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    // A refused body may end the connection early; what was answered before counts.
    drop(stream.read_to_string(&mut answer));
    openapi::hold(request, &answer);
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
    assert_eq!(client.leases().unwrap(), [filled::lease(), Lease::default()]);
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
    assert_eq!(client.allows().unwrap().len(), 2);
    assert_eq!(
        client.status().unwrap(),
        filled::status(),
        "nothing is lost on the way"
    );
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
    let listening = Listening::bind(&path, None).unwrap();
    assert_eq!(std::fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
    drop(listening);
    assert!(!path.exists());
}

#[test]
fn the_socket_is_opened_to_one_group_only() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("c.sock");
    // The own group: any other one takes root.
    let group = rustix::process::getegid().as_raw();
    let _listening = Listening::bind(&path, Some(group)).unwrap();
    let file = std::fs::metadata(&path).unwrap();
    assert_eq!((file.mode() & 0o777, file.gid()), (0o660, group));
}

#[test]
fn connections_too_many_are_told_so() {
    let (_dir, path, _listening) = server();
    let held: Vec<UnixStream> = (0..64).map(|_| UnixStream::connect(&path).unwrap()).collect();
    // All are of one user, so those beyond the room of that class are answered at once and unasked.
    let mut answer = String::new();
    (&held[63]).read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");
    openapi::hold("GET /v1/status HTTP/1.1", &answer);
    drop(held);
}

#[test]
fn who_may_only_read_changes_nothing() {
    use hyper::{Method, body::Bytes};
    let table = Table::default();
    let asked = |method: Method, path: &str| routes::Asked {
        method,
        path: path.to_owned(),
        query: String::new(),
        body: Bytes::new(),
        by: Operator {
            uid: 1000,
            pid: Some(1),
            user: Some("eve".into()),
        },
        may_change: false,
    };
    let mut changes = 0;
    for route in routes::ROUTES {
        let path = route
            .path
            .replace("{net}", "192.0.2.0/24")
            .replace("{number}", "7");
        let method: Method = route.method.parse().unwrap();
        let changing = method != Method::GET;
        let status = routes::answer(&table, &asked(method, &path)).status();
        assert_eq!(
            status.as_u16(),
            if changing { 403 } else { 200 },
            "{} {path}",
            route.method
        );
        changes += usize::from(changing);
    }
    assert!(changes > 5);
    assert_eq!(table.denied.load(Ordering::Relaxed), changes, "each is told");
}

#[test]
fn stale_used_and_foreign_files_are_told_apart() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("c.sock");
    drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
    let first = Listening::bind(&path, None).expect("a stale file is taken over");
    let said = Listening::bind(&path, None).unwrap_err().to_string();
    assert!(said.contains("another process listens"), "{said}");
    std::fs::remove_file(&path).unwrap();
    std::fs::write(&path, "precious").unwrap();
    drop(first);
    let said = Listening::bind(&path, None).unwrap_err().to_string();
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
