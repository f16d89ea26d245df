//! The corpus of HTTP/1.1 over real TCP: what the running server answers to each case, and whether the connection
//! still serves a request that stands behind it.
//!
//! The cases are those of `crates/http1/tests/corpus`. There the codec is judged alone; here it is the
//! socket, the lingering close and the handlers as well.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests: what is not as it should be fails the test at hand"
)]

use core::time::Duration;
use std::fs;
use std::time::Instant;

use serde_json::Value;
use tidings_tests::Server;
use tidings_tests::command::workspace;

/// Stands behind every case, in the same write.
const FOLLOWER: &[u8] = b"GET /channels/follower HTTP/1.1\r\nHost: localhost\r\n\r\n";

/// What HTTP itself is answered with when it is broken. No accepted request may see one of these here.
const REFUSALS: [u16; 7] = [400, 408, 413, 414, 431, 501, 505];

struct Case {
    id: String,
    octets: Vec<u8>,
    value: Value,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Accept,
    Reject,
    Incomplete,
}

/// What came back: the final statuses in order, and whether the server ended the connection by itself.
#[derive(Debug)]
struct Seen {
    statuses: Vec<u16>,
    closed: bool,
    said_close: bool,
    /// The last answer is that to the request behind the case.
    followed: bool,
}

impl Case {
    /// The cases of the server's role that hold under the default limits: the command has no switch for others.
    fn all() -> Vec<Self> {
        let corpus = workspace().join("crates/http1/tests/corpus");
        let files = ["http1.jsonl", "rfc.jsonl"];
        let texts = files.map(|file| fs::read_to_string(corpus.join(file)).unwrap());
        let cases = texts.iter().flat_map(|text| text.lines()).map(|line| {
            let value: Value = serde_json::from_str(line).unwrap();
            // Content is read where it is published; elsewhere the answer comes before it.
            let text = value["bytes"].as_str().unwrap();
            let text = text.replace("POST / HTTP", "POST /channels/probe HTTP");
            let octets = text.chars().map(|c| u8::try_from(u32::from(c)).unwrap());
            Self {
                id: value["id"].as_str().unwrap().to_owned(),
                octets: octets.collect(),
                value,
            }
        });
        cases
            .filter(|case| case.value["role"] == "server" && case.value["limits"].is_null())
            .collect()
    }

    fn verdict(&self) -> Verdict {
        let word = match self.value["expect"].as_str().unwrap() {
            "either" => self.value["policy"].as_str().unwrap(),
            word => word,
        };
        match word {
            "accept" => Verdict::Accept,
            "reject" => Verdict::Reject,
            "incomplete" => Verdict::Incomplete,
            other => panic!("{}: {other}", self.id),
        }
    }

    /// How many messages are complete; of `either` the count is that of the accepting branch.
    fn messages(&self) -> usize {
        if self.verdict() == Verdict::Reject && self.value["expect"] == "either" {
            return 0;
        }
        usize::try_from(self.value["messages"].as_u64().unwrap_or(0)).unwrap()
    }

