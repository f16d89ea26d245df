use super::Decoder;
use crate::config::{Config, Oversize};
use crate::error::{Field, ReceiveError};
use crate::item::{Event, Item};
use crate::text::Text;
use alloc::string::String;
use alloc::vec::Vec;
use alloc::{format, vec};
use bytes::Bytes;
use core::time::Duration;

fn event(event: &str, data: &str, id: &str) -> Item {
    let event = Some(event)
        .filter(|event| !event.is_empty())
        .map(Text::from);
    Item::Event(Event {
        event,
        data: data.into(),
        id: id.into(),
        truncated: false,
    })
}

fn message(data: &str) -> Item {
    event("", data, "")
}

fn cut(data: &str) -> Item {
    Item::Event(Event {
        data: data.into(),
        truncated: true,
        ..Event::default()
    })
}

/// All that a decoder says to these chunks. After an error it is told to skip the event.
fn read(decoder: &mut Decoder, chunks: &[&[u8]]) -> Vec<Result<Item, ReceiveError>> {
    let mut said = Vec::new();
    for chunk in chunks {
        let mut input = Bytes::copy_from_slice(chunk);
        loop {
            match decoder.next_event(&mut input) {
                Ok(Some(item)) => said.push(Ok(item)),
                Ok(None) => break,
                Err(error) => {
                    said.push(Err(error));
                    decoder.skip_event();
                }
            }
        }
        assert!(input.is_empty(), "octets are left");
    }
    said
}

/// The same whole, octet by octet, and in two at each place.
fn read_each_way(config: &Config, stream: &[u8]) -> Vec<Result<Item, ReceiveError>> {
    let whole = read(&mut Decoder::with_config(config.clone()), &[stream]);
    let octets: Vec<&[u8]> = stream.chunks(1).collect();
    assert_eq!(
        read(&mut Decoder::with_config(config.clone()), &octets),
        whole
    );
    for at in 0..stream.len() {
        let (first, second) = stream.split_at(at);
        let halves = read(&mut Decoder::with_config(config.clone()), &[first, second]);
        assert_eq!(halves, whole, "cut at {at}");
    }
    whole
}

fn items(stream: &[u8]) -> Vec<Item> {
    let said = read_each_way(&Config::default(), stream);
    said.into_iter().map(Result::unwrap).collect()
}

