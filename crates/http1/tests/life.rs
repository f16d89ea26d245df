//! What a server learns about the end of its peer, and of a connection.

use bytes::BytesMut;
use tidings_http1::{
    CloseReason, Content, Limits, Next, ReceiveError, ServerConnection, ServerEvent, date,
};

/// Takes the next request and its end, and gives its path.
fn take(connection: &mut ServerConnection, input: &mut BytesMut) -> Result<String, ReceiveError> {
    let path = match connection.next_event(input)? {
        Some(ServerEvent::Request(head)) => head.path().to_owned(),
        event => format!("no request: {event:?}"),
    };
    assert!(matches!(
        connection.next_event(input)?,
        Some(ServerEvent::End)
    ));
    Ok(path)
}

#[test]
fn a_peer_that_went_away_is_told_of_behind_pipelined_octets() {
    let mut connection = ServerConnection::new(Limits::default());
    let two = b"GET /1 HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\n";
    let mut input = BytesMut::from(&two[..]);
    assert_eq!(take(&mut connection, &mut input).unwrap(), "/1");
    assert!(connection.next_event(&mut input).unwrap().is_none());
    assert!(!connection.peer_ended());

    connection.receive_eof();
    assert!(connection.next_event(&mut input).unwrap().is_none());
    assert!(connection.awaits_response() && !input.is_empty());
    assert!(connection.peer_ended());
}

#[test]
fn a_half_closed_peer_gets_every_answer_rfc9112_9_6() {
    let mut connection = ServerConnection::new(Limits::default());
    let two = b"GET /1 HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\n";
    let (mut input, mut out) = (BytesMut::from(&two[..]), BytesMut::new());
    connection.receive_eof();
    for path in ["/1", "/2"] {
        assert_eq!(take(&mut connection, &mut input).unwrap(), path);
        connection
            .send_response(204, [], Content::None, &mut out)
            .unwrap();
        assert_eq!(connection.send_end(&mut out), Ok(Next::Reuse));
    }
    assert!(matches!(
        connection.next_event(&mut input),
        Ok(Some(ServerEvent::Closed))
    ));
    assert_eq!(out.as_ref(), b"HTTP/1.1 204 No Content\r\n\r\n".repeat(2));
}

#[test]
fn a_last_answer_leaves_octets_of_its_peer_to_linger_for_rfc9112_9_6() {
    let mut connection = ServerConnection::new(Limits::default());
    let mut input = BytesMut::from(&b"GET / HTTP/1.1\r\n\r\nmore"[..]);
    let error = connection.next_event(&mut input).unwrap_err();
    assert_eq!((error.status(), error.must_close()), (400, true));
    assert_eq!(error.section(), "RFC 9112 §3.2");
    let mut out = BytesMut::new();
    connection
        .send_response(error.status(), [], Content::Length(0), &mut out)
        .unwrap();
    assert_eq!(
        connection.send_end(&mut out),
        Ok(Next::Close(CloseReason::PeerFailed))
    );
    // The peer may still send: a close at once could reset the answer away.
    assert!(!connection.peer_ended());
    connection.receive_eof();
    assert!(connection.peer_ended());
}

#[test]
fn a_cached_date_is_that_of_its_second_rfc9110_5_6_7() {
    let mut cached = date::Cached::default();
    for second in [784_111_777, 784_111_777, 784_111_778, 0, 1, u64::MAX, 0] {
        assert_eq!(*cached.at(second), date::format(second));
    }
}
