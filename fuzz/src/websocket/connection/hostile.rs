//! Octets of a peer that follows no rule.

use core::time::Duration;

use bytes::{Bytes, BytesMut};
use tidings_websocket::{
    Closed, ClosedBy, Config, Connection, DataKind, Delivery, Event, IoAction, Message,
};

use super::{Frame, Keys, Stop, assert_written, by_the_letter, transmit_all};
use crate::cut::{Dice, beginning, cuttings};

const NOW: Duration = Duration::ZERO;

fn tight(delivery: Delivery) -> Config {
    let mut config = Config::default();
    config.max_frame_len = 40;
    config.max_message_len = 60;
    config.max_fragments = 3;
    config.delivery = delivery;
    config
}

fn wide(delivery: Delivery) -> Config {
    let mut config = Config::default();
    config.delivery = delivery;
    config
}

/// All that is told, chunks of a message joined, and all that is written when asked at the end.
#[derive(Debug, PartialEq)]
struct Told {
    events: Vec<Event>,
    /// What arrived of a message that has not ended.
    open: Option<(DataKind, Vec<u8>)>,
    written: Vec<u8>,
}

/// A role reads `wire`: cutting, prefixes, bounds, one end, and what a reader by the letter finds.
pub(super) fn read<R: Keys>(wire: &[u8]) {
    let mut dice = Dice::of(wire);
    for delivery in [Delivery::Messages, Delivery::Chunks] {
        for config in [wide(delivery), tight(delivery)] {
            let whole = run::<R>(&[wire], config, false);
            for pieces in cuttings(wire, &mut dice) {
                assert_eq!(
                    run::<R>(&pieces, config, false),
                    whole,
                    "{} pieces",
                    pieces.len()
                );
                // To write in between changes what is written, never what is told.
                assert_eq!(run::<R>(&pieces, config, true).events, whole.events);
            }
            let part = run::<R>(&[beginning(wire, &mut dice)], config, false);
            assert!(
                whole.events.starts_with(&part.events),
                "{part:?} begins {whole:?}"
            );
            if config == wide(Delivery::Messages) {
                assert_told::<R>(wire, &whole.events);
            }
        }
    }
}

fn run<R: Keys>(pieces: &[&[u8]], config: Config, writes: bool) -> Told {
    let mut connection = Connection::<R>::new(config, NOW);
    let mut dice = Dice::of(&[]);
    let (mut input, mut out) = (BytesMut::new(), BytesMut::new());
    let mut told = Told {
        events: Vec::new(),
        open: None,
        written: Vec::new(),
    };
    let mut received = 0;
    for piece in pieces {
        input.extend_from_slice(piece);
        received += piece.len();
        while let Some(event) = connection.next_event(&mut input, NOW) {
            told.take(event, &config);
        }
        assert!(input.len() < 125, "less than a control frame waits");
        // A length that is only announced costs nothing.
        let held = connection.buffered_len();
        assert!(
            held <= 2 * received.min(config.max_message_len),
            "{held} octets for {received}"
        );
        if writes {
            transmit_all(&mut connection, &mut dice, &mut out);
        }
    }
    let ends = told
        .events
        .iter()
        .filter(|event| matches!(event, Event::Closed(_)))
        .count();
    let closed = matches!(told.events.last(), Some(Event::Closed(_)));
    assert_eq!(ends, usize::from(closed), "one end, and nothing behind it");
    assert_eq!(connection.may_send(), !closed);
    transmit_all(&mut connection, &mut dice, &mut out);
    if closed {
        input.extend_from_slice(b"\x81\x00");
        assert_eq!(connection.next_event(&mut input, NOW), None);
        assert!(input.is_empty(), "input behind the end is dropped");
        assert!(
            connection.poll_timeout().is_some(),
            "the transport is not waited for for ever"
        );
    } else {
        assert_eq!(connection.io_action(), IoAction::Continue);
    }
    assert_eq!(
        connection.receive_eof(NOW).is_some(),
        !closed,
        "an end without Close is told"
    );
    transmit_all(&mut connection, &mut dice, &mut out);
    let frames = assert_written::<R>(&out);
    assert!(
        frames.iter().all(|frame| matches!(frame.opcode, 8 | 10)),
        "Pong and Close only"
    );
    let pings = told
        .events
        .iter()
        .filter(|event| matches!(event, Event::Ping(_)))
        .count();
    let count = |opcode| frames.iter().filter(|frame| frame.opcode == opcode).count();
    assert!(count(10) <= pings, "a Pong answers a Ping");
    assert_eq!(
        count(8),
        usize::from(closed),
        "an end is answered by one Close"
    );
    let last = frames.last().map(|frame| frame.opcode);
    assert_eq!(
        closed,
        last == Some(8),
        "nothing follows the answer to an end"
    );
    if let Some(Event::Closed(Closed {
        by: ClosedBy::Error(error),
        ..
    })) = told.events.last()
    {
        let close = frames.last().expect("a Close");
        assert_eq!(close.payload, error.close_code().get().to_be_bytes());
        assert!(error.offset() <= pieces.iter().map(|piece| piece.len() as u64).sum());
    }
    told.written = out.to_vec();
    told
}

