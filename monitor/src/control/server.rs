//! Serves the control protocol. Bounded in connections, in size and in time, so that a local client cannot hold the
//! daemon up, nor keep those out who may change something. Must not know what the answers mean.

use std::{convert::Infallible, os::unix::net::UnixListener as StdListener, sync::Arc, time::Duration};

use http_body_util::{BodyExt, Full, Limited};
use hyper::{
    Request, Response,
    body::{Body as _, Bytes, Incoming},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    net::{UnixListener, UnixStream},
    sync::{OwnedSemaphorePermit, Semaphore},
};

use super::{
    Service,
    dto::Refused,
    operator::Peer,
    routes::{self, Asked},
};

/// Connections served at once, of those who may change something and, apart from them, of all others. A client that
/// opens many; further ones are told to come again.
const CONNECTIONS: usize = 16;
/// Bytes of a request body. A client that sends without end; it is told so.
const BODY_BYTES: usize = 16 * 1024;
/// Bytes of a request head (hyper's least).
const HEAD_BYTES: usize = 8 * 1024;
/// How long a client may take to send its head. One that connects and says nothing.
const HEAD_TIME: Duration = Duration::from_secs(5);
/// How long a connection may last. One that reads slowly.
const CONNECTION_TIME: Duration = Duration::from_mins(1);
/// Pause after a failed accept (no descriptors left): without it the loop would spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// What is said to a connection too many.
const BUSY: &[u8] =
    b"HTTP/1.1 503 Service Unavailable\r\ncontent-type: application/json\r\nconnection: close\r\n\
content-length: 69\r\n\r\n{\"code\":\"busy\",\"message\":\"too many connections are open; try again\"}\n";

/// Room for connections: nobody can take the room of those who may change something.
struct Room {
    changing: Arc<Semaphore>,
    reading: Arc<Semaphore>,
}

impl Room {
    fn new() -> Self {
        let of = || Arc::new(Semaphore::new(CONNECTIONS));
        Self {
            changing: of(),
            reading: of(),
        }
    }

    fn take(&self, may_change: bool) -> Option<OwnedSemaphorePermit> {
        let room = if may_change { &self.changing } else { &self.reading };
        Arc::clone(room).try_acquire_owned().ok()
    }
}

/// Serves until dropped.
pub async fn serve(listener: StdListener, service: Arc<dyn Service>) -> std::io::Result<Infallible> {
    let listener = UnixListener::from_std(listener)?;
    let owner = rustix::process::geteuid().as_raw();
    let room = Room::new();
    loop {
        let accepted = match listener.accept().await {
            Ok((stream, _)) => stream
                .peer_cred()
                .map(|credentials| (stream, Peer::of(credentials))),
            Err(error) => Err(error),
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                log::warn!("control socket: accept: {error}");
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        let may_change = peer.may_change(owner);
        if let Some(permit) = room.take(may_change) {
            let service = Arc::clone(&service);
            tokio::spawn(async move {
                converse(stream, service, peer, may_change).await;
                drop(permit);
            });
        } else {
            // Fits into any socket buffer; whoever cannot even take that is told nothing.
            drop(stream.try_write(BUSY));
        }
    }
}

async fn converse(stream: UnixStream, service: Arc<dyn Service>, peer: Peer, may_change: bool) {
    let handler = service_fn(move |request| handle(Arc::clone(&service), request, peer, may_change));
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIME)
        .max_buf_size(HEAD_BYTES)
        .serve_connection(TokioIo::new(stream), handler);
    match tokio::time::timeout(CONNECTION_TIME, connection).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => log::debug!("control socket: {error}"),
        Err(_) => log::debug!("control socket: a client took too long"),
    }
}

async fn handle(
    service: Arc<dyn Service>,
    request: Request<Incoming>,
    peer: Peer,
    may_change: bool,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let (head, body) = request.into_parts();
    let Some(body) = read_body(body).await else {
        let message = format!("the body is cut or larger than {BODY_BYTES} bytes");
        return Ok(routes::refused(&Refused::new(413, "too-large", message)));
    };
    let (method, path) = (head.method, head.uri.path().to_owned());
    let query = head.uri.query().unwrap_or_default().to_owned();
    let answer = move || {
        let asked = Asked {
            method,
            path,
            query,
            body,
            by: peer.named(),
            may_change,
        };
        routes::answer(&*service, &asked)
    };
    // Reading a large map takes milliseconds; signals must not wait for it.
    let answered = tokio::task::spawn_blocking(answer).await;
    Ok(answered
        .unwrap_or_else(|_| routes::refused(&Refused::new(500, "panic", "the daemon failed to answer"))))
}

/// The whole body; `None` if it is cut, too large, or says that it will be.
async fn read_body(body: Incoming) -> Option<Bytes> {
    if body.size_hint().lower() > BODY_BYTES as u64 {
        return None;
    }
    let whole = Limited::new(body, BODY_BYTES).collect().await.ok()?;
    Some(whole.to_bytes())
}
