//! Feeds a request to the server's end one octet at a time, prints each event, and answers.
//!
//! Run with `cargo run -p tidings-http1 --example decode_by_hand`.
#![expect(clippy::print_stdout, reason = "showing the events is the purpose")]

use bytes::{Bytes, BytesMut};
use tidings_http1::{Config, Content, Limits, Next, RequestHead, ServerConnection, ServerEvent};

const REQUEST: &[u8] = b"POST /notes?draft HTTP/1.1\r\n\
    Host: example.org\r\n\
    Transfer-Encoding: chunked\r\n\
    \r\n\
    5\r\nhello\r\n\
    0\r\nChecksum: 42\r\n\r\n";

fn main() -> Result<(), Box<dyn core::error::Error>> {
    let mut connection = ServerConnection::new(Limits::default());
    let mut input = BytesMut::new();
    for (index, octet) in REQUEST.iter().enumerate() {
        input.extend_from_slice(&[*octet]);
        while let Some(event) = connection.next_event(&mut input)? {
            print!("octet {index:3}: ");
            match event {
                ServerEvent::Request(head) => {
                    println!("{} {} for {}", head.method(), head.path(), head.authority());
                    for (name, value) in head.fields().iter() {
                        println!("           {name}: {}", value.escape_ascii());
                    }
                    println!("           content: {:?}", head.framing());
                }
                ServerEvent::Data(data) => println!("data {}", data.escape_ascii()),
                ServerEvent::Trailers(fields) => println!("trailers {fields:?}"),
                ServerEvent::End => println!("the request is complete"),
                ServerEvent::Closed => println!("closed"),
            }
        }
    }

    let mut out = BytesMut::new();
    let fields = [("Content-Type", &b"text/plain"[..])];
    connection.send_response(200, fields, Content::Length(3), &mut out)?;
    connection.send_data(b"ok\n", &mut out)?;
    let next = connection.send_end(&mut out)?;
    println!("\n{}", String::from_utf8_lossy(&out));
    assert_eq!(next, Next::Reuse);

    // A head that stands alone, with one bad octet: the error names it and the rule.
    let octets = Bytes::from_static(b"GET /a b HTTP/1.1\r\n");
    if let Err(error) = RequestHead::decode(&octets, &Config::default()) {
        println!("{} -> {error}", error.status());
    }
    Ok(())
}
