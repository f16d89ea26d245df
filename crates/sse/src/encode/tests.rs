use super::{EventRef, HEARTBEAT, IdPolicy, encode_comment, encode_padding};
use crate::error::{Field, SendError};
use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

#[test]
fn data_is_cut_at_every_line_end_html_9_2_5() {
    let rows: [(&str, &str, &str); 12] = [
        ("empty dispatches", "", "data: \n\n"),
        ("one line", "a", "data: a\n\n"),
        ("CRLF is one line end", "a\r\nb", "data: a\ndata: b\n\n"),
        (
            "CR cannot begin a field",
            "a\revent: x",
            "data: a\ndata: event: x\n\n",
        ),
        (
            "LF cannot end the block",
            "a\n\nid: 1",
            "data: a\ndata: \ndata: id: 1\n\n",
        ),
        ("the last LF is kept", "a\n", "data: a\ndata: \n\n"),
        ("a last CR is kept", "a\r", "data: a\ndata: \n\n"),
        (
            "LF CR is two line ends",
            "a\n\rb",
            "data: a\ndata: \ndata: b\n\n",
        ),
        ("a leading space is kept", " lead", "data:  lead\n\n"),
        ("only a line end", "\n", "data: \ndata: \n\n"),
        ("NUL is text", "\0", "data: \0\n\n"),
        ("a colon in front", ":x", "data: :x\n\n"),
    ];
    for (name, data, want) in rows {
        let event = EventRef::message(data);
        assert_eq!(event.to_bytes().unwrap(), want, "{name}");
        assert_eq!(event.encoded_len(), Ok(want.len()), "{name}");
    }
}

