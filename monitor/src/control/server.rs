//! Serves the control protocol. Bounded in connections, in size and in time, so that a local client cannot hold the
//! daemon up. Must not know what the answers mean.

use std::{convert::Infallible, os::unix::net::UnixListener as StdListener, sync::Arc, time::Duration};

use http_body_util::{BodyExt, Full, Limited};
use hyper::{
    Request, Response,
    body::{Body as _, Bytes, Incoming},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{net::UnixListener, sync::Semaphore};

use super::{
    Service,
    dto::Refused,
    routes::{self, Asked},
};

/// Connections served at once. A client that opens many; the others wait in the kernel's backlog.
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

/// Serves until dropped.
pub async fn serve(listener: StdListener, service: Arc<dyn Service>) -> std::io::Result<Infallible> {
    let listener = UnixListener::from_std(listener)?;
    let permits = Arc::new(Semaphore::new(CONNECTIONS));
    loop {
        let permit = Arc::clone(&permits).acquire_owned().await;
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(error) => {
                log::warn!("control socket: accept: {error}");
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        let service = Arc::clone(&service);
        tokio::spawn(async move {
            let handler = service_fn(move |request| handle(Arc::clone(&service), request));
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
            drop(permit);
        });
    }
}

async fn handle(
    service: Arc<dyn Service>,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let (head, body) = request.into_parts();
    let Some(body) = read_body(body).await else {
        let message = format!("the body is cut or larger than {BODY_BYTES} bytes");
        return Ok(routes::refused(&Refused::new(413, "too-large", message)));
    };
    let asked = Asked {
        method: head.method,
        path: head.uri.path().to_owned(),
        query: head.uri.query().unwrap_or_default().to_owned(),
        body,
    };
    // Reading a large map takes milliseconds; signals must not wait for it.
    let answered = tokio::task::spawn_blocking(move || routes::answer(&*service, &asked)).await;
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
