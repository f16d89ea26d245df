//! Behind Debian's nginx, as it comes and with gzip on for every type: nothing is lost, and every loss is told.

use core::net::SocketAddr;
use std::time::Instant;

use tidings_tests::nginx::Nginx;
use tidings_tests::{Connection, EventStream, Server, WebSocket, peer};

/// Runs the reader of `nothing_lost.py` behind one door.
fn nothing_lost(door: &str, address: SocketAddr, transports: &str) {
    let Some(mut command) = peer::python("nothing_lost.py") else {
        return;
    };
    let start = Instant::now();
    let out = peer::run(command.arg(address.to_string()).arg(transports));
    let last = out.lines().last().expect("a script says what it did");
    peer::say(&format!(
        "peer nginx, {door}: {last} ({:.1} s)",
        start.elapsed().as_secs_f32()
    ));
}

#[test]
fn behind_a_bare_proxy_pass_nothing_is_lost() {
    let server = Server::start(&[]);
    let Some(nginx) = Nginx::start("bare", &[server.address()]) else {
        return;
    };
    nothing_lost(
        "bare proxy_pass (HTTP/1.0), gzip",
        nginx.plain,
        "short-poll,long-poll,sse",
    );
}

#[test]
fn behind_a_proxy_pass_with_upgrade_nothing_is_lost() {
    let server = Server::start(&[]);
    let Some(nginx) = Nginx::start("upgrade", &[server.address()]) else {
        return;
    };
    nothing_lost(
        "with upgrade (HTTP/1.1), gzip",
        nginx.upgrading,
        "short-poll,long-poll,sse,websocket,tidings.v1",
    );
}

#[test]
fn a_weakened_entity_tag_is_a_position_still() {
    let server = Server::start(&[]);
    let Some(nginx) = Nginx::start("tags", &[server.address()]) else {
        return;
    };
    let first = server.publish("a", "m1");
    let gzip = ("Accept-Encoding", "gzip");
    let ask = |fields: &[(&str, &str)]| {
        Connection::open(nginx.plain).request("GET", "/channels/a", fields, b"")
    };
    let answer = ask(&[gzip]);
    assert_eq!(
        answer.field("content-encoding"),
        Some("gzip"),
        "nginx compresses: {answer:?}"
    );
    let tag = format!("W/\"{first}\"");
    assert_eq!(
        answer.field("etag"),
        Some(tag.as_str()),
        "nginx weakens the tag"
    );
    assert_eq!(ask(&[gzip, ("If-None-Match", &tag)]).status, 304);
    server.publish("a", "m2");
    let answer = ask(&[("If-None-Match", &tag)]);
    assert_eq!(
        (answer.status, answer.json()["messages"][0]["data"].as_str()),
        (200, Some("m2"))
    );
}

#[test]
fn between_two_servers_without_a_shared_log_the_other_one_tells_a_gap() {
    let (one, two) = (Server::start(&[]), Server::start(&[]));
    let Some(nginx) = Nginx::start("two", &[one.address(), two.address()]) else {
        return;
    };
    let id = one.publish("a", "of one");
    two.publish("a", "of two");
    let target = format!("/channels/a?after={id}");
    // Each way of asking goes to both servers by turns: one resumes, the other tells the loss.
    let both = |transport: &str, tells_gap: &dyn Fn() -> bool| {
        let told = (0..6).filter(|_| tells_gap()).count();
        assert_eq!(
            told, 3,
            "{transport}: 3 of 6 requests went to the other server"
        );
    };
    let polls = |fields: &[(&str, &str)]| {
        let answer = Connection::open(nginx.plain).request("GET", &target, fields, b"");
        let gap = answer.json()["gap"].clone();
        if !gap.is_null() {
            assert_eq!(
                (&gap["reason"], &gap["asked"]),
                (&"epoch".into(), &id.as_str().into())
            );
        }
        !gap.is_null()
    };
    both("short poll", &|| polls(&[]));
    both("long poll", &|| polls(&[("Prefer", "wait=1")]));
    both("SSE", &|| {
        let (mut stream, start) =
            EventStream::start(nginx.plain, "/channels/a", &[("Last-Event-ID", &id)]);
        if start == id {
            // It may be the position asked for, or the place where nothing is to be told.
            one.publish("a", "wake");
            two.publish("a", "wake");
        }
        let event = stream.event().unwrap();
        let gap = event.event.as_deref() == Some("tidings.gap");
        assert_eq!(gap, event.data.as_ref().unwrap().contains("\"epoch\""));
        gap
    });
    // The messages that woke the streams are after `id` too.
    both("tidings.v1", &|| {
        let (mut socket, _) = WebSocket::envelopes(nginx.upgrading, &target);
        let first = socket.json();
        assert!(
            first.get("id").is_some() || first["gap"]["reason"] == "epoch",
            "{first}"
        );
        first.get("gap").is_some()
    });
    both("bare WebSocket", &|| {
        let mut socket = WebSocket::bare(nginx.upgrading, &target);
        let first = socket.message();
        if first.opcode == tidings_tests::websocket::CLOSE {
            assert_eq!(first.payload[..2], 4001_u16.to_be_bytes());
            assert!(String::from_utf8_lossy(&first.payload[2..]).contains(" after="));
            return true;
        }
        assert_eq!(first.text(), "wake");
        false
    });
    peer::say("peer nginx, two servers by turns: a gap of reason `epoch` on all transports");
}
