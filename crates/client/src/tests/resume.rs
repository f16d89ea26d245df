//! Resume at the exact position after a cut at any octet, gaps, and changes of transport.

use super::*;
use crate::{GapReason, Start};

/// The channel of these tests: `e.1` to `e.5`.
const LOG: [&str; 5] = ["eins", "zwei", "drei", "vier", "fünf"];

fn offset(position: &str) -> usize {
    position
        .strip_prefix("e.")
        .expect("a position of ours")
        .parse()
        .unwrap()
}

/// Where a request asks to start.
fn start(request: &str) -> usize {
    let query = request.split(' ').nth(1).unwrap();
    if let Some(after) = query.split("after=").nth(1) {
        return offset(after);
    }
    if let Some(id) = field(request, "Last-Event-ID") {
        return offset(id);
    }
    if let Some(tag) = field(request, "If-None-Match") {
        return offset(tag.trim_matches('"'));
    }
    assert!(query.contains("from=earliest"), "{request}");
    0
}

/// Octets that may still be written before the connection is cut.
struct Budget(usize);

impl Budget {
    /// Sends what the budget allows; false once it is used up.
    async fn send(&mut self, conn: &mut Conn, octets: &[u8]) -> bool {
        let len = octets.len().min(self.0);
        conn.send(&octets[..len]).await;
        self.0 -= len;
        self.0 > 0
    }
}

