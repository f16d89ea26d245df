use alloc::vec::Vec;

use super::*;

const KEY: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

const fn header(fin: bool, opcode: Opcode, key: Option<[u8; 4]>, payload_len: u64) -> FrameHeader {
    FrameHeader {
        fin,
        rsv1: false,
        opcode,
        key,
        payload_len,
    }
}

#[rustfmt::skip]
const LEGAL: [(&str, FrameHeader, &[u8]); 17] = [
    // RFC 6455 §5.7
    ("text of 5", header(true, Opcode::Text, None, 5), b"\x81\x05"),
    ("text of 5, masked", header(true, Opcode::Text, Some(KEY), 5), b"\x81\x85\x37\xfa\x21\x3d"),
    ("first fragment", header(false, Opcode::Text, None, 3), b"\x01\x03"),
    ("last fragment", header(true, Opcode::Continuation, None, 2), b"\x80\x02"),
    ("ping of 5", header(true, Opcode::Ping, None, 5), b"\x89\x05"),
    ("pong of 5, masked", header(true, Opcode::Pong, Some(KEY), 5), b"\x8a\x85\x37\xfa\x21\x3d"),
    ("binary of 256", header(true, Opcode::Binary, None, 256), b"\x82\x7e\x01\x00"),
    ("binary of 65536", header(true, Opcode::Binary, None, 65536), b"\x82\x7f\x00\x00\x00\x00\x00\x01\x00\x00"),
    // The borders of the three lengths
    ("0", header(true, Opcode::Binary, None, 0), b"\x82\x00"),
    ("125", header(true, Opcode::Binary, None, 125), b"\x82\x7d"),
    ("126", header(true, Opcode::Binary, None, 126), b"\x82\x7e\x00\x7e"),
    ("65535", header(true, Opcode::Binary, None, 65535), b"\x82\x7e\xff\xff"),
    ("2^63 - 1", header(true, Opcode::Binary, None, u64::MAX >> 1), b"\x82\x7f\x7f\xff\xff\xff\xff\xff\xff\xff"),
    ("65536, masked: the longest header", header(false, Opcode::Binary, Some(KEY), 65536),
        b"\x02\xff\x00\x00\x00\x00\x00\x01\x00\x00\x37\xfa\x21\x3d"),
    ("close of 125", header(true, Opcode::Close, None, 125), b"\x88\x7d"),
    ("close of 0, masked", header(true, Opcode::Close, Some(KEY), 0), b"\x88\x80\x37\xfa\x21\x3d"),
    ("empty continuation", header(false, Opcode::Continuation, None, 0), b"\x00\x00"),
];

#[test]
fn headers_of_2_to_14_octets_decode_and_encode_fr_05_fr_15() {
    for (name, header, octets) in LEGAL {
        assert_eq!(*header.encode(), *octets, "{name}: encode");
        assert_eq!(
            FrameHeader::decode(octets),
            Ok(Some((header, octets.len()))),
            "{name}: decode"
        );
        let longer = [octets, b"payload"].concat();
        assert_eq!(
            FrameHeader::decode(&longer),
            Ok(Some((header, octets.len()))),
            "{name}: more"
        );
    }
}

#[test]
fn a_part_of_a_header_asks_for_more_fr_05() {
    for (name, _, octets) in LEGAL {
        for len in 0..octets.len() {
            assert_eq!(
                FrameHeader::decode(&octets[..len]),
                Ok(None),
                "{name}, {len} octets"
            );
        }
    }
}

/// Illegal headers, cut after the octet that shows it.
#[rustfmt::skip]
const ILLEGAL: [(&str, &[u8], ReceiveErrorKind); 16] = [
    ("RSV3", b"\x91", ReceiveErrorKind::ReservedBits { bits: 1 }),
    ("RSV2", b"\xa1", ReceiveErrorKind::ReservedBits { bits: 2 }),
    ("RSV1 beside RSV2", b"\xe1", ReceiveErrorKind::ReservedBits { bits: 6 }),
    ("close without FIN", b"\x08", ReceiveErrorKind::ControlFragmented),
    ("ping without FIN", b"\x09", ReceiveErrorKind::ControlFragmented),
    ("pong without FIN", b"\x0a", ReceiveErrorKind::ControlFragmented),
    ("close of 126", b"\x88\x7e", ReceiveErrorKind::ControlTooLong),
    ("ping of 126", b"\x89\xfe", ReceiveErrorKind::ControlTooLong),
    ("pong of 126", b"\x8a\x7e", ReceiveErrorKind::ControlTooLong),
    ("ping with 64 bits of length", b"\x89\x7f", ReceiveErrorKind::ControlTooLong),
    ("2 in 16 bits", b"\x82\x7e\x00\x02", ReceiveErrorKind::LengthNotMinimal { len: 2 }),
    ("125 in 16 bits", b"\x82\x7e\x00\x7d", ReceiveErrorKind::LengthNotMinimal { len: 125 }),
    ("2 in 64 bits", b"\x82\x7f\x00\x00\x00\x00\x00\x00\x00\x02", ReceiveErrorKind::LengthNotMinimal { len: 2 }),
    ("65535 in 64 bits", b"\x82\x7f\x00\x00\x00\x00\x00\x00\xff\xff", ReceiveErrorKind::LengthNotMinimal { len: 65535 }),
    ("the top bit", b"\x82\x7f\x80", ReceiveErrorKind::LengthTopBit),
    ("all bits", b"\x82\x7f\xff", ReceiveErrorKind::LengthTopBit),
];

