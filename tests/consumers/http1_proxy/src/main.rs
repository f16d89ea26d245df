//! A proxy that carries 64 MiB each way, by length and in chunks, and never holds more than its buffers.
//!
//! Client and server stand in this program; they check each octet, and the proxy's memory is measured.

mod protocol;
mod proxy;

use std::error::Error;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use bytes::BytesMut;
use tidings_http1::{
    ClientConnection, ClientEvent, Content, Limits, Next, SendError, ServerConnection, ServerEvent,
};

type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

const CONTENT_LEN: u64 = 64 * 1024 * 1024;
/// What the proxy may hold of it: four buffers, and a read beyond each.
const MOST_HELD: usize = 4 * (64 + 16) * 1024;
/// The whole program with its client and server, in a build without optimisation.
const MOST_RESIDENT_KIB: u64 = 32 * 1024;

fn main() -> Result<()> {
    let server = TcpListener::bind("127.0.0.1:0")?;
    let server_address = server.local_addr()?;
    thread::spawn(move || {
        for socket in server.incoming().flatten() {
            thread::spawn(move || echo(socket));
        }
    });
    let most = Arc::new(AtomicUsize::new(0));
    let near = TcpListener::bind("127.0.0.1:0")?;
    let address = near.local_addr()?;
    let held = most.clone();
    thread::spawn(move || {
        for client in near.incoming().flatten() {
            let held = held.clone();
            thread::spawn(move || -> Result<()> {
                let server = TcpStream::connect(server_address)?;
                client.set_nonblocking(true)?;
                server.set_nonblocking(true)?;
                let [client, server] = [client, server].map(mio::net::TcpStream::from_std);
                proxy::carry(client, server, &held)
            });
        }
    });

    rewrites_heads(address)?;
    refuses(address)?;
    for content in [Content::Length(CONTENT_LEN), Content::Unknown] {
        carries(address, content)?;
    }
    let held = most.load(Ordering::Relaxed);
    assert!(
        (1..=MOST_HELD).contains(&held),
        "the proxy held {held} octets"
    );
    if let Some(resident) = most_resident()? {
        assert!(resident <= MOST_RESIDENT_KIB, "{resident} KiB are resident");
    }
    Ok(())
}

/// The octet of the content at `at`: no two blocks of a power of two are alike.
fn octet(at: u64) -> u8 {
    (at % 251) as u8
}

/// What an exchange of a few octets looks like on both sides of the proxy.
fn rewrites_heads(address: SocketAddr) -> Result<()> {
    let mut socket = TcpStream::connect(address)?;
    socket.write_all(
        b"POST http://b/head?q HTTP/1.1\r\nHost: a\r\nConnection: X-Hop\r\nX-Hop: 1\r\nX-End: 2\r\n\
          Transfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\nT: u\r\n\r\n\
          GET /last HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
    )?;
    let mut answer = String::new();
    socket.read_to_string(&mut answer)?;
    let seen = "POST /head?q HTTP/1.1\r\nHost: b\r\nX-End: 2\r\nVia: 1.1 tidings\r\n\
                Transfer-Encoding: chunked\r\n\r\n";
    let last = "GET /last HTTP/1.1\r\nHost: a\r\nVia: 1.1 tidings\r\n\r\n";
    let head = "HTTP/1.1 200 OK\r\nVia: 1.1 tidings\r\nTransfer-Encoding: chunked\r\n\r\n";
    let last_head = head.replace("Transfer", "Connection: close\r\nTransfer");
    let chunk = |text: &str| format!("{:x}\r\n{text}\r\n", text.len());
    let want = [
        head,
        &chunk(seen),
        &chunk("hi"),
        "0\r\nT: u\r\n\r\n",
        &last_head,
        &chunk(last),
        "0\r\n\r\n",
    ];
    assert_eq!(answer, want.concat());
    Ok(())
}

