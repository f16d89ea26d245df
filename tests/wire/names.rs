//! Channel names, paths and methods.

use tidings_tests::Server;
use tidings_tests::websocket::HANDSHAKE;

#[test]
fn a_bad_channel_name_is_400_whatever_is_asked() {
    let server = Server::start(&[]);
    let long = "a".repeat(256);
    let long_coded = "%E2%82%AC".repeat(85) + "a";
    let rows = [
        ("empty", ""),
        ("a point", "."),
        ("two points", ".."),
        ("a coded point", "%2e"),
        ("two coded points", "%2E."),
        ("a coded slash", "%2F"),
        ("a coded slash within", "a%2Fb"),
        ("a coded slash, lower case", "a%2fb"),
        ("a coded backslash", "a%5Cb"),
        ("NUL", "a%00"),
        ("LF", "a%0Ab"),
        ("the last of C0", "%1F"),
        ("DEL", "%7F"),
        ("the first of C1", "%C2%80"),
        ("the last of C1", "%C2%9F"),
        ("256 octets", &long),
        ("256 octets once decoded", &long_coded),
        ("a percent sign alone", "%"),
        ("a percent sign and one digit", "a%4"),
        ("a percent sign and no digits", "%zz"),
        ("a percent sign and half a digit", "%4g"),
        ("an octet that is never UTF-8", "%FF"),
        ("UTF-8 cut short", "%E2%82"),
        ("UTF-8 longer than need be", "%C0%AF"),
        ("a surrogate", "%ED%A0%80"),
    ];
    let stream = [("Accept", "text/event-stream")];
    let ways: [(&str, &str, &[(&str, &str)]); 7] = [
        ("a poll", "GET", &[]),
        ("a long poll", "GET", &[("Prefer", "wait=1")]),
        ("an event stream", "GET", &stream),
        ("a WebSocket", "GET", &HANDSHAKE),
        ("HEAD", "HEAD", &[]),
        ("publishing", "POST", &[]),
        ("deleting", "DELETE", &[]),
    ];
    for (name, segment) in rows {
        for (way, method, fields) in ways {
            let answer = server.ask(method, &format!("/channels/{segment}"), fields, b"");
            let what = format!("{name} ({segment:.20}) by {way}");
            if method == "HEAD" {
                assert_eq!(answer.status, 400, "{what}: {answer:?}");
            } else {
                answer.assert_problem(400, "name", &what);
            }
        }
        if !segment.is_empty() {
            let answer = server.get(&format!("/channels/{segment}/info"));
            answer.assert_problem(400, "name", &format!("{name} for info"));
        }
    }
    server.assert_alive("bad names");
}

#[test]
fn names_are_compared_by_octets_once_decoded() {
    let server = Server::start(&[]);
    let long = "a".repeat(255);
    let long_coded = "%E2%82%AC".repeat(85);
    let good = [
        "...",
        "%20",
        "a:b@c;d=e&f",
        "~-_",
        "%F0%9F%8E%89",
        "%C2%A0",
        &long,
        &long_coded,
    ];
    for name in good {
        server.publish(name, name);
        let answer = server.get(&format!("/channels/{name}?from=earliest"));
        assert_eq!(answer.data(), [name], "channel {name}");
    }
    server.publish("%61%2E", "coded");
    assert_eq!(
        server.get("/channels/a.?from=earliest").data(),
        ["coded"],
        "%61%2E is `a.`"
    );
    assert!(
        server.get("/channels/A.?from=earliest").data().is_empty(),
        "case counts"
    );
    server.publish("%C3%A9", "composed");
    let decomposed = server.get("/channels/e%CC%81?from=earliest");
    assert!(decomposed.data().is_empty(), "nothing is normalised");
}

#[test]
fn an_unknown_path_is_404() {
    let server = Server::start(&[]);
    let paths = [
        "/nothing",
        "/channels",
        "/channels/a/b",
        "/channels/a/info/b",
        "/channel/a",
        "/healthz/x",
    ];
    for path in paths {
        for method in ["GET", "POST", "DELETE"] {
            server
                .ask(method, path, &[], b"")
                .assert_problem(404, "", &format!("{method} {path}"));
        }
        let answer = server.ask("GET", path, &HANDSHAKE, b"");
        answer.assert_problem(404, "", &format!("a WebSocket to {path}"));
    }
    server.assert_alive("unknown paths");
}

#[test]
fn a_wrong_method_is_405_with_allow() {
    let server = Server::start(&[]);
    let rows: [(&str, &str, &[&str]); 9] = [
        ("PUT", "/channels/a", &["GET", "HEAD", "POST", "DELETE"]),
        ("PATCH", "/channels/a", &["GET", "HEAD", "POST", "DELETE"]),
        ("BREW", "/channels/a", &["GET", "HEAD", "POST", "DELETE"]),
        ("TRACE", "/channels/a", &["GET", "HEAD", "POST", "DELETE"]),
        ("get", "/channels/a", &["GET", "HEAD", "POST", "DELETE"]),
        ("POST", "/channels/a/info", &["GET"]),
        ("DELETE", "/channels/a/info", &["GET"]),
        ("POST", "/healthz", &["GET"]),
        ("DELETE", "/healthz", &["GET"]),
    ];
    for (method, path, allowed) in rows {
        let what = format!("{method} {path}");
        let answer = server.ask(method, path, &[], b"");
        answer.assert_problem(405, "", &what);
        let allow = answer
            .field("allow")
            .unwrap_or_else(|| panic!("{what}: no Allow"));
        for wanted in allowed {
            assert!(
                allow.split(", ").any(|method| method == *wanted),
                "{what}: Allow: {allow}"
            );
        }
        assert!(
            !allow.split(", ").any(|allowed| allowed == method),
            "{what}: Allow: {allow}"
        );
    }
    server.assert_alive("wrong methods");
}