#[test]
fn an_illegal_header_fails_at_the_octet_that_shows_it_fr_03_fr_04_fr_12() {
    for (name, octets, kind) in ILLEGAL {
        let error = FrameHeader::decode(octets).unwrap_err();
        assert_eq!((error.kind(), error.offset()), (kind, 0), "{name}");
        assert_eq!(error.close_code().get(), 1002, "{name}");
        assert_eq!(
            FrameHeader::decode(&octets[..octets.len() - 1]),
            Ok(None),
            "{name}: not before"
        );
    }
}

#[test]
fn reserved_opcodes_fail_on_the_first_octet_fr_02() {
    for opcode in (0x3..=0x7).chain(0xB..=0xF) {
        for first in [opcode, 0x80 | opcode] {
            let error = FrameHeader::decode(&[first]).unwrap_err();
            assert_eq!(
                error.kind(),
                ReceiveErrorKind::ReservedOpcode { opcode },
                "{first:#x}"
            );
        }
    }
}

#[test]
fn every_first_octet_has_one_meaning_fr_01_fr_02_fg_05() {
    let no_rsv1 = Rules {
        rsv1: Rsv1::Nowhere,
        masked: None,
    };
    for first in 0..=u8::MAX {
        let (rsv, opcode, fin) = (first >> 4 & 7, first & 0xF, first & 0x80 != 0);
        let decoded = FrameHeader::decode_by(&[first, 0], no_rsv1).map_err(|error| error.kind());
        if rsv != 0 {
            assert_eq!(
                decoded,
                Err(ReceiveErrorKind::ReservedBits { bits: rsv }),
                "{first:#x}"
            );
        } else if matches!(opcode, 0x3..=0x7 | 0xB..=0xF) {
            assert_eq!(
                decoded,
                Err(ReceiveErrorKind::ReservedOpcode { opcode }),
                "{first:#x}"
            );
        } else if opcode >= 8 && !fin {
            assert_eq!(
                decoded,
                Err(ReceiveErrorKind::ControlFragmented),
                "{first:#x}"
            );
        } else {
            let (header, used) = decoded.unwrap().unwrap();
            assert_eq!((header.fin, used), (fin, 2), "{first:#x}");
            assert_eq!(header.opcode.encode(), opcode, "{first:#x}");
            assert_eq!(header.opcode.is_control(), opcode >= 8, "{first:#x}");
        }
    }
}

#[test]
fn rsv1_is_reported_where_an_extension_may_define_it() {
    let (header, _) = FrameHeader::decode(b"\xc1\x00").unwrap().unwrap();
    assert!(header.rsv1);
    assert_eq!(*header.encode(), *b"\xc1\x00");
}

#[test]
fn the_mask_bit_must_fit_the_reader_fr_08_fr_09() {
    let rows: [(&str, bool, &[u8], Option<ReceiveErrorKind>); 4] = [
        ("a server, masked", true, b"\x81\x80", None),
        (
            "a server, not masked",
            true,
            b"\x81\x00",
            Some(ReceiveErrorKind::NotMasked),
        ),
        (
            "a client, masked",
            false,
            b"\x81\x80",
            Some(ReceiveErrorKind::Masked),
        ),
        ("a client, not masked", false, b"\x81\x00", None),
    ];
    for (name, masked, octets, want) in rows {
        let rules = Rules {
            rsv1: Rsv1::Nowhere,
            masked: Some(masked),
        };
        let fault = FrameHeader::decode_by(octets, rules)
            .err()
            .map(|error| error.kind());
        assert_eq!(fault, want, "{name}");
    }
}

#[test]
fn an_encoded_header_is_at_most_14_octets() {
    let longest = header(true, Opcode::Binary, Some(KEY), u64::MAX).encode();
    assert_eq!(longest.len(), 14);
    let lens: Vec<usize> = [0, 126, 65536]
        .map(|len| header(true, Opcode::Binary, None, len).encode().len())
        .into();
    assert_eq!(lens, [2, 4, 10]);
}
