//! The chunked coding beside a careless reader of it, which ours may never contradict.

use bytes::BytesMut;
use tidings_http1::{BodyDecoder, BodyEvent, Fields, Framing, Limits, ReceiveError};

use super::{assert_error, assert_fields, tight};
use crate::cut::{Dice, beginning, cuttings};

#[derive(Debug, Default, PartialEq)]
struct Content {
    data: Vec<u8>,
    trailers: Option<Fields>,
    /// Octets of the input behind the content, where it ended.
    behind: Option<usize>,
    error: Option<ReceiveError>,
}

fn decode(pieces: &[&[u8]], framing: Framing, limits: &Limits, eof: bool) -> Content {
    let len: usize = pieces.iter().map(|piece| piece.len()).sum();
    let mut decoder = BodyDecoder::new(framing, limits);
    let (mut content, mut input) = (Content::default(), BytesMut::new());
    let ends = usize::from(eof);
    for step in 0..pieces.len() + ends {
        match pieces.get(step) {
            Some(piece) => input.extend_from_slice(piece),
            None => decoder.receive_eof(),
        }
        while content.behind.is_none() && content.error.is_none() {
            match decoder.decode(&mut input) {
                Ok(None) => {
                    assert!(
                        input.len() <= limits.max_trailer_len,
                        "{} octets wait",
                        input.len()
                    );
                    break;
                }
                Ok(Some(BodyEvent::Data(data))) => {
                    assert!(!data.is_empty() && content.trailers.is_none());
                    content.data.extend_from_slice(&data);
                    if let Framing::Length(length) = framing {
                        let left = length - content.data.len() as u64;
                        assert_eq!(decoder.announced_len(), left);
                    }
                }
                Ok(Some(BodyEvent::Trailers(fields))) => {
                    assert_fields(&fields);
                    assert!(content.trailers.replace(fields).is_none(), "one section");
                }
                Ok(Some(BodyEvent::End)) => content.behind = Some(0),
                Err(error) => {
                    assert_error(error, len);
                    assert_eq!(decoder.decode(&mut input), Err(error), "it stays");
                    content.error = Some(error);
                }
            }
        }
    }
    content.behind = content.behind.map(|_| input.len());
    content
}

/// Digits up to the first other octet, a line to its CRLF, data, CRLF: the data and the octets taken.
fn carelessly(input: &[u8]) -> Option<(Vec<u8>, usize)> {
    let line = |at: usize| {
        let end = input.get(at..)?.windows(2).position(|two| two == b"\r\n")?;
        Some((&input[at..at + end], at + end + 2))
    };
    let (mut data, mut at) = (Vec::new(), 0);
    loop {
        let (size, behind) = line(at)?;
        let digits = size
            .iter()
            .take_while(|octet| octet.is_ascii_hexdigit())
            .count();
        let digits = core::str::from_utf8(&size[..digits]).ok()?;
        let len = usize::from_str_radix(digits, 16).ok()?;
        at = behind;
        if len == 0 {
            break;
        }
        let end = at.checked_add(len)?;
        data.extend_from_slice(input.get(at..end)?);
        at = end + input.get(end..)?.strip_prefix(b"\r\n").map(|_| 2)?;
    }
    loop {
        let (field, behind) = line(at)?;
        at = behind;
        if field.is_empty() {
            return Some((data, at));
        }
    }
}

/// Content in all framings: cutting, prefixes, bounds, and the same octets as a careless reader takes.
pub fn http1_chunked(data: &[u8]) {
    let mut dice = Dice::of(data);
    let length = dice.below(data.len() + 3) as u64;
    for framing in [
        Framing::Chunked,
        Framing::Length(length),
        Framing::UntilClose,
    ] {
        for limits in [Limits::default(), tight()] {
            let open = decode(&[data], framing, &limits, false);
            let ended = decode(&[data], framing, &limits, true);
            for pieces in cuttings(data, &mut dice) {
                assert_eq!(decode(&pieces, framing, &limits, false), open);
                assert_eq!(decode(&pieces, framing, &limits, true), ended);
            }
            let part = decode(&[beginning(data, &mut dice)], framing, &limits, false);
            assert!(
                open.data.starts_with(&part.data),
                "{part:?} begins {open:?}"
            );
            assert!(
                part.error.is_none() || part.error == open.error,
                "{part:?}, {open:?}"
            );
            if open.behind.is_some() {
                assert_eq!(open, ended, "a whole content needs no end of input");
            }
            let taken = open.behind.map(|behind| data.len() - behind);
            match framing {
                Framing::Chunked => {
                    if let Some(taken) = taken {
                        assert_eq!(carelessly(data), Some((open.data, taken)));
                    } else {
                        assert!(
                            ended.error.is_some(),
                            "half a content is a fault at its end"
                        );
                    }
                }
                Framing::Length(length) => {
                    let whole = data.len() as u64 >= length;
                    assert_eq!(taken.map(|taken| taken as u64), whole.then_some(length));
                    assert_eq!(ended.error.is_some(), !whole);
                }
                Framing::UntilClose => {
                    assert_eq!((taken, ended.behind), (None, Some(0)));
                    assert_eq!(ended.data, data);
                }
                Framing::None | Framing::Tunnel => {}
            }
        }
    }
}
