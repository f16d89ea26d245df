//! All of HTTP/1.1 that a blocking client needs, over any stream.

use std::error::Error;
use std::io::{Read, Write};

use bytes::BytesMut;
use tidings_http1::{ClientConnection, ClientEvent, Content, Next};

/// Sends a request to the host `localhost` and gives status and content of its answer, and whether
/// the stream takes another request. `input` keeps what was read too far.
pub fn ask<S: Read + Write>(
    (stream, input): (&mut S, &mut BytesMut),
    connection: &mut ClientConnection,
    (method, target): (&str, &str),
    content: &[u8],
) -> Result<(u16, Vec<u8>, Next), Box<dyn Error>> {
    let (mut out, mut status, mut answer) = (BytesMut::new(), 0, Vec::new());
    let host = [("Host", &b"localhost"[..])];
    let length = Content::Length(content.len() as u64);
    connection.send_request(method, target, host, length, &mut out)?;
    connection.send_data(content, &mut out)?;
    connection.send_end(&mut out)?;
    stream.write_all(&out)?;
    loop {
        match connection.next_event(input)? {
            Some(ClientEvent::Informational(_) | ClientEvent::Trailers(_)) => {}
            Some(ClientEvent::Response(head)) => status = head.status(),
            Some(ClientEvent::Data(data)) => answer.extend_from_slice(&data),
            Some(ClientEvent::End(next)) => return Ok((status, answer, next)),
            Some(ClientEvent::Upgraded(_) | ClientEvent::Closed) => return Err("no answer".into()),
            None => {
                let mut octets = [0; 4096];
                match stream.read(&mut octets)? {
                    0 => connection.receive_eof(),
                    len => input.extend_from_slice(&octets[..len]),
                }
            }
        }
    }
}
