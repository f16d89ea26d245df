//! What axum's `Sse` writes, read with our decoder.

use std::convert::Infallible;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use axum::body::HttpBody as _;
use axum::response::IntoResponse as _;
use axum::response::sse::{Event, Sse};
use bytes::Bytes;
use futures_util::stream;
use tidings_sse::{Config, Decoder, Item, is_event_stream};

/// The frames of a body of these events, each as axum gives it.
fn frames(events: Vec<Event>) -> Vec<Bytes> {
    let events = stream::iter(events.into_iter().map(Ok::<_, Infallible>));
    let response = Sse::new(events).into_response();
    assert!(is_event_stream(
        response.headers()["content-type"].as_bytes()
    ));
    let mut body = pin!(response.into_body());
    let mut context = Context::from_waker(Waker::noop());
    let mut frames = Vec::new();
    while let Poll::Ready(Some(frame)) = body.as_mut().poll_frame(&mut context) {
        frames.push(frame.expect("it cannot fail").into_data().expect("data"));
    }
    frames
}

/// What they say, in words; the same in the chunks of axum, as one chunk and octet by octet.
fn told(events: Vec<Event>) -> Vec<String> {
    let frames = frames(events);
    let whole = Bytes::from(frames.concat());
    let octets: Vec<Bytes> = whole.chunks(1).map(Bytes::copy_from_slice).collect();
    let told = read(&frames);
    assert_eq!(read(&[whole]), told);
    assert_eq!(read(&octets), told);
    told
}

fn read(chunks: &[Bytes]) -> Vec<String> {
    let mut config = Config::default();
    config.comments = true;
    let mut decoder = Decoder::with_config(config);
    let mut told = Vec::new();
    for chunk in chunks {
        let mut chunk = chunk.clone();
        while let Some(item) = decoder.next_event(&mut chunk).expect("within the limits") {
            told.push(match item {
                Item::Event(event) => {
                    format!("{} {:?} {}", event.event_type(), event.data, event.id)
                }
                Item::Comment(text) => format!(":{text}"),
                Item::Retry(time) => format!("retry {time:?}"),
                Item::Id => format!("id {}", decoder.last_event_id()),
                Item::Skipped(error) => panic!("{error}"),
            });
        }
    }
    assert_eq!(decoder.buffered_len(), 0, "axum ends each block");
    told
}

#[test]
fn each_event_of_axum_is_read_as_it_was_made() {
    let event = Event::default;
    let rows: [(&str, Event, &[&str]); 13] = [
        ("data", event().data("a"), &["message \"a\" "]),
        ("lines", event().data("a\nb\n"), &["message \"a\\nb\\n\" "]),
        ("CR", event().data("a\rb"), &["message \"a\\nb\" "]),
        (
            "blanks outside",
            event().data("  a  "),
            &["message \"  a  \" "],
        ),
        (
            "what looks like a field",
            event().data("id: 7\n\ndata: b"),
            &["message \"id: 7\\n\\ndata: b\" "],
        ),
        (
            "beyond ASCII",
            event().data("\u{20AC}\u{1F4E8}"),
            &["message \"\u{20AC}\u{1F4E8}\" "],
        ),
        (
            "type and id",
            event().event("t").id("7").data("a"),
            &["t \"a\" 7"],
        ),
        ("an id alone", event().id("7"), &["id 7"]),
        (
            "retry",
            event().retry(Duration::from_millis(1_500)).data("a"),
            &["retry 1.5s", "message \"a\" "],
        ),
        (
            "retry below a millisecond",
            event().retry(Duration::from_micros(1_999)),
            &["retry 1ms"],
        ),
        ("a comment", event().comment("c"), &[":c"]),
        (
            "a comment beside data",
            event().comment("c").data("a"),
            &[":c", "message \"a\" "],
        ),
        (
            "what axum sends to keep a stream alive",
            Event::DEFAULT_KEEP_ALIVE,
            &[":"],
        ),
    ];
    for (name, event, want) in rows {
        assert_eq!(told(vec![event]), want, "{name}");
    }
}

#[test]
fn a_stream_of_axum_keeps_its_order_and_its_last_id() {
    let pieces = (0..200).map(|number| {
        let event = Event::default().data(format!("{{\"token\":{number}}}"));
        if number % 3 == 0 {
            event.id(number.to_string())
        } else {
            event
        }
    });
    let want: Vec<_> = (0..200)
        .map(|number| {
            let data = format!("{{\"token\":{number}}}");
            format!("message {data:?} {}", number / 3 * 3)
        })
        .chain(["message \"[DONE]\" 198".to_owned()])
        .collect();
    assert_eq!(
        told(pieces.chain([Event::default().data("[DONE]")]).collect()),
        want
    );
}
