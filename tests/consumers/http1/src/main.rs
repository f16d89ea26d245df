//! A server of one request over std's TCP: `tidings-http1` and nothing else.

use std::error::Error;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};

use bytes::BytesMut;
use tidings_http1::{Content, Limits, ServerConnection, ServerEvent};

fn main() -> Result<(), Box<dyn Error>> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let mut client = TcpStream::connect(listener.local_addr()?)?;
    client.write_all(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello")?;

    let (mut socket, _) = listener.accept()?;
    let mut connection = ServerConnection::new(Limits::default());
    let (mut input, mut out, mut content) = (BytesMut::new(), BytesMut::new(), Vec::new());
    while out.is_empty() {
        let mut octets = [0; 4096];
        let len = socket.read(&mut octets)?;
        input.extend_from_slice(&octets[..len]);
        while let Some(event) = connection.next_event(&mut input)? {
            if let ServerEvent::Data(data) = &event {
                content.extend_from_slice(data);
            } else if let ServerEvent::End = event {
                connection.send_response(200, [], Content::Unknown, &mut out)?;
                connection.send_data(&content, &mut out)?;
                connection.send_end(&mut out)?;
            }
        }
    }
    socket.write_all(&out)?;
    drop(socket);
    let mut answer = String::new();
    client.read_to_string(&mut answer)?;
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n"));
    assert!(answer.ends_with("\r\n\r\n5\r\nhello\r\n0\r\n\r\n"));
    Ok(())
}
