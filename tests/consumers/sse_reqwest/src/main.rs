//! `tidings-sse` over reqwest's `bytes_stream()`: a streamed answer of a model, its refusal as JSON, its cut.

mod protocol;

use std::error::Error;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;

use protocol::{End, ask};

const REFUSAL: &str = r#"{"error":{"message":"slow down","type":"rate_limit"}}"#;
const PIECES: [&str; 3] = [
    r#"{"choices":[{"delta":{"content":"Good"}}]}"#,
    r#"{"choices":[{"delta":{"content":" n\u00e6ws"}}]}"#,
    "{\"choices\":[{\"delta\":{\"content\":\"\u{1F4E8}\"}}]}",
];

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let url = format!("http://{}/v1/answers", listener.local_addr()?);
    thread::spawn(move || {
        for socket in listener.incoming() {
            serve(socket.expect("a socket")).expect("the client reads");
        }
    });
    let rows = [
        ("key", "whole", &PIECES[..], End::Done),
        ("key", "cut", &PIECES[..2], End::Cut),
        ("other", "whole", &[], End::Refused(429, REFUSAL.to_owned())),
        (
            "key",
            "page",
            &[],
            End::Refused(200, "<p>hello</p>".to_owned()),
        ),
    ];
    for (key, question, pieces, end) in rows {
        let mut told = Vec::new();
        let ended = ask((&url, key, question), |piece| told.push(piece.to_owned())).await?;
        assert_eq!(
            (told.iter().map(String::as_str).collect::<Vec<_>>(), ended),
            (pieces.to_vec(), end)
        );
    }
    Ok(())
}

/// A server by hand, which cuts its stream at odd places.
fn serve(mut socket: TcpStream) -> std::io::Result<()> {
    let mut lines = BufReader::new(socket.try_clone()?);
    let (mut head, mut line) = (String::new(), String::new());
    while lines.read_line(&mut line)? > 2 {
        head += &line.to_ascii_lowercase();
        line.clear();
    }
    assert!(head.starts_with("post /v1/answers http/1.1\r\n"), "{head}");
    assert!(head.contains("accept: text/event-stream\r\n"), "{head}");
    let len = head
        .split("content-length: ")
        .nth(1)
        .and_then(|rest| rest.lines().next());
    let mut question = vec![0; len.and_then(|len| len.parse().ok()).unwrap_or(0)];
    lines.read_exact(&mut question)?;

    if !head.contains("authorization: bearer key\r\n") {
        let len = REFUSAL.len();
        return write!(
            socket,
            "HTTP/1.1 429 Too Many Requests\r\nContent-Type: application/json\r\nContent-Length: {len}\r\nConnection: close\r\n\r\n{REFUSAL}"
        );
    }
    if question == b"page" {
        return write!(
            socket,
            "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 12\r\nConnection: close\r\n\r\n<p>hello</p>"
        );
    }
    let mut stream = String::from(": one moment\n\n");
    for piece in PIECES {
        stream += &format!("data: {piece}\n\n: keep-alive\n\n");
    }
    stream += "data: [DONE]\n\n";
    let end = match &question[..] {
        b"cut" => stream.find(PIECES[2]).unwrap_or(0) + 9,
        _ => stream.len(),
    };
    socket.write_all(
        b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n",
    )?;
    for chunk in stream.as_bytes()[..end].chunks(13) {
        write!(socket, "{:x}\r\n", chunk.len())?;
        socket.write_all(chunk)?;
        socket.write_all(b"\r\n")?;
    }
    if end == stream.len() {
        socket.write_all(b"0\r\n\r\n")?;
    }
    Ok(())
}
