//! An echo server behind hyper's upgrade, and a client of ours behind hyper's too.

mod protocol;

use std::convert::Infallible;
use std::error::Error;
use std::time::Duration;

use bytes::BytesMut;
use hyper::service::service_fn;
use hyper::{Request, Response, Uri};
use hyper_util::rt::TokioIo;
use tidings_websocket::{
    Client, ClientHandshake, CloseCode, Closed, ClosedBy, Config, Connection, Event, Message,
    accept_request,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;
type Ends = mpsc::UnboundedSender<Option<Closed>>;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let uri: Uri = format!("ws://{}/echo?room=1", listener.local_addr()?).parse()?;
    let (ends, mut told) = mpsc::unbounded_channel();
    tokio::spawn(serve(listener, ends));

    refused(&uri).await?;
    let closed = tokio::time::timeout(Duration::from_secs(4), client(&uri)).await??;
    assert_eq!(
        (closed.code, closed.by, closed.clean),
        (1000, ClosedBy::Us, true)
    );
    let closed = told
        .recv()
        .await
        .flatten()
        .ok_or("the server told no end")?;
    assert_eq!(
        (closed.code, closed.by, closed.clean),
        (1000, ClosedBy::Peer, true)
    );
    assert_eq!(closed.reason, "done");
    Ok(())
}

async fn serve(listener: TcpListener, ends: Ends) -> Result<()> {
    loop {
        let (socket, _) = listener.accept().await?;
        let ends = ends.clone();
        let service = service_fn(move |request| {
            let ends = ends.clone();
            async move { Ok::<_, Infallible>(answer(request, ends)) }
        });
        let http = hyper::server::conn::http1::Builder::new();
        let served = http.serve_connection(TokioIo::new(socket), service);
        tokio::spawn(served.with_upgrades());
    }
}

fn answer(request: Request<hyper::body::Incoming>, ends: Ends) -> Response<String> {
    let answer = match accept_request(&request, &["chat"]) {
        Ok(accepted) => {
            tokio::spawn(async move {
                let upgraded = hyper::upgrade::on(request).await?;
                ends.send(protocol::echo(TokioIo::new(upgraded)).await?)?;
                Result::Ok(())
            });
            accepted.response()
        }
        Err(error) => error.response(),
    };
    answer
        .expect("our fields are legal")
        .map(|()| String::new())
}

async fn connect(uri: &Uri) -> Result<hyper::client::conn::http1::SendRequest<String>> {
    let authority = uri.authority().ok_or("no authority")?;
    let socket = TcpStream::connect(authority.as_str()).await?;
    let (sender, http) = hyper::client::conn::http1::handshake(TokioIo::new(socket)).await?;
    tokio::spawn(http.with_upgrades());
    Ok(sender)
}

/// A request that is no handshake is told what is missing.
async fn refused(uri: &Uri) -> Result<()> {
    let handshake = ClientHandshake::new([7; 16], &[])?;
    let mut request = handshake.request(uri)?;
    request
        .headers_mut()
        .insert("Sec-WebSocket-Version", 8.into());
    let mut http = connect(uri).await?;
    let answer = http.send_request(request.map(|()| String::new())).await?;
    assert_eq!(answer.status(), 426);
    assert_eq!(answer.headers()["Sec-WebSocket-Version"], "13");
    Ok(())
}

async fn client(uri: &Uri) -> Result<Closed> {
    let handshake = ClientHandshake::new(*b"the sample nonce", &["chat"])?;
    let request = handshake.request(uri)?.map(|()| String::new());
    let response = connect(uri).await?.send_request(request).await?;
    assert_eq!(
        handshake.check_response(&response)?.as_deref(),
        Some("chat")
    );
    let mut io = TokioIo::new(hyper::upgrade::on(response).await?);

    // A program that talks to strangers takes its keys from the system's randomness (RFC 6455 §10.3).
    let mut number = 0_u32;
    let mut key = move || {
        number = number.wrapping_add(0x9E37_79B9);
        number.to_be_bytes()
    };
    let now = Duration::ZERO;
    let mut connection = Connection::<Client>::new(Config::default(), now);
    let (mut input, mut out) = (BytesMut::new(), BytesMut::new());
    let sent = [
        Message::Text("κόσμε".into()),
        Message::Binary(vec![0xff; 300_000].into()),
        Message::Text("".into()),
    ];
    for message in &sent {
        connection.send_message(message, key(), &mut out)?;
    }
    connection.ping(b"there?", key(), &mut out)?;
    let (mut got, mut pong) = (Vec::new(), None);
    loop {
        while connection.transmit(key(), &mut out) {}
        io.write_all_buf(&mut out).await?;
        if io.read_buf(&mut input).await? == 0 {
            return Err("the server went away".into());
        }
        while let Some(event) = connection.next_event(&mut input, now) {
            match event {
                Event::Message(message) => got.push(message),
                Event::Pong(data) => pong = Some(data),
                Event::Closed(closed) => {
                    assert_eq!(got, sent);
                    return Ok(closed);
                }
                Event::Chunk { .. } | Event::Ping(_) => {}
            }
            if got.len() == sent.len() && pong.as_deref() == Some(b"there?") {
                connection.close(CloseCode::NORMAL, "done", now);
            }
        }
    }
}
