//! Where a reader starts: the first that applies of `Last-Event-ID`, `after`, `from` and `If-None-Match`.

use tidings_tests::websocket::HANDSHAKE;
use tidings_tests::{EventStream, Server, WebSocket};

use crate::{STRANGE, publish_numbers, read_on};

#[test]
fn a_parameter_out_of_form_is_400_on_every_transport() {
    let server = Server::start(&[]);
    let position = server.publish("a", "m1");
    let epoch = crate::epoch(&position);
    let doubled = format!("after={position}&after={position}");
    let upper = format!("after={}.1", "ABCDEFABCDEFABCD");
    let zero = format!("after={epoch}.01");
    let minus = format!("after={epoch}.-1");
    let plus = format!("after={epoch}.%2B1");
    let over = format!("after={epoch}.18446744073709551616");
    let long = format!("after={}", "a".repeat(41));
    let rows: [(&str, &str); 28] = [
        ("after", "after="),
        ("after", "after"),
        ("after", "after=x"),
        ("after", "after=1"),
        ("after", "after=9f3a.1"),
        ("after", "after=0123456789abcdef."),
        ("after", "after=0123456789abcdef"),
        ("after", "after=.1"),
        ("after", &upper),
        ("after", &zero),
        ("after", &minus),
        ("after", &plus),
        ("after", &over),
        ("after", &long),
        ("after", "after=%zz"),
        ("after", &doubled),
        ("from", "from="),
        ("from", "from"),
        ("from", "from=x"),
        ("from", "from=1"),
        ("from", "from=%2B1"),
        ("from", "from=-"),
        ("from", "from=--1"),
        ("from", "from=-x"),
        ("from", "from=-1.5"),
        ("from", "from=Latest"),
        ("from", "from=earliest&from=earliest"),
        ("from", "from=earliest&from=latest"),
    ];
    let stream = [("Accept", "text/event-stream")];
    let ways: [(&str, &[(&str, &str)]); 4] = [
        ("a poll", &[]),
        ("a long poll", &[("Prefer", "wait=1")]),
        ("an event stream", &stream),
        ("a WebSocket", &HANDSHAKE),
    ];
    for (parameter, query) in rows {
        for (way, fields) in ways {
            let answer = server.ask("GET", &format!("/channels/a?{query}"), fields, b"");
            answer.assert_problem(400, parameter, &format!("{query} by {way}"));
        }
    }
    let polls = [
        ("limit", "limit="),
        ("limit", "limit=x"),
        ("limit", "limit=-1"),
        ("limit", "limit=%2B1"),
        ("limit", "limit=1.5"),
        ("limit", "limit=0x10"),
        ("limit", "limit=1&limit=1"),
        ("wait", "wait="),
        ("wait", "wait=x"),
        ("wait", "wait=-1"),
        ("wait", "wait=%2B1"),
        ("wait", "wait=0x1"),
        ("wait", "wait=0&wait=0"),
    ];
    for (parameter, query) in polls {
        server
            .get(&format!("/channels/a?{query}"))
            .assert_problem(400, parameter, query);
    }
    server.assert_alive("parameters out of form");
}

#[test]
fn unknown_parameters_are_ignored() {
    let server = Server::start(&[]);
    server.publish("a", "m1");
    let answer = server.get("/channels/a?x=1&x=2&from=earliest&&_=17&flag");
    assert_eq!(answer.data(), ["m1"]);
}

#[test]
fn the_first_that_applies_decides() {
    let server = Server::start(&[]);
    let ids = publish_numbers(&server, "a", 3);
    let tag = |position: &str| format!("\"{position}\"");
    let rows: [(&str, String, Vec<(&str, String)>, &[&str]); 8] = [
        ("nothing is said: latest", String::new(), vec![], &[]),
        ("from=latest", "?from=latest".into(), vec![], &[]),
        (
            "from=earliest",
            "?from=earliest".into(),
            vec![],
            &["m1", "m2", "m3"],
        ),
        ("from=-2", "?from=-2".into(), vec![], &["m2", "m3"]),
        (
            "from=-9: all that is kept",
            "?from=-9".into(),
            vec![],
            &["m1", "m2", "m3"],
        ),
        (
            "If-None-Match decides where nothing else does",
            String::new(),
            vec![("If-None-Match", tag(&ids[1]))],
            &["m3"],
        ),
        (
            "from goes before If-None-Match",
            "?from=-1".into(),
            vec![("If-None-Match", tag(&ids[0]))],
            &["m3"],
        ),
        (
            "Last-Event-ID goes before all",
            format!("?after={}&from=earliest", ids[0]),
            vec![
                ("Last-Event-ID", ids[1].clone()),
                ("If-None-Match", tag(&ids[0])),
            ],
            &["m3"],
        ),
    ];
    for (name, query, fields, want) in rows {
        let fields: Vec<(&str, &str)> = fields
            .iter()
            .map(|(field, value)| (*field, value.as_str()))
            .collect();
        let answer = server.ask("GET", &format!("/channels/a{query}"), &fields, b"");
        assert_eq!(answer.data(), want, "{name}");
        assert_eq!(answer.position(), ids[2], "{name}");
        assert!(answer.json().get("gap").is_none(), "{name}");
    }
    let answer = server.get(&format!("/channels/a?after={}&from=earliest", ids[1]));
    assert_eq!(answer.data(), ["m3"], "after goes before from");
}