impl Told {
    /// Notes an event; the chunks of a message become one that is first and last.
    fn take(&mut self, event: Event, config: &Config) {
        let len = match &event {
            Event::Message(Message::Text(text)) => text.len(),
            Event::Message(Message::Binary(data)) => data.len(),
            Event::Ping(data) | Event::Pong(data) => {
                assert!(data.len() <= 125);
                0
            }
            Event::Chunk {
                kind,
                data,
                first,
                last,
            } => {
                assert_eq!(*first, self.open.is_none(), "the first piece says so");
                let (_, whole) = self.open.get_or_insert((*kind, Vec::new()));
                whole.extend_from_slice(data);
                assert!(whole.len() <= config.max_message_len, "bounded");
                if !last {
                    return;
                }
                let (kind, whole) = self.open.take().expect("just put there");
                let data = Bytes::from(whole);
                self.events.push(Event::Chunk {
                    kind,
                    data,
                    first: true,
                    last: true,
                });
                return;
            }
            Event::Closed(_) => {
                self.open = None;
                0
            }
        };
        assert!(len <= config.max_message_len, "bounded");
        self.events.push(event);
    }
}

/// The events are those of the whole frames that a reader by the letter finds, up to the first fault.
fn assert_told<R: Keys>(wire: &[u8], events: &[Event]) {
    let (frames, stop) = by_the_letter(wire, !R::MASKS);
    let (want, end) = meaning(&frames);
    let (told, closed) = match events.split_last() {
        Some((Event::Closed(closed), told)) => (told, Some(closed)),
        _ => (events, None),
    };
    assert_eq!(told, want);
    match (end, closed) {
        (End::Close(code, reason), Some(closed)) => {
            assert_eq!((closed.code, closed.reason.as_str()), (code, &reason[..]));
            assert!(closed.clean && closed.by == ClosedBy::Peer);
        }
        (
            End::Fault,
            Some(Closed {
                by: ClosedBy::Error(_),
                code: 1006,
                clean: false,
                ..
            }),
        ) => {}
        (
            End::None,
            Some(Closed {
                by: ClosedBy::Error(error),
                ..
            }),
        ) => {
            // A frame that is not whole may be at fault by its header or by the text that has come.
            let behind = frames.last().map_or(0, |frame| frame.at as u64);
            assert!(error.offset() >= behind, "{error:?}");
        }
        (End::None, None) => assert_eq!(stop, Stop::Short),
        (end, closed) => panic!("{closed:?} where {end:?} is due"),
    }
}

#[derive(Debug)]
enum End {
    None,
    Close(u16, String),
    Fault,
}

/// What whole frames mean (RFC 6455 §5.4, §5.5, §5.6), up to a Close or a fault.
fn meaning(frames: &[Frame]) -> (Vec<Event>, End) {
    let mut events = Vec::new();
    let mut open: Option<(u8, Vec<u8>)> = None;
    for Frame {
        fin,
        opcode,
        payload,
        ..
    } in frames
    {
        match (opcode, open.take()) {
            (9, was) => {
                events.push(Event::Ping(payload.clone().into()));
                open = was;
            }
            (10, was) => {
                events.push(Event::Pong(payload.clone().into()));
                open = was;
            }
            (8, _) => {
                let end = match &payload[..] {
                    [] => End::Close(1005, String::new()),
                    [high, low, reason @ ..] => {
                        let code = u16::from_be_bytes([*high, *low]);
                        let legal = matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999);
                        match core::str::from_utf8(reason) {
                            Ok(reason) if legal => End::Close(code, reason.to_owned()),
                            Ok(_) | Err(_) => End::Fault,
                        }
                    }
                    [_] => End::Fault,
                };
                return (events, end);
            }
            (0, None) | (1 | 2, Some(_)) => return (events, End::Fault),
            (0, Some((kind, mut data))) => {
                data.extend_from_slice(payload);
                open = Some((kind, data));
            }
            (kind, None) => open = Some((*kind, payload.clone())),
            (_, Some(_)) => unreachable!("no such opcode is a whole frame"),
        }
        let data_frame = matches!(opcode, 0..=2);
        let Some((kind, data)) = open.take_if(|_| data_frame) else {
            continue;
        };
        let text = core::str::from_utf8(&data);
        let hopeless = text.is_err_and(|error| *fin || error.error_len().is_some());
        match kind {
            1 if hopeless => return (events, End::Fault),
            1 if *fin => {
                let text = String::from_utf8(data).expect("just looked at");
                events.push(Event::Message(Message::Text(text.into())));
            }
            _ if *fin => events.push(Event::Message(Message::Binary(data.into()))),
            _ => open = Some((kind, data)),
        }
    }
    (events, End::None)
}
