//! permessage-deflate: hostile DEFLATE under a cap, and two of ours that compress for each other.

use core::time::Duration;

use bytes::BytesMut;
use miniz_oxide::inflate::TINFLStatus;
use miniz_oxide::inflate::core::{DecompressorOxide, decompress, inflate_flags};
use tidings_websocket::{
    Client, ClientHandshake, Closed, ClosedBy, Config, Connection, DataKind, DeflateAgreement,
    DeflateOptions, Delivery, Event, FrameHeader, Message, Opcode, ReceiveErrorKind, Role, Server,
    SharedFrame, accept,
};

use crate::choices::Choices;
use crate::cut::{Dice, cuttings};

const NOW: Duration = Duration::ZERO;

/// The first octet chooses: `I` and a limit in two octets, the rest is a message to inflate; else operations on a pair.
pub fn websocket_deflate(data: &[u8]) {
    match data {
        [b'I', high, low, payload @ ..] => {
            let max = usize::from(u16::from_be_bytes([*high, *low]));
            hostile(payload, max);
        }
        operations => talk(operations),
    }
}

/// What two sides with these options agree on.
fn agreed(options: DeflateOptions) -> DeflateAgreement {
    let client = ClientHandshake::new([7; 16], &[])
        .expect("no subprotocol")
        .offer_deflate(options);
    let request: Vec<_> = client.fields().chain([("Host", &b"a"[..])]).collect();
    let accepted = accept("GET", (1, 1), request.iter().copied(), &[])
        .expect("our own request")
        .with_deflate(options, request.iter().copied());
    let answer: Vec<_> = accepted
        .fields()
        .chain([("Connection", &b"Upgrade"[..])])
        .collect();
    let checked = client.check_deflate(101, answer.into_iter());
    let (_, seen) = checked.expect("our own answer");
    assert_eq!(seen, accepted.deflate());
    seen.expect("an agreement")
}

/// The whole message, or why it is refused, or nothing where it has not ended.
type Read = Option<Result<Vec<u8>, ReceiveErrorKind>>;

/// A message of any octets, in frames and pieces of any cut: the same end each time, within the cap, and where it is good
/// another inflater says the same.
fn hostile(payload: &[u8], max: usize) {
    let mut dice = Dice::of(payload);
    let options = DeflateOptions::default();
    let agreed = agreed(options);
    let mut ends = Vec::new();
    for frames in cuttings(payload, &mut dice) {
        let mut wire = Vec::new();
        for (index, piece) in frames.iter().enumerate() {
            let opcode = match index {
                0 => Opcode::Binary,
                _ => Opcode::Continuation,
            };
            let header = FrameHeader {
                fin: index + 1 == frames.len(),
                rsv1: index == 0,
                opcode,
                key: None,
                payload_len: piece.len() as u64,
            };
            wire.extend_from_slice(&header.encode());
            wire.extend_from_slice(piece);
        }
        for delivery in [Delivery::Messages, Delivery::Chunks] {
            for pieces in cuttings(&wire, &mut dice) {
                ends.push(read(&pieces, &agreed, delivery, max));
            }
        }
    }
    let first = &ends[0];
    assert!(first.is_some(), "a message that ended is told");
    assert!(ends.iter().all(|end| end == first), "{ends:?}");
    match first {
        Some(Ok(message)) => {
            assert!(message.len() <= max);
            assert_eq!(second_opinion(payload), Some(message.clone()));
        }
        Some(Err(ReceiveErrorKind::MessageTooLong { len, max: limit })) => {
            assert_eq!((*len, *limit), (max as u64 + 1, max as u64));
        }
        Some(Err(kind)) => assert_eq!(*kind, ReceiveErrorKind::Deflate),
        None => {}
    }
}

fn read(pieces: &[&[u8]], agreed: &DeflateAgreement, delivery: Delivery, max: usize) -> Read {
    let mut config = Config::default();
    config.max_message_len = max;
    config.delivery = delivery;
    let mut client = Connection::<Client>::with_deflate(config, Some(agreed), NOW);
    let (mut input, mut whole, mut end) = (BytesMut::new(), Vec::new(), None);
    for piece in pieces {
        input.extend_from_slice(piece);
        while let Some(event) = client.next_event(&mut input, NOW) {
            assert_eq!(end, None, "one end");
            match event {
                Event::Message(Message::Binary(data)) => end = Some(Ok(data.to_vec())),
                Event::Chunk { data, last, .. } => {
                    whole.extend_from_slice(&data);
                    assert!(whole.len() <= max, "bounded");
                    if last {
                        end = Some(Ok(whole.clone()));
                    }
                }
                Event::Closed(Closed {
                    by: ClosedBy::Error(error),
                    ..
                }) => end = Some(Err(error.kind())),
                event => panic!("{event:?}"),
            }
        }
        assert!(client.buffered_len() <= max + 1, "bounded");
    }
    end
}

