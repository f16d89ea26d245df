//! WebSocket: frames beside a reader by the letter, connections in both roles, compression, the opening handshake.

mod connection;
mod deflate;
mod frames;
mod handshake;
mod roles;

pub use connection::websocket_connection;
pub use deflate::websocket_deflate;
pub use frames::websocket_frames;
pub use handshake::websocket_handshake;
pub use roles::websocket_roles;

/// A frame as RFC 6455 §5.2 draws it, read slowly.
#[derive(Clone, Debug, PartialEq)]
struct Frame {
    fin: bool,
    opcode: u8,
    masked: bool,
    payload: Vec<u8>,
    /// Where its first octet stands.
    at: usize,
}

/// Why the reader by the letter stops.
#[derive(Debug, PartialEq)]
enum Stop {
    /// More octets are needed.
    Short,
    /// The frame that begins here breaks a rule.
    Broken { at: usize },
}

/// The whole frames at the front of `wire`. `masked`: what the reader requires.
fn by_the_letter(wire: &[u8], masked: bool) -> (Vec<Frame>, Stop) {
    let (mut frames, mut at) = (Vec::new(), 0);
    loop {
        match frame(wire, at, masked) {
            Ok((frame, next)) => {
                frames.push(frame);
                at = next;
            }
            Err(stop) => return (frames, stop),
        }
    }
}

/// The frame that begins at `at`, and where the next one does. A rule counts as broken once the octet is there.
fn frame(wire: &[u8], at: usize, masked: bool) -> Result<(Frame, usize), Stop> {
    let octet = |index: usize| wire.get(at + index).copied().ok_or(Stop::Short);
    let broken = Err(Stop::Broken { at });
    let first = octet(0)?;
    let (fin, opcode) = (first >> 7 == 1, first & 15);
    let control = opcode >= 8;
    if first & 0x70 != 0 || matches!(opcode, 3..=7 | 11..=15) || (control && !fin) {
        return broken;
    }
    let second = octet(1)?;
    if (second >> 7 == 1) != masked || (control && second & 127 > 125) {
        return broken;
    }
    let (wide, least) = match second & 127 {
        126 => (2, 126),
        127 => (8, 65_536),
        _ => (0, 0),
    };
    if wide == 8 && octet(2)? >= 128 {
        return broken;
    }
    let mut len = if wide == 0 {
        u64::from(second & 127)
    } else {
        0
    };
    for index in 2..2 + wide {
        len = len << 8 | u64::from(octet(index)?);
    }
    if len < least {
        return broken;
    }
    let start = 2 + wide + if masked { 4 } else { 0 };
    let mut key = [0; 4];
    for (index, part) in key.iter_mut().enumerate().take(if masked { 4 } else { 0 }) {
        *part = octet(2 + wide + index)?;
    }
    let len = usize::try_from(len).map_err(|_| Stop::Short)?;
    let end = (at + start)
        .checked_add(len)
        .filter(|end| *end <= wire.len())
        .ok_or(Stop::Short)?;
    let payload = wire[at + start..end]
        .iter()
        .enumerate()
        .map(|(i, octet)| octet ^ key[i % 4]);
    let payload = payload.collect();
    Ok((
        Frame {
            fin,
            opcode,
            masked,
            payload,
            at,
        },
        end,
    ))
}