#[test]
fn blocks_dispatch_by_the_standard_html_9_2_6() {
    let retry = |millis| Item::Retry(Duration::from_millis(millis));
    let rows: [(&str, &[u8], Vec<Item>); 36] = [
        (
            "one BOM goes",
            b"\xEF\xBB\xBFdata:a\n\n",
            vec![message("a")],
        ),
        (
            "a second BOM is text",
            b"\xEF\xBB\xBF\xEF\xBB\xBFdata:a\n\ndata:b\n\n",
            vec![message("b")],
        ),
        (
            "a BOM in data stays",
            b"data:\xEF\xBB\xBFa\n\n",
            vec![message("\u{FEFF}a")],
        ),
        (
            "a BOM behind a line is text",
            b"\n\xEF\xBB\xBFdata:a\n\n",
            vec![],
        ),
        (
            "two octets of a BOM",
            b"\xEF\xBBdata:a\n\ndata:b\n\n",
            vec![message("b")],
        ),
        (
            "two octets of a BOM are no blank line",
            b"\xEF\xBB\ndata:a\n\n",
            vec![message("a")],
        ),
        (
            "one octet of a BOM",
            b"\xEF\n\ndata:a\n\n",
            vec![message("a")],
        ),
        (
            "a UTF-16 BOM",
            b"\xFE\xFFdata:a\n\ndata:b\n\n",
            vec![message("b")],
        ),
        (
            "CR",
            b"data:a\r\rdata:b\r\r",
            vec![message("a"), message("b")],
        ),
        (
            "CRLF",
            b"data:a\r\n\r\ndata:b\r\n\r\n",
            vec![message("a"), message("b")],
        ),
        (
            "CR and LF mixed",
            b"data:a\r\ndata:b\n\r\ndata:c\r\n\n",
            vec![message("a\nb"), message("c")],
        ),
        ("CR CR LF is two ends", b"data:a\r\r\n", vec![message("a")]),
        ("LF CR LF is two ends", b"data:a\n\r\n", vec![message("a")]),
        (
            "a comment inside a block",
            b"data:a\n:c\ndata:b\n\n",
            vec![message("a\nb")],
        ),
        ("a comment with a field", b":data:a\n\n", vec![]),
        ("a bare data field", b"data\n\n", vec![message("")]),
        (
            "two bare data fields",
            b"data\ndata\n\n",
            vec![message("\n")],
        ),
        (
            "three empty data fields",
            b"data\ndata:\ndata: \n\n",
            vec![message("\n\n")],
        ),
        (
            "data with outer spaces",
            b"data:  a \n\n",
            vec![message(" a ")],
        ),
        (
            "a type without data is forgotten",
            b"event:t\n\ndata:a\n\n",
            vec![message("a")],
        ),
        (
            "a type is cleared",
            b"event:t\ndata:a\n\ndata:b\n\n",
            vec![event("t", "a", ""), message("b")],
        ),
        (
            "an empty type resets",
            b"event:t\nevent:\ndata:a\n\n",
            vec![message("a")],
        ),
        (
            "an explicit message",
            b"event:message\ndata:a\n\n",
            vec![message("a")],
        ),
        (
            "message wins when last",
            b"event:t\nevent:message\ndata:a\n\n",
            vec![message("a")],
        ),
        (
            "a type with NUL and spaces",
            b"event:  t\0\ndata:a\n\n",
            vec![event(" t\0", "a", "")],
        ),
        (
            "open and error are types",
            b"event:open\ndata:a\n\nevent:error\ndata\n\n",
            vec![event("open", "a", ""), event("error", "", "")],
        ),
        (
            "an id stays",
            b"id:1\ndata:a\n\ndata:b\n\n",
            vec![event("", "a", "1"), event("", "b", "1")],
        ),
        (
            "an id alone",
            b"id:1\n\ndata:a\n\n",
            vec![Item::Id, event("", "a", "1")],
        ),
        (
            "an id with NUL leaves an earlier one",
            b"id:1\nid:2\0\ndata:a\n\n",
            vec![event("", "a", "1")],
        ),
        (
            "a bare id resets",
            b"id:1\ndata:a\n\nid\ndata:b\n\n",
            vec![event("", "a", "1"), message("b")],
        ),
        (
            "an id beyond ASCII",
            "id:é\ndata:a\n\n".as_bytes(),
            vec![event("", "a", "é")],
        ),
        (
            "retry acts inside a block",
            b"data:a\nretry:5\ndata:b\n\n",
            vec![retry(5), message("a\nb")],
        ),
        (
            "retry twice",
            b"retry:5\nretry:6\n",
            vec![retry(5), retry(6)],
        ),
        (
            "retry over 64 bits",
            b"retry:99999999999999999999\n",
            vec![retry(u64::MAX)],
        ),
        (
            "a block without its end",
            b"id:1\nevent:t\ndata:a\n",
            vec![],
        ),
        (
            "malformed octets in type and id",
            b"event:\xFF\nid:\xE2\x82\ndata:\xC3(\n\n",
            vec![event("\u{FFFD}", "\u{FFFD}(", "\u{FFFD}")],
        ),
    ];
    for (name, stream, want) in rows {
        assert_eq!(items(stream), want, "{name}");
    }
}

#[test]
fn malformed_utf8_is_replaced_by_maximal_parts_encoding_standard() {
    let rows: [(&str, &[u8], &str); 14] = [
        ("never a lead", b"\xFF\xFE", "\u{FFFD}\u{FFFD}"),
        ("a lone tail", b"\x80", "\u{FFFD}"),
        ("two lone tails", b"\x80\xBF", "\u{FFFD}\u{FFFD}"),
        ("one of two", b"\xC3", "\u{FFFD}"),
        ("two of three", b"\xE2\x82", "\u{FFFD}"),
        ("three of four", b"\xF0\x9F\x98", "\u{FFFD}"),
        ("three of four, then text", b"\xF0\x9F\x98a", "\u{FFFD}a"),
        (
            "three of four, then a lead",
            b"\xF0\x9F\x98\xC3\xA9",
            "\u{FFFD}é",
        ),
        ("overlong two", b"\xC0\xAF", "\u{FFFD}\u{FFFD}"),
        (
            "overlong three",
            b"\xE0\x80\xAF",
            "\u{FFFD}\u{FFFD}\u{FFFD}",
        ),
        ("a surrogate", b"\xED\xA0\x80", "\u{FFFD}\u{FFFD}\u{FFFD}"),
        (
            "over U+10FFFF",
            b"\xF4\x90\x80\x80",
            "\u{FFFD}\u{FFFD}\u{FFFD}\u{FFFD}",
        ),
        (
            "five octets",
            b"\xF8\x88\x80\x80\x80",
            "\u{FFFD}\u{FFFD}\u{FFFD}\u{FFFD}\u{FFFD}",
        ),
        (
            "a truncated one eats no colon",
            b"\xE2:\xE2 ",
            "\u{FFFD}:\u{FFFD} ",
        ),
    ];
    for (name, value, want) in rows {
        let stream = [b"data:", value, b"\ndata:", value, b"\n\n"].concat();
        assert_eq!(
            items(&stream),
            [message(&format!("{want}\n{want}"))],
            "{name}"
        );
        let stream = [b"data:", value, b"\n\n"].concat();
        assert_eq!(items(&stream), [message(want)], "{name}");
    }
}

