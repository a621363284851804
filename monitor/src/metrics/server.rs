//! Serves the metrics over HTTP on a TCP port, and nothing else. Bounded in connections, size and time. Must not know
//! what the text says.
//!
//! Anybody who reaches the port may read. So it is off unless asked for, and not on other addresses than loopback
//! unless that is asked for too. On loopback a request must name the host so: a page in a browser on this machine could
//! otherwise read the metrics by a name that it makes lead here (DNS rebinding).

use std::{
    convert::Infallible,
    io,
    net::{IpAddr, SocketAddr, TcpListener as StdListener},
    sync::Arc,
    time::Duration,
};

use http_body_util::Full;
use hyper::{
    Method, Request, Response, StatusCode,
    body::{Bytes, Incoming},
    header,
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{net::TcpListener, sync::Semaphore};

/// Connections served at once. Somebody who opens many; further ones are closed at once.
const CONNECTIONS: usize = 8;
/// Bytes of a request head (hyper's least).
const HEAD_BYTES: usize = 8 * 1024;
/// How long a client may take to send its head.
const HEAD_TIME: Duration = Duration::from_secs(5);
/// How long a connection may last. One that reads slowly.
const CONNECTION_TIME: Duration = Duration::from_secs(20);
/// Pause after a failed accept (no descriptors left): without it the loop would spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// What gives the text; `None`: it cannot now. Called on a thread where waiting is allowed.
pub type Source = Arc<dyn Fn() -> Option<String> + Send + Sync>;

/// Listens, not blocking.
pub fn bind(listen: SocketAddr) -> io::Result<StdListener> {
    let listener = StdListener::bind(listen)?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

/// Serves until dropped.
pub async fn serve(listener: StdListener, source: Source) -> io::Result<Infallible> {
    let local = listener.local_addr()?.ip().is_loopback();
    let listener = TcpListener::from_std(listener)?;
    let room = Arc::new(Semaphore::new(CONNECTIONS));
    loop {
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(error) => {
                log::warn!("metrics: accept: {error}");
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        let Ok(permit) = Arc::clone(&room).try_acquire_owned() else {
            continue;
        };
        let source = Arc::clone(&source);
        tokio::spawn(async move {
            let handler = service_fn(move |request| answer(request, Arc::clone(&source), local));
            // One answer a connection: an idle one would take the room of another.
            let connection = http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(HEAD_TIME)
                .max_buf_size(HEAD_BYTES)
                .keep_alive(false)
                .serve_connection(TokioIo::new(stream), handler);
            match tokio::time::timeout(CONNECTION_TIME, connection).await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => log::debug!("metrics: {error}"),
                Err(_) => log::debug!("metrics: a client took too long"),
            }
            drop(permit);
        });
    }
}

async fn answer(
    request: Request<Incoming>,
    source: Source,
    local: bool,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let host = request.headers().get(header::HOST);
    let host = host.and_then(|host| host.to_str().ok());
    if local && !host.is_none_or(is_loopback) {
        return Ok(plain(
            StatusCode::FORBIDDEN,
            "the host must be a loopback address\n",
        ));
    }
    if request.uri().path() != "/metrics" {
        return Ok(plain(StatusCode::NOT_FOUND, "the metrics are at /metrics\n"));
    }
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return Ok(plain(StatusCode::METHOD_NOT_ALLOWED, "use GET\n"));
    }
    let text = tokio::task::spawn_blocking(move || source()).await.ok().flatten();
    Ok(text.map_or_else(
        || {
            plain(
                StatusCode::SERVICE_UNAVAILABLE,
                "the daemon is too busy to answer; try again\n",
            )
        },
        |text| plain(StatusCode::OK, text),
    ))
}

/// Whether a Host field names this machine to itself, with or without a port.
fn is_loopback(host: &str) -> bool {
    let name = match host.strip_prefix('[') {
        Some(v6) => v6.split(']').next().unwrap_or_default(),
        None => host.rsplit_once(':').map_or(host, |(name, _)| name),
    };
    name.eq_ignore_ascii_case("localhost") || name.parse::<IpAddr>().is_ok_and(|addr| addr.is_loopback())
}

fn plain(status: StatusCode, text: impl Into<Bytes>) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(text.into()));
    *response.status_mut() = status;
    response.headers_mut().insert(
        header::CONTENT_TYPE,
        header::HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8"),
    );
    response
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Write};

    fn serving(source: Source) -> SocketAddr {
        let listener = bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let at = listener.local_addr().unwrap();
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(serve(listener, source))
        });
        at
    }

    fn ask(at: SocketAddr, head: &str) -> String {
        let mut stream = std::net::TcpStream::connect(at).unwrap();
        stream.write_all(format!("{head}\r\n\r\n").as_bytes()).unwrap();
        let mut answer = String::new();
        drop(stream.read_to_string(&mut answer));
        answer
    }

    #[test]
    fn only_metrics_and_only_for_those_who_mean_this_host() {
        let at = serving(Arc::new(|| Some("apimon_up 1\n".into())));
        for (head, status) in [
            ("GET /metrics HTTP/1.1\r\nhost: localhost:1", 200),
            ("GET /metrics HTTP/1.1\r\nhost: 127.0.0.1", 200),
            ("GET /metrics HTTP/1.1\r\nhost: [::1]:9", 200),
            ("GET /metrics HTTP/1.0", 200),
            ("GET /metrics HTTP/1.1\r\nhost: evil.example", 403),
            ("GET /metrics HTTP/1.1\r\nhost: 127.0.0.1.evil.example", 403),
            ("GET /v1/status HTTP/1.1\r\nhost: localhost", 404),
            (
                "POST /metrics HTTP/1.1\r\nhost: localhost\r\ncontent-length: 0",
                405,
            ),
        ] {
            let answer = ask(at, head);
            assert!(
                answer.starts_with(&format!("HTTP/1.1 {status} "))
                    || answer.starts_with(&format!("HTTP/1.0 {status} ")),
                "{head}: {answer}"
            );
            assert_eq!(
                answer.ends_with("apimon_up 1\n"),
                status == 200,
                "{head}: {answer}"
            );
        }
        let long = format!("GET /metrics HTTP/1.1\r\nx: {}", "y".repeat(100_000));
        assert!(ask(at, &long).starts_with("HTTP/1.1 431 "));
    }

    #[test]
    fn a_daemon_without_time_says_so() {
        let at = serving(Arc::new(|| None));
        let answer = ask(at, "GET /metrics HTTP/1.1\r\nhost: localhost");
        assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");
    }
}
