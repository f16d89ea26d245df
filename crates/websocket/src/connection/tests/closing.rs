use super::*;
use crate::SendError;

const PLAIN_CLOSE: &[u8] = b"\x88\x02\x03\xe8";

#[test]
fn a_close_is_answered_with_its_own_code_cl_02_cl_06_cl_10() {
    type Row = (
        &'static str,
        &'static [u8],
        u16,
        &'static str,
        &'static [u8],
    );
    let rows: [Row; 8] = [
        ("1000", b"\x03\xe8", 1000, "", b"\x88\x02\x03\xe8"),
        ("no code", b"", 1005, "", b"\x88\x00"),
        (
            "a reason, which is not echoed",
            b"\x03\xe9bye",
            1001,
            "bye",
            b"\x88\x02\x03\xe9",
        ),
        (
            "1010 of a client",
            b"\x03\xf2",
            1010,
            "",
            b"\x88\x02\x03\xf2",
        ),
        ("1012", b"\x03\xf4", 1012, "", b"\x88\x02\x03\xf4"),
        ("1014", b"\x03\xf6", 1014, "", b"\x88\x02\x03\xf6"),
        ("3000", b"\x0b\xb8", 3000, "", b"\x88\x02\x0b\xb8"),
        ("4999", b"\x13\x87", 4999, "", b"\x88\x02\x13\x87"),
    ];
    for (name, payload, code, reason, answer) in rows {
        let mut server = server();
        let events = feed(&mut server, &masked(0x88, payload));
        assert_eq!(
            events,
            [closed(code, reason, ClosedBy::Peer, true)],
            "{name}"
        );
        assert!(!server.may_send(), "{name}");
        assert_eq!(sent(&mut server), answer, "{name}");
    }
}

#[test]
fn a_bad_close_is_answered_with_1002_or_1007_cl_01_cl_02_u8_04() {
    let rows: [(&str, &[u8], &[u8]); 10] = [
        ("one octet", b"\x03", b"\x88\x02\x03\xea"),
        ("0", b"\x00\x00", b"\x88\x02\x03\xea"),
        ("999", b"\x03\xe7", b"\x88\x02\x03\xea"),
        ("1004", b"\x03\xec", b"\x88\x02\x03\xea"),
        ("1005", b"\x03\xed", b"\x88\x02\x03\xea"),
        ("1006", b"\x03\xee", b"\x88\x02\x03\xea"),
        ("1015", b"\x03\xf7", b"\x88\x02\x03\xea"),
        ("2999", b"\x0b\xb7", b"\x88\x02\x03\xea"),
        ("5000", b"\x13\x88", b"\x88\x02\x03\xea"),
        (
            "a reason that is not UTF-8",
            b"\x03\xe8\xff",
            b"\x88\x02\x03\xef",
        ),
    ];
    for (name, payload, answer) in rows {
        let mut server = server();
        let events = feed(&mut server, &masked(0x88, payload));
        let [Event::Closed(told)] = &events[..] else {
            panic!("{name}: {events:?}")
        };
        assert!(matches!(told.by, ClosedBy::Error(_)), "{name}");
        assert_eq!((told.code, told.clean), (1006, false), "{name}");
        assert_eq!(sent(&mut server), answer, "{name}");
    }
}

#[test]
fn no_data_follows_a_close_cl_04_sd_01() {
    let mut asked = server();
    asked.close(CloseCode::NORMAL, "", T0);
    let mut answered = server();
    feed(&mut answered, &masked(0x88, b""));
    let mut failed = server();
    feed(&mut failed, b"\xff");
    let mut ended = server();
    ended.receive_eof(T0);
    for mut connection in [asked, answered, failed, ended] {
        let mut out = BytesMut::new();
        assert!(!connection.may_send());
        assert_eq!(
            connection.send_text("x", (), &mut out),
            Err(SendError::Closing)
        );
        assert_eq!(
            connection.send_binary(b"x", (), &mut out),
            Err(SendError::Closing)
        );
        let fragment = connection.send_fragment(crate::DataKind::Text, b"x", true, (), &mut out);
        assert_eq!(fragment, Err(SendError::Closing));
        assert_eq!(connection.ping(b"", (), &mut out), Err(SendError::Closing));
        assert!(out.is_empty());
    }
}

#[test]
fn a_close_ends_a_fragmented_message_that_is_being_sent_cl_04() {
    let mut server = server();
    let mut out = BytesMut::new();
    server
        .send_fragment(crate::DataKind::Text, b"a", false, (), &mut out)
        .unwrap();
    server.close(CloseCode::NORMAL, "", T0);
    assert!(
        server
            .send_fragment(crate::DataKind::Text, b"b", true, (), &mut out)
            .is_err()
    );
    while server.transmit((), &mut out) {}
    assert_eq!(out, b"\x01\x01a\x88\x02\x03\xe8"[..]);
}

