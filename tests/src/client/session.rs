//! One client address and its keep-alive connection. Must not know why it asks.

use std::{
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{Method, Request, client::conn::http1};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::{net::TcpSocket, time::timeout};

use crate::api::Answer;

/// Why there was no answer.
#[derive(Clone, Copy, PartialEq, Eq, Debug, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Failure {
    /// No connection within the patience.
    NoConnection,
    /// The connection was refused, or could not be tried at all.
    Refused,
    /// Connected, but no answer within the patience.
    NoAnswer,
    /// The connection broke.
    Broken,
    /// An answer that was not the one expected.
    WrongAnswer,
}

/// A client address that talks to the API.
#[derive(Debug)]
pub struct Session {
    source: IpAddr,
    server: SocketAddr,
    patience: Duration,
    program: &'static str,
    token: Option<String>,
    open: Option<http1::SendRequest<Full<Bytes>>>,
}

impl Session {
    /// Nothing is sent yet. `patience` bounds connecting and each answer; `program` is the user agent it claims to be.
    pub fn new(source: IpAddr, server: SocketAddr, patience: Duration, program: &'static str) -> Self {
        Self {
            source,
            server,
            patience,
            program,
            token: None,
            open: None,
        }
    }

    /// From now on every request carries this bearer token.
    pub fn set_token(&mut self, token: String) {
        self.token = Some(token);
    }

    /// Closes the connection; the next request opens another.
    pub fn close(&mut self) {
        self.open = None;
    }

    /// `GET path`.
    pub async fn get(&mut self, path: &str) -> Result<Answer, Failure> {
        self.ask(Method::GET, path, None).await
    }

    /// One request and its answer. A failure closes the connection.
    pub async fn ask(&mut self, method: Method, path: &str, body: Option<Value>) -> Result<Answer, Failure> {
        let patience = self.patience;
        if self.open.as_ref().is_none_or(http1::SendRequest::is_closed) {
            let connected = timeout(patience, self.connect()).await;
            self.open = Some(connected.map_err(|_| Failure::NoConnection)??);
        }
        let request = self.request(method, path, body)?;
        let answered = match self.open.as_mut() {
            Some(open) => timeout(patience, exchange(open, request)).await,
            None => Ok(Err(Failure::Broken)),
        };
        let answered = answered.unwrap_or(Err(Failure::NoAnswer));
        if answered.is_err() {
            self.close();
        }
        answered
    }

    async fn connect(&self) -> Result<http1::SendRequest<Full<Bytes>>, Failure> {
        let socket = match self.source {
            IpAddr::V4(_) => TcpSocket::new_v4(),
            IpAddr::V6(_) => TcpSocket::new_v6(),
        }
        .map_err(|_| Failure::Refused)?;
        let from = SocketAddr::new(self.source, 0);
        socket.bind(from).map_err(|_| Failure::Refused)?;
        let stream = socket.connect(self.server).await.map_err(|_| Failure::Refused)?;
        stream.set_nodelay(true).map_err(|_| Failure::Broken)?;
        let (sender, connection) = http1::handshake(TokioIo::new(stream))
            .await
            .map_err(|_| Failure::Broken)?;
        // Ends with the connection; what went wrong shows at the sender.
        tokio::spawn(async move { drop(connection.await) });
        Ok(sender)
    }

    fn request(
        &self,
        method: Method,
        path: &str,
        body: Option<Value>,
    ) -> Result<Request<Full<Bytes>>, Failure> {
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header("host", self.server.to_string())
            .header("user-agent", self.program)
            .header("accept", "application/json");
        if let Some(token) = &self.token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        let body = body.map_or_else(Bytes::new, |body| Bytes::from(body.to_string()));
        request.body(Full::new(body)).map_err(|_| Failure::WrongAnswer)
    }
}

async fn exchange(
    open: &mut http1::SendRequest<Full<Bytes>>,
    request: Request<Full<Bytes>>,
) -> Result<Answer, Failure> {
    open.ready().await.map_err(|_| Failure::Broken)?;
    let response = open.send_request(request).await.map_err(|_| Failure::Broken)?;
    let status = response.status().as_u16();
    let body = response
        .into_body()
        .collect()
        .await
        .map_err(|_| Failure::Broken)?;
    let body = serde_json::from_slice(&body.to_bytes()).unwrap_or_default();
    Ok(Answer { status, body })
}
