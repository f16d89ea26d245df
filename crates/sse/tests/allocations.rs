//! What the decoder allocates: at most once a chunk, however many events are in it.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "the helpers of tests fail by panicking"
)]

use allocation_counter::measure;
use bytes::Bytes;
use tidings_sse::{Decoder, EventRef, Item};

/// What is proven, a block, the most allocations of a chunk full of them.
type Row = (&'static str, &'static str, u64);

#[test]
fn single_line_events_take_at_most_one_allocation_a_chunk() {
    let rows: [Row; 6] = [
        ("one line", "data: {\"at\":1}\n\n", 1),
        ("CRLF", "data: {\"at\":1}\r\n\r\n", 1),
        ("beyond ASCII", "data: \u{20AC}\u{1F600}\n\n", 1),
        ("id and type", "id: e.1\nevent: t\ndata: {\"at\":1}\n\n", 1),
        ("a comment in front", ": c\n\ndata: {\"at\":1}\n\n", 1),
        ("a retry in front", "retry: 5\ndata: {\"at\":1}\n\n", 1),
    ];
    for (name, block, most) in rows {
        let count = 16 * 1024 / block.len();
        let mut decoder = Decoder::new();
        // The first chunk has what only the start of a stream has.
        assert_eq!(events(&mut decoder, &mut Bytes::from(block.repeat(2))), 2);
        let mut chunk = Bytes::from(block.repeat(count));
        let mut told = 0;
        let cost = measure(|| told = events(&mut decoder, &mut chunk));
        assert_eq!(told, count, "{name}");
        // Whoever gives a vector as `Bytes` pays one for the count of its readers.
        assert!(cost.count_total <= most, "{name}: {cost:?}");
    }
}

#[test]
fn an_event_of_several_lines_takes_one_allocation_of_its_own() {
    let block = "data: one\ndata: two\ndata: three\n\n";
    let mut decoder = Decoder::new();
    assert_eq!(events(&mut decoder, &mut Bytes::from(block.repeat(2))), 2);
    let mut chunk = Bytes::from(block.repeat(100));
    let cost = measure(|| assert_eq!(events(&mut decoder, &mut chunk), 100));
    // The one more is the chunk's, for the count of its readers.
    assert_eq!(cost.count_total, 100 + 1, "{cost:?}");
}

#[test]
fn a_line_over_many_chunks_is_copied_once_and_a_short_one_leaves_its_buffer() {
    let cost = |decoder: &mut Decoder, len: usize, piece: usize| {
        let stream = ["data:".to_owned(), "x".repeat(len), "\n\n".to_owned()].concat();
        let pieces = stream.as_bytes().chunks(piece);
        let pieces: Vec<_> = pieces.map(Bytes::copy_from_slice).collect();
        let cost = measure(|| {
            for mut piece in pieces {
                events(decoder, &mut piece);
            }
        });
        cost.bytes_total
    };
    // A buffer that doubles takes up to three times the line in all; a copy at the end would take a fourth.
    let long = cost(&mut Decoder::new(), 100_000, 10_000);
    assert!((100_000..320_000).contains(&long), "{long}");
    // The buffer of short lines is made once; each line then takes its own length.
    let decoder = &mut Decoder::new();
    let first = cost(decoder, 600, 100);
    assert!(first > 2 * 600, "{first}");
    // The longest line that is copied has 1 KiB with its name.
    for len in [600, 500, 1_019] {
        assert_eq!(cost(decoder, len, 100), len as u64);
    }
}

#[test]
fn what_is_ignored_is_never_held() {
    let mut decoder = Decoder::new();
    assert_eq!(events(&mut decoder, &mut Bytes::from_static(b"\n")), 0);
    let pieces: [&'static [u8]; 4] = [b":xxxx", b"xxxx", b"\nfield:", b"xxxx"];
    let cost = measure(|| {
        for piece in pieces.iter().cycle().take(4_000) {
            assert_eq!(events(&mut decoder, &mut Bytes::from_static(piece)), 0);
        }
    });
    // Only the beginning of a line is looked at, in a buffer that stays.
    assert!(cost.count_total <= 1, "{cost:?}");
}

#[test]
fn an_event_is_encoded_into_one_allocation_of_its_size() {
    let event = EventRef {
        id: Some("e.1"),
        event: Some("t"),
        ..EventRef::message("one\r\ntwo")
    };
    let cost = measure(|| assert_eq!(event.to_bytes().unwrap().len(), 38));
    assert_eq!((cost.count_total, cost.bytes_total), (1, 38), "{cost:?}");
}

/// Reads the chunk to its end and gives how many events there were.
fn events(decoder: &mut Decoder, chunk: &mut Bytes) -> usize {
    let mut count = 0;
    while let Some(item) = decoder.next_event(chunk).unwrap() {
        count += usize::from(matches!(item, Item::Event(_)));
    }
    count
}
