//! HTTP/1.1 from a raw socket (RFC 9112), read by hand.
//!
//! One [`Connection`] is one TCP connection; [`Answer`] is one response with its content.

use core::net::SocketAddr;
use core::time::Duration;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::Instant;

use serde_json::Value;

/// Longest silence that a test waits through where an answer is due.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// One response: its status line, field lines and content.
#[derive(Clone)]
pub struct Answer {
    /// `HTTP/1.1` or `HTTP/1.0`.
    pub version: String,
    /// The status code.
    pub status: u16,
    /// Field lines in order; names in lower case.
    pub fields: Vec<(String, String)>,
    /// The content, its chunked coding taken off.
    pub body: Vec<u8>,
}

impl core::fmt::Debug for Answer {
    fn fmt(&self, out: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let body = String::from_utf8_lossy(&self.body);
        let start: String = body.chars().take(400).collect();
        let more = if start.len() < body.len() { "…" } else { "" };
        write!(
            out,
            "{} {} {:?} {start:?}{more}",
            self.version, self.status, self.fields
        )
    }
}

impl Answer {
    /// Gives the first value of a field; `name` is in lower case.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&str> {
        self.fields
            .iter()
            .find(|(field, _)| field == name)
            .map(|(_, value)| value.as_str())
    }

    /// Gives the content as text.
    #[must_use]
    pub fn text(&self) -> &str {
        core::str::from_utf8(&self.body).expect("the content is UTF-8")
    }

    /// Gives the content as JSON.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("content is not JSON ({error}): {self:?}"))
    }

    /// Gives the position of a poll, from its content; `ETag` must say the same.
    #[must_use]
    pub fn position(&self) -> String {
        let position = self.json()["position"]
            .as_str()
            .expect("a position")
            .to_owned();
        assert_eq!(
            self.field("etag"),
            Some(format!("\"{position}\"").as_str()),
            "{self:?}"
        );
        position
    }

    /// Gives the `data` of every message of a poll.
    #[must_use]
    pub fn data(&self) -> Vec<String> {
        assert_eq!(self.status, 200, "{self:?}");
        let json = self.json();
        let messages = json["messages"].as_array().expect("a list of messages");
        messages
            .iter()
            .map(|message| message["data"].as_str().expect("text").to_owned())
            .collect()
    }

    /// Checks that this is a problem (RFC 9457) of `status` which names `word`.
    pub fn assert_problem(&self, status: u16, word: &str, what: &str) {
        assert_eq!(self.status, status, "{what}: {self:?}");
        assert_eq!(
            self.field("content-type"),
            Some("application/problem+json"),
            "{what}: {self:?}"
        );
        let problem = self.json();
        assert_eq!(
            problem["status"], status,
            "{what}: member `status` of {problem}"
        );
        assert!(
            problem["title"]
                .as_str()
                .is_some_and(|title| !title.is_empty()),
            "{what}: {problem}"
        );
        let said = format!("{} {}", problem["title"], problem["detail"]).to_lowercase();
        assert!(
            said.contains(&word.to_lowercase()),
            "{what}: says not `{word}`: {problem}"
        );
    }

    /// Checks the field lines that every answer under `/channels` carries.
    pub fn assert_channel_fields(&self, what: &str) {
        let rows = [
            ("cache-control", "no-store, no-transform"),
            ("vary", "Origin, Accept, Prefer"),
            ("x-content-type-options", "nosniff"),
        ];
        for (name, value) in rows {
            assert_eq!(
                self.field(name),
                Some(value),
                "{what}: field {name} of {self:?}"
            );
        }
    }
}

/// One TCP connection and the octets read ahead on it.
#[derive(Debug)]
pub struct Connection {
    stream: TcpStream,
    address: SocketAddr,
    ahead: Vec<u8>,
    reads: usize,
}

impl Connection {
    /// Connects.
    #[must_use]
    pub fn open(address: SocketAddr) -> Self {
        let stream =
            TcpStream::connect(address).unwrap_or_else(|error| panic!("{address}: {error}"));
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        stream.set_nodelay(true).unwrap();
        Self {
            stream,
            address,
            ahead: Vec::new(),
            reads: 0,
        }
    }

    /// Sets how long a read waits.
    pub fn patience(&mut self, patience: Duration) {
        self.stream.set_read_timeout(Some(patience)).unwrap();
    }

    /// Counts the reads that gave octets.
    #[must_use]
    pub fn reads(&self) -> usize {
        self.reads
    }

    /// Writes octets. A peer that closed already is no error here: what it answered is read next.
    pub fn send(&mut self, octets: &[u8]) {
        let _closed = self.stream.write_all(octets);
    }

    /// Ends our direction.
    pub fn end(&mut self) {
        let _closed = self.stream.shutdown(Shutdown::Write);
    }

    /// Reads once; false at the end of input, after a reset, or after `patience` of silence.
    pub fn fill(&mut self) -> bool {
        let mut octets = [0; 16_384];
        match self.stream.read(&mut octets) {
            Ok(0) | Err(_) => false,
            Ok(count) => {
                self.reads += 1;
                self.ahead.extend_from_slice(&octets[..count]);
                true
            }
        }
    }

    /// Takes all octets up to the end of input, or to a silence of `patience`.
    pub fn rest(&mut self) -> Vec<u8> {
        while self.fill() {}
        core::mem::take(&mut self.ahead)
    }

    /// Says whether the peer ends the connection within 3 seconds, without another octet.
    pub fn ends(&mut self) -> bool {
        self.ends_within(Duration::from_secs(3))
    }

