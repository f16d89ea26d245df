//! The WebSocket of the load: the opening handshake, and answers to control frames.

use core::time::Duration;

use bytes::BytesMut;
use tidings_http1::{ClientConnection, ClientEvent, Content, Limits};
use tidings_websocket::{Client, ClientHandshake, Config, Connection};

use super::{Endpoint, Fault, Socket};

/// Largest message that is read, in octets.
const MAX_MESSAGE_LEN: usize = 64 << 20;

/// A masking key. It only has to differ from frame to frame: nobody sends through this program
/// what he wants to be hidden from, or mistaken by, a proxy (RFC 6455 §10.3).
pub(crate) fn key() -> [u8; 4] {
    fastrand::u32(..).to_ne_bytes()
}

/// Upgrades a connection. Returns whether the server chose a subprotocol, too.
pub(crate) async fn open(
    endpoint: &Endpoint,
    target: &str,
    subprotocols: &[&str],
    socket: &mut Socket,
) -> Result<(Box<Connection<Client>>, bool), Fault> {
    let nonce = fastrand::u128(..).to_ne_bytes();
    let handshake = ClientHandshake::new(nonce, subprotocols).map_err(|_| Fault::Ended)?;
    let mut http = ClientConnection::new(Limits::default());
    let mut fields = vec![("Host", endpoint.authority.as_bytes())];
    fields.extend(handshake.fields());
    http.send_request("GET", target, fields, Content::None, &mut socket.out)
        .map_err(Fault::Request)?;
    http.send_end(&mut socket.out).map_err(Fault::Request)?;
    socket.flush().await?;
    let chosen = loop {
        match http.next_event(&mut socket.input).map_err(Fault::Http)? {
            Some(ClientEvent::Upgraded(head)) => {
                let fields: Vec<_> = head.fields().iter().collect();
                break handshake
                    .check(head.status(), fields.into_iter())
                    .map_err(Fault::Handshake)?;
            }
            Some(ClientEvent::Response(head)) => return Err(Fault::Status(head.status())),
            Some(ClientEvent::Closed | ClientEvent::End(_)) => return Err(Fault::Ended),
            Some(_) => {}
            None => socket.read().await?,
        }
    };
    let mut config = Config::default();
    config.ping_after = None;
    config.max_message_len = MAX_MESSAGE_LEN;
    config.max_frame_len = MAX_MESSAGE_LEN as u64;
    config.max_out_len = MAX_MESSAGE_LEN;
    let connection = Box::new(Connection::new(config, Duration::ZERO));
    Ok((connection, chosen.is_some()))
}

/// Appends the control frames that wait.
pub(crate) fn answer(connection: &mut Connection<Client>, out: &mut BytesMut) {
    while connection.wants_transmit() && connection.transmit(key(), out) {}
}
