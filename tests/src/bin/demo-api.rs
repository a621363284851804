//! The demo's API server: a small shop on every address of its namespace.

use std::{convert::Infallible, net::Ipv6Addr};

use anyhow::{Context, Result};
use apimon_tests::{api::Shop, site::PORT};
use bytes::Bytes;
use clap::Parser;
use http_body_util::{BodyExt, Full};
use hyper::{Request, Response, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};

/// A small shop's HTTP API. Any token may read any order: that is what the demo's abuser finds.
#[derive(Parser)]
struct Args {
    /// TCP port, IPv4 and IPv6.
    #[arg(long, default_value_t = PORT)]
    port: u16,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let args = Args::parse();
    let listener = TcpListener::bind((Ipv6Addr::UNSPECIFIED, args.port))
        .await
        .with_context(|| format!("cannot listen on port {}", args.port))?;
    println!("listening");
    loop {
        let (stream, _) = listener.accept().await.context("cannot accept")?;
        tokio::spawn(serve(stream));
    }
}

/// One connection. A client that goes away in the middle is its own affair.
async fn serve(stream: TcpStream) {
    let _ = stream.set_nodelay(true);
    let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service_fn(answer));
    drop(connection.await);
}

async fn answer(request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let (head, body) = request.into_parts();
    let body = body
        .collect()
        .await
        .map(http_body_util::Collected::to_bytes)
        .unwrap_or_default();
    let authorization = head
        .headers
        .get("authorization")
        .and_then(|value| value.to_str().ok());
    let target = head.uri.path_and_query().map_or("/", |target| target.as_str());
    let answer = Shop::answer(head.method.as_str(), target, authorization, &body);
    let mut response = Response::new(Full::new(Bytes::from(answer.body.to_string())));
    *response.status_mut() = hyper::StatusCode::from_u16(answer.status).unwrap_or_default();
    response.headers_mut().insert(
        hyper::header::CONTENT_TYPE,
        hyper::header::HeaderValue::from_static("application/json"),
    );
    Ok(response)
}
