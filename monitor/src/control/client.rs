//! The client's end of the control socket. Must not know what is done with the answers.

use std::{
    io,
    path::{Path, PathBuf},
    time::Duration,
};

use http_body_util::{BodyExt, Full, Limited};
use hyper::{Method, Request, StatusCode, body::Bytes, client::conn::http1, header};
use hyper_util::rt::TokioIo;
use monitor_common::Prefix;
use serde::de::DeserializeOwned;
use tokio::net::UnixStream;

use super::dto::{
    Actor, Allow, AllowRequest, BlockRequest, Case, Endpoint, Explanation, History, Lease, Refused, Reloaded,
    Silence, SilenceRequest, Source, Span, Status,
};
use crate::verify::Verified;

/// Most bytes of an answer. A daemon gone mad.
const ANSWER_BYTES: usize = 256 << 20;
/// How long an answer may take.
const ANSWER_TIME: Duration = Duration::from_secs(30);

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// No daemon listens.
    #[error(
        "cannot reach the daemon at {}: {source}; is `apimon run` running, and is this its --control socket?",
        path.display()
    )]
    Unreachable {
        /// Where it should be.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The socket is not for this user.
    #[error("the control socket {} is not open to this user; run this command as root, or, to read, as a member of the group `apimon`", path.display())]
    Permission {
        /// Which socket.
        path: PathBuf,
    },
    /// The daemon refused.
    #[error("{}", .0.message)]
    Refused(Refused),
    /// The answer makes no sense.
    #[error("the daemon's answer cannot be used: {0}")]
    Protocol(String),
}

/// A client of one daemon.
#[derive(Clone, Debug)]
pub struct Client {
    path: PathBuf,
}

impl Client {
    /// A client of the daemon that listens at `path`.
    pub fn new(path: &Path) -> Self {
        Self { path: path.into() }
    }

    /// The state of the whole.
    pub fn status(&self) -> Result<Status, ClientError> {
        self.ask(Method::GET, "/v1/status", Vec::new())
    }

    /// The `limit` busiest sources.
    pub fn sources(&self, limit: usize) -> Result<Vec<Source>, ClientError> {
        self.ask(Method::GET, &format!("/v1/sources?limit={limit}"), Vec::new())
    }

    /// The `limit` busiest actors.
    pub fn actors(&self, limit: usize) -> Result<Vec<Actor>, ClientError> {
        self.ask(Method::GET, &format!("/v1/actors?limit={limit}"), Vec::new())
    }

    /// What happened over time.
    pub fn history(&self, span: Span) -> Result<History, ClientError> {
        self.ask(
            Method::GET,
            &format!("/v1/history?step={}", span.name()),
            Vec::new(),
        )
    }

    /// The `limit` cases that were found last, in the order of their numbers.
    pub fn latest_cases(&self, limit: usize) -> Result<Vec<Case>, ClientError> {
        self.ask(Method::GET, &format!("/v1/cases?limit={limit}"), Vec::new())
    }

    /// The `limit` most used endpoints.
    pub fn busiest_endpoints(&self, limit: usize) -> Result<Vec<Endpoint>, ClientError> {
        self.ask(Method::GET, &format!("/v1/endpoints?limit={limit}"), Vec::new())
    }

    /// All cases kept.
    pub fn cases(&self) -> Result<Vec<Case>, ClientError> {
        self.ask(Method::GET, "/v1/cases", Vec::new())
    }

    /// One case.
    pub fn case(&self, number: u32) -> Result<Case, ClientError> {
        self.ask(Method::GET, &format!("/v1/cases/{number}"), Vec::new())
    }

    /// Why a case is one.
    pub fn explain(&self, number: u32) -> Result<Explanation, ClientError> {
        self.ask(Method::GET, &format!("/v1/cases/{number}/explain"), Vec::new())
    }

    /// The endpoints, the most used first.
    pub fn endpoints(&self) -> Result<Vec<Endpoint>, ClientError> {
        self.ask(Method::GET, "/v1/endpoints", Vec::new())
    }

    /// The silences in force.
    pub fn silences(&self) -> Result<Vec<Silence>, ClientError> {
        self.ask(Method::GET, "/v1/silences", Vec::new())
    }