#[test]
fn a_cr_at_the_end_of_a_chunk_ends_its_line_at_once() {
    let mut decoder = Decoder::new();
    assert_eq!(read(&mut decoder, &[b"data:a\r\r"]), [Ok(message("a"))]);
    // The LF of that CR, in a later chunk, is no blank line, and neither are empty chunks.
    assert_eq!(
        read(&mut decoder, &[b"", b"\n", b"data:b\r", b"", b"\n\r"]),
        [Ok(message("b"))]
    );
    assert_eq!(read(&mut decoder, &[b"\ndata:c\n\n"]), [Ok(message("c"))]);
}

#[test]
fn the_end_of_a_stream_drops_the_block_and_keeps_the_last_event_id() {
    let mut decoder = Decoder::new();
    read(
        &mut decoder,
        &[b"retry:7\nid:1\ndata:a\n\nid:2\nevent:t\ndata:b\nda"],
    );
    assert!(decoder.buffered_len() > 0);
    decoder.finish();
    assert_eq!(decoder.buffered_len(), 0);
    assert_eq!(decoder.last_event_id(), "1");
    assert_eq!(decoder.reconnection_time(), Some(Duration::from_millis(7)));
    // A stream begins anew: with a BOM, and without the type or data of the dropped block.
    let said = read(&mut decoder, &[b"\xEF\xBB\xBFdata:c\n\n"]);
    assert_eq!(said, [Ok(event("", "c", "1"))]);
    // The CR of one stream takes no LF of the next.
    read(&mut decoder, &[b"data:d\r"]);
    decoder.finish();
    assert_eq!(
        read(&mut decoder, &[b"\ndata:e\n\n"]),
        [Ok(event("", "e", "1"))]
    );
}

#[test]
fn a_decoder_begins_with_the_id_of_an_earlier_stream() {
    let config = Config {
        last_event_id: "41".into(),
        ..Config::default()
    };
    let said = read_each_way(&config, b"data:a\n\nid\ndata:b\n\n");
    assert_eq!(said, [Ok(event("", "a", "41")), Ok(message("b"))]);
}

#[test]
fn comments_are_told_where_asked_for() {
    let config = Config {
        comments: true,
        max_line_len: 8,
        ..Config::default()
    };
    let comment = |text: &str| Ok(Item::Comment(text.into()));
    let said = read_each_way(
        &config,
        b":\n: a\ndata:b\n::c\n\n:1234567890\n: a\xE2\x82\xAC\xE2\x82\xAC\n",
    );
    let want = [
        comment(""),
        comment("a"),
        comment(":c"),
        Ok(message("b")),
        comment("1234567"),
        // Eight octets end inside the second character.
        comment("a€"),
    ];
    assert_eq!(said, want);
}

fn limits(max_line_len: usize, max_event_len: usize, oversize: Oversize) -> Config {
    Config {
        max_line_len,
        max_event_len,
        oversize,
        ..Config::default()
    }
}