#[test]
fn all_transports_start_where_they_are_told() {
    let server = Server::start(&[]);
    let ids = publish_numbers(&server, "a", 3);
    for (query, next) in [("?from=-1", "m3"), ("?from=earliest", "m1")] {
        let target = format!("/channels/a{query}");
        let (mut stream, _) = EventStream::start(&server, &target, &[]);
        assert_eq!(
            stream.event().unwrap().data.as_deref(),
            Some(next),
            "SSE {query}"
        );
        assert_eq!(
            WebSocket::bare(&server, &target).text(),
            next,
            "WebSocket {query}"
        );
        let (mut socket, _) = WebSocket::envelopes(&server, &target);
        assert_eq!(socket.json()["data"], next, "tidings.v1 {query}");
    }
    let target = format!("/channels/a?after={}", ids[0]);
    let resumed = [("Last-Event-ID", ids[1].as_str())];
    let (mut stream, start) = EventStream::start(&server, &target, &resumed);
    assert_eq!(start, ids[1], "the first block has the position asked for");
    assert_eq!(
        stream.event().unwrap().data.as_deref(),
        Some("m3"),
        "Last-Event-ID goes first"
    );
    let (mut socket, start) = WebSocket::envelopes(&server, &target);
    assert_eq!(
        (start.as_str(), &socket.json()["data"]),
        (ids[0].as_str(), &"m2".into())
    );
    let (_, latest) = WebSocket::envelopes(&server, "/channels/a");
    assert_eq!(latest, ids[2], "nothing said: latest");
}

#[test]
fn an_empty_channel_has_a_position_on_every_transport() {
    let server = Server::start(&[]);
    let position = server.get("/channels/empty").position();
    assert_eq!(crate::offset(&position), 0);
    let (mut stream, start) = EventStream::start(&server, "/channels/empty", &[]);
    assert_eq!(start, position);
    let (mut socket, start) = WebSocket::envelopes(&server, "/channels/empty");
    assert_eq!(start, position);
    let id = server.publish("empty", "first");
    assert_eq!(
        (crate::epoch(&id), crate::offset(&id)),
        (crate::epoch(&position), 1)
    );
    assert_eq!(stream.event().unwrap().id.as_deref(), Some(id.as_str()));
    assert_eq!(socket.json()["id"], id.as_str());
    assert_eq!(
        server
            .get(&format!("/channels/empty?after={position}"))
            .data(),
        ["first"]
    );
}

#[test]
fn if_none_match_takes_one_tag_in_the_forms_that_proxies_make() {
    let server = Server::start(&[]);
    let ids = publish_numbers(&server, "a", 2);
    for (name, tag) in [
        ("strong", format!("\"{}\"", ids[0])),
        ("weakened", format!("W/\"{}\"", ids[0])),
        ("with -gzip", format!("\"{}-gzip\"", ids[0])),
        ("with ;gzip", format!("\"{};gzip\"", ids[0])),
        ("weak with -gzip", format!("W/\"{}-gzip\"", ids[0])),
    ] {
        let answer = server.ask("GET", "/channels/a", &[("If-None-Match", &tag)], b"");
        assert_eq!(answer.data(), ["m2"], "{name}: {tag}");
        assert!(answer.json().get("gap").is_none(), "{name}: {tag}");
    }
    let answer = server.ask("GET", "/channels/a", &[("If-None-Match", "\"\"")], b"");
    assert!(
        answer.data().is_empty(),
        "an empty tag counts as not sent, so: latest"
    );
    assert!(answer.json().get("gap").is_none());
}

#[test]
fn a_position_that_cannot_be_read_is_a_gap_of_reason_unknown_never_400() {
    let server = Server::start(&[]);
    let ids = publish_numbers(&server, "a", 2);
    let two = format!("\"{}\", \"{}\"", ids[0], ids[1]);
    let strange = format!("\"{STRANGE}\", \"{}\"", ids[1]);
    let unquoted = ids[0].clone();
    let rows: [(&str, &str, &str); 9] = [
        ("a word", "Last-Event-ID", "x"),
        ("a number", "Last-Event-ID", "42"),
        (
            "a quoted position",
            "Last-Event-ID",
            "\"0123456789abcdef.1\"",
        ),
        ("UTF-8 as browsers send it", "Last-Event-ID", "豆…é"),
        ("any tag", "If-None-Match", "*"),
        ("two tags", "If-None-Match", &two),
        ("two tags, one strange", "If-None-Match", &strange),
        ("a tag that is no position", "If-None-Match", "\"x\""),
        ("no quotes", "If-None-Match", &unquoted),
    ];
    for (name, field, value) in rows {
        let what = format!("{name}: {field}: {value}");
        let first = server.ask("GET", "/channels/a", &[(field, value)], b"");
        assert_eq!(first.status, 200, "{what}: {first:?}");
        let (gap, data) = read_on(&server, "a", first);
        let gap = gap.unwrap_or_else(|| panic!("{what}: no gap"));
        assert_eq!(gap["reason"], "unknown", "{what}: {gap}");
        assert!(
            gap["asked"].is_null() && gap["first"].is_null() && gap["last"].is_null(),
            "{what}: {gap}"
        );
        assert_eq!(
            crate::offset(gap["next"].as_str().unwrap()),
            0,
            "{what}: {gap}"
        );
        assert_eq!(data, ["m1", "m2"], "{what}: all that is kept follows");
    }
    let (mut stream, _) = EventStream::start(&server, "/channels/a", &[("Last-Event-ID", "x")]);
    let gap = stream.event().unwrap();
    assert_eq!(gap.event.as_deref(), Some("tidings.gap"));
    assert!(gap.data.unwrap().contains("\"unknown\""));
    assert_eq!(stream.event().unwrap().data.as_deref(), Some("m1"));
    server.assert_alive("unreadable positions");
}
