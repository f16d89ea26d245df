//! Frames: header bits, lengths, keys, payloads, and the session's verdict.

use core::fmt::Write as _;
use core::time::Duration;

use bytes::{Bytes, BytesMut};
use tidings_websocket::{
    Client, ClosedBy, Config, Connection, Event, FrameHeader, Opcode, ReceiveError, Role, Server,
    mask,
};

use crate::{Fault, Trace, show};

const HEADER: &str = "RFC 6455 §5.2";
const CLOSE: &str = "RFC 6455 §5.5.1";
const MASK: u8 = 0x80;

/// Tells the frames of the side that the first MASK bit names.
pub(crate) fn frames(octets: &[u8]) -> Trace {
    let masked = octets.get(1).is_some_and(|octet| octet & MASK != 0);
    if masked {
        side::<Server>(octets)
    } else {
        side::<Client>(octets)
    }
}

/// Tells frames as the end of role `R` receives them.
pub(crate) fn side<R: Role>(octets: &[u8]) -> Trace {
    let mut trace = Trace::default();
    let fault = verdict::<R>(octets);
    let mut rest = octets;
    while !rest.is_empty() {
        match FrameHeader::decode(rest) {
            Ok(Some((header, len))) => {
                let (head, payload) = rest.split_at(len);
                tell_header(head, &header, &mut trace);
                let whole = usize::try_from(header.payload_len).unwrap_or(usize::MAX);
                let (payload, behind) = payload.split_at(whole.min(payload.len()));
                tell_payload(payload, &header, &mut trace);
                if payload.len() < whole {
                    trace.awaits = Some("the rest of a payload");
                } else if header.opcode == Opcode::Close && fault.is_none() {
                    let meaning = "not read, whatever they are";
                    trace.push(behind.len(), "octets behind the Close", meaning, CLOSE);
                    break;
                }
                rest = behind;
            }
            Ok(None) => {
                trace.awaits = Some("the rest of a frame header");
                trace.push(rest.len(), "frame header", "not whole", HEADER);
                break;
            }
            // The session says the same, with the offset.
            Err(_) => break,
        }
    }
    if fault.is_some() {
        trace.awaits = None;
    }
    trace.fault = fault;
    trace
}

/// What the session makes of it.
fn verdict<R: Role>(octets: &[u8]) -> Option<Fault> {
    let mut input = BytesMut::from(octets);
    let mut connection = Connection::<R>::new(Config::default(), Duration::ZERO);
    while let Some(event) = connection.next_event(&mut input, Duration::ZERO) {
        let Event::Closed(closed) = event else {
            continue;
        };
        return match closed.by {
            ClosedBy::Error(error) => Some(fault(&error)),
            _ => None,
        };
    }
    None
}

fn fault(error: &ReceiveError) -> Fault {
    Fault {
        offset: usize::try_from(error.offset()).unwrap_or(usize::MAX),
        what: told_without_place(error),
        section: error.section().to_owned(),
        answer: format!(
            "Close {}, and the connection is closed",
            error.close_code().get()
        ),
    }
}

/// The sentence of the error; place and rule are told beside it.
fn told_without_place(error: &ReceiveError) -> String {
    let sentence = error.to_string();
    sentence
        .split(", at octet")
        .next()
        .unwrap_or_default()
        .to_owned()
}

fn tell_header(head: &[u8], header: &FrameHeader, trace: &mut Trace) {
    let mut first = String::from(if header.fin {
        "the last frame of its message"
    } else {
        "more frames of its message follow"
    });
    if header.opcode.is_control() {
        first = String::from("a control frame, which may stand between others");
    }
    if header.rsv1 {
        first.push_str(", RSV1: compressed (RFC 7692 §6)");
    }
    let (opcode, bits) = match header.opcode {
        Opcode::Continuation => ("goes on with the message", 0),
        Opcode::Text => ("text", 1),
        Opcode::Binary => ("binary", 2),
        Opcode::Close => ("Close", 8),
        Opcode::Ping => ("Ping", 9),
        Opcode::Pong => ("Pong", 10),
    };
    let _ = write!(first, ", {opcode} (0x{bits:X})");
    trace.push(1, "FIN, RSV, opcode", first, HEADER);
    let key = header.key.map_or(0, |key| key.len());
    let side = if key > 0 {
        "masked, as a client must"
    } else {
        "not masked, as a server must not"
    };
    let extended = head.len() - 2 - key;
    let len = header.payload_len;
    let second = match extended {
        0 => format!("{side}; {len} octets of payload"),
        more => format!("{side}; the length follows in {more} octets"),
    };
    trace.push(1, "MASK, payload length", second, HEADER);
    trace.push(
        extended,
        "extended payload length",
        format!("{len} octets"),
        HEADER,
    );
    let meaning = "octet i of the payload is XORed with octet i mod 4 of the key";
    trace.push(key, "masking key", meaning, "RFC 6455 §5.3");
}

fn tell_payload(payload: &[u8], header: &FrameHeader, trace: &mut Trace) {
    let mut plain = payload.to_vec();
    if let Some(key) = header.key {
        mask(&mut plain, key, 0);
    }
    let plain = Bytes::from(plain);
    let unmasked = if header.key.is_some() {
        "unmasked: "
    } else {
        ""
    };
    match header.opcode {
        Opcode::Close if plain.len() >= 2 => {
            let code = plain
                .iter()
                .take(2)
                .fold(0_u16, |code, octet| (code << 8) | u16::from(*octet));
            trace.push(
                2,
                "close code",
                format!("{unmasked}{code}"),
                "RFC 6455 §7.4",
            );
            let reason = plain.slice(2..);
            let meaning = format!("{unmasked}\"{}\"", show(&reason));
            trace.push(reason.len(), "close reason", meaning, "RFC 6455 §7.1.6");
        }
        Opcode::Text
        | Opcode::Binary
        | Opcode::Continuation
        | Opcode::Close
        | Opcode::Ping
        | Opcode::Pong => {
            let name = if header.opcode.is_control() {
                "application data"
            } else {
                "payload"
            };
            let section = if header.rsv1 {
                "RFC 7692 §7.2"
            } else {
                "RFC 6455 §5.2"
            };
            trace.push(
                plain.len(),
                name,
                format!("{unmasked}\"{}\"", show(&plain)),
                section,
            );
        }
    }
}
