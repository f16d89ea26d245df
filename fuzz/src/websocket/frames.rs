//! The primitives over slices: headers, frames, the mask, UTF-8.

use tidings_websocket::{
    Client, FrameDecoder, FrameEvent, FrameHeader, Opcode, ReceiveError, Role, Server, SharedFrame,
    Utf8Validator, mask,
};

use super::{Frame, Stop, by_the_letter};
use crate::cut::{Dice, cuttings};

fn number(opcode: Opcode) -> u8 {
    match opcode {
        Opcode::Continuation => 0,
        Opcode::Text => 1,
        Opcode::Binary => 2,
        Opcode::Close => 8,
        Opcode::Ping => 9,
        Opcode::Pong => 10,
    }
}

/// Frames beside a reader by the letter, whole and cut; what a header says, it says for good.
pub fn websocket_frames(data: &[u8]) {
    let mut dice = Dice::of(data);
    header(data);
    frames::<Server>(data, true, &mut dice);
    frames::<Client>(data, false, &mut dice);
    utf8(data, &mut dice);
    masking(data, &mut dice);
    shared(data);
}

fn header(data: &[u8]) {
    let whole = FrameHeader::decode(data);
    for len in 0..data.len().min(15) {
        match FrameHeader::decode(&data[..len]) {
            Ok(None) => {}
            told => assert_eq!(told, whole, "what {len} octets tell stays"),
        }
    }
    if let Ok(Some((header, used))) = whole {
        assert!((2..=14).contains(&used));
        assert_eq!(
            &header.encode()[..],
            &data[..used],
            "one form for one header"
        );
    } else if data.len() >= 14 {
        assert!(whole.is_err(), "14 octets are enough");
    }
}

fn frames<R: Role>(data: &[u8], masked: bool, dice: &mut Dice) {
    let (want, stop) = by_the_letter(data, masked);
    let whole = decode::<R>(&[data], masked);
    assert_eq!(whole.0, want);
    match (&whole.1, stop) {
        (Some(error), Stop::Broken { at }) => assert_eq!(error.offset(), at as u64),
        (None, Stop::Short) => {}
        (error, stop) => panic!("{error:?} where {stop:?} is due"),
    }
    for pieces in cuttings(data, dice) {
        assert_eq!(decode::<R>(&pieces, masked), whole);
    }
}

/// The whole frames, and the fault that follows them.
fn decode<R: Role>(pieces: &[&[u8]], masked: bool) -> (Vec<Frame>, Option<ReceiveError>) {
    let mut decoder = FrameDecoder::<R>::new();
    let (mut held, mut frames) = (Vec::new(), Vec::new());
    let mut open: Option<Frame> = None;
    for piece in pieces {
        held.extend_from_slice(piece);
        loop {
            let at = decoder.offset();
            let (event, used) = match decoder.decode(&mut held) {
                Ok(Some(decoded)) => decoded,
                Ok(None) => break,
                Err(error) => {
                    assert_eq!(decoder.decode(&mut held), Err(error), "it stays");
                    return (frames, Some(error));
                }
            };
            match event {
                FrameEvent::Header(header) => {
                    assert!(open.is_none() && header.key.is_some() == masked);
                    let (fin, opcode) = (header.fin, number(header.opcode));
                    let at = at as usize;
                    open = Some(Frame {
                        fin,
                        opcode,
                        masked,
                        payload: Vec::new(),
                        at,
                    });
                }
                FrameEvent::Payload {
                    opcode,
                    fin,
                    octets,
                    last,
                } => {
                    let mut frame = open.take().expect("payload follows its header");
                    assert_eq!((frame.opcode, frame.fin), (number(opcode), fin));
                    assert_eq!(octets.len(), used);
                    frame.payload.extend_from_slice(octets);
                    if last {
                        frames.push(frame);
                    } else {
                        open = Some(frame);
                    }
                }
            }
            assert_eq!(decoder.offset(), at + used as u64);
            assert_eq!(decoder.awaits().is_some(), open.is_some());
            held.drain(..used);
        }
        assert!(held.len() < 14, "less than a header waits");
    }
    (frames, None)
}

fn utf8(data: &[u8], dice: &mut Dice) {
    let judge = |pieces: &[&[u8]]| {
        let (mut validator, mut before) = (Utf8Validator::new(), 0);
        for piece in pieces {
            validator.feed(piece).map_err(|error| before + error.at)?;
            before += piece.len();
        }
        validator.finish().map_err(|_| before)
    };
    let whole = judge(&[data]);
    assert_eq!(whole.is_ok(), core::str::from_utf8(data).is_ok());
    if let Err(at) = whole {
        // Up to the octet at fault the text could still have become valid; with it no more.
        let before = core::str::from_utf8(&data[..at]).err();
        assert!(before.is_none_or(|error| error.error_len().is_none()));
        let with = data
            .get(..=at)
            .and_then(|with| core::str::from_utf8(with).err());
        assert!(at == data.len() || with.is_some_and(|error| error.error_len().is_some()));
    }
    for pieces in cuttings(data, dice) {
        assert_eq!(judge(&pieces), whole);
    }
}

fn masking(data: &[u8], dice: &mut Dice) {
    let key = (dice.next() as u32).to_be_bytes();
    let phase = dice.below(9);
    let by_the_letter: Vec<u8> = data
        .iter()
        .enumerate()
        .map(|(i, octet)| octet ^ key[(phase + i) % 4])
        .collect();
    for pieces in cuttings(data, dice) {
        let (mut masked, mut phase) = (Vec::new(), phase);
        for piece in pieces {
            let mut piece = piece.to_vec();
            phase = mask(&mut piece, key, phase);
            masked.extend(piece);
        }
        assert_eq!(masked, by_the_letter);
    }
}

/// A frame for many receivers is one frame with that payload.
fn shared(data: &[u8]) {
    let frame = SharedFrame::binary(data);
    let (frames, stop) = by_the_letter(frame.as_bytes(), false);
    assert_eq!(stop, Stop::Short);
    assert!(
        matches!(&frames[..], [Frame { fin: true, opcode: 2, payload, .. }] if payload == data)
    );
}
