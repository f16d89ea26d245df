use alloc::vec;
use alloc::vec::Vec;

use super::*;
use crate::{Client, ReceiveErrorKind, Server};

#[derive(Debug, PartialEq, Eq)]
enum Seen {
    Header(FrameHeader),
    Payload(Vec<u8>),
    End,
}

/// Decodes `input` that arrives in pieces of at most `step` octets; payload pieces are joined.
fn run<R: Role>(input: &[u8], step: usize) -> (Vec<Seen>, Result<u64, ReceiveError>) {
    let mut decoder = FrameDecoder::<R>::new();
    let mut seen = Vec::new();
    let mut held = Vec::new();
    for piece in input.chunks(step) {
        held.extend_from_slice(piece);
        loop {
            let used = match decoder.decode(&mut held) {
                Ok(None) => break,
                Ok(Some((event, used))) => {
                    match event {
                        FrameEvent::Header(header) => seen.push(Seen::Header(header)),
                        FrameEvent::Payload { octets, last, .. } => {
                            match seen.last_mut() {
                                Some(Seen::Payload(before)) => before.extend_from_slice(octets),
                                _ => seen.push(Seen::Payload(octets.to_vec())),
                            }
                            if last {
                                seen.push(Seen::End);
                            }
                        }
                    }
                    used
                }
                Err(error) => return (seen, Err(error)),
            };
            held.drain(..used);
        }
        assert!(held.len() <= 13, "only a part of a header stays");
    }
    (seen, Ok(decoder.offset()))
}

/// The examples of RFC 6455 §5.7 that are whole frames: who reads, the octets, the payload.
#[test]
fn the_example_frames_of_rfc6455_5_7() {
    let long = vec![b'x'; 65536];
    let rows: [(&str, bool, Vec<u8>, &[u8]); 8] = [
        ("text", false, b"\x81\x05Hello".to_vec(), b"Hello"),
        (
            "masked text",
            true,
            b"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58".to_vec(),
            b"Hello",
        ),
        ("first fragment", false, b"\x01\x03Hel".to_vec(), b"Hel"),
        ("last fragment", false, b"\x80\x02lo".to_vec(), b"lo"),
        ("ping", false, b"\x89\x05Hello".to_vec(), b"Hello"),
        (
            "masked pong",
            true,
            b"\x8a\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58".to_vec(),
            b"Hello",
        ),
        (
            "256 octets",
            false,
            [&b"\x82\x7e\x01\x00"[..], &long[..256]].concat(),
            &long[..256],
        ),
        (
            "64 KiB",
            false,
            [&b"\x82\x7f\0\0\0\0\0\x01\0\0"[..], &long].concat(),
            &long,
        ),
    ];
    for (name, to_server, octets, payload) in rows {
        for step in [1, 2, 3, 7, octets.len()] {
            let (seen, end) = if to_server {
                run::<Server>(&octets, step)
            } else {
                run::<Client>(&octets, step)
            };
            let [Seen::Header(header), Seen::Payload(got), Seen::End] = &seen[..] else {
                panic!("{name}: {seen:?}");
            };
            assert_eq!(header.payload_len, payload.len() as u64, "{name}");
            assert_eq!(got, payload, "{name} in steps of {step}");
            assert_eq!(end, Ok(octets.len() as u64), "{name}");
        }
    }
}

#[test]
fn a_frame_without_payload_has_one_empty_piece_fr_15() {
    for octets in [b"\x81\x80\x01\x02\x03\x04", b"\x89\x80\x01\x02\x03\x04"] {
        let (seen, _) = run::<Server>(octets, 1);
        assert!(
            matches!(&seen[..], [Seen::Header(_), Seen::Payload(octets), Seen::End] if octets.is_empty()),
            "{seen:?}"
        );
    }
}

#[test]
fn payload_is_handed_out_before_the_frame_is_whole_fg_10() {
    let mut decoder = FrameDecoder::<Server>::new();
    let mut input = *b"\x81\x85\x37\xfa\x21\x3d\x7f";
    let (_, used) = decoder.decode(&mut input).unwrap().unwrap();
    assert_eq!(decoder.awaits(), Some((Opcode::Text, 5)));
    let Some((
        FrameEvent::Payload {
            octets,
            last,
            opcode,
            fin,
        },
        1,
    )) = decoder.decode(&mut input[used..]).unwrap()
    else {
        panic!();
    };
    assert_eq!(
        (&*octets, last, opcode, fin),
        (&b"H"[..], false, Opcode::Text, true)
    );
    assert_eq!(decoder.awaits(), Some((Opcode::Text, 4)));
    assert_eq!(decoder.decode(&mut []), Ok(None));
    let mut rest = *b"\x9f\x4d\x51\x58";
    let Some((FrameEvent::Payload { octets, last, .. }, 4)) = decoder.decode(&mut rest).unwrap()
    else {
        panic!();
    };
    assert_eq!((&*octets, last), (&b"ello"[..], true));
    assert_eq!(decoder.awaits(), None);
}

#[test]
fn rsv1_without_extension_fails_on_every_opcode_fr_01() {
    for opcode in [0x0, 0x1, 0x2, 0x8, 0x9, 0xA] {
        for bits in 1..=7_u8 {
            let (seen, end) = run::<Server>(&[0x80 | bits << 4 | opcode], 1);
            assert!(seen.is_empty());
            assert_eq!(
                end.unwrap_err().kind(),
                ReceiveErrorKind::ReservedBits { bits }
            );
        }
    }
}

#[test]
fn a_fault_names_the_octet_its_frame_begins_at_and_stays() {
    let mut decoder = FrameDecoder::<Client>::new();
    let mut input = *b"\x81\x01a\x83";
    assert!(decoder.decode(&mut input).is_ok());
    assert!(decoder.decode(&mut input[2..]).is_ok());
    for _ in 0..2 {
        assert_eq!(decoder.decode(&mut input[3..]).unwrap_err().offset(), 3);
    }
}

#[test]
fn the_state_is_at_most_32_octets() {
    assert!(
        size_of::<FrameDecoder<Server>>() <= 32,
        "{}",
        size_of::<FrameDecoder<Server>>()
    );
}