/// Serves the log over one connection, up to the cut.
async fn serve(conn: &mut Conn, transport: Transport, cut: usize) {
    let mut budget = Budget(cut);
    match transport {
        Transport::ShortPoll | Transport::LongPoll => loop {
            // Two messages a page; at the end of the log the poll is held.
            let Some(request) = conn.next_request().await else {
                return;
            };
            let first = start(&request);
            let last = (first + 2).min(LOG.len());
            if first == last {
                conn.drain().await;
                return;
            }
            let ids: Vec<_> = (first + 1..=last).map(|n| format!("e.{n}")).collect();
            let messages: Vec<_> = ids
                .iter()
                .map(|id| (id.as_str(), LOG[offset(id) - 1]))
                .collect();
            let page = page(&format!("e.{last}"), &messages);
            if !budget.send(conn, answer(200, "", &page).as_bytes()).await {
                return;
            }
        },
        Transport::Sse => {
            let first = start(&conn.request().await);
            let head = format!(
                "{SSE_HEAD}{}",
                chunk(&format!("retry: 100\nid: e.{first}\n\n"))
            );
            if !budget.send(conn, head.as_bytes()).await {
                return;
            }
            for (n, data) in (1..).zip(LOG).skip(first) {
                let event = chunk(&format!("id: e.{n}\ndata: {data}\n\n"));
                if !budget.send(conn, event.as_bytes()).await {
                    return;
                }
            }
            conn.drain().await;
        }
        Transport::WebSocket => {
            let request = conn.request().await;
            let first = start(&request);
            let mut octets = upgrade(&request, Some("tidings.v1"));
            octets.extend(text_frame(&format!(r#"{{"position":"e.{first}"}}"#)));
            for (n, data) in (1..).zip(LOG).skip(first) {
                octets.extend(text_frame(&format!(r#"{{"id":"e.{n}","data":"{data}"}}"#)));
            }
            if budget.send(conn, &octets).await {
                conn.drain().await;
            }
        }
    }
}

/// Cuts the first connection after `cut` octets. Tells whether it was open by then.
async fn read_log_with_cut(transport: Transport, cut: usize) -> bool {
    let (dialer, mut server) = network();
    let peer = tokio::spawn(async move {
        serve(&mut server.accept().await, transport, cut).await;
        loop {
            serve(&mut server.accept().await, transport, usize::MAX).await;
        }
    });
    let opened = subscribe(transport, &dialer)
        .start(Start::Earliest)
        .open()
        .await;
    let was_open = opened.is_ok();
    if let Ok(mut subscription) = opened {
        for (n, want) in (1..).zip(LOG) {
            let message = message(&mut subscription).await;
            let id = format!("e.{n}");
            assert_eq!(
                message.data,
                Data::Text(want.into()),
                "{transport}, cut at {cut}"
            );
            assert_eq!(
                message.id.as_deref(),
                Some(id.as_str()),
                "{transport}, cut at {cut}"
            );
            assert_eq!(subscription.position(), Some(id.as_str()));
        }
    }
    peer.abort();
    was_open
}

#[tokio::test(start_paused = true)]
async fn a_cut_at_any_octet_loses_nothing_and_repeats_nothing() {
    for transport in Transport::ALL {
        let mut opened = 0;
        for cut in 1..700 {
            opened += u32::from(read_log_with_cut(transport, cut).await);
        }
        // Before the head is whole the first attempt fails, and that is final.
        assert!(opened > 400, "{transport}: {opened}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_gap_is_an_item_and_delivery_goes_on_behind_it() {
    let gap = r#"{"reason":"trimmed","asked":"e.2","first":3,"last":7,"next":"e.7"}"#;
    for transport in Transport::ALL {
        let (dialer, mut server) = network();
        let peer = tokio::spawn(async move {
            let mut conn = server.accept().await;
            let request = conn.request().await;
            assert_eq!(start(&request), 2);
            let octets = match transport {
                Transport::ShortPoll | Transport::LongPoll => answer(
                    200,
                    "",
                    &format!(
                        r#"{{"position":"e.8","messages":[{{"id":"e.8","data":"x"}}],"more":false,"gap":{gap}}}"#
                    ),
                )
                .into_bytes(),
                Transport::Sse => format!(
                    "{SSE_HEAD}{}{}",
                    chunk(&format!("event: tidings.gap\nid: e.7\ndata: {gap}\n\n")),
                    chunk("id: e.8\ndata: x\n\n")
                )
                .into_bytes(),
                Transport::WebSocket => {
                    let mut octets = upgrade(&request, Some("tidings.v1"));
                    octets.extend(text_frame(r#"{"position":"e.2"}"#));
                    octets.extend(text_frame(&format!(r#"{{"gap":{gap}}}"#)));
                    octets.extend(text_frame(r#"{"id":"e.8","data":"x"}"#));
                    octets
                }
            };
            conn.send(octets).await;
            conn.drain().await;
        });
        let subscribe = subscribe(transport, &dialer).start(Start::After("e.2".into()));
        let mut subscription = subscribe.open().await.unwrap();
        let Some(Ok(Item::Gap(gap))) = subscription.next().await else {
            panic!("{transport}")
        };
        assert_eq!(gap.reason, GapReason::Trimmed);
        assert_eq!(
            (gap.asked.as_deref(), gap.next.as_str()),
            (Some("e.2"), "e.7")
        );
        assert_eq!((gap.first, gap.last), (Some(3), Some(7)));
        assert_eq!(subscription.position(), Some("e.7"), "{transport}");
        assert_eq!(text(&mut subscription).await, "x");
        assert_eq!(subscription.position(), Some("e.8"), "{transport}");
        drop(subscription);
        peer.await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_quiet_channel_is_resumed_at_the_position_that_the_server_told() {
    for transport in Transport::ALL {
        let (dialer, mut server) = network();
        let peer = tokio::spawn(async move {
            greet(&mut server.accept().await, transport).await;
            // The channel got `e.1` while the client was away: `latest` would lose it.
            let mut conn = server.accept().await;
            assert_eq!(start(&conn.request().await), 0, "{transport}");
        });
        let subscription = open(transport, &dialer).await.unwrap();
        drive(subscription, peer).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_subscription_goes_on_over_another_transport_at_the_same_position() {
    let (dialer, mut server) = network();
    let order = [
        Transport::WebSocket,
        Transport::Sse,
        Transport::LongPoll,
        Transport::ShortPoll,
    ];
    let peer = tokio::spawn(async move {
        for transport in order {
            serve(&mut server.accept().await, transport, usize::MAX).await;
        }
    });
    let subscribe = subscribe(Transport::WebSocket, &dialer).start(Start::Earliest);
    let mut subscription = subscribe.open().await.unwrap();
    assert_eq!(text(&mut subscription).await, LOG[0]);
    for (transport, want) in order.into_iter().zip(LOG).skip(1) {
        subscription.switch(transport);
        assert_eq!(subscription.transport(), transport);
        assert_eq!(text(&mut subscription).await, want);
    }
    drop(subscription);
    peer.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn kinds_and_event_names_arrive_as_they_were_published() {
    for transport in Transport::ALL {
        let (dialer, mut server) = network();
        let peer = tokio::spawn(async move {
            let mut conn = server.accept().await;
            let request = conn.request().await;
            let json = [
                r#"{"id":"e.1","event":"tick","data":"a\nb\u0000"}"#,
                r#"{"id":"e.2","data_base64":"AP8="}"#,
                r#"{"id":"e.3","event":"raw","data_base64":""}"#,
            ];
            let octets = match transport {
                Transport::ShortPoll | Transport::LongPoll => answer(
                    200,
                    "",
                    &format!(r#"{{"position":"e.3","messages":[{}]}}"#, json.join(",")),
                )
                .into_bytes(),
                Transport::Sse => format!(
                    "{SSE_HEAD}{}",
                    chunk(
                        "id: e.1\nevent: tick\ndata: a\ndata: b\0\n\n\
                         id: e.2\nevent: message;base64\ndata: AP8=\n\n\
                         id: e.3\nevent: raw;base64\ndata: \n\n"
                    )
                )
                .into_bytes(),
                Transport::WebSocket => {
                    let mut octets = upgrade(&request, Some("tidings.v1"));
                    for json in json {
                        octets.extend(text_frame(json));
                    }
                    octets
                }
            };
            conn.send(octets).await;
            conn.drain().await;
        });
        let mut subscription = open(transport, &dialer).await.unwrap();
        let want = [
            (Some("tick"), Data::Text("a\nb\0".into())),
            (None, Data::Binary(bytes::Bytes::from_static(b"\x00\xff"))),
            (Some("raw"), Data::Binary(bytes::Bytes::new())),
        ];
        for (event, data) in want {
            let message = message(&mut subscription).await;
            assert_eq!(
                (message.event.as_deref(), message.data),
                (event, data),
                "{transport}"
            );
        }
        drop(subscription);
        peer.await.unwrap();
    }
}
