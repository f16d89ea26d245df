use super::*;

/// Runs `handle_timeout` at the time that `poll_timeout` names, but not before `now`.
fn due(connection: &mut Connection<Server>, now: Duration) -> (Duration, Option<Event>) {
    let time = connection.poll_timeout().expect("a deadline").max(now);
    (time, connection.handle_timeout(time))
}

#[test]
fn silence_is_pinged_and_then_given_up_pp_13() {
    let mut server = server();
    assert_eq!(server.poll_timeout(), Some(at(25)));
    assert_eq!(server.handle_timeout(at(24)), None);
    assert!(!server.wants_transmit(), "not before its time");
    assert_eq!(due(&mut server, at(0)), (at(25), None));
    assert_eq!(sent(&mut server), b"\x89\x00");
    assert_eq!(due(&mut server, at(25)), (at(25), None), "the wait starts");
    assert_eq!(server.poll_timeout(), Some(at(45)));
    assert_eq!(server.handle_timeout(at(44)), None, "not before its time");
    let (time, event) = due(&mut server, at(25));
    assert_eq!(
        (time, event),
        (at(45), Some(closed(1006, "", ClosedBy::Timeout, false)))
    );
    assert_eq!(sent(&mut server), b"\x88\x02\x03\xf3", "1011");
    assert_eq!(server.io_action(), IoAction::ShutdownWrite);
    assert_eq!(due(&mut server, at(45)), (at(55), None), "told once");
    assert_eq!(server.io_action(), IoAction::Close);
    assert_eq!(server.poll_timeout(), None);
}

#[test]
fn any_octet_is_a_sign_of_life_pp_13() {
    let answers: [(&str, Vec<u8>); 4] = [
        ("a pong", masked(0x8a, b"")),
        ("a message", masked(0x81, b"x")),
        ("a part of a header", b"\x81".to_vec()),
        ("a ping", masked(0x89, b"")),
    ];
    for (name, answer) in answers {
        let mut server = server();
        server.handle_timeout(at(25));
        sent(&mut server);
        server.handle_timeout(at(26));
        assert_eq!(server.poll_timeout(), Some(at(46)), "{name}");
        let mut input = BytesMut::from(&answer[..]);
        while server.next_event(&mut input, at(30)).is_some() {}
        assert_eq!(server.poll_timeout(), Some(at(55)), "{name}");
    }
}

#[test]
fn octets_that_lie_in_the_input_are_no_fresh_sign_of_life() {
    let mut server = server();
    let mut input = BytesMut::from(&b"\x81"[..]);
    assert_eq!(server.next_event(&mut input, at(10)), None);
    assert_eq!(
        server.next_event(&mut input, at(20)),
        None,
        "the same octet"
    );
    assert_eq!(server.poll_timeout(), Some(at(35)));
    input.extend_from_slice(b"\x80");
    assert_eq!(server.next_event(&mut input, at(21)), None);
    assert_eq!(server.poll_timeout(), Some(at(46)));
}

#[test]
fn a_ping_that_is_not_written_starts_no_wait_pp_14() {
    let mut server = server();
    server.handle_timeout(at(25));
    assert_eq!(server.poll_timeout(), None, "nothing is owed");
    assert_eq!(server.handle_timeout(at(1000)), None);
    sent(&mut server);
    assert_eq!(server.poll_timeout(), Some(Duration::ZERO), "tell the time");
    assert_eq!(server.handle_timeout(at(1001)), None);
    assert_eq!(server.poll_timeout(), Some(at(1021)));
}

#[test]
fn a_queued_ping_is_dropped_when_the_peer_speaks() {
    let mut server = server();
    server.handle_timeout(at(25));
    assert!(server.wants_transmit());
    let mut input = BytesMut::from(&masked(0x81, b"x")[..]);
    server.next_event(&mut input, at(26));
    assert!(!server.wants_transmit());
    assert_eq!(server.poll_timeout(), Some(at(51)));
}

#[test]
fn pings_can_be_off() {
    let mut server = configured(|config| config.ping_after = None);
    assert_eq!(server.poll_timeout(), None);
    assert_eq!(server.handle_timeout(at(1_000_000)), None);
    feed(&mut server, &masked(0x81, b"x"));
    assert_eq!(server.poll_timeout(), None);
    assert!(server.is_idle());
}

#[test]
fn a_peer_that_does_not_answer_close_is_left_cl_21() {
    let mut server = server();
    server.close(CloseCode::GOING_AWAY, "", at(3));
    sent(&mut server);
    assert_eq!(server.poll_timeout(), Some(at(13)));
    assert_eq!(server.handle_timeout(at(12)), None);
    assert_eq!(server.io_action(), IoAction::Continue);
    let event = server.handle_timeout(at(13));
    assert_eq!(event, Some(closed(1006, "", ClosedBy::Timeout, false)));
    assert_eq!(server.io_action(), IoAction::Close);
    assert_eq!(
        (server.poll_timeout(), server.handle_timeout(at(99))),
        (None, None)
    );
}

#[test]
fn a_close_that_could_not_be_written_does_not_hold_the_transport_cl_21() {
    let mut server = server();
    server.close(CloseCode::GOING_AWAY, "", at(0));
    assert!(server.handle_timeout(at(10)).is_some());
    assert!(!server.wants_transmit());
    assert_eq!(server.io_action(), IoAction::Close);
}

#[test]
fn a_client_waits_for_the_server_to_end_tcp_until_its_time_cl_09() {
    let mut client = client();
    let mut input = BytesMut::from(&plain(0x88, b"\x03\xe8")[..]);
    assert!(client.next_event(&mut input, at(7)).is_some());
    sent_by_client(&mut client);
    assert_eq!(client.io_action(), IoAction::Continue);
    assert_eq!(client.poll_timeout(), Some(at(17)));
    assert_eq!(client.handle_timeout(at(16)), None);
    assert_eq!(client.io_action(), IoAction::Continue);
    assert_eq!(client.handle_timeout(at(17)), None);
    assert_eq!(client.io_action(), IoAction::Close);
}

#[test]
fn far_times_do_not_overflow() {
    let config = Config {
        close_timeout: Duration::MAX,
        ping_after: Some(Duration::MAX),
        ..Config::default()
    };
    let mut server = Connection::<Server>::new(config, Duration::MAX);
    assert_eq!(server.poll_timeout(), Some(Duration::MAX));
    server.close(CloseCode::NORMAL, "", Duration::MAX);
    assert_eq!(server.poll_timeout(), Some(Duration::MAX));
}