    /// Adds a silence.
    pub fn silence(&self, request: &SilenceRequest) -> Result<Silence, ClientError> {
        let body = serde_json::to_vec(request).map_err(protocol)?;
        self.ask(Method::POST, "/v1/silences", body)
    }

    /// Ends a silence.
    pub fn unsilence(&self, id: u32) -> Result<Silence, ClientError> {
        self.ask(Method::DELETE, &format!("/v1/silences/{id}"), Vec::new())
    }

    /// The leases in force.
    pub fn leases(&self) -> Result<Vec<Lease>, ClientError> {
        self.ask(Method::GET, "/v1/leases", Vec::new())
    }

    /// Compares ledger and kernel, and mends what can be mended if asked to.
    pub fn verify(&self, repair: bool) -> Result<Verified, ClientError> {
        let method = if repair { Method::POST } else { Method::GET };
        self.ask(method, "/v1/verify", Vec::new())
    }

    /// Lets the daemon read its configuration again.
    pub fn reload(&self) -> Result<Reloaded, ClientError> {
        self.ask(Method::POST, "/v1/reload", Vec::new())
    }

    /// Gives a lease by hand.
    pub fn block(&self, source: Prefix, request: &BlockRequest) -> Result<Lease, ClientError> {
        let body = serde_json::to_vec(request).map_err(protocol)?;
        self.ask(Method::PUT, &format!("/v1/leases/{source}"), body)
    }

    /// Ends a lease by hand.
    pub fn unblock(&self, source: Prefix) -> Result<Lease, ClientError> {
        self.ask(Method::DELETE, &format!("/v1/leases/{source}"), Vec::new())
    }

    /// The nets that operators allow.
    pub fn allows(&self) -> Result<Vec<Allow>, ClientError> {
        self.ask(Method::GET, "/v1/allow", Vec::new())
    }

    /// Exempts a net from blocks.
    pub fn allow(&self, net: Prefix, request: &AllowRequest) -> Result<Allow, ClientError> {
        let body = serde_json::to_vec(request).map_err(protocol)?;
        self.ask(Method::PUT, &format!("/v1/allow/{net}"), body)
    }

    /// Takes an exemption back.
    pub fn disallow(&self, net: Prefix) -> Result<Allow, ClientError> {
        self.ask(Method::DELETE, &format!("/v1/allow/{net}"), Vec::new())
    }

    fn ask<T: DeserializeOwned>(&self, method: Method, path: &str, body: Vec<u8>) -> Result<T, ClientError> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(protocol)?;
        let exchange = async { tokio::time::timeout(ANSWER_TIME, self.exchange(method, path, body)).await };
        let late = || ClientError::Protocol(format!("none within {} s", ANSWER_TIME.as_secs()));
        let (status, answer) = runtime.block_on(exchange).map_err(|_| late())??;
        if status.is_success() {
            return serde_json::from_slice(&answer).map_err(protocol);
        }
        let refused: Refused = serde_json::from_slice(&answer).map_err(protocol)?;
        Err(ClientError::Refused(Refused {
            status: status.as_u16(),
            ..refused
        }))
    }

    async fn exchange(
        &self,
        method: Method,
        path: &str,
        body: Vec<u8>,
    ) -> Result<(StatusCode, Bytes), ClientError> {
        let stream = UnixStream::connect(&self.path)
            .await
            .map_err(|source| self.unreachable(source))?;
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(protocol)?;
        let driver = tokio::spawn(connection);
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::HOST, "apimon")
            .header(header::CONNECTION, "close")
            .body(Full::new(Bytes::from(body)))
            .map_err(protocol)?;
        let response = sender.send_request(request).await.map_err(protocol)?;
        let status = response.status();
        let body = Limited::new(response.into_body(), ANSWER_BYTES).collect().await;
        driver.abort();
        Ok((status, body.map_err(protocol)?.to_bytes()))
    }

    fn unreachable(&self, source: io::Error) -> ClientError {
        let path = self.path.clone();
        if source.kind() == io::ErrorKind::PermissionDenied {
            ClientError::Permission { path }
        } else {
            ClientError::Unreachable { path, source }
        }
    }
}

#[expect(clippy::needless_pass_by_value, reason = "the shape that map_err wants")]
fn protocol(error: impl ToString) -> ClientError {
    ClientError::Protocol(error.to_string())
}
