//! Short polling: pages, 304 and HEAD.

use tidings_tests::Server;

use crate::{publish_all, publish_numbers};

#[test]
fn a_poll_is_json_with_a_position_and_an_entity_tag() {
    let server = Server::start(&[]);
    let first = server.publish_to("/channels/a?event=price", &[], b"one");
    let second = server.publish_to("/channels/a", &[], b"two");
    let answer = server.get("/channels/a?from=earliest");
    assert_eq!(answer.status, 200);
    assert_eq!(answer.field("content-type"), Some("application/json"));
    let want = serde_json::json!({
        "position": second,
        "messages": [{"id": first, "event": "price", "data": "one"}, {"id": second, "data": "two"}],
        "more": false,
    });
    assert_eq!(answer.json(), want);
    assert_eq!(answer.position(), second);
}

#[test]
fn a_304_is_for_who_holds_the_tag_and_missed_nothing() {
    let server = Server::start(&[]);
    let ids = publish_numbers(&server, "a", 2);
    let top = &ids[1];
    let (strong, weak, empty) = (
        format!("\"{top}\""),
        format!("W/\"{top}\""),
        "\"\"".to_owned(),
    );
    let several = format!("\"x\", \"{top}\"");
    let old = format!("\"{}\"", ids[0]);
    let after = format!("?after={top}");
    let rows: [(&str, &str, Option<&String>, u16); 9] = [
        ("the tag at the top", "", Some(&strong), 304),
        ("the weakened tag at the top", "", Some(&weak), 304),
        ("after at the top, and the tag", &after, Some(&strong), 304),
        (
            "after at the top, and several tags",
            &after,
            Some(&several),
            304,
        ),
        ("after at the top, no tag", &after, None, 200),
        ("after at the top, another tag", &after, Some(&old), 200),
        ("an empty tag", "", Some(&empty), 200),
        ("nothing said", "", None, 200),
        ("a message follows", "", Some(&old), 200),
    ];
    for (name, query, tag, status) in rows {
        let fields: Vec<(&str, &str)> = tag
            .iter()
            .map(|tag| ("If-None-Match", tag.as_str()))
            .collect();
        let answer = server.ask("GET", &format!("/channels/a{query}"), &fields, b"");
        assert_eq!(answer.status, status, "{name}: {answer:?}");
        assert_eq!(
            answer.field("etag"),
            Some(strong.as_str()),
            "{name}: every answer carries one"
        );
        if status == 304 {
            assert!(answer.body.is_empty(), "{name}");
        }
    }
    // A gap is told even to who holds the tag of the position it leads to.
    let fields = [("If-None-Match", strong.as_str())];
    let answer = server.ask(
        "GET",
        &format!("/channels/a?after={}", crate::STRANGE),
        &fields,
        b"",
    );
    assert_eq!(answer.status, 200);
    assert_eq!(answer.json()["gap"]["reason"], "epoch");
}

#[test]
fn a_page_holds_limit_messages_and_more_says_ask_again() {
    let server = Server::start(&["--history", "2000"]);
    publish_numbers(&server, "a", 1100);
    let rows = [
        ("", 100),
        ("&limit=1", 1),
        ("&limit=2", 2),
        ("&limit=250", 250),
        ("&limit=1000", 1000),
    ];
    for (limit, count) in rows {
        let answer = server.get(&format!("/channels/a?from=earliest{limit}"));
        assert_eq!(answer.data().len(), count, "limit {limit:?}");
        assert_eq!(answer.json()["more"], true, "limit {limit:?}");
        assert_eq!(
            crate::offset(&answer.position()),
            count as u64,
            "the position of the last one"
        );
    }
    let answer = server.get("/channels/a?from=earliest&limit=1001");
    assert!(
        answer.status == 400 || answer.data().len() == 1000,
        "never more than 1,000"
    );
    let mut after = server.get("/channels/a?from=earliest&limit=1").position();
    let mut data = Vec::new();
    loop {
        let page = server.get(&format!("/channels/a?after={after}&limit=300"));
        after = page.position();
        data.extend(page.data());
        if page.json()["more"] == false {
            break;
        }
    }
    let want: Vec<String> = (2..=1100).map(|number| format!("m{number}")).collect();
    assert_eq!(data, want);
    let exact = server.get("/channels/a?from=-2&limit=2");
    assert_eq!(
        (exact.data().len(), &exact.json()["more"]),
        (2, &false.into())
    );
}

