//! A connection: hostile octets for either role, and two of ours that talk to each other.

mod hostile;
mod pair;

use bytes::BytesMut;
use tidings_websocket::{Client, CloseCode, Connection, Role, Server};

use super::{Frame, Stop, by_the_letter};
use crate::cut::Dice;

/// The masking keys of a role.
trait Keys: Role {
    /// True where the frames of this role carry a key.
    const MASKS: bool;

    fn fresh(dice: &mut Dice) -> Self::Key;
}

impl Keys for Server {
    const MASKS: bool = false;

    fn fresh(_: &mut Dice) {}
}

impl Keys for Client {
    const MASKS: bool = true;

    fn fresh(dice: &mut Dice) -> [u8; 4] {
        (dice.next() as u32).to_be_bytes()
    }
}

/// The first octet chooses: `S` a server reads the rest, `C` a client does, else the rest are operations on a pair.
pub fn websocket_connection(data: &[u8]) {
    match data {
        [b'S', wire @ ..] => hostile::read::<Server>(wire),
        [b'C', wire @ ..] => hostile::read::<Client>(wire),
        operations => pair::talk(operations),
    }
}

fn transmit_all<R: Keys>(connection: &mut Connection<R>, dice: &mut Dice, out: &mut BytesMut) {
    while connection.transmit(R::fresh(dice), out) {}
}

/// Everything that a connection wrote: whole legal frames; behind a Close only the Pongs that a peer is owed which has not
/// closed yet (RFC 6455 §5.5.1, §5.5.2).
fn assert_written<R: Keys>(written: &[u8]) -> Vec<Frame> {
    let (frames, stop) = by_the_letter(written, R::MASKS);
    assert_eq!(stop, Stop::Short);
    let len: usize = frames
        .iter()
        .map(|frame| header_len(frame) + frame.payload.len())
        .sum();
    assert_eq!(len, written.len(), "no half frame");
    let close = frames.iter().position(|frame| frame.opcode == 8);
    let behind = close.map_or(&[][..], |at| &frames[at + 1..]);
    assert!(
        behind.iter().all(|frame| frame.opcode == 10),
        "{behind:?} follows a Close"
    );
    if let Some([high, low, reason @ ..]) = close.map(|at| &frames[at].payload[..]) {
        assert!(CloseCode::new(u16::from_be_bytes([*high, *low])).is_some());
        assert!(core::str::from_utf8(reason).is_ok());
    }
    frames
}

fn header_len(frame: &Frame) -> usize {
    let wide = match frame.payload.len() {
        0..126 => 0,
        126..65_536 => 2,
        _ => 8,
    };
    2 + wide + if frame.masked { 4 } else { 0 }
}