    /// Says whether the peer ends the connection within `limit`, without another octet.
    pub fn ends_within(&mut self, limit: Duration) -> bool {
        let start = Instant::now();
        self.patience(limit);
        let more = self.fill();
        self.patience(PATIENCE);
        !more && self.ahead.is_empty() && start.elapsed() < limit
    }

    /// Says whether the peer stays silent for `limit`, and leaves the connection open.
    pub fn silent(&mut self, limit: Duration) -> bool {
        let start = Instant::now();
        self.patience(limit);
        let more = self.fill();
        self.patience(PATIENCE);
        !more && self.ahead.is_empty() && start.elapsed() >= limit
    }

    /// Takes the octets up to and including `mark`; `None` where the input ends first.
    pub fn until(&mut self, mark: &[u8]) -> Option<Vec<u8>> {
        let mut from = 0;
        loop {
            let found = self.ahead[from..]
                .windows(mark.len())
                .position(|window| window == mark);
            if let Some(at) = found {
                return Some(self.ahead.drain(..from + at + mark.len()).collect());
            }
            from = (self.ahead.len() + 1).saturating_sub(mark.len());
            if !self.fill() {
                return None;
            }
        }
    }

    /// Takes `count` octets; `None` where the input ends first.
    pub fn take(&mut self, count: usize) -> Option<Vec<u8>> {
        while self.ahead.len() < count {
            if !self.fill() {
                return None;
            }
        }
        Some(self.ahead.drain(..count).collect())
    }

    /// Writes one request; `Host` and, where there is a body, `Content-Length` are added unless given.
    pub fn ask(&mut self, method: &str, target: &str, fields: &[(&str, &str)], body: &[u8]) {
        let head = head(self.address, method, target, fields, body.len());
        self.send(&[head.as_bytes(), body].concat());
    }

    /// Writes one request and reads its answer.
    pub fn request(
        &mut self,
        method: &str,
        target: &str,
        fields: &[(&str, &str)],
        body: &[u8],
    ) -> Answer {
        self.ask(method, target, fields, body);
        let what = format!("{method} {target} {fields:?}");
        self.try_answer(method)
            .unwrap_or_else(|| panic!("no answer to {what}"))
    }

    /// Reads the answer to a request other than HEAD.
    pub fn answer(&mut self) -> Answer {
        self.try_answer("GET").expect("an answer")
    }

    /// Reads the answer to a request of `method`; `None` where the input ends first.
    pub fn try_answer(&mut self, method: &str) -> Option<Answer> {
        let mut answer = self.head()?;
        if method == "HEAD" || matches!(answer.status, 100..=199 | 204 | 304) {
            return Some(answer);
        }
        if answer.field("transfer-encoding") == Some("chunked") {
            while let Some(chunk) = self.chunk() {
                if chunk.is_empty() {
                    return Some(answer);
                }
                answer.body.extend(chunk);
            }
            return None;
        }
        answer.body = match answer.field("content-length") {
            Some(length) => self.take(length.parse().expect("a length"))?,
            None => self.rest(),
        };
        Some(answer)
    }

    /// Reads the head of an answer.
    pub fn head(&mut self) -> Option<Answer> {
        let head = self.until(b"\r\n\r\n")?;
        let head = String::from_utf8(head).expect("a head in UTF-8");
        let mut lines = head.trim_end_matches("\r\n").split("\r\n");
        let start = lines.next()?;
        let (version, rest) = start
            .split_once(' ')
            .unwrap_or_else(|| panic!("status line {start:?}"));
        let status = rest.get(..3).and_then(|code| code.parse().ok());
        let fields = lines
            .map(|line| {
                let (name, value) = line
                    .split_once(':')
                    .unwrap_or_else(|| panic!("field {line:?}"));
                (name.to_lowercase(), value.trim().to_owned())
            })
            .collect();
        let status = status.unwrap_or_else(|| panic!("status line {start:?}"));
        Some(Answer {
            version: version.to_owned(),
            status,
            fields,
            body: Vec::new(),
        })
    }

    /// Reads one chunk (RFC 9112 §7.1); empty is the last one; `None` where the input ends first.
    pub fn chunk(&mut self) -> Option<Vec<u8>> {
        let line = self.until(b"\r\n")?;
        let line = core::str::from_utf8(&line)
            .expect("a chunk line in ASCII")
            .trim_end();
        let length =
            usize::from_str_radix(line, 16).unwrap_or_else(|_| panic!("chunk line {line:?}"));
        let mut chunk = self.take(length + 2)?;
        assert_eq!(chunk.split_off(length), b"\r\n", "the end of a chunk");
        Some(chunk)
    }
}

/// Writes the head of a request to `address`.
#[must_use]
pub fn head(
    address: SocketAddr,
    method: &str,
    target: &str,
    fields: &[(&str, &str)],
    body_len: usize,
) -> String {
    let given = |name: &str| {
        fields
            .iter()
            .any(|(field, _)| field.eq_ignore_ascii_case(name))
    };
    let mut head = format!("{method} {target} HTTP/1.1\r\n");
    if !given("host") {
        head += &format!("Host: {address}\r\n");
    }
    for (name, value) in fields {
        head += &format!("{name}: {value}\r\n");
    }
    let framed = given("content-length") || given("transfer-encoding");
    if !framed && (body_len > 0 || method == "POST") {
        head += &format!("Content-Length: {body_len}\r\n");
    }
    head + "\r\n"
}
