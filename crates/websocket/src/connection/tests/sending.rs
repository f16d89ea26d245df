use super::*;
use crate::{DataKind, SendError, SharedFrame};

#[test]
fn a_server_never_masks_and_a_client_always_does_fr_06_fr_07_fr_10() {
    let mut out = BytesMut::new();
    let mut server = server();
    server.send_text("Hello", (), &mut out).unwrap();
    server.send_binary(b"\x00\xff", (), &mut out).unwrap();
    server.ping(b"p", (), &mut out).unwrap();
    assert_eq!(out, b"\x81\x05Hello\x82\x02\x00\xff\x89\x01p"[..]);

    let mut client = client();
    let mut out = BytesMut::new();
    client.send_text("Hello", KEY, &mut out).unwrap();
    assert_eq!(out, b"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58"[..]); // RFC 6455 §5.7
    out.clear();
    client.ping(b"Hello", KEY, &mut out).unwrap();
    feed(&mut client, &plain(0x89, b"Hello"));
    client.transmit([1, 2, 3, 4], &mut out);
    client.close(CloseCode::NORMAL, "", T0);
    client.transmit([0, 0, 0, 1], &mut out);
    assert_eq!(out[..11], masked(0x89, b"Hello"));
    let pong = b"\x8a\x85\x01\x02\x03\x04\x49\x67\x6f\x68\x6e";
    assert_eq!(out[11..22], pong[..]);
    assert_eq!(out[22..], b"\x88\x82\0\0\0\x01\x03\xe8"[..]);
}

#[test]
fn a_message_is_passed_on_as_it_arrived() {
    let messages = [
        Message::Text(Text::from("κ")),
        Message::Binary(Bytes::from_static(b"\xff")),
    ];
    let mut out = BytesMut::new();
    let mut server = server();
    for message in &messages {
        server.send_message(message, (), &mut out).unwrap();
    }
    assert_eq!(out, b"\x81\x02\xce\xba\x82\x01\xff"[..]);
}

#[test]
fn a_header_and_its_payload_are_the_frame_of_the_message_fr_16() {
    for (len, kind) in [(0, 0x82), (5, 0x82), (70_000, 0x82), (300, 0x81)] {
        let data = Bytes::from(alloc::vec![b'x'; len]);
        let message = if kind == 0x81 {
            Message::Text(Text::checked(data.clone()))
        } else {
            Message::Binary(data.clone())
        };
        let mut out = BytesMut::from(&b"before"[..]);
        let payload = server().send_header(&message, &mut out).unwrap();
        assert_eq!(payload.as_ptr(), data.as_ptr(), "without a copy");
        out.extend_from_slice(&payload);
        assert_eq!(out[6..], plain(kind, &data));
    }
}

#[test]
fn a_header_is_refused_where_its_message_is() {
    let message = Message::Binary(Bytes::from_static(b"x"));
    let mut out = BytesMut::new();

    let mut closing = server();
    closing.close(CloseCode::NORMAL, "", T0);
    let refused = closing.send_header(&message, &mut out);
    assert_eq!(refused, Err(SendError::Closing));

    let mut open = server();
    let fragment = open.send_fragment(DataKind::Text, b"a", false, (), &mut out);
    assert_eq!(fragment, Ok(()));
    let refused = open.send_header(&message, &mut out);
    assert_eq!(refused, Err(SendError::MessageOpen));

    let mut full = configured(|config| config.max_out_len = 2);
    let refused = full.send_header(&message, &mut out);
    assert_eq!(refused, Err(SendError::Full { held: 3, max: 2 }));
    assert_eq!(out, b"\x01\x01a"[..]);
}

#[test]
fn a_long_payload_is_masked_as_one_fr_11() {
    for len in [4095, 4096, 4097, 12_290] {
        let data: Vec<u8> = (0..=255).cycle().take(len).collect();
        let mut out = BytesMut::new();
        client().send_binary(&data, KEY, &mut out).unwrap();
        assert_eq!(out[..], masked(0x82, &data), "{len}");
    }
}

#[test]
fn every_length_has_its_shortest_form_fr_03_fr_16() {
    for (len, header) in [
        (0, &b"\x82\x00"[..]),
        (125, b"\x82\x7d"),
        (126, b"\x82\x7e\x00\x7e"),
        (65535, b"\x82\x7e\xff\xff"),
        (65536, b"\x82\x7f\x00\x00\x00\x00\x00\x01\x00\x00"),
    ] {
        let mut out = BytesMut::new();
        server()
            .send_binary(&alloc::vec![7; len], (), &mut out)
            .unwrap();
        assert_eq!(
            (&out[..header.len()], out.len()),
            (header, header.len() + len),
            "{len}"
        );
    }
}