#[test]
fn input_after_a_close_is_dropped_cl_05() {
    let mut input = masked(0x88, b"\x03\xe8");
    input.extend(masked(0x81, b"late"));
    input.extend(b"\xff\xff\xff");
    let mut server = server();
    let mut held = BytesMut::from(&input[..]);
    assert!(matches!(
        server.next_event(&mut held, T0),
        Some(Event::Closed(_))
    ));
    assert!(held.is_empty());
    for _ in 0..3 {
        held.extend_from_slice(&masked(0x89, b"x"));
        assert_eq!(server.next_event(&mut held, T0), None);
        assert!(held.is_empty());
    }
    assert_eq!(sent(&mut server), PLAIN_CLOSE, "no pong");
}

#[test]
fn close_is_idempotent_and_a_close_of_the_peer_counts() {
    let mut server = server();
    server.close(CloseCode::NORMAL, "first", T0);
    server.close(CloseCode::GOING_AWAY, "second", at(5));
    assert_eq!(server.poll_timeout(), Some(at(10)));
    assert_eq!(sent(&mut server), b"\x88\x07\x03\xe8first");
    server.close(CloseCode::GOING_AWAY, "third", T0);
    assert_eq!(sent(&mut server), b"");

    let mut answering = self::server();
    feed(&mut answering, &masked(0x88, b"\x03\xe8"));
    answering.close(CloseCode::GOING_AWAY, "", T0);
    assert_eq!(sent(&mut answering), PLAIN_CLOSE);
}

#[test]
fn only_a_client_begins_with_1010_cl_03() {
    let mut server = server();
    server.close(CloseCode::MANDATORY_EXTENSION, "", T0);
    assert_eq!(sent(&mut server), b"\x88\x02\x03\xf3");
    let mut client = client();
    client.close(CloseCode::MANDATORY_EXTENSION, "", T0);
    assert_eq!(sent_by_client(&mut client), b"\x88\x82\0\0\0\0\x03\xf2");
}

#[test]
fn the_answer_to_our_close_ends_it_cl_07() {
    let mut server = server();
    server.close(CloseCode::SERVICE_RESTART, "again", T0);
    assert_eq!(sent(&mut server), b"\x88\x07\x03\xf4again");
    assert_eq!(
        feed(&mut server, &masked(0x81, b"x")),
        [text("x")],
        "the peer may go on until then"
    );
    let events = feed(&mut server, &masked(0x88, b"\x03\xf4"));
    assert_eq!(events, [closed(1012, "", ClosedBy::Us, true)]);
    assert_eq!(sent(&mut server), b"", "one Close a side");
    assert_eq!(server.io_action(), IoAction::ShutdownWrite);
}

#[test]
fn simultaneous_closes_end_the_same_way_cl_07() {
    // Each sends its Close before the other's arrives.
    let (mut server, mut client) = (server(), client());
    server.close(CloseCode::GOING_AWAY, "s", T0);
    client.close(CloseCode::NORMAL, "c", T0);
    let from_server = sent(&mut server);
    let from_client = sent_by_client(&mut client);
    assert_eq!(
        feed(&mut server, &from_client),
        [closed(1000, "c", ClosedBy::Us, true)]
    );
    assert_eq!(
        feed(&mut client, &from_server),
        [closed(1001, "s", ClosedBy::Us, true)]
    );
    assert_eq!(
        (sent(&mut server).len(), sent_by_client(&mut client).len()),
        (0, 0)
    );
    assert_eq!(server.io_action(), IoAction::ShutdownWrite);
    assert_eq!(client.io_action(), IoAction::Continue);

    // Ours is queued and not written: it is the answer, with our code.
    let mut late = self::server();
    late.close(CloseCode::GOING_AWAY, "", T0);
    assert_eq!(
        feed(&mut late, &masked(0x88, b"\x03\xe8")),
        [closed(1000, "", ClosedBy::Peer, true)]
    );
    assert_eq!(sent(&mut late), b"\x88\x02\x03\xe9");
}

#[test]
fn pings_are_answered_until_the_peers_close_pp_01() {
    let mut server = server();
    server.close(CloseCode::NORMAL, "", T0);
    sent(&mut server);
    feed(&mut server, &masked(0x89, b"p"));
    assert_eq!(sent(&mut server), b"\x8a\x01p");
    feed(
        &mut server,
        &[masked(0x89, b"q"), masked(0x88, b"")].concat(),
    );
    assert_eq!(sent(&mut server), b"", "both Closes are there");
    assert_eq!(server.io_action(), IoAction::ShutdownWrite);
}