/// What miniz_oxide makes of the message: its blocks, the four octets that end it, and an empty final block.
fn second_opinion(payload: &[u8]) -> Option<Vec<u8>> {
    let wire = [payload, b"\x00\x00\xff\xff\x01\x00\x00\xff\xff"].concat();
    let (mut rest, mut whole) = (&wire[..], Vec::new());
    while !rest.is_empty() {
        // A final block ends a stream; the next begins with no window.
        let mut out = vec![0; 1 << 17];
        let flags = inflate_flags::TINFL_FLAG_USING_NON_WRAPPING_OUTPUT_BUF;
        let mut state = DecompressorOxide::new();
        let (status, used, made) = decompress(&mut state, rest, &mut out, 0, flags);
        whole.extend_from_slice(&out[..made]);
        rest = &rest[used..];
        if status != TINFLStatus::Done {
            return None;
        }
    }
    Some(whole)
}

/// What one side sends the other gets, in order, whatever was agreed and however it is cut.
fn talk(operations: &[u8]) {
    let mut choices = Choices::new(operations);
    let mut dice = Dice::of(operations);
    let mut options = DeflateOptions::default();
    options.server_takeover = choices.bit();
    options.client_takeover = choices.bit();
    options.server_window_bits = 9 + choices.below(7) as u8;
    options.client_window_bits = 9 + choices.below(7) as u8;
    options.level = choices.octet() % 11;
    options.min_len = choices.below(200);
    let agreed = agreed(options);
    let config = Config::default();
    let mut server = Connection::<Server>::with_deflate(config, Some(&agreed), NOW);
    let mut client = Connection::<Client>::with_deflate(config, Some(&agreed), NOW);
    let (mut down, mut up) = (BytesMut::new(), BytesMut::new());
    let (mut of_server, mut of_client) = (Vec::new(), Vec::new());
    while !choices.are_over() {
        let operation = choices.octet();
        // Octets of the input, many times over: what DEFLATE is for.
        let data = choices.octets(40).repeat(1 + choices.below(60));
        if operation >= 128 {
            let key = (dice.next() as u32).to_be_bytes();
            send(&mut client, operation, &data, key, &mut up);
            of_client.push(data);
        } else if operation & 3 == 3 {
            let shared = SharedFrame::binary_deflated(&data, options.level);
            down.extend_from_slice(server.shared(&shared));
            of_server.push(data);
        } else {
            send(&mut server, operation, &data, (), &mut down);
            of_server.push(data);
        }
    }
    assert_eq!(receive(&mut client, &down, &mut dice), of_server);
    assert_eq!(receive(&mut server, &up, &mut dice), of_client);
}

/// Sends a message whole or in fragments.
fn send<R: Role>(
    connection: &mut Connection<R>,
    operation: u8,
    data: &[u8],
    key: R::Key,
    out: &mut BytesMut,
) {
    if operation & 1 == 0 {
        connection.send_binary(data, key, out).expect("open");
        return;
    }
    let kind = DataKind::Binary;
    for piece in data.chunks(1 + usize::from(operation >> 1)) {
        let sent = connection.send_fragment(kind, piece, false, key, out);
        sent.expect("open");
    }
    let sent = connection.send_fragment(kind, b"", true, key, out);
    sent.expect("open");
}

fn receive<R: Role>(connection: &mut Connection<R>, wire: &[u8], dice: &mut Dice) -> Vec<Vec<u8>> {
    let [_, pieces] = cuttings(wire, dice);
    let (mut input, mut got) = (BytesMut::new(), Vec::new());
    for piece in pieces {
        input.extend_from_slice(piece);
        while let Some(event) = connection.next_event(&mut input, NOW) {
            let Event::Message(Message::Binary(data)) = event else {
                panic!("{event:?}")
            };
            got.push(data.to_vec());
        }
    }
    got
}