#[test]
fn an_oversize_line_or_event_meets_the_policy_and_its_id_still_counts() {
    let line = |field, offset| ReceiveError::LineTooLong {
        field,
        offset,
        max: 10,
    };
    let long = |offset| ReceiveError::EventTooLong { offset, max: 12 };
    let after = Ok(event("", "z", "7"));
    // name, stream without the event that follows, error, what truncation gives in its place
    let rows: [(&str, &[u8], ReceiveError, Item); 11] = [
        (
            "one error a block",
            b"id:7\nevent:12345\nid:12345678\ndata:123456\n\n",
            line(Field::Event, 15),
            Item::Skipped(line(Field::Event, 15)),
        ),
        (
            "a type that replacement makes long",
            b"id:7\nevent:\xFF\xFF\xFF\xFF\ndata:a\n\n",
            line(Field::Event, 16),
            Item::Skipped(line(Field::Event, 16)),
        ),
        (
            "an id that replacement makes long",
            b"id:7\nid:\xFF\xFF\xFF\xFF\ndata:a\n\n",
            line(Field::Id, 13),
            Item::Skipped(line(Field::Id, 13)),
        ),
        (
            "a data line",
            b"id:7\ndata:123456\n\n",
            line(Field::Data, 15),
            event("", "12345", "7"),
        ),
        (
            "an id behind it counts",
            b"data:123456\nid:7\n\n",
            line(Field::Data, 10),
            event("", "12345", "7"),
        ),
        (
            "inside a character",
            "id:7\ndata:1234é\n\n".as_bytes(),
            line(Field::Data, 15),
            event("", "1234", "7"),
        ),
        (
            "two lines",
            b"data:1234\ndata:5678\ndata:9abc\ndata:d\nid:7\n\n",
            long(30),
            event("", "1234\n5678\n9a", "7"),
        ),
        (
            "no hole",
            b"data:123456\ndata:a\nid:7\n\n",
            line(Field::Data, 10),
            event("", "12345", "7"),
        ),
        (
            "replacement counts",
            b"id:7\ndata:\xFF\xFF\xFF\xFF\xFF\n\n",
            long(16),
            event("", "\u{FFFD}\u{FFFD}\u{FFFD}\u{FFFD}", "7"),
        ),
        (
            "a type",
            b"id:7\nevent:12345\ndata:a\n\n",
            line(Field::Event, 15),
            Item::Skipped(line(Field::Event, 15)),
        ),
        (
            "an id",
            b"id:7\nid:12345678\ndata:a\n\n",
            line(Field::Id, 15),
            Item::Skipped(line(Field::Id, 15)),
        ),
    ];
    for (name, stream, error, truncated) in rows {
        let stream = [stream, b"data:z\n\n"].concat();
        let said = |oversize| read_each_way(&limits(10, 12, oversize), &stream);
        // Its block has no data left, so all that the blank line does is to commit the id.
        assert_eq!(
            said(Oversize::Error),
            [Err(error), Ok(Item::Id), after.clone()],
            "{name}"
        );
        let skipped = [Ok(Item::Skipped(error)), after.clone()];
        assert_eq!(said(Oversize::SkipEvent), skipped, "{name}");
        let truncated = match truncated {
            Item::Event(event) => Item::Event(Event {
                truncated: true,
                ..event
            }),
            other => other,
        };
        assert_eq!(
            said(Oversize::Truncate),
            [Ok(truncated), after.clone()],
            "{name}"
        );
    }
}

#[test]
fn a_limit_is_met_exactly() {
    for oversize in [Oversize::Error, Oversize::SkipEvent, Oversize::Truncate] {
        let said = read_each_way(&limits(10, 11, oversize), b"data:12345\ndata:67890\n\n");
        assert_eq!(said, [Ok(message("12345\n67890"))]);
    }
    let said = read_each_way(&limits(10, 4, Oversize::Truncate), b"data:12345\n\n");
    assert_eq!(said, [Ok(cut("1234"))]);
    let said = read_each_way(&limits(10, 0, Oversize::Truncate), b"data\n\ndata:1\n\n");
    assert_eq!(said, [Ok(message("")), Ok(cut(""))]);
    let said = read_each_way(
        &limits(10, 4, Oversize::Truncate),
        "data:123é\n\n".as_bytes(),
    );
    assert_eq!(said, [Ok(cut("123"))]);
}

#[test]
fn ignored_lines_have_any_length() {
    let stream = [
        b":".as_slice(),
        &[b'c'; 99],
        b"\nfield:",
        &[b'x'; 99],
        b"\ndatax",
        &[b'x'; 99],
        b"\ndata:a\n\n",
    ];
    let said = read_each_way(&limits(0, 4, Oversize::Error), &stream.concat());
    assert_eq!(said, [Ok(message("a"))]);
}

