//! The publisher of the load: POSTs on one connection, as many in flight as asked.

use tidings_http1::{ClientConnection, Content, Limits};

use super::{Endpoint, Fault, Socket, reader};

/// A connection that publishes.
pub(crate) struct Publisher {
    endpoint: Endpoint,
    socket: Socket,
    http: ClientConnection,
}

impl Publisher {
    pub(crate) async fn open(endpoint: &Endpoint) -> Result<Self, Fault> {
        let mut http = ClientConnection::new(Limits::default());
        // The content has a length, so a server of any version can read it.
        http.assume_http11();
        Ok(Self {
            endpoint: endpoint.clone(),
            socket: Socket::open(endpoint).await?,
            http,
        })
    }

    /// Encodes a publish; [`acknowledged`](Self::acknowledged) sends it.
    pub(crate) fn publish(&mut self, message: &str) -> Result<(), Fault> {
        let fields = [
            ("Host", self.endpoint.authority.as_bytes()),
            ("Content-Type", b"text/plain"),
        ];
        let (target, out) = (&self.endpoint.target, &mut self.socket.out);
        let content = Content::Length(message.len() as u64);
        self.http
            .send_request("POST", target, fields, content, out)
            .map_err(Fault::Request)?;
        self.http
            .send_data(message.as_bytes(), out)
            .map_err(Fault::Request)?;
        self.http.send_end(out).map_err(Fault::Request)
    }

    pub(crate) fn in_flight(&self) -> usize {
        self.http.unanswered()
    }

    /// Sends what waits and takes one acknowledgement.
    pub(crate) async fn acknowledged(&mut self) -> Result<(), Fault> {
        self.socket.flush().await?;
        let (head, _) = reader::answer(&mut self.http, &mut self.socket).await?;
        match head.status() {
            200..=299 => Ok(()),
            status => Err(Fault::Status(status)),
        }
    }
}
