//! All of HTTP/1.1 that the proxy needs: each event of one side is written to the other.

use bytes::BytesMut;
use mio::net::TcpStream;
use tidings_http1::{ClientConnection, Content, SendError, ServerConnection, ServerEvent};

const VIA: [(&str, &[u8]); 1] = [("Via", b"1.1 tidings")];

/// A socket, what its octets mean, and those on their way.
pub struct Side<C> {
    pub socket: TcpStream,
    pub connection: C,
    pub input: BytesMut,
    pub out: BytesMut,
    pub ended: bool,
}

type Near = Side<ServerConnection>;
type Far = Side<ClientConnection>;

/// Forwards until both sides have `enough` to write: false at the end, or the status to refuse with.
pub fn forward(near: &mut Near, far: &mut Far, enough: usize) -> Result<bool, u16> {
    while near.out.len() < enough {
        let event = far.connection.next_event(&mut far.input).or(Err(502_u16))?;
        let Some(event) = event else { break };
        let sent = near.connection.forward(&event, VIA, &mut near.out);
        sent.or(Err(502_u16))?;
    }
    while far.out.len() < enough {
        let event = near.connection.next_event(&mut near.input);
        match event.map_err(|error| error.status())? {
            Some(ServerEvent::Closed) => return Ok(false),
            Some(event) => {
                let sent = far.connection.forward(&event, VIA, &mut far.out);
                sent.or(Err(501_u16))?;
            }
            None => break,
        }
    }
    Ok(true)
}

/// Answers in place of the server, if nothing of its answer is on the way.
pub fn refuse(near: &mut Near, status: u16) -> Result<(), SendError> {
    let Side {
        connection, out, ..
    } = near;
    connection.close_after_response();
    connection.send_response(status, [], Content::None, out)?;
    connection.send_end(out).map(drop)
}
