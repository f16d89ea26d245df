//! Probes of what Autobahn|Testsuite does not try, by octets alone and on both roles: handshakes, masks, lengths, and a
//! compressed message that breaks a rule. Each is answered by what the rule asks for.
#![allow(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "tests"
)]

use core::time::Duration;

use bytes::BytesMut;
use tidings_websocket::{
    Client, ClientHandshake, Config, Connection, Event, Message, Role, Server, accept, mask,
};

const T0: Duration = Duration::ZERO;
const KEY: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

type Field<'a> = (&'a str, &'a [u8]);

/// A good request, with the lines of `name` replaced.
fn request<'a>(name: &'a str, values: &[&'a str]) -> Vec<Field<'a>> {
    let good: [Field<'_>; 5] = [
        ("Host", b"server.example.com"),
        ("Upgrade", b"websocket"),
        ("Connection", b"Upgrade"),
        ("Sec-WebSocket-Key", b"dGhlIHNhbXBsZSBub25jZQ=="),
        ("Sec-WebSocket-Version", b"13"),
    ];
    replaced(&good, name, values)
}

fn replaced<'a>(good: &[Field<'a>], name: &'a str, values: &[&'a str]) -> Vec<Field<'a>> {
    let others = good.iter().copied().filter(|(field, _)| *field != name);
    let own = values.iter().map(|value| (name, value.as_bytes()));
    others.chain(own).collect()
}

#[test]
fn every_probe_of_the_handshake_gets_its_status() {
    let rows: [(&str, &str, &[&str], u16); 17] = [
        ("a key of 0 octets", "Sec-WebSocket-Key", &[""], 400),
        ("of 15", "Sec-WebSocket-Key", &["dGhlIHNhbXBsZSBub25j"], 400),
        (
            "of 17",
            "Sec-WebSocket-Key",
            &["dGhlIHNhbXBsZSBub25jZWU="],
            400,
        ),
        (
            "not base64",
            "Sec-WebSocket-Key",
            &["!!!!!!!!!!!!!!!!!!!!!!=="],
            400,
        ),
        ("no key", "Sec-WebSocket-Key", &[], 400),
        (
            "two keys",
            "Sec-WebSocket-Key",
            &["dGhlIHNhbXBsZSBub25jZQ==", "dGhlIHNhbXBsZSBub25jZQ=="],
            400,
        ),
        ("version 12", "Sec-WebSocket-Version", &["12"], 426),
        ("no version", "Sec-WebSocket-Version", &[], 426),
        ("no Upgrade", "Upgrade", &[], 426),
        (
            "Upgrade: h2c, websocket",
            "Upgrade",
            &["h2c, websocket"],
            101,
        ),
        ("no Connection", "Connection", &[], 400),
        (
            "keep-alive, Upgrade",
            "Connection",
            &["keep-alive, Upgrade"],
            101,
        ),
        ("not-upgrade", "Connection", &["not-upgrade"], 400),
        (
            "two Connection fields",
            "Connection",
            &["keep-alive", "Upgrade"],
            101,
        ),
        ("no Host", "Host", &[], 400),
        ("two Hosts", "Host", &["a", "a"], 400),
        ("nothing wrong", "Host", &["a"], 101),
    ];
    for (name, field, values, want) in rows {
        let fields = request(field, values);
        let checked = accept("GET", (1, 1), fields.into_iter(), &[]);
        assert_eq!(
            checked.map_or_else(|error| error.status(), |_| 101),
            want,
            "{name}"
        );
    }
    for (method, version, want) in [
        ("POST", (1, 1), 405),
        ("GET", (1, 0), 505),
        ("GET", (2, 0), 505),
    ] {
        let checked = accept(method, version, request("Host", &["a"]).into_iter(), &[]);
        assert_eq!(checked.unwrap_err().status(), want, "{method} {version:?}");
    }
}