fn refuses(address: SocketAddr) -> Result<()> {
    let rows = [
        (
            "a bad request",
            "GET / HTTP/1.1\r\nHost : a\r\n\r\n",
            "400 Bad Request",
        ),
        (
            "a server that says nothing",
            "GET /hang-up HTTP/1.1\r\nHost: a\r\n\r\n",
            "502 Bad Gateway",
        ),
    ];
    for (name, request, status) in rows {
        let mut socket = TcpStream::connect(address)?;
        socket.write_all(request.as_bytes())?;
        let mut answer = String::new();
        socket.read_to_string(&mut answer)?;
        let want = format!("HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
        assert_eq!(answer, want, "{name}");
    }
    Ok(())
}

/// Sends content and reads it back at the same time, on two threads.
fn carries(address: SocketAddr, content: Content) -> Result<()> {
    let mut socket = TcpStream::connect(address)?;
    let mut connection = ClientConnection::new(Limits::default());
    connection.assume_http11();
    let mut out = BytesMut::new();
    let fields = [("Host", &b"a"[..])];
    connection.send_request("POST", "/carry", fields, content, &mut out)?;
    let mut writer = socket.try_clone()?;
    let chunked = content == Content::Unknown;
    let sender = thread::spawn(move || -> Result<()> {
        let mut at = 0;
        while at < CONTENT_LEN {
            let len = (CONTENT_LEN - at).min(10_007);
            let block: Vec<u8> = (at..at + len).map(octet).collect();
            if chunked {
                tidings_http1::encode_chunk(&block, &mut out);
            } else {
                out.extend_from_slice(&block);
            }
            writer.write_all(&out)?;
            out.clear();
            at += len;
        }
        if chunked {
            writer.write_all(tidings_http1::LAST_CHUNK)?;
        }
        Ok(())
    });

    let mut input = BytesMut::new();
    let mut octets = [0; 16 * 1024];
    // Of the content, and of the head in front of it that the server has seen.
    let (mut at, mut head) = (0, Vec::new());
    loop {
        match connection.next_event(&mut input)? {
            Some(ClientEvent::Response(response)) => assert_eq!(response.status(), 200),
            Some(ClientEvent::Data(data)) => {
                let mut data = &data[..];
                while !head.ends_with(b"\r\n\r\n")
                    && let [first, rest @ ..] = data
                {
                    head.push(*first);
                    data = rest;
                }
                let good = data.iter().zip(at..).all(|(got, at)| *got == octet(at));
                assert!(good, "within {} octets of {at}", data.len());
                at += data.len() as u64;
            }
            Some(ClientEvent::End(_)) => break,
            Some(event) => return Err(format!("{event:?}").into()),
            None => match socket.read(&mut octets)? {
                0 => connection.receive_eof(),
                len => input.extend_from_slice(&octets[..len]),
            },
        }
    }
    assert_eq!(at, CONTENT_LEN);
    assert!(head.starts_with(b"POST /carry HTTP/1.1\r\n"));
    sender.join().map_err(|_| "the sender panicked")?
}

/// A server whose answer is the head and the content of the request, as they come.
fn echo(mut socket: TcpStream) -> Result<()> {
    let mut connection = ServerConnection::new(Limits::default());
    let (mut input, mut out) = (BytesMut::new(), BytesMut::new());
    let mut octets = [0; 16 * 1024];
    loop {
        while let Some(event) = connection.next_event(&mut input)? {
            if !answer(&mut connection, event, &mut out)? {
                return Ok(());
            }
            socket.write_all(&out)?;
            out.clear();
        }
        match socket.read(&mut octets)? {
            0 => connection.receive_eof(),
            len => input.extend_from_slice(&octets[..len]),
        }
    }
}

fn answer(
    connection: &mut ServerConnection,
    event: ServerEvent,
    out: &mut BytesMut,
) -> std::result::Result<bool, SendError> {
    match event {
        ServerEvent::Request(head) if head.path() == "/hang-up" => return Ok(false),
        ServerEvent::Request(head) => {
            connection.send_response(200, [], Content::Unknown, out)?;
            connection.send_data(head.raw(), out)?;
        }
        ServerEvent::Data(data) => connection.send_data(&data, out)?,
        ServerEvent::Trailers(fields) => drop(connection.send_trailers(fields.iter(), out)?),
        ServerEvent::End if !connection.awaits_response() => {}
        ServerEvent::End => return Ok(connection.send_end(out)? == Next::Reuse),
        ServerEvent::Closed => return Ok(false),
    }
    Ok(true)
}

/// The most memory that this program had, where the system tells.
fn most_resident() -> Result<Option<u64>> {
    let Ok(status) = std::fs::read_to_string("/proc/self/status") else {
        return Ok(None);
    };
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let digits = line.and_then(|line| line.split_whitespace().next());
    Ok(digits.map(str::parse).transpose()?)
}