#[test]
fn an_error_stands_until_the_caller_goes_on() {
    let mut decoder = Decoder::with_config(limits(8, 8, Oversize::Error));
    let mut input = Bytes::from_static(b"id:1\ndata:1234\nid:2\n\ndata:a\n\n");
    let error = decoder.next_event(&mut input).unwrap_err();
    assert_eq!(
        error,
        ReceiveError::LineTooLong {
            field: Field::Data,
            offset: 13,
            max: 8
        }
    );
    assert_eq!(input, "4\nid:2\n\ndata:a\n\n");
    assert_eq!(decoder.next_event(&mut input), Err(error));
    assert_eq!(input.len(), 16);
    decoder.skip_event();
    assert_eq!(decoder.next_event(&mut input), Ok(Some(Item::Id)));
    assert_eq!(decoder.last_event_id(), "2");
    assert_eq!(
        decoder.next_event(&mut input),
        Ok(Some(event("", "a", "2")))
    );
    // The end of the stream ends the error too.
    let mut input = Bytes::from_static(b"data:1234\n");
    assert!(decoder.next_event(&mut input).is_err());
    decoder.finish();
    // Its limits hold for the next stream too.
    let said = read(&mut decoder, &[b"data:b\n\ndata:1234\n\n"]);
    let error = ReceiveError::LineTooLong {
        field: Field::Data,
        offset: 16,
        max: 8,
    };
    assert_eq!(said, [Ok(event("", "b", "2")), Err(error)]);
}

#[test]
fn what_is_held_is_counted() {
    let rows: [(&[u8], usize); 7] = [
        (b"", 0),
        (b"data:abc\nevent:tu\nid:7\nda", 3 + 2 + 1 + 2),
        (b"data:abc\ndata:de\nid:789\n", 6 + 3),
        (b"event:tuv\nid:78\n", 3 + 2),
        (b"data:abc", 8),
        (b":comment", 0),
        (b"data:abc\n\n", 0),
    ];
    for (stream, held) in rows {
        let mut decoder = Decoder::new();
        read(&mut decoder, &[stream]);
        assert_eq!(decoder.buffered_len(), held, "{}", stream.escape_ascii());
    }
}

#[test]
fn data_that_nobody_will_see_is_not_held() {
    for oversize in [Oversize::Error, Oversize::SkipEvent] {
        let mut decoder = Decoder::with_config(limits(100, 4, oversize));
        read(&mut decoder, &[b"data:12345\n", b"data:", &[b'x'; 50]]);
        assert_eq!(decoder.buffered_len(), 0);
    }
    let mut decoder = Decoder::with_config(limits(100, 4, Oversize::Truncate));
    read(&mut decoder, &[b"data:12345\n", b"data:", &[b'x'; 50]]);
    assert_eq!(decoder.buffered_len(), 4);
}

#[test]
fn a_single_line_event_inside_a_chunk_is_a_window_on_it_unless_it_is_short() {
    const LONG: &str = "abcdefghijklmnopqrstuvwx";
    const SHORT: &str = "abcdefghijklmnopqrstuvw";
    for value in [LONG, SHORT] {
        let streams = [
            format!("id:{value}\nevent:{value}\ndata:{value}\n\n"),
            format!("data:{value}\r\nid:{value}\r\nevent:{value}\r\n\r\n"),
            // Not the common kind, and so read line by line.
            format!(":c\nid:{value}\nevent:{value}\ndata:{value}\n\n"),
            format!("id:{value}\nevent:{value}\nunknown\ndata:{value}\n\n"),
        ];
        for stream in streams {
            // The first event of a stream is read line by line; the second stands between two blocks. A long chunk is looked
            // at as a whole.
            for (before, behind) in [("", 0), ("data:0\n\n", 0), ("data:0\n\n", 600)] {
                let mut decoder = Decoder::new();
                read(&mut decoder, &[before.as_bytes()]);
                let mut input = Bytes::from(format!("{stream}{}", "x".repeat(behind)));
                let chunk = input.as_ptr_range();
                let Ok(Some(Item::Event(event))) = decoder.next_event(&mut input) else {
                    panic!("no event")
                };
                for text in [event.event.as_ref().unwrap(), &event.data, &event.id] {
                    assert_eq!(*text, value);
                    let window = text.as_bytes().as_ptr_range();
                    let within = chunk.contains(&window.start) && window.end <= chunk.end;
                    assert_eq!(within, value == LONG, "{stream}");
                }
            }
        }
    }
}