#[test]
fn every_probe_of_the_answer_opens_or_fails() {
    let good: [Field<'_>; 3] = [
        ("Upgrade", b"websocket"),
        ("Connection", b"Upgrade"),
        ("Sec-WebSocket-Accept", b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo="),
    ];
    let rows: [(&str, &str, &[&str], bool); 14] = [
        ("nothing wrong", "Upgrade", &["WebSocket"], true),
        ("no Upgrade", "Upgrade", &[], false),
        ("another Upgrade", "Upgrade", &["h2c, websocket"], false),
        (
            "two Upgrades",
            "Upgrade",
            &["websocket", "websocket"],
            false,
        ),
        ("no Connection", "Connection", &[], false),
        ("not-upgrade", "Connection", &["not-upgrade"], false),
        (
            "two Connection fields",
            "Connection",
            &["keep-alive", "upgrade"],
            true,
        ),
        ("no Accept", "Sec-WebSocket-Accept", &[], false),
        (
            "that of another key",
            "Sec-WebSocket-Accept",
            &["HSmrc0sMlYUkAGmm5OPpG2HaGWk="],
            false,
        ),
        (
            "in another case",
            "Sec-WebSocket-Accept",
            &["S3PPLMBITXAQ9KYGZZHZRBK+XOO="],
            false,
        ),
        (
            "twice",
            "Sec-WebSocket-Accept",
            &[
                "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=",
                "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=",
            ],
            false,
        ),
        (
            "an extension",
            "Sec-WebSocket-Extensions",
            &["permessage-deflate"],
            false,
        ),
        ("a subprotocol", "Sec-WebSocket-Protocol", &["other"], false),
        ("two", "Sec-WebSocket-Protocol", &["chat", "chat"], false),
    ];
    let client = ClientHandshake::new(*b"the sample nonce", &["chat"]).unwrap();
    for (name, field, values, opens) in rows {
        let answer = replaced(&good, field, values);
        assert_eq!(
            client.check(101, answer.iter().copied()).is_ok(),
            opens,
            "{name}"
        );
        assert!(
            client.check(200, answer.iter().copied()).is_err(),
            "{name}, 200"
        );
    }
}

/// A frame by its first octet, the octets of its length as they are, and its payload.
struct Frame {
    first: u8,
    len: Vec<u8>,
    payload: Vec<u8>,
}

fn frame(first: u8, len: &[u8], payload: &[u8]) -> Frame {
    let (len, payload) = (len.to_vec(), payload.to_vec());
    Frame {
        first,
        len,
        payload,
    }
}

impl Frame {
    /// As its sender writes it, who masks or does not.
    fn octets(&self, masked: bool) -> Vec<u8> {
        let mut octets = vec![self.first];
        octets.extend_from_slice(&self.len);
        octets[1] |= if masked { 0x80 } else { 0 };
        let mut payload = self.payload.clone();
        if masked {
            octets.extend_from_slice(&KEY);
            mask(&mut payload, KEY, 0);
        }
        octets.extend_from_slice(&payload);
        octets
    }
}

/// The payload of the Close that answers; none where the message comes through.
type Answer = Option<&'static [u8]>;

/// What is wrong, the frame, and the answer.
fn probes() -> Vec<(&'static str, Frame, Answer)> {
    const PROTOCOL: Option<&[u8]> = Some(b"\x03\xea");
    const DATA: Option<&[u8]> = Some(b"\x03\xef");
    let mut rows = vec![
        (
            "2 octets, length in 16 bits",
            frame(0x82, b"\x7e\x00\x02", b"hi"),
            PROTOCOL,
        ),
        (
            "2 octets, length in 64 bits",
            frame(0x82, b"\x7f\0\0\0\0\0\0\0\x02", b"hi"),
            PROTOCOL,
        ),
        (
            "125 in 16 bits",
            frame(0x82, b"\x7e\x00\x7d", &[7; 125]),
            PROTOCOL,
        ),
        (
            "126 in 16 bits",
            frame(0x82, b"\x7e\x00\x7e", &[7; 126]),
            None,
        ),
        (
            "65,535 in 64 bits",
            frame(0x82, b"\x7f\0\0\0\0\0\0\xff\xff", &[7; 9]),
            PROTOCOL,
        ),
        (
            "65,536 in 64 bits",
            frame(0x82, b"\x7f\0\0\0\0\0\x01\0\0", &[7; 65_536]),
            None,
        ),
        (
            "the top bit of 64",
            frame(0x82, b"\x7f\x80\0\0\0\0\0\0\x02", b"hi"),
            PROTOCOL,
        ),
        (
            "2^63 - 1 octets",
            frame(0x82, b"\x7f\x7f\xff\xff\xff\xff\xff\xff\xff", b"hi"),
            Some(b"\x03\xf1"),
        ),
        (
            "a Ping of 126",
            frame(0x89, b"\x7e\x00\x7e", &[7; 126]),
            PROTOCOL,
        ),
        (
            "a Pong of 126",
            frame(0x8A, b"\x7e\x00\x7e", &[7; 126]),
            PROTOCOL,
        ),
        (
            "a Close of 126",
            frame(0x88, b"\x7e\x00\x7e", &[7; 126]),
            PROTOCOL,
        ),
        ("a Close of 1", frame(0x88, b"\x01", b"\x03"), PROTOCOL),
        (
            "text that is not UTF-8",
            frame(0x81, b"\x02", b"\xc3\x28"),
            DATA,
        ),
        (
            "the same in a frame of 100 that is withheld",
            frame(0x81, b"\x64", b"\xc3\x28"),
            DATA,
        ),
        (
            "a reason that is not UTF-8",
            frame(0x88, b"\x04", b"\x03\xe8\xc3\x28"),
            DATA,
        ),
        ("RSV1", frame(0xC2, b"\x02", b"hi"), PROTOCOL),
        ("RSV1 on a Ping", frame(0xC9, b"\x00", b""), PROTOCOL),
        (
            "RSV1 on a continuation",
            frame(0xC0, b"\x00", b""),
            PROTOCOL,
        ),
        (
            "a continuation of nothing",
            frame(0x80, b"\x00", b""),
            PROTOCOL,
        ),
        ("a Ping without FIN", frame(0x09, b"\x00", b""), PROTOCOL),
        ("opcode 3", frame(0x83, b"\x00", b""), PROTOCOL),
        ("opcode 11", frame(0x8B, b"\x00", b""), PROTOCOL),
    ];
    let codes: [(&str, &[u8; 2], Answer); 9] = [
        ("a Close of 0", &[0x00, 0x00], PROTOCOL),
        ("of 999", &[0x03, 0xE7], PROTOCOL),
        ("of 1005", &[0x03, 0xED], PROTOCOL),
        ("of 1012", &[0x03, 0xF4], Some(&[0x03, 0xF4])),
        ("of 1014", &[0x03, 0xF6], Some(&[0x03, 0xF6])),
        ("of 1015", &[0x03, 0xF7], PROTOCOL),
        ("of 2999", &[0x0B, 0xB7], PROTOCOL),
        ("of 3000", &[0x0B, 0xB8], Some(&[0x0B, 0xB8])),
        ("of 5000", &[0x13, 0x88], PROTOCOL),
    ];
    rows.extend(codes.map(|(name, code, want)| (name, frame(0x88, b"\x02", code), want)));
    rows
}

/// Feeds octets, whole or one by one, and gives the messages and the payload of the Close that was written.
fn run<R: Role>(
    connection: &mut Connection<R>,
    key: R::Key,
    octets: &[u8],
    step: usize,
) -> (Vec<Message>, Option<Vec<u8>>) {
    let (mut input, mut messages, mut ends) = (BytesMut::new(), Vec::new(), 0);
    for piece in octets.chunks(step) {
        input.extend_from_slice(piece);
        while let Some(event) = connection.next_event(&mut input, T0) {
            match event {
                Event::Message(message) => messages.push(message),
                Event::Closed(_) => ends += 1,
                event => panic!("{event:?}"),
            }
        }
    }
    let mut out = BytesMut::new();
    while connection.transmit(key, &mut out) {}
    if out.is_empty() {
        assert_eq!(ends, 0);
        return (messages, None);
    }
    assert_eq!((ends, out[0]), (1, 0x88), "one end, and one Close");
    // The key of a client is four zeros here.
    let header_len = if out[1] & 0x80 == 0 { 2 } else { 6 };
    (messages, Some(out[header_len..].to_vec()))
}

#[test]
fn every_probe_of_a_frame_is_answered_by_its_close_on_both_roles() {
    for (name, frame, want) in probes() {
        // A good message goes before, and is delivered.
        let hello = self::frame(0x81, b"\x05", b"Hello");
        for step in [1, usize::MAX] {
            let mut server = Connection::<Server>::new(Config::default(), T0);
            let wire = [hello.octets(true), frame.octets(true)].concat();
            let of_server = run(&mut server, (), &wire, step.min(wire.len()));
            let mut client = Connection::<Client>::new(Config::default(), T0);
            let wire = [hello.octets(false), frame.octets(false)].concat();
            let of_client = run(&mut client, [0; 4], &wire, step.min(wire.len()));
            assert_eq!(of_server, of_client, "{name}");
            let (messages, close) = of_server;
            assert_eq!(messages[0], Message::Text("Hello".into()), "{name}");
            assert_eq!(close.as_deref(), want, "{name}");
            let through = usize::from(want.is_none());
            assert_eq!(messages.len(), 1 + through, "{name}");
        }
    }
}

#[test]
fn a_frame_in_the_wrong_mask_is_answered_by_1002_on_both_roles_fr_08_fr_09() {
    for first in [0x81, 0x82, 0x88, 0x89, 0x8A] {
        let frame = frame(first, b"\x02", b"\x03\xe8");
        let mut server = Connection::<Server>::new(Config::default(), T0);
        let wire = frame.octets(false);
        // The second octet tells, so the third is not waited for.
        let told = run(&mut server, (), &wire[..2], 1);
        assert_eq!(told.1.as_deref(), Some(&b"\x03\xea"[..]));
        let mut client = Connection::<Client>::new(Config::default(), T0);
        let wire = frame.octets(true);
        let told = run(&mut client, [0; 4], &wire[..2], 1);
        assert_eq!(told.1.as_deref(), Some(&b"\x03\xea"[..]));
    }
}

#[cfg(feature = "deflate")]
#[test]
fn every_probe_of_a_compressed_message_is_answered_by_its_close_on_both_roles_rfc7692_6() {
    use tidings_websocket::DeflateOptions;
    let options = DeflateOptions::default();
    let handshake = ClientHandshake::new(*b"the sample nonce", &[])
        .unwrap()
        .offer_deflate(options);
    let asked: Vec<_> = handshake.fields().chain([("Host", &b"a"[..])]).collect();
    let accepted = accept("GET", (1, 1), asked.iter().copied(), &[]).unwrap();
    let agreed = accepted
        .with_deflate(options, asked.iter().copied())
        .deflate()
        .unwrap();
    let hello = b"\xf2\x48\xcd\xc9\xc9\x07\x00";
    let mut config = Config::default();
    config.max_message_len = 4096;
    // 8 KiB of zeros, twice what may be inflated.
    let bomb = tidings_websocket::SharedFrame::binary_deflated(&[0; 8192], 9);
    let bomb = bomb.deflated().unwrap()[2..].to_vec();
    let rows: [(&str, Vec<Frame>, Answer); 8] = [
        ("good", vec![frame(0xC1, b"\x07", hello)], None),
        (
            "RSV1 on the second frame",
            vec![
                frame(0x41, b"\x03", &hello[..3]),
                frame(0xC0, b"\x04", &hello[3..]),
            ],
            Some(b"\x03\xea"),
        ),
        (
            "RSV1 on a Close",
            vec![frame(0xC8, b"\x02", b"\x03\xe8")],
            Some(b"\x03\xea"),
        ),
        ("RSV3", vec![frame(0xD1, b"\x07", hello)], Some(b"\x03\xea")),
        (
            "not DEFLATE",
            vec![frame(0xC1, b"\x04", &[0xFF; 4])],
            Some(b"\x03\xef"),
        ),
        (
            "cut",
            vec![frame(0xC1, b"\x04", &hello[..4])],
            Some(b"\x03\xef"),
        ),
        (
            "no UTF-8",
            vec![frame(0xC1, b"\x08", b"\x00\x02\x00\xfd\xff\xc3\x28\x00")],
            Some(b"\x03\xef"),
        ),
        (
            "a bomb",
            vec![frame(0xC2, &[u8::try_from(bomb.len()).unwrap()], &bomb)],
            Some(b"\x03\xf1"),
        ),
    ];
    for (name, frames, want) in rows {
        for step in [1, usize::MAX] {
            let wire = |masked| {
                frames
                    .iter()
                    .flat_map(|f| f.octets(masked))
                    .collect::<Vec<_>>()
            };
            let mut server = Connection::<Server>::with_deflate(config, Some(&agreed), T0);
            let mut client = Connection::<Client>::with_deflate(config, Some(&agreed), T0);
            let (masked, plain) = (wire(true), wire(false));
            let of_server = run(&mut server, (), &masked, step.min(masked.len()));
            let of_client = run(&mut client, [0; 4], &plain, step.min(plain.len()));
            assert_eq!(of_server, of_client, "{name}");
            assert_eq!(of_server.1.as_deref(), want, "{name}");
            assert_eq!(of_server.0.len(), usize::from(want.is_none()), "{name}");
        }
    }
}