#[test]
fn a_pong_that_waits_for_room_does_not_hold_a_close_cl_22() {
    let mut server = configured(|config| config.max_out_len = 0);
    feed(
        &mut server,
        &[masked(0x89, b"p"), masked(0x88, b"\x03\xe8")].concat(),
    );
    let mut out = BytesMut::from(&b"full"[..]);
    while server.transmit((), &mut out) {}
    assert_eq!(out, b"full\x88\x02\x03\xe8"[..]);
    assert!(!server.wants_transmit());
    assert_eq!(server.io_action(), IoAction::ShutdownWrite);
}

#[test]
fn failing_after_our_close_sends_no_second_one_cl_11() {
    let mut server = server();
    server.close(CloseCode::NORMAL, "", T0);
    sent(&mut server);
    let events = feed(&mut server, b"\x83");
    assert_eq!(
        events,
        [fault(ReceiveErrorKind::ReservedOpcode { opcode: 3 }, 0)]
    );
    assert_eq!(sent(&mut server), b"");
}

#[test]
fn the_end_of_octets_has_its_meaning_by_state_cl_10_cl_12() {
    let eof = closed(1006, "", ClosedBy::Eof, false);
    type Setup = fn(&mut Connection<Server>);
    let rows: [(&str, Setup, Option<Event>); 7] = [
        ("open", |_| {}, Some(eof.clone())),
        (
            "inside a message",
            |c| drop(feed(c, &masked(0x01, b"a"))),
            Some(eof.clone()),
        ),
        (
            "inside a frame",
            |c| drop(feed(c, &masked(0x81, b"abc")[..7])),
            Some(eof.clone()),
        ),
        (
            "inside a header",
            |c| drop(feed(c, b"\x81")),
            Some(eof.clone()),
        ),
        (
            "after our Close",
            |c| c.close(CloseCode::NORMAL, "", T0),
            Some(eof),
        ),
        (
            "after the peer's Close",
            |c| drop(feed(c, &masked(0x88, b""))),
            None,
        ),
        ("after a failure", |c| drop(feed(c, b"\xff")), None),
    ];
    for (name, setup, want) in rows {
        let mut server = server();
        setup(&mut server);
        assert_eq!(server.receive_eof(T0), want, "{name}");
        assert_eq!(server.receive_eof(T0), None, "{name}: told once");
        sent(&mut server);
        assert_eq!(server.io_action(), IoAction::Close, "{name}");
        assert_eq!(server.poll_timeout(), None, "{name}");
    }
}

#[test]
fn a_half_closed_peer_still_gets_its_answer_cl_06_cl_20() {
    let mut server = server();
    feed(&mut server, &masked(0x88, b"\x03\xe8"));
    assert_eq!(server.receive_eof(T0), None);
    assert_eq!(server.io_action(), IoAction::Continue, "the answer waits");
    assert_eq!(sent(&mut server), PLAIN_CLOSE);
    assert_eq!(server.io_action(), IoAction::Close);
}

#[test]
fn the_server_ends_tcp_and_the_client_waits_cl_08_cl_09_cl_20() {
    let mut server = server();
    feed(&mut server, &masked(0x88, b"\x03\xe8"));
    assert_eq!(
        server.io_action(),
        IoAction::Continue,
        "the answer comes first"
    );
    sent(&mut server);
    assert_eq!(server.io_action(), IoAction::ShutdownWrite);
    assert_eq!(server.receive_eof(T0), None);
    assert_eq!(server.io_action(), IoAction::Close);

    let mut client = client();
    feed(&mut client, PLAIN_CLOSE);
    sent_by_client(&mut client);
    assert_eq!(client.io_action(), IoAction::Continue);
    assert_eq!(client.receive_eof(T0), None);
    assert_eq!(client.io_action(), IoAction::Close);
}

