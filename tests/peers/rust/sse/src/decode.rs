use std::convert::Infallible;
use std::hint::black_box;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use eventsource_stream::Eventsource;
use futures_util::{Stream as _, stream};
use paired::{Plan, Rival};
use sse_stream::SseByteStream;
use tidings_sse::{Decoder, Item, Text};

use crate::streams::{self, Stream};

pub(crate) fn compare(plan: Plan) {
    let rows = [
        (
            "one line, 16 KiB a chunk",
            Stream::of(streams::single, 16 * 1024),
        ),
        (
            "id, type and one line, 16 KiB a chunk",
            Stream::of(streams::named, 16 * 1024),
        ),
        (
            "four lines, 16 KiB a chunk",
            Stream::of(streams::lines, 16 * 1024),
        ),
        (
            "tokens, 256 octets a chunk",
            Stream::of(streams::token, 256),
        ),
        ("tokens, 64 octets a chunk", Stream::of(streams::token, 64)),
    ];
    for (title, stream) in &rows {
        let (chunks, events) = (&stream.chunks[..], stream.events);
        paired::compare(
            &format!("Decode: {title}"),
            "event",
            events,
            plan,
            &mut [
                Rival::new("`tidings-sse`", || {
                    assert_eq!(
                        tidings(chunks, |data| {
                            black_box(data.as_bytes());
                        }),
                        events
                    );
                }),
                Rival::new("`tidings-sse`, each `as_str`", || {
                    assert_eq!(
                        tidings(chunks, |data| {
                            black_box(data.as_str());
                        }),
                        events
                    );
                }),
                Rival::new("`sse-stream` 0.3.0", || {
                    assert_eq!(sse_stream(chunks), events)
                }),
                Rival::new("`eventsource-stream` 0.2.3", || {
                    assert_eq!(eventsource_stream(chunks), events)
                }),
            ],
        );
    }
}

fn tidings(chunks: &[Bytes], look: impl Fn(&Text)) -> u64 {
    let (mut decoder, mut events) = (Decoder::new(), 0);
    for chunk in chunks {
        let mut input = chunk.clone();
        loop {
            match decoder.next_event(&mut input) {
                Ok(Some(Item::Event(event))) => {
                    look(&event.data);
                    events += 1;
                }
                Ok(Some(other)) => panic!("{other:?} is not in the stream"),
                Ok(None) => break,
                Err(error) => panic!("{error}"),
            }
        }
    }
    events
}

fn sse_stream(chunks: &[Bytes]) -> u64 {
    let mut events = 0;
    let mut stream = pin!(SseByteStream::new(source(chunks)));
    let mut context = Context::from_waker(Waker::noop());
    while let Poll::Ready(Some(event)) = stream.as_mut().poll_next(&mut context) {
        black_box(
            event
                .expect("the stream is legal")
                .data
                .as_deref()
                .map(str::as_bytes),
        );
        events += 1;
    }
    events
}

fn eventsource_stream(chunks: &[Bytes]) -> u64 {
    let mut events = 0;
    let mut stream = pin!(source(chunks).eventsource());
    let mut context = Context::from_waker(Waker::noop());
    while let Poll::Ready(Some(event)) = stream.as_mut().poll_next(&mut context) {
        black_box(event.expect("the stream is legal").data.as_bytes());
        events += 1;
    }
    events
}

/// The chunks as a stream that is always ready.
fn source(chunks: &[Bytes]) -> impl futures_util::Stream<Item = Result<Bytes, Infallible>> {
    stream::iter(chunks.iter().cloned().map(Ok))
}
