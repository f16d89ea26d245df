//! Every line of the files in `corpus`: whole, octet by octet, cut in two at every place, and with a good message behind it.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use bytes::BytesMut;
use serde_json::Value;
use tidings_http1::{
    ClientConnection, ClientEvent, Config, Content, ErrorKind, Fields, Leniency, Limits, Next,
    ReceiveError, RequestHead, ServerConnection, ServerEvent, TargetForm,
};

type Line = (String, String);

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Message {
    headers: Vec<Line>,
    body: String,
    trailers: Option<Vec<Line>>,
    form: Option<TargetForm>,
    authority: String,
    expects_continue: bool,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Outcome {
    complete: Vec<Message>,
    open: Option<Message>,
    error: Option<ReceiveError>,
    /// Nothing is half read and no answer is missing.
    settled: bool,
    paused: bool,
    close: bool,
    trailing: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Accept,
    Reject,
    Incomplete,
}

impl Outcome {
    fn verdict(&self) -> Verdict {
        match self.error.map(|error| error.kind()) {
            Some(ErrorKind::Truncated) => Verdict::Incomplete,
            Some(_) => Verdict::Reject,
            None if self.settled && !self.complete.is_empty() => Verdict::Accept,
            None => Verdict::Incomplete,
        }
    }
}

fn latin1(octets: &[u8]) -> String {
    octets.iter().map(|octet| char::from(*octet)).collect()
}

fn lines(fields: &Fields) -> Vec<Line> {
    fields
        .iter()
        .map(|(name, value)| (name.to_owned(), latin1(value)))
        .collect()
}

fn message_of(head: &RequestHead) -> Message {
    Message {
        headers: lines(head.fields()),
        form: Some(head.target_form()),
        authority: head.authority().to_owned(),
        expects_continue: head.expects_continue(),
        ..Message::default()
    }
}

fn serve(pieces: &[&[u8]], eof: bool, config: Config) -> Outcome {
    let mut connection = ServerConnection::with_config(config);
    let mut outcome = Outcome::default();
    let (mut input, mut out) = (BytesMut::new(), BytesMut::new());
    let mut offers_upgrade = false;
    let mut closed = false;
    let mut pump = |input: &mut BytesMut, connection: &mut ServerConnection| {
        while outcome.error.is_none() && !outcome.paused {
            match connection.next_event(input) {
                Ok(None) => break,
                Ok(Some(ServerEvent::Request(head))) => {
                    offers_upgrade = head.offers_upgrade();
                    outcome.close = !head.keep_alive();
                    outcome.open = Some(message_of(&head));
                }
                Ok(Some(ServerEvent::Data(data))) => {
                    outcome.open.as_mut().unwrap().body.push_str(&latin1(&data));
                }
                Ok(Some(ServerEvent::Trailers(fields))) => {
                    outcome.open.as_mut().unwrap().trailers = Some(lines(&fields));
                }
                Ok(Some(ServerEvent::End)) => {
                    outcome.complete.push(outcome.open.take().unwrap());
                    if offers_upgrade {
                        outcome.paused = true;
                        break;
                    }
                    connection
                        .send_response(200, [], Content::Length(0), &mut out)
                        .unwrap();
                    outcome.close |=
                        matches!(connection.send_end(&mut out).unwrap(), Next::Close(_));
                }
                Ok(Some(ServerEvent::Closed)) => closed = true,
                Err(error) => {
                    assert_eq!(
                        connection.next_event(input).unwrap_err(),
                        error,
                        "the error stays"
                    );
                    outcome.error = Some(error);
                }
            }
        }
    };
    for piece in pieces {
        input.extend_from_slice(piece);
        pump(&mut input, &mut connection);
    }
    if eof {
        connection.receive_eof();
        pump(&mut input, &mut connection);
    }
    // What an error leaves in the input is nobody's.
    outcome.settled = outcome.error.is_none()
        && outcome.open.is_none()
        && (closed || outcome.paused || input.is_empty());
    outcome.trailing = if outcome.error.is_none() && outcome.settled {
        input.len()
    } else {
        0
    };
    if let Some(error) = outcome.error {
        assert!(connection.can_respond(), "the refusal can be sent");
        connection
            .send_response(error.status(), [], Content::None, &mut out)
            .unwrap();
        assert!(matches!(connection.send_end(&mut out), Ok(Next::Close(_))));
        assert!(
            latin1(&out).contains("Connection: close\r\n"),
            "a refusal closes"
        );
    }
    outcome
}

fn request(pieces: &[&[u8]], eof: bool, config: Config, methods: &[String]) -> Outcome {
    let mut connection = ClientConnection::with_config(config);
    let mut outcome = Outcome::default();
    let (mut input, mut out) = (BytesMut::new(), BytesMut::new());
    let mut closed = false;
    let mut pump = |input: &mut BytesMut, connection: &mut ClientConnection| {
        while outcome.error.is_none() {
            match connection.next_event(input) {
                Ok(None) => break,
                Ok(Some(ClientEvent::Informational(_))) => {}
                Ok(Some(ClientEvent::Response(head))) => {
                    outcome.open = Some(Message {
                        headers: lines(head.fields()),
                        ..Message::default()
                    });
                }
                Ok(Some(ClientEvent::Data(data))) => {
                    outcome.open.as_mut().unwrap().body.push_str(&latin1(&data));
                }
                Ok(Some(ClientEvent::Trailers(fields))) => {
                    outcome.open.as_mut().unwrap().trailers = Some(lines(&fields));
                }
                Ok(Some(ClientEvent::End(next))) => {
                    outcome.complete.push(outcome.open.take().unwrap());
                    outcome.close = matches!(next, Next::Close(_));
                }
                Ok(Some(ClientEvent::Upgraded(head))) => {
                    outcome.complete.push(Message {
                        headers: lines(head.fields()),
                        ..Message::default()
                    });
                    outcome.paused = true;
                }
                Ok(Some(ClientEvent::Closed)) => closed = true,
                Err(error) => {
                    assert_eq!(
                        connection.next_event(input).unwrap_err(),
                        error,
                        "the error stays"
                    );
                    outcome.error = Some(error);
                }
            }
        }
    };
    let mut unsent = methods.iter();
    for piece in pieces {
        // A request behind CONNECT has to wait for its answer.
        while connection.can_send() {
            let Some(method) = unsent.next() else { break };
            let target = if method == "CONNECT" { "a:443" } else { "/" };
            connection
                .send_request(
                    method,
                    target,
                    [("Host", &b"a"[..])],
                    Content::None,
                    &mut out,
                )
                .unwrap();
        }
        input.extend_from_slice(piece);
        pump(&mut input, &mut connection);
    }
    if eof {
        connection.receive_eof();
        pump(&mut input, &mut connection);
    }
    outcome.settled =
        outcome.open.is_none() && (connection.unanswered() == 0 || (closed && outcome.close));
    outcome.trailing = if outcome.error.is_none() && outcome.settled {
        input.len()
    } else {
        0
    };
    outcome
}

struct Row {
    id: String,
    bytes: Vec<u8>,
    value: Value,
}

impl Row {
    fn all() -> Vec<Self> {
        let texts = [
            include_str!("corpus/http1.jsonl"),
            include_str!("corpus/rfc.jsonl"),
        ];
        let rows = texts.iter().flat_map(|text| text.lines()).map(|line| {
            let value: Value = serde_json::from_str(line).unwrap();
            let bytes = value["bytes"]
                .as_str()
                .unwrap()
                .chars()
                .map(|c| u8::try_from(u32::from(c)).unwrap())
                .collect();
            Self {
                id: value["id"].as_str().unwrap().to_owned(),
                bytes,
                value,
            }
        });
        rows.collect()
    }

    fn limits(&self) -> Limits {
        let mut limits = Limits::default();
        for (name, value) in self.value["limits"].as_object().into_iter().flatten() {
            let value = usize::try_from(value.as_u64().unwrap()).unwrap();
            let limit = match name.trim_start_matches("max_").trim_end_matches("_len") {
                "method" => &mut limits.max_method_len,
                "target" => &mut limits.max_target_len,
                "head" => &mut limits.max_head_len,
                "fields" => &mut limits.max_fields,
                "blank" | "blank_lines" => &mut limits.max_blank_lines,
                "chunk_line" => &mut limits.max_chunk_line_len,
                "ext_total" | "chunk_ext" | "chunk_ext_total" => &mut limits.max_chunk_ext_len,
                "trailer" | "trailers" => &mut limits.max_trailer_len,
                "trailer_fields" => &mut limits.max_trailer_fields,
                "1xx" | "informational" => &mut limits.max_informational,
                _ => panic!("{}: limit {name}", self.id),
            };
            *limit = value;
        }
        limits
    }

    fn methods(&self) -> Vec<String> {
        let methods = self.value["methods"].as_array();
        let named = methods
            .into_iter()
            .flatten()
            .map(|method| method.as_str().unwrap().to_owned());
        let named: Vec<String> = named.collect();
        if named.is_empty() {
            vec!["GET".to_owned()]
        } else {
            named
        }
    }

    fn is_server(&self) -> bool {
        match self.value["role"].as_str() {
            Some("server") => true,
            Some("client") => false,
            role => panic!("{}: role {role:?}", self.id),
        }
    }

    /// What each role reads by default.
    fn run(&self, pieces: &[&[u8]], eof: bool) -> Outcome {
        let leniency = if self.is_server() {
            Leniency::default()
        } else {
            Leniency::client()
        };
        self.run_with(leniency, pieces, eof)
    }

    fn run_with(&self, leniency: Leniency, pieces: &[&[u8]], eof: bool) -> Outcome {
        let config = Config::new(self.limits(), leniency);
        if self.is_server() {
            serve(pieces, eof, config)
        } else {
            request(pieces, eof, config, &self.methods())
        }
    }

    fn eof(&self) -> bool {
        self.value["eof"].as_bool() == Some(true)
    }

    fn expected(&self) -> Verdict {
        let expect = match self.value["expect"].as_str().unwrap() {
            "either" => self.value["policy"].as_str().unwrap(),
            expect => expect,
        };
        match expect {
            "reject" => Verdict::Reject,
            "incomplete" => Verdict::Incomplete,
            accept if accept.starts_with("accept") => Verdict::Accept,
            other => panic!("{}: {other}", self.id),
        }
    }

    fn whole(&self) -> Outcome {
        self.run(&[&self.bytes], self.eof())
    }
}

#[test]
fn every_row_gets_its_verdict() {
    let mut wrong = Vec::new();
    let rows = Row::all();
    for row in &rows {
        let (outcome, expected) = (row.whole(), row.expected());
        if outcome.verdict() != expected {
            wrong.push(format!("{}: {expected:?} expected, {outcome:?}", row.id));
            continue;
        }
        if let Err(why) = matches_facts(row, &outcome, expected) {
            wrong.push(format!("{}: {why}, {outcome:?}", row.id));
        }
    }
    assert!(rows.len() > 380, "the corpus is there");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn matches_facts(row: &Row, outcome: &Outcome, expected: Verdict) -> Result<(), String> {
    let value = &row.value;
    let same = |what: &str, holds: bool| if holds { Ok(()) } else { Err(what.to_owned()) };
    let either = value["expect"] == "either";
    if let Some(error) = outcome
        .error
        .filter(|_| expected == Verdict::Reject && row.is_server())
    {
        let status = u64::from(error.status());
        let mut allowed = value["status_allowed"].as_array().into_iter().flatten();
        let named = value["status"].as_u64() == Some(status)
            || allowed.any(|other| other.as_u64() == Some(status));
        same("status", named)?;
        same("section", error.section().starts_with("RFC "))?;
        same("offset", error.offset() <= row.bytes.len() as u64)?;
    }
    // For `either` the count is that of the accepting branch.
    if !(either && expected == Verdict::Reject) {
        let messages = value["messages"].as_u64().unwrap_or(0);
        same("messages", outcome.complete.len() as u64 == messages)?;
    }
    if expected == Verdict::Reject && either {
        return Ok(());
    }
    let texts = |list: &Value| -> Vec<String> {
        list.as_array()
            .unwrap()
            .iter()
            .map(|text| text.as_str().unwrap().to_owned())
            .collect()
    };
    let pairs = |list: &Value| -> Vec<Line> {
        let pair = |pair: &Value| {
            (
                pair[0].as_str().unwrap().to_owned(),
                pair[1].as_str().unwrap().to_owned(),
            )
        };
        list.as_array().unwrap().iter().map(pair).collect()
    };
    let first = outcome.complete.first().or(outcome.open.as_ref());
    if value["bodies"].is_array() {
        let bodies: Vec<_> = outcome
            .complete
            .iter()
            .map(|message| message.body.clone())
            .collect();
        same("bodies", bodies == texts(&value["bodies"]))?;
    }
    if value["headers"].is_array() {
        same(
            "headers",
            first.is_some_and(|message| message.headers == pairs(&value["headers"])),
        )?;
    }
    if let Some(sections) = value["trailers"].as_array() {
        let got: Vec<_> = outcome
            .complete
            .iter()
            .map(|message| message.trailers.clone().unwrap_or_default())
            .collect();
        same(
            "trailers",
            got == sections.iter().map(pairs).collect::<Vec<_>>(),
        )?;
    }
    if let Some(form) = value["form"].as_str() {
        let form = match form {
            "origin" => TargetForm::Origin,
            "absolute" => TargetForm::Absolute,
            "authority" => TargetForm::Authority,
            "asterisk" => TargetForm::Asterisk,
            other => return Err(format!("form {other}")),
        };
        same(
            "form",
            first.is_some_and(|message| message.form == Some(form)),
        )?;
    }
    if let Some(authority) = value["authority"].as_str() {
        same(
            "authority",
            first.is_some_and(|message| message.authority == authority),
        )?;
    }
    if let Some(waits) = value["expect_continue"].as_bool() {
        same(
            "expect_continue",
            first.is_some_and(|message| message.expects_continue == waits),
        )?;
    }
    if let Some(partial) = value["partial_body"].as_str() {
        same(
            "partial_body",
            outcome
                .open
                .as_ref()
                .is_some_and(|message| message.body == partial),
        )?;
    }
    if let Some(paused) = value["paused"].as_bool() {
        same("paused", outcome.paused == paused)?;
    }
    if let Some(close) = value["close"].as_bool() {
        same("close", outcome.close == close)?;
    }
    if expected == Verdict::Accept {
        same(
            "trailing",
            outcome.trailing as u64 == value["trailing"].as_u64().unwrap_or(0),
        )?;
    }
    Ok(())
}

#[test]
fn no_row_depends_on_how_it_was_cut() {
    for row in Row::all() {
        let whole = row.whole();
        let octets: Vec<&[u8]> = row.bytes.chunks(1).collect();
        assert_eq!(
            row.run(&octets, row.eof()),
            whole,
            "{} octet by octet",
            row.id
        );
        for cut in 0..=row.bytes.len() {
            let (head, tail) = row.bytes.split_at(cut);
            assert_eq!(
                row.run(&[head, tail], row.eof()),
                whole,
                "{} cut at {cut}",
                row.id
            );
        }
    }
}

#[test]
fn an_accepted_row_leaves_the_connection_in_step() {
    for row in Row::all() {
        let before = row.whole();
        if before.verdict() != Verdict::Accept
            || before.close
            || before.paused
            || before.trailing > 0
            || row.eof()
        {
            continue;
        }
        let after = if row.is_server() {
            row.run(
                &[&row.bytes, b"GET /after HTTP/1.1\r\nHost: after\r\n\r\n"],
                false,
            )
        } else {
            let mut methods = row.methods();
            methods.push("GET".to_owned());
            let next = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nafter";
            request(
                &[&row.bytes, next],
                false,
                Config::new(row.limits(), Leniency::client()),
                &methods,
            )
        };
        assert_eq!(after.verdict(), Verdict::Accept, "{}: {after:?}", row.id);
        assert_eq!(
            after.complete.len(),
            before.complete.len() + 1,
            "{}",
            row.id
        );
        assert!(after.complete.starts_with(&before.complete), "{}", row.id);
    }
}

#[test]
fn the_end_of_input_inside_a_message_is_never_a_clean_close() {
    let mut seen = 0;
    for row in Row::all() {
        if row.expected() != Verdict::Incomplete {
            continue;
        }
        if row.bytes.iter().all(|octet| b"\r\n".contains(octet)) {
            // No message was begun.
            continue;
        }
        seen += 1;
        let ended = row.run(&[&row.bytes], true);
        let error = ended
            .error
            .unwrap_or_else(|| panic!("{}: {ended:?}", row.id));
        assert_eq!(
            (error.kind(), error.offset()),
            (ErrorKind::Truncated, row.bytes.len() as u64),
            "{}",
            row.id
        );
    }
    assert!(seen > 10, "the corpus has truncated rows");
}

type Switch = fn(&mut Leniency);

/// Each switch, and the rows whose verdict it changes from reject to accept.
const SWITCHES: [(&str, Switch, &[&str]); 8] = [
    (
        "bare_lf",
        |leniency| leniency.bare_lf = true,
        &[
            "fl-bare-lf",
            "fl-bare-lf-mixed",
            "fl-lflf-split",
            "cl-bare-lf",
        ],
    ),
    (
        "fold_to_sp",
        |leniency| leniency.fold_to_sp = true,
        &[
            "fl-fold",
            "fl-fold-te",
            "ho-folded",
            "fl-ws-line",
            "fl-fold-tab",
            "ck-trailer-fold",
        ],
    ),
    (
        "space_before_colon",
        |leniency| leniency.space_before_colon = true,
        &["cl-space-colon"],
    ),
    (
        "equal_content_lengths",
        |leniency| leniency.equal_content_lengths = true,
        &["fr-cl-same", "fr-cl-list-same", "cl-cl-same"],
    ),
    (
        "te_over_cl",
        |leniency| leniency.te_over_cl = true,
        &[
            "fr-te-cl",
            "cl-te-cl",
            "fr-te-cl-order",
            "fr-te-case-cl-zero",
        ],
    ),
    (
        "missing_reason_sp",
        |leniency| leniency.missing_reason_sp = true,
        &["cl-no-reason-nosp"],
    ),
    (
        "ctl_in_values",
        |leniency| leniency.ctl_in_values = true,
        &["fl-value-ctl", "fl-value-del", "fl-value-vt"],
    ),
    (
        "space_after_chunk_size",
        |leniency| leniency.space_after_chunk_size = true,
        &["ck-space-end"],
    ),
];

#[test]
fn each_switch_changes_the_rows_of_its_rule_and_no_other() {
    let rows = Row::all();
    for (name, switch, want) in SWITCHES {
        let mut leniency = Leniency::default();
        switch(&mut leniency);
        let mut changed = Vec::new();
        for row in &rows {
            let strict = row.run_with(Leniency::default(), &[&row.bytes], row.eof());
            let lenient = row.run_with(leniency, &[&row.bytes], row.eof());
            if strict.verdict() == lenient.verdict() {
                assert!(
                    strict == lenient || strict.verdict() == Verdict::Reject,
                    "{name}: {}",
                    row.id
                );
                continue;
            }
            changed.push(row.id.as_str());
            assert_eq!(strict.verdict(), Verdict::Reject, "{name}: {}", row.id);
            assert_eq!(lenient.verdict(), Verdict::Accept, "{name}: {}", row.id);
            if row.value["expect"] == "either" {
                let allowed = row.value["allowed"].as_array().unwrap();
                let accepts = |verdict: &Value| verdict.as_str().unwrap().starts_with("accept");
                assert!(allowed.iter().any(accepts), "{name}: {}", row.id);
                matches_facts(row, &lenient, Verdict::Accept)
                    .unwrap_or_else(|why| panic!("{name}: {}: {why}, {lenient:?}", row.id));
            }
        }
        assert_eq!(changed, want, "{name}");
    }
}

#[test]
fn no_row_depends_on_how_it_was_cut_with_any_switch_on() {
    let mut all = Leniency::default();
    for (name, switch, _) in SWITCHES {
        switch(&mut all);
        let mut one = Leniency::default();
        switch(&mut one);
        for row in Row::all() {
            let pieces: Vec<&[u8]> = row.bytes.chunks(1).collect();
            let whole = row.run_with(one, &[&row.bytes], row.eof());
            let cut = row.run_with(one, &pieces, row.eof());
            assert_eq!(cut, whole, "{name}: {} octet by octet", row.id);
        }
    }
    for row in Row::all() {
        let whole = row.run_with(all, &[&row.bytes], row.eof());
        for at in 0..row.bytes.len().min(300) {
            let (front, rest) = row.bytes.split_at(at);
            let cut = row.run_with(all, &[front, rest], row.eof());
            assert_eq!(cut, whole, "all: {} cut at {at}", row.id);
        }
    }
}