#[test]
fn fields_are_left_out_or_reset_html_9_2_6() {
    let base = EventRef::default();
    let rows: [(&str, EventRef<'_>, &str); 8] = [
        ("nothing", base, "\n"),
        (
            "an empty type",
            EventRef {
                event: Some(""),
                ..EventRef::message("a")
            },
            "data: a\n\n",
        ),
        (
            "a type",
            EventRef {
                event: Some("t"),
                ..EventRef::message("a")
            },
            "event: t\ndata: a\n\n",
        ),
        (
            "an id alone",
            EventRef {
                id: Some("7"),
                ..base
            },
            "id: 7\n\n",
        ),
        (
            "an id reset",
            EventRef {
                id: Some(""),
                ..base
            },
            "id\n\n",
        ),
        (
            "no wait",
            EventRef {
                retry: Some(Duration::ZERO),
                ..base
            },
            "retry: 0\n\n",
        ),
        (
            "whole milliseconds",
            EventRef {
                retry: Some(Duration::from_micros(1_999)),
                ..base
            },
            "retry: 1\n\n",
        ),
        (
            "the longest wait",
            EventRef {
                retry: Some(Duration::from_millis(u64::MAX)),
                ..base
            },
            "retry: 18446744073709551615\n\n",
        ),
    ];
    for (name, event, want) in rows {
        assert_eq!(event.to_bytes().unwrap(), want, "{name}");
        assert_eq!(event.encoded_len(), Ok(want.len()), "{name}");
    }
}

#[test]
fn nothing_is_smuggled_and_nothing_is_written_on_error() {
    let long = "x".repeat(129);
    let message = EventRef::message("a");
    let id = |id| EventRef {
        id: Some(id),
        ..message
    };
    let event = |event| EventRef {
        event: Some(event),
        ..message
    };
    let rows: [(&str, EventRef<'_>, SendError); 14] = [
        (
            "LF in the type",
            event("t\ndata: evil"),
            SendError::LineEnd {
                field: Field::Event,
                at: 1,
            },
        ),
        (
            "CR in the type",
            event("\r"),
            SendError::LineEnd {
                field: Field::Event,
                at: 0,
            },
        ),
        (
            "LF in the id",
            id("1\n"),
            SendError::LineEnd {
                field: Field::Id,
                at: 1,
            },
        ),
        (
            "CR in the id",
            id("1\r2"),
            SendError::LineEnd {
                field: Field::Id,
                at: 1,
            },
        ),
        ("NUL in the id", id("12\0"), SendError::NulInId { at: 2 }),
        (
            "a control in the id",
            id("a\u{1}"),
            SendError::IdNotHeaderSafe { at: 1 },
        ),
        (
            "ESC in the id",
            id("\u{1b}"),
            SendError::IdNotHeaderSafe { at: 0 },
        ),
        (
            "DEL in the id",
            id("a\u{7f}b"),
            SendError::IdNotHeaderSafe { at: 1 },
        ),
        (
            "a tab in the id",
            id("a\tb"),
            SendError::IdNotHeaderSafe { at: 1 },
        ),
        (
            "a space before the id",
            id(" a"),
            SendError::IdNotHeaderSafe { at: 0 },
        ),
        (
            "a space behind the id",
            id("a "),
            SendError::IdNotHeaderSafe { at: 1 },
        ),
        (
            "only a space",
            id(" "),
            SendError::IdNotHeaderSafe { at: 0 },
        ),
        (
            "129 octets of id",
            id(&long),
            SendError::IdTooLong { len: 129, max: 128 },
        ),
        (
            "a reconnection time over 64 bits",
            EventRef {
                retry: Some(Duration::MAX),
                ..message
            },
            SendError::RetryTooLong,
        ),
    ];
    for (name, event, want) in rows {
        let mut out = Vec::from(*b"kept");
        assert_eq!(event.encode(&mut out), Err(want), "{name}");
        assert_eq!(out, b"kept", "{name}");
        assert_eq!(event.encoded_len(), Err(want), "{name}");
        assert_eq!(event.to_bytes(), Err(want), "{name}");
    }
}

#[test]
fn an_id_is_free_of_header_rules_where_the_caller_says_so() {
    let long = "x".repeat(129);
    let rows: [(&str, &str, Result<(), SendError>); 7] = [
        ("a control", "a\u{1}", Ok(())),
        ("outer spaces", " a ", Ok(())),
        ("long", &long, Ok(())),
        ("beyond ASCII", "é…", Ok(())),
        (
            "a line end",
            "\n",
            Err(SendError::LineEnd {
                field: Field::Id,
                at: 0,
            }),
        ),
        (
            "a CR",
            "\r",
            Err(SendError::LineEnd {
                field: Field::Id,
                at: 0,
            }),
        ),
        ("NUL", "\0", Err(SendError::NulInId { at: 0 })),
    ];
    for (name, id, want) in rows {
        let mut out = Vec::new();
        let event = EventRef {
            id: Some(id),
            ..EventRef::default()
        };
        assert_eq!(
            event.encode_with(IdPolicy::Standard, &mut out),
            want,
            "{name}"
        );
        assert_eq!(out.is_empty(), want.is_err(), "{name}");
    }
    for id in ["9f3a61c2b0d4e877.42", "a b", "é…", &"x".repeat(128)] {
        assert!(
            EventRef {
                id: Some(id),
                ..EventRef::default()
            }
            .to_bytes()
            .is_ok(),
            "{id}"
        );
    }
}

#[test]
fn an_output_without_room_takes_nothing_and_does_not_panic() {
    let event = EventRef {
        id: Some("1"),
        ..EventRef::message("ab")
    };
    let needed = event.encoded_len().unwrap();
    let mut octets = [0xAA; 64];
    for room in 0..needed {
        let mut out = &mut octets[..room];
        assert_eq!(
            event.encode(&mut out),
            Err(SendError::NoRoom { needed, room })
        );
        assert_eq!(out.len(), room);
    }
    let mut out = &mut octets[..2];
    let none = Err(SendError::NoRoom { needed: 3, room: 2 });
    assert_eq!(encode_comment("", &mut out), none);
    assert_eq!(encode_padding(0, &mut out), none);
    assert_eq!(octets, [0xAA; 64]);
    assert_eq!(event.encode(&mut &mut octets[..needed]), Ok(()));
    assert_eq!(&octets[..needed], b"id: 1\ndata: ab\n\n");
}

#[test]
fn a_comment_is_a_block_of_its_own() {
    let rows: [(&str, Result<&str, SendError>); 5] = [
        ("", Ok(":\n\n")),
        ("hello", Ok(": hello\n\n")),
        (" space", Ok(":  space\n\n")),
        (
            "a\nb",
            Err(SendError::LineEnd {
                field: Field::Comment,
                at: 1,
            }),
        ),
        (
            "\rdata: x",
            Err(SendError::LineEnd {
                field: Field::Comment,
                at: 0,
            }),
        ),
    ];
    for (text, want) in rows {
        let mut out = Vec::new();
        let got = encode_comment(text, &mut out).map(|()| String::from_utf8(out).unwrap());
        assert_eq!(got.as_deref(), want.as_ref().copied(), "{text:?}");
    }
    let mut out = Vec::new();
    encode_comment("", &mut out).unwrap();
    assert_eq!(out, HEARTBEAT);
    // An output of exactly its size takes it.
    let mut octets = [0; 9];
    assert_eq!(encode_comment("hello", &mut &mut octets[..]), Ok(()));
    assert_eq!(&octets, b": hello\n\n");
    let none = Err(SendError::NoRoom { needed: 9, room: 8 });
    assert_eq!(encode_comment("hello", &mut &mut octets[..8]), none);
}

#[test]
fn padding_has_the_length_that_was_asked() {
    for (len, want) in [(0, 3), (3, 3), (4, 4), (2_048, 2_048)] {
        let mut out = Vec::new();
        encode_padding(len, &mut out).unwrap();
        assert_eq!(out.len(), want);
        assert!(out.starts_with(b":") && out.ends_with(b"\n\n"));
        assert!(!out[..want - 2].contains(&b'\n'));
    }
}
