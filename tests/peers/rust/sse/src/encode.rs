use std::convert::Infallible;
use std::hint::black_box;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use axum::body::HttpBody as _;
use axum::response::IntoResponse as _;
use axum::response::sse::{Event, Sse};
use bytes::BytesMut;
use futures_util::stream;
use paired::{Plan, Rival};
use tidings_sse::EventRef;

const EVENTS: u64 = 1_000;

pub(crate) fn compare(plan: Plan) {
    let line = "x".repeat(100);
    let lines = format!("{0}\n{0}\n{0}\n{0}", "x".repeat(40));
    let long = "x".repeat(4_096);
    let rows: [(&str, Option<&str>, Option<&str>, &str); 4] = [
        ("one line of 100 octets", None, None, &line),
        (
            "id, type and one line of 100 octets",
            Some("9f3a61c2b0d4e877.42"),
            Some("quote"),
            &line,
        ),
        (
            "id, type and four lines of 40 octets",
            Some("9f3a61c2b0d4e877.42"),
            Some("quote"),
            &lines,
        ),
        (
            "id, type and one line of 4 KiB",
            Some("9f3a61c2b0d4e877.42"),
            Some("quote"),
            &long,
        ),
    ];
    for (title, id, event, data) in rows {
        let sent = EventRef {
            id,
            event,
            ..EventRef::message(data)
        };
        let len = sent.encoded_len().expect("it is legal");
        paired::compare(
            &format!("Encode: {title}"),
            "event",
            EVENTS,
            plan,
            &mut [
                Rival::new("`EventRef::to_bytes`", || {
                    for _ in 0..EVENTS {
                        let octets = black_box(&sent).to_bytes().expect("it is legal");
                        assert_eq!(black_box(octets).len(), len);
                    }
                }),
                Rival::new("`EventRef::encode` into one buffer", || {
                    let mut out = BytesMut::with_capacity(len);
                    for _ in 0..EVENTS {
                        out.clear();
                        black_box(&sent).encode(&mut out).expect("it is legal");
                        assert_eq!(black_box(&out).len(), len);
                    }
                }),
                Rival::new("axum 0.8 `Event`, built and dropped", || {
                    for _ in 0..EVENTS {
                        let _ = black_box(axum_event(black_box(id), event, data));
                    }
                }),
                Rival::new("axum 0.8 `Event`, as its body gives it", || {
                    assert_eq!(axum_octets(id, event, data), EVENTS * len as u64);
                }),
            ],
        );
    }
}

fn axum_event(id: Option<&str>, event: Option<&str>, data: &str) -> Event {
    let mut made = Event::default();
    if let Some(id) = id {
        made = made.id(id);
    }
    if let Some(event) = event {
        made = made.event(event);
    }
    made.data(data)
}

/// The octets of a whole body: the only way to see what axum writes.
fn axum_octets(id: Option<&str>, event: Option<&str>, data: &str) -> u64 {
    let made = (0..EVENTS).map(move |_| axum_event(id, event, data));
    let events: Vec<Event> = made.collect();
    let events = stream::iter(events.into_iter().map(Ok::<_, Infallible>));
    let mut body = pin!(Sse::new(events).into_response().into_body());
    let mut context = Context::from_waker(Waker::noop());
    let mut octets = 0;
    while let Poll::Ready(Some(frame)) = body.as_mut().poll_frame(&mut context) {
        let frame = frame
            .expect("it cannot fail")
            .into_data()
            .expect("there are no trailers");
        octets += black_box(frame).len() as u64;
    }
    octets
}
