//! The commands `publish` and `subscribe`, as a person at a shell uses them.

use core::time::Duration;

use serde_json::{Value, json};
use tidings_tests::{Server, command};

const LIMIT: Duration = Duration::from_secs(15);
const TRANSPORTS: [&str; 4] = ["short-poll", "long-poll", "sse", "websocket"];

/// Runs a command that must end well: the lines of its stdout, and its stderr.
fn lines(arguments: &[&str], input: &[u8]) -> (Vec<String>, String) {
    let (code, out, said) = command::run_with(arguments, input, LIMIT);
    assert_eq!(code, Some(0), "{arguments:?}: {said}");
    (out.lines().map(str::to_owned).collect(), said)
}

#[test]
fn publish_prints_the_position_of_each_message() {
    let server = Server::start(&[]);
    let root = server.url("");
    let at = ["--server", root.as_str()];
    let url = server.url("/channels/a");
    let rows: [(&str, Vec<&str>, &[u8], usize); 6] = [
        (
            "text",
            [&["publish", "a", "hello"], &at[..]].concat(),
            b"",
            1,
        ),
        (
            "an event",
            [&["publish", "a", "x", "--event", "tick"], &at[..]].concat(),
            b"",
            1,
        ),
        (
            "stdin",
            [&["publish", "a", "-"], &at[..]].concat(),
            b"one\ntwo\n",
            1,
        ),
        (
            "lines",
            [&["publish", "a", "--lines"], &at[..]].concat(),
            b"l1\nl2\nl3",
            3,
        ),
        (
            "octets",
            [&["publish", "a", "-"], &at[..]].concat(),
            b"\xFF\x00",
            1,
        ),
        ("a URL", vec!["publish", &url, "by URL"], b"", 1),
    ];
    let mut offset = 0;
    for (name, arguments, input, count) in rows {
        let (positions, _) = lines(&arguments, input);
        assert_eq!(positions.len(), count, "{name}: {positions:?}");
        for position in positions {
            offset += 1;
            assert_eq!(crate::offset(&position), offset, "{name}");
        }
    }
    let page = server.get("/channels/a?from=earliest").json();
    let got: Vec<&Value> = page["messages"].as_array().unwrap().iter().collect();
    assert_eq!(got[1]["event"], "tick");
    assert_eq!(got[5]["data"], "l3");
    assert_eq!(got[6]["data_base64"], "/wA=");
    let data: Vec<&Value> = [0, 1, 2, 3, 4, 7]
        .into_iter()
        .map(|index| &got[index]["data"])
        .collect();
    assert_eq!(data, ["hello", "x", "one\ntwo\n", "l1", "l2", "by URL"]);
}

#[test]
fn subscribe_prints_the_same_over_every_transport() {
    let server = Server::start(&[]);
    let id = server.publish("a", "m1");
    server.publish_to("/channels/a?event=tick", &[], b"m2\nwith a line feed");
    server.publish_to(
        "/channels/a",
        &[("Content-Type", "application/octet-stream")],
        b"\xFF",
    );
    let root = server.url("");
    for transport in TRANSPORTS {
        let all = [
            "subscribe",
            "a",
            "--server",
            &root,
            "--via",
            transport,
            "--interval",
            "0.1",
        ];
        let (plain, _) = lines(
            &[&all[..], &["--from", "earliest", "--count", "3"]].concat(),
            b"",
        );
        assert_eq!(
            plain,
            ["m1", "m2\\nwith a line feed", "base64:/w=="],
            "{transport}"
        );
        let (last, _) = lines(&[&all[..], &["--from", "-1", "--count", "1"]].concat(), b"");
        assert_eq!(last, ["base64:/w=="], "{transport}");
        let rest = [&all[..], &["--after", &id, "--count", "2", "--json"]].concat();
        let (lines, _) = lines(&rest, b"");
        let values: Vec<Value> = lines
            .iter()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        assert_eq!(values[0]["event"], "tick", "{transport}");
        assert_eq!(values[0]["data"], "m2\nwith a line feed", "{transport}");
        assert_eq!(values[1]["data_base64"], "/w==", "{transport}");
    }
}

#[test]
fn subscribe_tells_a_loss_over_every_transport() {
    let server = Server::start(&["--history", "2"]);
    let ids = crate::publish_numbers(&server, "a", 5);
    let root = server.url("");
    let want = json!({"reason": "trimmed", "asked": ids[0], "first": 2, "last": 3, "next": ids[2]});
    for transport in TRANSPORTS {
        let all = [
            "subscribe",
            "a",
            "--server",
            &root,
            "--via",
            transport,
            "--after",
            &ids[0],
        ];
        let (plain, said) = lines(&[&all[..], &["--count", "2"]].concat(), b"");
        assert_eq!(plain, ["m4", "m5"], "{transport}");
        assert!(
            said.contains("trimmed") && said.contains(&ids[2]),
            "{transport}: {said}"
        );
        let (objects, _) = lines(&[&all[..], &["--count", "2", "--json"]].concat(), b"");
        let gap: Value = serde_json::from_str(&objects[0]).unwrap();
        assert_eq!(gap["gap"], want, "{transport}");
        assert_eq!(objects.len(), 3, "{transport}");
    }
}

#[test]
fn what_cannot_be_done_is_said_with_exit_code_1() {
    let server = Server::start(&[]);
    let root = server.url("");
    let nobody = "http://127.0.0.1:1";
    let rows: [(&str, &[&str], &str); 7] = [
        (
            "nobody listens",
            &["publish", "a", "x", "--server", nobody],
            "127.0.0.1:1",
        ),
        (
            "nobody listens",
            &["subscribe", "a", "--server", nobody],
            "127.0.0.1:1",
        ),
        (
            "a bad event",
            &["publish", "a", "x", "--event", "open", "--server", &root],
            "event",
        ),
        (
            "a bad name",
            &["publish", "..", "x", "--server", &root],
            "name",
        ),
        (
            "a bad name",
            &["subscribe", "..", "--server", &root],
            "name",
        ),
        (
            "no such start",
            &["subscribe", "a", "--from", "noon", "--server", &root],
            "noon",
        ),
        (
            "no such transport",
            &["subscribe", "a", "--via", "pigeon", "--server", &root],
            "pigeon",
        ),
    ];
    for (name, arguments, word) in rows {
        let (code, out, said) = command::run(arguments, LIMIT);
        // clap says 2 where the command line itself is wrong.
        assert!(
            matches!(code, Some(1 | 2)),
            "{name}: {arguments:?}: exit code {code:?}: {said}"
        );
        assert!(
            said.contains(word) && out.is_empty(),
            "{name}: {arguments:?}: {said}"
        );
        assert!(!said.contains("panicked"), "{name}: {said}");
    }
    server.assert_alive("commands");
}