/// The states of the closing handshake, each with a connection in it.
fn states() -> [(&'static str, Connection<Server>); 6] {
    let open = server();
    let mut queued = server();
    queued.close(CloseCode::NORMAL, "", T0);
    let mut closing = server();
    closing.close(CloseCode::NORMAL, "", T0);
    sent(&mut closing);
    let mut answering = server();
    feed(&mut answering, &masked(0x88, b"\x03\xe9"));
    let mut ending = server();
    feed(&mut ending, &masked(0x88, b"\x03\xe9"));
    sent(&mut ending);
    let mut ended = server();
    ended.receive_eof(T0);
    [
        ("open", open),
        ("close queued", queued),
        ("closing", closing),
        ("answer queued", answering),
        ("ending", ending),
        ("ended", ended),
    ]
}

/// Every state of [`states`] by every input: what is told, and what goes out.
#[test]
fn every_state_by_every_input_cl_04_cl_05_cl_06_cl_07_cl_11() {
    type Want = (Option<Event>, &'static [u8]);
    type Act = fn(&mut Connection<Server>) -> Option<Event>;
    const OWN: &[u8] = b"\x88\x02\x03\xe8";
    const ECHO: &[u8] = b"\x88\x02\x03\xe9";
    let bad = || Some(fault(ReceiveErrorKind::ReservedOpcode { opcode: 3 }, 0));
    let eof = || Some(closed(1006, "", ClosedBy::Eof, false));
    let peer = |by| Some(closed(1001, "", by, true));
    let ping = || Some(Event::Ping(Bytes::new()));
    let rows: [(&str, Act, [Want; 6]); 7] = [
        (
            "a message",
            |c| feed(c, &masked(0x81, b"x")).pop(),
            [
                (Some(text("x")), b""),
                (Some(text("x")), OWN),
                (Some(text("x")), b""),
                (None, ECHO),
                (None, b""),
                (None, b""),
            ],
        ),
        (
            "a ping",
            |c| feed(c, &masked(0x89, b"")).pop(),
            [
                (ping(), b"\x8a\x00"),
                (ping(), b"\x8a\x00\x88\x02\x03\xe8"),
                (ping(), b"\x8a\x00"),
                (None, ECHO),
                (None, b""),
                (None, b""),
            ],
        ),
        (
            "a close",
            |c| feed(c, &masked(0x88, b"\x03\xe9")).pop(),
            [
                (peer(ClosedBy::Peer), ECHO),
                (peer(ClosedBy::Peer), OWN),
                (peer(ClosedBy::Us), b""),
                (None, ECHO),
                (None, b""),
                (None, b""),
            ],
        ),
        (
            "a bad frame",
            |c| feed(c, b"\x83").pop(),
            [
                (bad(), b"\x88\x02\x03\xea"),
                (bad(), OWN),
                (bad(), b""),
                (None, ECHO),
                (None, b""),
                (None, b""),
            ],
        ),
        (
            "the end of octets",
            |c| c.receive_eof(T0),
            [
                (eof(), b""),
                (eof(), b""),
                (eof(), b""),
                (None, ECHO),
                (None, b""),
                (None, b""),
            ],
        ),
        (
            "a close of our own",
            |c| {
                c.close(CloseCode::NORMAL, "", T0);
                None
            },
            [
                (None, OWN),
                (None, OWN),
                (None, b""),
                (None, ECHO),
                (None, b""),
                (None, b""),
            ],
        ),
        (
            "time",
            |c| c.handle_timeout(at(10)),
            [
                (None, b""),
                (Some(closed(1006, "", ClosedBy::Timeout, false)), b""),
                (Some(closed(1006, "", ClosedBy::Timeout, false)), b""),
                (None, b""),
                (None, b""),
                (None, b""),
            ],
        ),
    ];
    for (input, act, wants) in rows {
        for ((state, mut connection), (event, octets)) in states().into_iter().zip(wants) {
            assert_eq!(act(&mut connection), event, "{state}, {input}");
            assert_eq!(sent(&mut connection), octets, "{state}, {input}: sent");
            assert_eq!(
                connection.may_send(),
                state == "open" && !matches!(event, Some(Event::Closed(_))) && octets != OWN,
                "{state}, {input}: may_send",
            );
        }
    }
}

#[test]
fn what_arrived_of_a_message_is_dropped_at_the_end() {
    type End = fn(&mut Connection<Server>);
    let rows: [(&str, End); 4] = [
        ("the peer's Close", |c| drop(feed(c, &masked(0x88, b"")))),
        ("a bad frame", |c| drop(feed(c, b"\x83"))),
        ("the end of octets", |c| drop(c.receive_eof(T0))),
        ("time", |c| {
            c.close(CloseCode::NORMAL, "", T0);
            c.handle_timeout(at(10));
        }),
    ];
    for (name, end) in rows {
        let mut server = server();
        feed(&mut server, &masked(0x01, &[b'x'; 1000]));
        assert!(server.assembly.capacity() >= 1000, "{name}");
        end(&mut server);
        assert_eq!(server.assembly.capacity(), 0, "{name}");
    }
}