#[test]
fn a_page_holds_1_mib_and_at_least_one_message() {
    let server = Server::start(&["--max-message", "3000000", "--history-octets", "20000000"]);
    let quarter = "x".repeat(262_144);
    publish_all(&server, "a", &vec![quarter; 6]);
    let answer = server.get("/channels/a?from=earliest");
    let octets: usize = answer.data().iter().map(String::len).sum();
    assert!(
        (786_432..=1_048_576).contains(&octets),
        "{octets} octets in a page"
    );
    assert_eq!(answer.json()["more"], true);
    publish_all(&server, "b", &["y".repeat(2_000_000), "z".to_owned()]);
    let answer = server.get("/channels/b?from=earliest");
    assert_eq!(
        answer.data().len(),
        1,
        "a message over the page's size goes alone"
    );
    assert_eq!(answer.json()["more"], true);
    let rest = server.get(&format!("/channels/b?after={}", answer.position()));
    assert_eq!(rest.data(), ["z"]);
}

#[test]
fn head_is_a_short_poll_without_its_body_and_never_waits() {
    let server = Server::start(&[]);
    let id = server.publish("a", "m1");
    let tag = format!("\"{id}\"");
    let waits = format!("/channels/a?after={id}&wait=30");
    let rows: [(&str, &str, &[(&str, &str)], u16); 5] = [
        ("plain", "/channels/a", &[], 200),
        ("with a message", "/channels/a?from=earliest", &[], 200),
        ("asked to wait", &waits, &[("Prefer", "wait=30")], 200),
        (
            "asked to stream",
            "/channels/a",
            &[("Accept", "text/event-stream")],
            200,
        ),
        (
            "the tag at the top",
            "/channels/a",
            &[("If-None-Match", &tag)],
            304,
        ),
    ];
    let start = std::time::Instant::now();
    let mut connection = server.connect();
    for (name, target, fields, status) in rows {
        let answer = connection.request("HEAD", target, fields, b"");
        assert_eq!(answer.status, status, "{name}: {answer:?}");
        assert_eq!(answer.field("etag"), Some(tag.as_str()), "{name}");
        answer.assert_channel_fields(name);
        assert!(
            answer.field("transfer-encoding").is_none(),
            "{name}: {answer:?}"
        );
    }
    assert!(start.elapsed().as_secs() < 5, "HEAD never waits");
    // Octets behind a HEAD answer would be taken for the next answer.
    assert_eq!(connection.request("GET", "/healthz", &[], b"").status, 200);
    let get = server.get("/channels/a?from=earliest");
    let head = server.ask("HEAD", "/channels/a?from=earliest", &[], b"");
    assert_eq!(
        head.field("content-length"),
        get.field("content-length"),
        "HEAD has GET's length"
    );
}

#[test]
fn no_accept_field_is_refused() {
    let server = Server::start(&[]);
    for accept in [
        "text/html",
        "image/png",
        "application/json;q=0",
        "garbage",
        ";;;",
        "",
    ] {
        let answer = server.ask("GET", "/channels/a", &[("Accept", accept)], b"");
        assert_eq!(answer.status, 200, "Accept: {accept}");
        assert_eq!(
            answer.field("content-type"),
            Some("application/json"),
            "Accept: {accept}"
        );
    }
}

#[test]
fn accept_chooses_between_a_stream_and_a_poll() {
    let server = Server::start(&[]);
    let rows = [
        ("text/event-stream", true),
        ("TEXT/Event-Stream", true),
        ("text/html, text/event-stream;q=0.1", true),
        ("text/event-stream, application/json", true),
        ("text/event-stream;q=0.5, application/json;q=0.5", true),
        ("application/json;q=0.2,text/event-stream;q=0.3", true),
        ("text/event-stream, */*", true),
        ("text/event-stream;q=0", false),
        ("text/event-stream;q=0.000", false),
        ("text/event-stream;q=0.5, application/json", false),
        ("application/json;q=0.9, text/event-stream;q=0.8", false),
        ("*/*", false),
        ("text/*", false),
        ("application/json", false),
    ];
    for (accept, streams) in rows {
        let mut connection = server.connect();
        connection.ask("GET", "/channels/a", &[("Accept", accept)], b"");
        let head = connection.head().unwrap();
        assert_eq!(head.status, 200, "Accept: {accept}");
        let kind = head.field("content-type").unwrap();
        assert_eq!(
            kind.starts_with("text/event-stream"),
            streams,
            "Accept: {accept}"
        );
    }
}
