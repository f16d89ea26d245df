//! `tidings-polling` on the server `tiny_http`: short and long polls, driven by octets.

mod protocol;

use std::error::Error;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use protocol::answer;
use tiny_http::{Header, Response, Server};

/// A list that only grows.
#[derive(Default)]
struct List {
    items: Mutex<Vec<String>>,
    grown: Condvar,
}

fn main() -> Result<(), Box<dyn Error>> {
    let server = Server::http("127.0.0.1:0").map_err(|error| error.to_string())?;
    let address = server.server_addr().to_ip().ok_or("an address")?;
    let list = Arc::new(List::default());
    let served = list.clone();
    let begun = Instant::now();
    thread::spawn(move || {
        for request in server.incoming_requests() {
            let list = served.clone();
            thread::spawn(move || {
                let fields = request.headers().iter();
                let fields: Vec<_> = fields
                    .map(|field| (field.field.to_string(), field.value.as_bytes().to_vec()))
                    .collect();
                let (status, tag, content) = answer(&list, begun, &fields);
                let tag = Header::from_bytes("ETag", tag).expect("a field");
                let answer = Response::from_string(content).with_status_code(status);
                request
                    .respond(answer.with_header(tag))
                    .expect("the client reads");
            });
        }
    });
    let say = |text: &str| {
        list.items
            .lock()
            .expect("no thread panics")
            .push(text.to_owned());
        list.grown.notify_all();
    };
    let poll = |fields: &str| -> Result<(String, Duration), Box<dyn Error>> {
        let begun = Instant::now();
        let mut socket = TcpStream::connect(address)?;
        write!(
            socket,
            "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n{fields}\r\n"
        )?;
        let mut answer = String::new();
        socket.read_to_string(&mut answer)?;
        let status = answer.get(9..12).unwrap_or_default();
        let tag = answer
            .split("ETag: ")
            .nth(1)
            .and_then(|rest| rest.lines().next());
        let content = answer.split("\r\n\r\n").nth(1).unwrap_or_default();
        Ok((
            format!("{status} {} {content}", tag.unwrap_or_default()),
            begun.elapsed(),
        ))
    };
    let at_once = [
        ("", "200 \"0\" "),
        ("If-None-Match: \"0\"\r\n", "304 \"0\" "),
        (
            "If-None-Match: W/\"0-gzip\"\r\nPrefer: wait=0\r\n",
            "304 \"0\" ",
        ),
    ];
    for (fields, want) in at_once {
        assert_eq!(poll(fields)?.0, want, "{fields}");
    }
    let (told, took) = poll("If-None-Match: \"0\"\r\nPrefer: respond-async, wait=1\r\n")?;
    assert_eq!(told, "304 \"0\" ");
    assert!(took >= Duration::from_secs(1), "{took:?}");
    // What is said while the poll waits ends it.
    thread::scope(|scope| {
        let held = scope.spawn(|| {
            poll("If-None-Match: \"0\"\r\nPrefer: wait=50\r\n").map_err(|e| e.to_string())
        });
        thread::sleep(Duration::from_millis(200));
        say("one");
        let (told, took) = held.join().expect("no panic")?;
        assert_eq!(told, "200 \"1\" one");
        assert!(took < Duration::from_secs(40), "{took:?}");
        Ok::<_, Box<dyn Error>>(())
    })?;
    // What is said between two polls is not lost.
    say("two");
    say("three");
    assert_eq!(
        poll("If-None-Match: \"1\"\r\nPrefer: wait=50\r\n")?.0,
        "200 \"3\" two,three"
    );
    assert_eq!(poll("")?.0, "200 \"3\" one,two,three");
    Ok(())
}
