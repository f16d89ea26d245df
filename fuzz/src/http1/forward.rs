//! A proxy between two ends: what it passes on is read by the other side as the same message, or is refused.

use bytes::BytesMut;
use tidings_http1::{
    ClientConnection, ClientEvent, Content, Fields, Limits, RequestHead, ServerConnection,
    ServerEvent,
};

/// Fields that must not cross the proxy; framing and persistence are written anew.
const NEVER_FORWARDED: [&str; 4] = ["Keep-Alive", "Proxy-Connection", "TE", "Upgrade"];

/// What a message holds, however it is framed.
#[derive(Debug, Default, PartialEq)]
struct Held {
    data: Vec<u8>,
    trailers: Option<Fields>,
}

impl Held {
    /// Trailers may be left out, all of them, and are never changed.
    fn assert_forwarded(&self, from: &Self) {
        assert_eq!(self.data, from.data);
        assert!(self.trailers.is_none() || self.trailers == from.trailers);
    }
}

/// Up to the first octet of value zero: what a client sends. Behind it: what the next server answers.
///
/// The next server must read one request, the client one response, and each what the other end meant.
pub fn http1_forward(data: &[u8]) {
    let cut = data.iter().position(|octet| *octet == 0);
    let (request, response) = data.split_at(cut.unwrap_or(data.len()));
    let mut front = ServerConnection::new(Limits::default());
    let mut back = ClientConnection::new(Limits::default());
    back.assume_http11();
    if let Some(head) = forward_request(request, &mut front, &mut back) {
        forward_response(
            response.get(1..).unwrap_or_default(),
            &head,
            &mut front,
            &mut back,
        );
    }
}

/// The head of the request, once all of it is passed on.
fn forward_request(
    octets: &[u8],
    front: &mut ServerConnection,
    back: &mut ClientConnection,
) -> Option<RequestHead> {
    let (mut input, mut onward) = (BytesMut::from(octets), BytesMut::new());
    let (mut head, mut came) = (None, Held::default());
    loop {
        let event = front.next_event(&mut input).ok()??;
        back.forward(&event, [], &mut onward).ok()?;
        match event {
            ServerEvent::Request(request) => head = Some(request),
            ServerEvent::Data(data) => came.data.extend_from_slice(&data),
            ServerEvent::Trailers(fields) => came.trailers = Some(fields),
            ServerEvent::End => break,
            ServerEvent::Closed => return None,
        }
    }
    let head = head?;
    let mut next = ServerConnection::new(Limits::default());
    let mut seen = Held::default();
    loop {
        match next.next_event(&mut onward) {
            Ok(Some(ServerEvent::Request(request))) => {
                assert_eq!(request.method(), head.method());
                assert_eq!(request.target(), head.forwarded_target());
                assert_eq!(request.authority(), head.authority());
                assert_forwarded(request.fields());
            }
            Ok(Some(ServerEvent::Data(data))) => seen.data.extend_from_slice(&data),
            Ok(Some(ServerEvent::Trailers(fields))) => seen.trailers = Some(fields),
            Ok(Some(ServerEvent::End)) => break,
            other => panic!("one request is passed on: {other:?}"),
        }
    }
    assert!(onward.is_empty(), "nothing is smuggled behind a request");
    seen.assert_forwarded(&came);
    Some(head)
}

fn forward_response(
    octets: &[u8],
    request: &RequestHead,
    front: &mut ServerConnection,
    back: &mut ClientConnection,
) {
    let (mut input, mut out) = (BytesMut::from(octets), BytesMut::new());
    let (mut status, mut came) = (None, Held::default());
    back.receive_eof();
    loop {
        let Ok(Some(event)) = back.next_event(&mut input) else {
            return;
        };
        if front.forward(&event, [], &mut out).is_err() {
            return;
        }
        match event {
            ClientEvent::Informational(_) => {}
            ClientEvent::Response(head) => status = Some(head.status()),
            ClientEvent::Data(data) => came.data.extend_from_slice(&data),
            ClientEvent::Trailers(fields) => came.trailers = Some(fields),
            ClientEvent::End(_) => break,
            ClientEvent::Upgraded(_) | ClientEvent::Closed => return,
        }
    }
    let mut client = ClientConnection::new(Limits::default());
    let (target, host) = (request.forwarded_target(), [("Host", &b"a"[..])]);
    client
        .send_request(
            request.method(),
            &target,
            host,
            Content::None,
            &mut BytesMut::new(),
        )
        .expect("what was passed on can be sent");
    client.receive_eof();
    let mut seen = Held::default();
    loop {
        match client.next_event(&mut out) {
            Ok(Some(ClientEvent::Informational(head))) => assert_forwarded(head.fields()),
            Ok(Some(ClientEvent::Response(head))) => {
                assert_eq!(Some(head.status()), status);
                assert_forwarded(head.fields());
            }
            Ok(Some(ClientEvent::Data(data))) => seen.data.extend_from_slice(&data),
            Ok(Some(ClientEvent::Trailers(fields))) => seen.trailers = Some(fields),
            Ok(Some(ClientEvent::End(_))) => break,
            other => panic!("one response is passed on: {other:?}"),
        }
    }
    assert!(out.is_empty(), "nothing is smuggled behind a response");
    seen.assert_forwarded(&came);
}

fn assert_forwarded(fields: &Fields) {
    for name in NEVER_FORWARDED {
        assert!(
            fields.get(name).is_none(),
            "{name} is of one connection alone"
        );
    }
}