#[test]
fn a_chunk_looked_at_as_a_whole_is_read_as_one_in_pieces() {
    // Malformed octets and characters cut in two, in front of, inside and behind what is read at one go.
    let odd: [&[u8]; 9] = [
        b"data:a\n\n",
        b"data:\xFF\n\n",
        b"data:a\ndata:\xE2\x82\n\n",
        "id:\u{20AC}\nevent:\u{20AC}\ndata:\u{20AC}\u{1F600}\n\n".as_bytes(),
        b"id:\xC3\ndata:a\n\n",
        b"event:\xC3\ndata:a\n\n",
        b":\xC3\n\n",
        b"\xC3\n",
        b"data:a\r\n\r",
    ];
    let plain = "id:7\nevent:t\ndata:one\ndata:two\n\ndata:three\n\n".repeat(15);
    for first in odd {
        for second in odd {
            for tail in [&b""[..], b"data:\xE2\x82", b"data:a\n"] {
                let stream = [
                    b"data:0\n\n",
                    first,
                    plain.as_bytes(),
                    second,
                    plain.as_bytes(),
                    tail,
                ]
                .concat();
                let whole = read(&mut Decoder::new(), &[&stream]);
                for chunk in [1, 100, 511, 600, 1_000] {
                    let chunks: Vec<&[u8]> = stream.chunks(chunk).collect();
                    assert!(read(&mut Decoder::new(), &chunks) == whole, "in {chunk}");
                }
            }
        }
    }
}

#[test]
fn octets_are_those_of_the_input_whatever_was_looked_at_before() {
    let block = |letter: &str| format!("data:{}\n\n", letter.repeat(30)).repeat(40);
    let (mut a, mut b) = (Bytes::from(block("a")), Bytes::from(block("b")));
    let behind = a.clone();
    let mut decoder = Decoder::new();
    read(&mut decoder, &[b"\n", b"data:0\n\n"]);
    let mut next = |input: &mut Bytes| match decoder.next_event(input) {
        Ok(Some(Item::Event(event))) => String::from(event.data.as_str()),
        other => panic!("{other:?}"),
    };
    assert_eq!(next(&mut a), "a".repeat(30));
    assert_eq!(next(&mut b), "b".repeat(30), "another chunk");
    assert_eq!(next(&mut a), "a".repeat(30), "the first one again");
    let mut shorter = a.slice(..74);
    assert_eq!(next(&mut shorter), "a".repeat(30), "a part of it");
    assert_eq!(shorter.len(), 37);
    let mut later = behind.slice(74 + 37..);
    assert_eq!(next(&mut later), "a".repeat(30), "a later place");
}

#[test]
fn a_chunk_that_is_used_up_is_let_go() {
    for end in [
        "",
        "data:a",
        "da",
        "id:1",
        ":c",
        "data:a\n",
        "id:1\ndata:a\n",
    ] {
        let mut decoder = Decoder::new();
        read(&mut decoder, &[b"data:0\n\n"]);
        let stream = "data:abcdefghijklmnopqrstuvwxyz\n\n".repeat(40);
        let chunk = Bytes::from(format!("{stream}{end}"));
        let mut input = chunk.clone();
        while decoder.next_event(&mut input).unwrap().is_some() {}
        drop(input);
        assert!(chunk.is_unique(), "behind {end:?}");
    }
}

