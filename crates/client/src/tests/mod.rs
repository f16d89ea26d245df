//! Scripted peers that speak octets, over connections in memory and a clock that waits for nobody.

mod cancel;
mod foreign;
mod joins;
mod limits;
mod negotiate;
mod publish;
mod requests;
mod resume;
mod tcp;
mod terminal;
mod timing;
#[cfg(feature = "tls")]
mod tls;
mod wander;

use core::time::Duration;
use std::io;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream};
use tokio::sync::mpsc;

use crate::io::Dialer;
use crate::{Data, Error, Item, Message, Subscribe, Subscription, Transport};

/// The far end of every connection that a client opens.
pub(crate) struct Server {
    incoming: mpsc::UnboundedReceiver<DuplexStream>,
}

/// Makes a dialer and the server that it reaches. Once the server is dropped, it is refused.
pub(crate) fn network() -> (Dialer, Server) {
    network_with_delay(Duration::ZERO)
}

/// The same, with a delay until a connection stands.
pub(crate) fn network_with_delay(delay: Duration) -> (Dialer, Server) {
    let (sender, incoming) = mpsc::unbounded_channel();
    let mut dialer = Dialer::tcp();
    dialer.connect_with(move |_host, _port| {
        let sender = sender.clone();
        async move {
            tokio::time::sleep(delay).await;
            let (near, far) = tokio::io::duplex(1 << 16);
            sender
                .send(far)
                .map_err(|_| io::Error::from(io::ErrorKind::ConnectionRefused))?;
            Ok(near)
        }
    });
    (dialer, Server { incoming })
}

impl Server {
    pub(crate) async fn accept(&mut self) -> Conn {
        Conn::new(self.incoming.recv().await.expect("the client is gone"))
    }
}

/// One connection, seen from the server. Dropping it cuts it.
pub(crate) struct Conn {
    stream: DuplexStream,
    /// Octets that are sent together, when there are so many.
    full: Option<usize>,
    held: Vec<u8>,
}

impl Conn {
    fn new(stream: DuplexStream) -> Self {
        Self {
            stream,
            full: None,
            held: Vec::new(),
        }
    }

    /// Reads the head of a request.
    pub(crate) async fn request(&mut self) -> String {
        self.next_request().await.expect("the client hung up")
    }

    /// Reads the head of a request, if one comes.
    pub(crate) async fn next_request(&mut self) -> Option<String> {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(self.stream.read_u8().await.ok()?);
        }
        Some(String::from_utf8(head).unwrap())
    }

    pub(crate) async fn read(&mut self, len: usize) -> Vec<u8> {
        let mut octets = vec![0; len];
        self.stream
            .read_exact(&mut octets)
            .await
            .expect("the client hung up");
        octets
    }

    pub(crate) async fn send(&mut self, octets: impl AsRef<[u8]>) {
        // A client that has hung up is a matter of the test's own assertions.
        self.held.extend_from_slice(octets.as_ref());
        while self.held.len() >= self.full.unwrap_or(1) {
            let len = self.full.unwrap_or(self.held.len());
            let octets: Vec<_> = self.held.drain(..len).collect();
            let _ = self.stream.write_all(&octets).await;
        }
    }

    /// Reads until the client hangs up.
    pub(crate) async fn drain(&mut self) -> Vec<u8> {
        let mut octets = Vec::new();
        let _ = self.stream.read_to_end(&mut octets).await;
        octets
    }
}

/// The value of a field of a request head.
pub(crate) fn field<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.lines().find_map(|line| {
        let (found, value) = line.split_once(": ")?;
        found.eq_ignore_ascii_case(name).then_some(value)
    })
}

/// An answer with a length.
pub(crate) fn answer(status: u16, fields: &str, body: &str) -> String {
    let len = body.len();
    let length = if status == 304 || status == 204 {
        String::new()
    } else {
        format!("Content-Length: {len}\r\n")
    };
    format!("HTTP/1.1 {status} X\r\n{length}{fields}\r\n{body}")
}

pub(crate) const SSE_HEAD: &str =
    "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";

