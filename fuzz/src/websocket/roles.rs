//! The same frames to either role, masked for a server and bare for a client: both tell and answer the same.

use core::time::Duration;

use bytes::BytesMut;
use tidings_websocket::{
    Client, Closed, ClosedBy, Config, Connection, Event, FrameHeader, Opcode, ReceiveErrorKind,
    Role, Server, mask,
};

use crate::choices::Choices;
use crate::cut::{Dice, cuttings};

const NOW: Duration = Duration::ZERO;

/// What a role tells, faults without their place, and the payloads that it writes.
#[derive(Debug, PartialEq)]
struct Told {
    events: Vec<Event>,
    fault: Option<ReceiveErrorKind>,
    written: Vec<u8>,
}

/// Choices that build frames, legal and not; either role reads them whole and cut.
pub fn websocket_roles(data: &[u8]) {
    let mut choices = Choices::new(data);
    let mut dice = Dice::of(data);
    let mut config = Config::default();
    if choices.bit() {
        config.max_frame_len = 60;
        config.max_message_len = 90;
        config.max_fragments = 4;
    }
    let (mut bare, mut masked) = (Vec::new(), Vec::new());
    while !choices.are_over() {
        frame(&mut choices, &mut dice, &mut bare, &mut masked);
    }
    let want = read::<Client>(&[&bare], config, [0; 4]);
    assert_eq!(read::<Server>(&[&masked], config, ()), want);
    for (bare, masked) in cuttings(&bare, &mut dice)
        .iter()
        .zip(cuttings(&masked, &mut dice))
    {
        assert_eq!(read::<Client>(bare, config, [0; 4]), want);
        assert_eq!(read::<Server>(&masked, config, ()), want);
    }
}

/// Appends one frame to both wires; mostly a legal one.
fn frame(choices: &mut Choices<'_>, dice: &mut Dice, bare: &mut Vec<u8>, masked: &mut Vec<u8>) {
    let first = match choices.below(10) {
        0 => 0x81,
        1 => 0x82,
        2 => 0x01,
        3 => 0x02,
        4 | 5 => 0x00,
        6 => 0x80,
        7 => 0x89,
        8 => 0x8A,
        _ => choices.octet(),
    };
    let payload = choices.octets(130);
    let key = (dice.next() as u32).to_be_bytes();
    for (key, wire) in [(None, bare), (Some(key), masked)] {
        let header = FrameHeader {
            fin: true,
            rsv1: false,
            opcode: Opcode::Binary,
            key,
            payload_len: payload.len() as u64,
        };
        let start = wire.len();
        wire.extend_from_slice(&header.encode());
        wire[start] = first;
        let start = wire.len();
        wire.extend_from_slice(payload);
        mask(&mut wire[start..], key.unwrap_or_default(), 0);
    }
}

fn read<R: Role>(pieces: &[&[u8]], config: Config, key: R::Key) -> Told {
    let mut connection = Connection::<R>::new(config, NOW);
    let (mut input, mut out) = (BytesMut::new(), BytesMut::new());
    let (mut events, mut fault) = (Vec::new(), None);
    for piece in pieces {
        input.extend_from_slice(piece);
        while let Some(event) = connection.next_event(&mut input, NOW) {
            match event {
                Event::Closed(Closed {
                    by: ClosedBy::Error(error),
                    ..
                }) => fault = Some(error.kind()),
                event => events.push(event),
            }
        }
    }
    while connection.transmit(key, &mut out) {}
    let mut written = Vec::new();
    while let Ok(Some((header, used))) = FrameHeader::decode(&out) {
        let len = header.payload_len as usize;
        // The key of a client is four zeros here.
        written.extend_from_slice(&out[..1]);
        written.extend_from_slice(&out[used..used + len]);
        let _ = out.split_to(used + len);
    }
    Told {
        events,
        fault,
        written,
    }
}
