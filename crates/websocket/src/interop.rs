//! The opening handshake over the types of the crate `http` (feature `http`).
//!
//! server: `http::Request` ─▶ [`accept_request`] ─▶ `http::Response` of 101, or of the error
//! client: [`ClientHandshake::request`] ─▶ `http::Request`; `http::Response` ─▶ [`ClientHandshake::check_response`]

use alloc::string::String;
use alloc::vec::Vec;

use http::header::{CONNECTION, HOST};
use http::uri::{PathAndQuery, Uri};
use http::{HeaderMap, Request, Response, Version};

use crate::{Accepted, ClientHandshake, HandshakeError, SendError, accept};

/// Lists the headers as field lines, for [`accept`], `Accepted::with_deflate` and `ClientHandshake::check_deflate`. Costs
/// one allocation: the iterator of `HeaderMap` cannot be cloned, as those functions need.
///
/// ```
/// let mut headers = http::HeaderMap::new();
/// headers.insert("Sec-WebSocket-Version", http::HeaderValue::from_static("13"));
/// let fields = tidings_websocket::header_fields(&headers);
/// assert_eq!(fields, [("sec-websocket-version", &b"13"[..])]);
/// ```
#[must_use]
pub fn header_fields(headers: &HeaderMap) -> Vec<(&str, &[u8])> {
    let fields = headers.iter();
    fields
        .map(|(name, value)| (name.as_str(), value.as_bytes()))
        .collect()
}