pub(crate) fn chunk(text: &str) -> String {
    format!("{:x}\r\n{text}\r\n", text.len())
}

/// The answer to an opening handshake.
pub(crate) fn upgrade(request: &str, subprotocol: Option<&str>) -> Vec<u8> {
    let key = field(request, "Sec-WebSocket-Key").expect("a key");
    let accept = tidings_websocket::accept_key(key.as_bytes());
    let mut head =
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            .to_vec();
    if let Some(subprotocol) = subprotocol {
        head.extend_from_slice(format!("Sec-WebSocket-Protocol: {subprotocol}\r\n").as_bytes());
    }
    head.extend_from_slice(b"Sec-WebSocket-Accept: ");
    head.extend_from_slice(&accept);
    head.extend_from_slice(b"\r\n\r\n");
    head
}

/// A frame of a server with fewer than 65,536 octets.
pub(crate) fn frame(opcode: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![0x80 | opcode];
    match u8::try_from(payload.len()) {
        Ok(len) if len < 126 => frame.push(len),
        _ => {
            frame.push(126);
            frame.extend_from_slice(&u16::try_from(payload.len()).unwrap().to_be_bytes());
        }
    }
    frame.extend_from_slice(payload);
    frame
}

pub(crate) fn text_frame(text: &str) -> Vec<u8> {
    frame(1, text.as_bytes())
}

pub(crate) fn close_frame(code: u16, reason: &str) -> Vec<u8> {
    let mut payload = code.to_be_bytes().to_vec();
    payload.extend_from_slice(reason.as_bytes());
    frame(8, &payload)
}

/// Greets a client over any transport: the request is read, the answer says position `e.0`.
pub(crate) async fn greet(conn: &mut Conn, transport: Transport) -> String {
    let request = conn.request().await;
    match transport {
        Transport::ShortPoll | Transport::LongPoll => {
            conn.send(answer(200, "", &page("e.0", &[]))).await;
        }
        Transport::Sse => {
            conn.send(format!("{SSE_HEAD}{}", chunk("id: e.0\n\n")))
                .await;
        }
        Transport::WebSocket => {
            conn.send(upgrade(&request, Some("tidings.v1"))).await;
            conn.send(text_frame(r#"{"position":"e.0"}"#)).await;
        }
    }
    request
}

/// A page of text messages.
pub(crate) fn page(position: &str, messages: &[(&str, &str)]) -> String {
    let messages: Vec<_> = messages
        .iter()
        .map(|(id, data)| serde_json::json!({"id": id, "data": data}))
        .collect();
    serde_json::json!({"position": position, "messages": messages, "more": false}).to_string()
}

pub(crate) fn subscribe(transport: Transport, dialer: &Dialer) -> Subscribe {
    let mut subscribe = Subscribe::new("http://h/channels/c")
        .unwrap()
        .via(transport);
    subscribe.dialer = dialer.clone();
    subscribe
}

pub(crate) async fn open(transport: Transport, dialer: &Dialer) -> Result<Subscription, Error> {
    subscribe(transport, dialer).open().await
}

/// Longer than any script: a clock that waits for nobody is there at once.
const HOUR: Duration = Duration::from_secs(3600);

/// Drives a subscription that has nothing to say while a peer plays its part to the end.
pub(crate) async fn drive(mut subscription: Subscription, peer: tokio::task::JoinHandle<()>) {
    tokio::select! {
        item = subscription.next() => panic!("{item:?}"),
        played = peer => played.unwrap(),
        () = tokio::time::sleep(HOUR) => panic!("the peer did not play its part"),
    }
}

pub(crate) async fn message(subscription: &mut Subscription) -> Message {
    let next = tokio::time::timeout(HOUR, subscription.next());
    match next.await.expect("nothing came") {
        Some(Ok(Item::Message(message))) => message,
        other => panic!("no message: {other:?}"),
    }
}

pub(crate) async fn text(subscription: &mut Subscription) -> String {
    match message(subscription).await.data {
        Data::Text(text) => text,
        Data::Binary(octets) => panic!("no text: {octets:?}"),
    }
}