    /// The method of a message, as far as an answer depends on it: one to HEAD has no content.
    fn method(&self, index: usize) -> &'static str {
        let text = String::from_utf8_lossy(&self.octets);
        let lines = text.lines().filter(|line| line.contains(" HTTP/1."));
        let method = lines
            .map(|line| line.split(' ').next())
            .nth(index)
            .flatten();
        if method == Some("HEAD") {
            "HEAD"
        } else {
            "GET"
        }
    }

    /// Whether the last message ends the connection: it says so, or is of 1.0 and does not ask for more.
    fn closes(&self) -> bool {
        let text = String::from_utf8_lossy(&self.octets);
        let last = text.rsplit_once(" HTTP/1.").map_or("", |(_, last)| last);
        self.value["close"] == true || (last.starts_with('0') && !last.contains("keep-alive"))
    }

    fn may_refuse_with(&self, status: u16) -> bool {
        let allowed = self.value["status_allowed"]
            .as_array()
            .into_iter()
            .flatten();
        let mut allowed = allowed.chain([&self.value["status"]]);
        allowed.any(|allowed| allowed.as_u64() == Some(u64::from(status)))
    }

    fn send(&self, server: &Server) -> Seen {
        let mut connection = server.connect();
        let incomplete = self.verdict() == Verdict::Incomplete;
        let behind = if incomplete { &b""[..] } else { FOLLOWER };
        connection.send(&[&self.octets, behind].concat());
        if incomplete {
            connection.end();
        }
        let mut seen = Seen {
            statuses: Vec::new(),
            closed: false,
            said_close: false,
            followed: false,
        };
        // Octets behind an offer to switch are of no protocol that is known: no answer to them is awaited.
        let most = self.messages() + usize::from(self.value["paused"] != true);
        while seen.statuses.len() < most {
            let Some(answer) = connection.try_answer(self.method(seen.statuses.len())) else {
                seen.closed = true;
                break;
            };
            if answer.status >= 200 {
                seen.statuses.push(answer.status);
            }
            // Only the follower's channel has never seen a message.
            seen.followed = answer.status == 200 && answer.text().contains("\"messages\":[]");
            seen.said_close |= answer.field("connection") == Some("close");
        }
        if self.verdict() != Verdict::Accept && !seen.closed {
            seen.closed = connection.ends();
        }
        seen
    }

    /// What is wrong with what came back.
    fn judge(&self, seen: &Seen) -> Result<(), &'static str> {
        let messages = self.messages();
        let (answers, last) = seen.statuses.split_at(messages.min(seen.statuses.len()));
        if answers.len() < messages {
            return Err("a message is not answered");
        }
        if self.value["paused"] == true {
            // The server takes none of these switches: it answers the request as if nothing was offered.
            let answered = answers[0] != 101 && !REFUSALS.contains(&answers[0]);
            return answered.then_some(()).ok_or("a switch that nobody serves");
        }
        if answers.iter().any(|status| REFUSALS.contains(status)) {
            return Err("a good message is refused");
        }
        match self.verdict() {
            Verdict::Accept if self.closes() => {
                let fate = last.is_empty() && seen.closed && seen.said_close;
                fate.then_some(()).ok_or("the connection goes on")
            }
            Verdict::Accept => {
                let fate = last == [200] && seen.followed && !seen.closed;
                fate.then_some(()).ok_or("the connection does not go on")
            }
            Verdict::Reject => match last {
                [status] if !self.may_refuse_with(*status) => Err("another status"),
                [_] if seen.closed && seen.said_close => Ok(()),
                _ => Err("not one refusal and a close"),
            },
            Verdict::Incomplete => match last {
                // 413: more content is announced than a channel takes, which needs no end to be known.
                [] | [400 | 408 | 413] if seen.closed => Ok(()),
                _ => Err("an answer to half a message"),
            },
        }
    }
}

#[test]
fn each_case_of_the_corpus_gets_its_status_and_its_fate_over_tcp() {
    let server = Server::start(&[
        "--host",
        "a",
        "--host",
        "example.com",
        "--host",
        "other.example",
    ]);
    let start = Instant::now();
    let cases = Case::all();
    assert!(cases.len() > 150, "the corpus is there");
    let mut wrong = Vec::new();
    for case in &cases {
        let seen = case.send(&server);
        if let Err(why) = case.judge(&seen) {
            wrong.push(format!("{}: {why}: {seen:?}", case.id));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    server.assert_alive("the corpus");
    assert!(
        start.elapsed() < Duration::from_secs(10),
        "no case waits for a timer: {:?}",
        start.elapsed()
    );
}

#[test]
fn an_answer_carries_one_date_rfc9110_6_6_1() {
    let server = Server::start(&[]);
    for target in ["/healthz", "/channels/a", "/nowhere", "/channels/a?limit=x"] {
        let answer = server.get(target);
        let dates: Vec<&String> = answer
            .fields
            .iter()
            .filter_map(|(name, value)| (name == "date").then_some(value))
            .collect();
        let [date] = dates[..] else {
            panic!("{target}: {answer:?}")
        };
        let shape: String = date
            .chars()
            .map(|sign| match sign {
                'a'..='z' => 'a',
                'A'..='Z' => 'A',
                '0'..='9' => '0',
                sign => sign,
            })
            .collect();
        assert_eq!(shape, "Aaa, 00 Aaa 0000 00:00:00 AAA", "{target}: {date}");
        assert!(date.ends_with(" GMT"), "{target}: {date}");
    }
}