/// Checks a request as [`accept`] does, whatever its body; that of a handshake is empty.
///
/// ```
/// use tidings_websocket::accept_request;
/// let request = http::Request::get("/chat")
///     .header("Host", "server.example.com")
///     .header("Upgrade", "websocket")
///     .header("Connection", "Upgrade")
///     .header("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==")
///     .header("Sec-WebSocket-Version", "13")
///     .body(())?;
/// let answer = match accept_request(&request, &[]) {
///     Ok(accepted) => accepted.response()?,
///     Err(error) => error.response()?,
/// };
/// assert_eq!(answer.status(), 101);
/// assert_eq!(answer.headers()["Sec-WebSocket-Accept"], "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="); // RFC 6455 §1.3
/// # Ok::<(), http::Error>(())
/// ```
///
/// # Errors
/// The first rule broken; its [`response`](HandshakeError::response) is the answer. A request of HTTP/2 or 3 is of a wrong
/// version.
pub fn accept_request<B>(
    request: &Request<B>,
    subprotocols: &[&'static str],
) -> Result<Accepted, HandshakeError> {
    let version = match request.version() {
        Version::HTTP_09 => (0, 9),
        Version::HTTP_10 => (1, 0),
        Version::HTTP_11 => (1, 1),
        Version::HTTP_2 => (2, 0),
        // Versions to come are no more HTTP/1.1 than this one.
        _ => (3, 0),
    };
    let fields = header_fields(request.headers());
    let fields = fields.iter().copied();
    accept(request.method().as_str(), version, fields, subprotocols)
}

impl Accepted {
    /// Makes the 101 with all its fields, `Connection: Upgrade` too (RFC 6455 §4.2.2 step 5).
    ///
    /// # Errors
    /// Where the chosen subprotocol cannot stand in a field: it is neither the client's fault nor worth an answer.
    pub fn response(&self) -> Result<Response<()>, http::Error> {
        let mut response = Response::builder()
            .status(101)
            .header(CONNECTION, "Upgrade");
        for (name, value) in self.fields() {
            response = response.header(name, value);
        }
        response.body(())
    }
}

impl HandshakeError {
    /// Makes the answer of a server: [`status`](Self::status), [`fields`](Self::fields) and, beside Upgrade, Connection
    /// (RFC 9110 §7.8). What is wrong may be told in its body.
    ///
    /// ```
    /// let answer = tidings_websocket::HandshakeError::Version.response()?;
    /// assert_eq!(answer.status(), 426);
    /// assert_eq!(answer.headers()["Sec-WebSocket-Version"], "13");
    /// # Ok::<(), http::Error>(())
    /// ```
    ///
    /// # Errors
    /// None: every status and field of ours is one of HTTP. The crate `http` checks them anyway.
    pub fn response(&self) -> Result<Response<()>, http::Error> {
        let mut response = Response::builder().status(self.status());
        for (name, value) in self.fields() {
            if name.eq_ignore_ascii_case("Upgrade") {
                response = response.header(CONNECTION, "Upgrade");
            }
            response = response.header(*name, *value);
        }
        response.body(())
    }
}

impl ClientHandshake {
    /// Makes the request for a URI: GET, HTTP/1.1, path and query as the target, Host with a port that is not the scheme's
    /// own (RFC 6455 §4.1), and [`fields`](Self::fields).
    ///
    /// What else the server is to know, such as Origin or Cookie, is for the caller to add. `http` drops the fragment of a
    /// URI and user information stays out of Host.
    ///
    /// ```
    /// use tidings_websocket::{ClientHandshake, SendError};
    /// let handshake = ClientHandshake::new(*b"the sample nonce", &[])?; // RFC 6455 §1.3
    /// let request = handshake.request(&http::Uri::from_static("ws://example.com:80/chat?room=1"))?;
    /// assert_eq!((request.method().as_str(), request.uri()), ("GET", &"/chat?room=1".parse().unwrap()));
    /// assert_eq!(request.headers()["Host"], "example.com");
    /// assert_eq!(request.headers()["Sec-WebSocket-Key"], "dGhlIHNhbXBsZSBub25jZQ==");
    /// # Ok::<(), SendError>(())
    /// ```
    ///
    /// # Errors
    /// [`SendError::Uri`] where the URI has no host, or its scheme is none of ws, wss, http and https.
    pub fn request(&self, uri: &Uri) -> Result<Request<()>, SendError> {
        let default_port = match uri.scheme_str() {
            Some("ws" | "http") => 80,
            Some("wss" | "https") => 443,
            Some(_) | None => return Err(SendError::Uri),
        };
        let (Some(host), Some(authority)) = (uri.host(), uri.authority()) else {
            return Err(SendError::Uri);
        };
        let port = authority
            .port()
            .filter(|port| port.as_u16() != default_port);
        // An empty path is `/` (RFC 6455 §3), before a query too; no other path lacks its first slash.
        let target = uri.path_and_query().map_or("", PathAndQuery::as_str);
        let slash = if target.starts_with('/') { "" } else { "/" };
        let mut request = Request::get(alloc::format!("{slash}{target}"));
        request = match port {
            Some(port) => request.header(HOST, alloc::format!("{host}:{port}")),
            None => request.header(HOST, host),
        };
        for (name, value) in self.fields() {
            request = request.header(name, value);
        }
        request.body(()).map_err(|_| SendError::Uri)
    }

    /// Checks an answer as [`check`](Self::check) does, whatever its body: a 101 has none.
    ///
    /// ```
    /// use tidings_websocket::{ClientHandshake, SendError, accept_request};
    /// let handshake = ClientHandshake::new(*b"the sample nonce", &["chat"])?;
    /// let request = handshake.request(&http::Uri::from_static("ws://example.com/"))?;
    /// let answer = accept_request(&request, &["chat"]).unwrap().response().unwrap();
    /// assert_eq!(handshake.check_response(&answer), Ok(Some("chat".to_owned())));
    /// # Ok::<(), SendError>(())
    /// ```
    ///
    /// # Errors
    /// As of [`check`](Self::check).
    pub fn check_response<B>(
        &self,
        response: &Response<B>,
    ) -> Result<Option<String>, HandshakeError> {
        let fields = header_fields(response.headers());
        self.check(response.status().as_u16(), fields.iter().copied())
    }
}

#[cfg(test)]
mod tests;