#[test]
fn a_block_taken_at_one_go_is_read_as_line_by_line() {
    // The oracle is the same stream behind a comment, which is never taken at one go.
    let blocks: [&[u8]; 33] = [
        b"event:t\nevent:\ndata:a\n\n",
        b"event:t\nevent:message\ndata:a\n\n",
        b"id:1\nid\ndata:a\n\n",
        b"id:\0\ndata:a\n\n",
        b"data:a\n\n",
        b"data: a\n\n",
        b"data:  a\n\n",
        b"data:\n\n",
        b"data: \n\n",
        b"data:a\r\n\r\n",
        b"data:a\r\r",
        b"data:a\r\n\n",
        b"data:a\n\r\n",
        b"data:a\r\n\r",
        b"data:\xFF\n\n",
        b"data:\xC3\xA9\n\n",
        b"data\n\n",
        b"data\ndata\n\n",
        b"data:a\ndata:b\r\ndata:c\rdata:d\n\n",
        b"data:1\ndata:2\ndata:3\ndata:4\ndata:5\ndata:6\ndata:7\ndata:8\n\n",
        b"data:1\ndata:2\ndata:3\ndata:4\ndata:5\ndata:6\ndata:7\ndata:8\ndata:9\n\n",
        b"event:t\nevent:u\ndata:a\n\n",
        b"id:1\nid:2\ndata:a\n\n",
        b"id:1\nid:2\0\ndata:a\n\n",
        b"data:a\nretry:5\n\n",
        b"event:message\ndata:a\n\n",
        b"data:a\nunknown:b\n\n",
        b"id:1\n\n",
        b"data:\xE2\x82\xAC\n\n",
        b"data:abcdefghijklmnop\n\n",
        b"dat\n\n",
        b"date: a\n\n",
        b"\n\r\ndata:a\n\n",
    ];
    for block in blocks {
        for limits in [
            (1 << 20, 1 << 20),
            (10, 1 << 20),
            (6, 1 << 20),
            (10, 1),
            (10, 2),
        ] {
            for oversize in [Oversize::Error, Oversize::SkipEvent, Oversize::Truncate] {
                let config = self::limits(limits.0, limits.1, oversize);
                let told = |before: &[u8], chunk: usize| {
                    let mut decoder = Decoder::with_config(config.clone());
                    let stream = [b"data:0\n\n", before, block, b"data:1\n\n"].concat();
                    let chunks: Vec<&[u8]> = stream.chunks(chunk).collect();
                    let said = read(&mut decoder, &chunks);
                    said.into_iter()
                        .map(|item| item.map_err(|error| at_less(error, before.len())))
                        .map(|item| match item {
                            Ok(Item::Skipped(error)) => {
                                Ok(Item::Skipped(at_less(error, before.len())))
                            }
                            item => item,
                        })
                        .collect::<Vec<_>>()
                };
                let line_by_line = told(b":\n", usize::MAX);
                for chunk in (1..=24).chain([usize::MAX]) {
                    assert_eq!(
                        told(b"", chunk),
                        line_by_line,
                        "{}, in {chunk}, {config:?}",
                        block.escape_ascii()
                    );
                }
            }
        }
    }
}

#[test]
fn an_event_takes_the_octets_of_its_block_and_no_others() {
    let blocks: [&[u8]; 10] = [
        b"data:a\n\n",
        b"data: a\n\n",
        b"data:a\r\n\r\n",
        b"data:a\r\r\n",
        b"data:a\n\r\n",
        b"data:a\r\n\n",
        b"id:1\ndata:a\nevent:t\n\n",
        b"id:1\r\ndata:a\r\ndata:b\r\n\r\n",
        b":c\ndata:a\n\n",
        b":c\r\ndata:a\r\n\r\n",
    ];
    for block in blocks {
        for before in [&b""[..], b"data:0\n\n"] {
            let mut decoder = Decoder::new();
            read(&mut decoder, &[before]);
            let mut input = Bytes::from([block, b"data:z\n\n"].concat());
            let item = decoder.next_event(&mut input).unwrap();
            assert!(matches!(item, Some(Item::Event(_))), "{item:?}");
            assert_eq!(input, "data:z\n\n", "behind {}", block.escape_ascii());
        }
    }
}

/// The error of a stream that had so many octets fewer in front.
fn at_less(error: ReceiveError, octets: usize) -> ReceiveError {
    let less = octets as u64;
    match error {
        ReceiveError::LineTooLong { field, offset, max } => ReceiveError::LineTooLong {
            field,
            offset: offset - less,
            max,
        },
        ReceiveError::EventTooLong { offset, max } => ReceiveError::EventTooLong {
            offset: offset - less,
            max,
        },
    }
}

#[test]
fn the_last_event_id_does_not_keep_a_chunk_alive_after_the_stream() {
    let chunk = Bytes::from(format!("id:{}\ndata:a\n\n", "1".repeat(100)));
    let mut input = chunk.clone();
    let mut decoder = Decoder::new();
    assert!(decoder.next_event(&mut input).unwrap().is_some());
    drop(input);
    assert!(!chunk.is_unique());
    decoder.finish();
    assert!(chunk.is_unique());
    assert_eq!(decoder.last_event_id(), "1".repeat(100));
}
