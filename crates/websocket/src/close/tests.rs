use super::*;

/// RFC 6455 §7.4 and the IANA registry, written out once more.
fn may_be_sent(code: u16) -> bool {
    (1000..3000).contains(&code) && ![1004, 1005, 1006].contains(&code) && code <= 1014
        || (3000..5000).contains(&code)
}

#[test]
fn codes_that_may_stand_on_the_wire_cl_02() {
    for code in 0..=u16::MAX {
        assert_eq!(
            CloseCode::new(code).map(CloseCode::get),
            may_be_sent(code).then_some(code)
        );
        let (payload, want) = (code.to_be_bytes(), CloseCode::new(code));
        match decode(&payload, 6) {
            Ok((decoded, reason)) => {
                assert_eq!((decoded, &*reason), (want, ""), "{code}");
                assert!(want.is_some(), "{code}");
            }
            Err(error) => {
                assert_eq!(error.kind(), ReceiveErrorKind::CloseCode { code });
                assert_eq!(
                    (error.close_code(), error.offset()),
                    (CloseCode::PROTOCOL_ERROR, 6)
                );
                assert!(want.is_none(), "{code}");
            }
        }
    }
}

#[test]
fn named_codes_are_those_of_the_registry_cl_03() {
    let rows = [
        (CloseCode::NORMAL, 1000),
        (CloseCode::GOING_AWAY, 1001),
        (CloseCode::PROTOCOL_ERROR, 1002),
        (CloseCode::UNSUPPORTED_DATA, 1003),
        (CloseCode::INVALID_PAYLOAD, 1007),
        (CloseCode::POLICY_VIOLATION, 1008),
        (CloseCode::TOO_BIG, 1009),
        (CloseCode::MANDATORY_EXTENSION, 1010),
        (CloseCode::INTERNAL_ERROR, 1011),
        (CloseCode::SERVICE_RESTART, 1012),
        (CloseCode::TRY_AGAIN_LATER, 1013),
        (CloseCode::BAD_GATEWAY, 1014),
    ];
    for (code, number) in rows {
        assert_eq!(CloseCode::new(number), Some(code));
        assert_eq!(alloc::format!("{code}"), alloc::format!("{number}"));
    }
}

#[test]
fn a_close_is_empty_or_a_code_and_a_reason_cl_01_u8_04() {
    type Row = (
        &'static str,
        &'static [u8],
        Result<(u16, &'static str), (u16, u64)>,
    );
    let rows: [Row; 8] = [
        ("nothing", b"", Ok((1005, ""))),
        ("one octet", b"\x03", Err((1002, 10))),
        ("a code", b"\x03\xe8", Ok((1000, ""))),
        ("a code and a reason", b"\x03\xe8bye", Ok((1000, "bye"))),
        ("a reason in UTF-8", b"\x03\xf4\xce\xba", Ok((1012, "κ"))),
        ("a reason that is not", b"\x03\xe8by\xff", Err((1007, 14))),
        (
            "a reason cut inside a character",
            b"\x03\xe8\xce",
            Err((1007, 12)),
        ),
        (
            "a bad code before a bad reason",
            b"\x03\xed\xff",
            Err((1002, 10)),
        ),
    ];
    for (name, payload, want) in rows {
        let got = decode(payload, 10);
        match (&got, want) {
            (Ok((code, reason)), Ok((number, text))) => {
                assert_eq!(code.map_or(1005, CloseCode::get), number, "{name}");
                assert_eq!(reason, text, "{name}");
            }
            (Err(error), Err((code, offset))) => {
                assert_eq!(
                    (error.close_code().get(), error.offset()),
                    (code, offset),
                    "{name}"
                );
            }
            (Ok(_), Err(_)) | (Err(_), Ok(_)) => panic!("{name}: {got:?}"),
        }
    }
    let longest = [&b"\x03\xe8"[..], &[b'x'; 123]].concat();
    assert_eq!(decode(&longest, 0).unwrap().1.len(), 123);
}

#[test]
fn a_reason_is_cut_to_123_octets_between_two_characters_fr_16() {
    let rows = [
        ("short", "bye", 3),
        ("empty", "", 0),
        ("123", &*"x".repeat(123), 123),
        ("124", &*"x".repeat(124), 123),
        ("2 octets each", &*"κ".repeat(100), 122),
        ("4 octets each", &*"🦀".repeat(100), 120),
    ];
    for (name, reason, want) in rows {
        let payload = encode(CloseCode::NORMAL, reason);
        let (code, decoded) = decode(&payload, 0).unwrap();
        assert_eq!(code, Some(CloseCode::NORMAL), "{name}");
        assert_eq!(decoded.len(), want, "{name}");
        assert!(reason.starts_with(&*decoded), "{name}");
    }
}