#[test]
fn a_message_may_be_sent_in_fragments_fg_09() {
    let mut server = server();
    let mut out = BytesMut::new();
    server
        .send_fragment(DataKind::Text, b"\xce", false, (), &mut out)
        .unwrap();
    assert!(!server.is_idle());
    server.ping(b"", (), &mut out).unwrap();
    feed(&mut server, &masked(0x89, b"p"));
    server.transmit((), &mut out);
    server
        .send_fragment(DataKind::Text, b"", false, (), &mut out)
        .unwrap();
    server
        .send_fragment(DataKind::Text, b"\xba", true, (), &mut out)
        .unwrap();
    assert!(server.is_idle());
    server.send_binary(b"next", (), &mut out).unwrap();
    assert_eq!(
        out,
        b"\x01\x01\xce\x89\x00\x8a\x01p\x00\x00\x80\x01\xba\x82\x04next"[..]
    );
}

#[test]
fn another_message_waits_until_the_fragments_end_fg_09() {
    let mut server = server();
    let mut out = BytesMut::new();
    server
        .send_fragment(DataKind::Binary, b"a", false, (), &mut out)
        .unwrap();
    let before = out.clone();
    assert_eq!(
        server.send_text("x", (), &mut out),
        Err(SendError::MessageOpen)
    );
    assert_eq!(
        server.send_binary(b"x", (), &mut out),
        Err(SendError::MessageOpen)
    );
    let differs = server.send_fragment(DataKind::Text, b"x", false, (), &mut out);
    assert_eq!(differs, Err(SendError::KindDiffers));
    assert_eq!(out, before, "nothing was written");
    server
        .send_fragment(DataKind::Binary, b"", true, (), &mut out)
        .unwrap();
    assert_eq!(out, b"\x02\x01a\x80\x00"[..]);
}

#[test]
fn fragments_of_text_are_utf8_together_fr_16() {
    let mut server = server();
    let mut out = BytesMut::new();
    let mut send = |data: &[u8], fin| server.send_fragment(DataKind::Text, data, fin, (), &mut out);
    assert_eq!(send(b"\xff", false), Err(SendError::NotUtf8));
    assert_eq!(
        send(b"\xce", true),
        Err(SendError::NotUtf8),
        "cut at the end"
    );
    assert_eq!(send(b"\xce", false), Ok(()));
    assert_eq!(send(b"a", false), Err(SendError::NotUtf8));
    assert_eq!(send(b"", true), Err(SendError::NotUtf8));
    assert_eq!(send(b"\xba", true), Ok(()), "a refusal changes nothing");
    assert_eq!(out, b"\x01\x01\xce\x80\x01\xba"[..]);
}

#[test]
fn a_full_out_buffer_refuses_before_taking_sd_02_sd_05() {
    let mut server = configured(|config| config.max_out_len = 10);
    for (held, full) in [(9, false), (10, false), (11, true)] {
        let mut out = BytesMut::from(&alloc::vec![0; held][..]);
        let want = if full {
            Err(SendError::Full { held, max: 10 })
        } else {
            Ok(())
        };
        assert_eq!(server.send_text("x", (), &mut out), want, "{held}");
        assert_eq!(out.len(), if full { held } else { held + 3 }, "{held}");
        let mut out = BytesMut::from(&alloc::vec![0; held][..]);
        assert_eq!(server.ping(b"", (), &mut out), want, "{held}");
        let mut out = BytesMut::from(&alloc::vec![0; held][..]);
        assert_eq!(
            server.send_fragment(DataKind::Binary, b"", true, (), &mut out),
            want,
            "{held}"
        );
    }
}

#[test]
fn a_ping_holds_at_most_125_octets_fr_16() {
    let mut out = BytesMut::new();
    assert_eq!(server().ping(&[0; 125], (), &mut out), Ok(()));
    let refused = server().ping(&[0; 126], (), &mut out);
    assert_eq!(refused, Err(SendError::ControlTooLong { len: 126 }));
    assert_eq!(out.len(), 127);
}

#[test]
fn a_pings_own_pong_is_another_slot_than_the_callers_ping_pp_12() {
    let mut server = server();
    let mut out = BytesMut::new();
    feed(&mut server, &masked(0x89, b"theirs"));
    server.ping(b"ours", (), &mut out).unwrap();
    while server.transmit((), &mut out) {}
    assert_eq!(out, b"\x89\x04ours\x8a\x06theirs"[..]);
}

#[test]
fn a_shared_frame_is_what_the_server_would_send() {
    for message in ["", "Hello", &"x".repeat(70_000)] {
        let mut out = BytesMut::new();
        server().send_text(message, (), &mut out).unwrap();
        assert_eq!(SharedFrame::text(message).as_bytes(), &out);
        out.clear();
        server()
            .send_binary(message.as_bytes(), (), &mut out)
            .unwrap();
        let frame = SharedFrame::binary(message.as_bytes());
        assert_eq!(frame.as_bytes(), &out);
        assert_eq!(
            frame.clone().as_bytes().as_ptr(),
            frame.as_bytes().as_ptr(),
            "one copy"
        );
    }
}
