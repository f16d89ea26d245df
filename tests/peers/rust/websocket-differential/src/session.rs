//! Random sessions, and what is told of one.

use tidings_websocket::{FrameHeader, Opcode, ReceiveErrorKind, mask};

use crate::dice::Dice;

/// What a library tells of a session: messages and control frames in order, and how it ends.
#[derive(Debug)]
pub(crate) struct Told {
    pub(crate) events: Vec<Event>,
    /// The payloads of the Pongs that it wrote.
    pub(crate) pongs: Vec<Vec<u8>>,
    pub(crate) end: End,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Event {
    Text(String),
    Binary(Vec<u8>),
    Ping(Vec<u8>),
    Pong(Vec<u8>),
}

#[derive(Debug)]
pub(crate) enum End {
    /// There is none: more could follow.
    Open,
    /// By the peer's Close: its code and reason, if it has them.
    Closed(Option<(u16, String)>),
    /// With what we name; tungstenite's errors stand under a name of their own.
    Refused(ReceiveErrorKind),
}

/// Frames before they are masked or not.
pub(crate) struct Session(Vec<Frame>);

struct Frame {
    first: u8,
    payload: Vec<u8>,
    /// Octets of the length: 0 for the fewest, else 2 or 8.
    wide: u8,
    wrong_mask: bool,
    /// The last octets that never come.
    missing: usize,
}

const WORDS: [&str; 6] = ["", "a", "κόσμε", "\u{1F600}", "tidings", "\u{0}\u{7f}"];

/// A handful of messages and control frames; one in three sessions holds something that is not legal.
pub(crate) fn random(dice: &mut Dice) -> Session {
    let mut frames = Vec::new();
    for _ in 0..=dice.below(6) {
        message(dice, &mut frames);
    }
    if dice.one_in(3) {
        let code = dice.pick(&[
            1000_u16, 1001, 1003, 1005, 1007, 1011, 1012, 1014, 1016, 2999, 3000, 4999, 5000,
        ]);
        let payload = match dice.below(8) {
            0 => Vec::new(),
            1 => dice.octets(1),
            2 => [&code.to_be_bytes()[..], b"\xc3\x28"].concat(),
            _ => [&code.to_be_bytes()[..], dice.pick(&WORDS).as_bytes()].concat(),
        };
        frames.push(Frame::new(0x88, payload));
        message(dice, &mut frames);
    }
    if dice.one_in(3) {
        let at = dice.below(frames.len());
        let frame = &mut frames[at];
        match dice.below(7) {
            0 => frame.first ^= 0x80,
            1 => frame.first ^= dice.pick(&[0x10, 0x20, 0x40]),
            2 => frame.first = dice.number() as u8,
            3 => frame.wide = dice.pick(&[2, 8]),
            4 => frame.wrong_mask = true,
            5 => frame.payload = dice.octets(200),
            _ => {
                let octet = dice.number() as u8;
                frame.payload.push(octet);
            }
        }
    }
    if dice.one_in(6) {
        let missing = 1 + dice.below(5);
        frames.last_mut().expect("one at least").missing = missing;
    }
    Session(frames)
}

fn message(dice: &mut Dice, frames: &mut Vec<Frame>) {
    let (first, mut rest) = if dice.one_in(2) {
        let words = dice.below(4);
        (
            1,
            (0..words)
                .map(|_| dice.pick(&WORDS))
                .collect::<String>()
                .into_bytes(),
        )
    } else {
        let len = dice.pick(&[0, 1, 5, 125, 126, 300, 65_535, 65_536]);
        let len = if dice.one_in(40) { len } else { len.min(130) };
        (2, dice.octets(len))
    };
    let mut opcode = first;
    for _ in 0..dice.below(3) {
        let cut = dice.below(rest.len() + 1);
        let behind = rest.split_off(cut);
        frames.push(Frame::new(opcode, core::mem::replace(&mut rest, behind)));
        opcode = 0;
        control(dice, frames);
    }
    frames.push(Frame::new(0x80 | opcode, rest));
    control(dice, frames);
}

fn control(dice: &mut Dice, frames: &mut Vec<Frame>) {
    if dice.one_in(4) {
        let len = dice.pick(&[0, 4, 125]);
        let first = dice.pick(&[0x89, 0x8A]);
        frames.push(Frame::new(first, dice.octets(len)));
    }
}

impl Frame {
    const fn new(first: u8, payload: Vec<u8>) -> Self {
        Self {
            first,
            payload,
            wide: 0,
            wrong_mask: false,
            missing: 0,
        }
    }
}

impl Session {
    /// The octets for a server, from whose peer frames are masked, or for a client.
    pub(crate) fn octets(&self, server: bool, dice: &mut Dice) -> Vec<u8> {
        let mut wire = Vec::new();
        for frame in &self.0 {
            let masked = server != frame.wrong_mask;
            let key = masked.then(|| (dice.number() as u32).to_be_bytes());
            let start = wire.len();
            let (len, bit) = (frame.payload.len(), if masked { 0x80 } else { 0 });
            if frame.wide == 0 || len > 125 {
                let (opcode, payload_len) = (Opcode::Binary, len as u64);
                let header = FrameHeader {
                    fin: true,
                    rsv1: false,
                    opcode,
                    key,
                    payload_len,
                };
                wire.extend_from_slice(&header.encode());
            } else {
                wire.extend_from_slice(&[0, bit | if frame.wide == 2 { 126 } else { 127 }]);
                wire.extend_from_slice(&(len as u64).to_be_bytes()[8 - usize::from(frame.wide)..]);
                wire.extend_from_slice(key.as_ref().map_or(&[], |key| &key[..]));
            }
            wire[start] = frame.first;
            let at = wire.len();
            wire.extend_from_slice(&frame.payload);
            mask(&mut wire[at..], key.unwrap_or_default(), 0);
            wire.truncate(wire.len() - frame.missing.min(wire.len() - start));
        }
        wire
    }
}

/// The reads in which octets arrive.
pub(crate) fn cut<'w>(wire: &'w [u8], dice: &mut Dice) -> Vec<&'w [u8]> {
    let most = dice.pick(&[1, 3, 50, 5000, usize::MAX - 1]);
    let (mut pieces, mut rest) = (Vec::new(), wire);
    while !rest.is_empty() {
        let (piece, behind) = rest.split_at((1 + dice.below(most)).min(rest.len()));
        pieces.push(piece);
        rest = behind;
    }
    pieces
}

/// Messages and Pings to send.
pub(crate) fn messages(dice: &mut Dice) -> Vec<Event> {
    (0..dice.below(6))
        .map(|_| match dice.below(4) {
            0 => Event::Binary({
                let long = if dice.one_in(20) { 70_000 } else { 200 };
                let len = dice.pick(&[0, 1, 125, 126, long]);
                dice.octets(len)
            }),
            1 => Event::Ping(dice.octets(5)),
            _ => Event::Text(dice.pick(&WORDS).repeat(1 + dice.below(30))),
        })
        .collect()
}
