//! An echo handler of axum, made of the request's parts alone; the client is tungstenite.

mod protocol;

use std::error::Error;

use axum::Router;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{Response, StatusCode, Version};
use axum::routing::get;
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use tidings_websocket::{Accepted, accept, header_fields};
use tungstenite::protocol::CloseFrame;
use tungstenite::protocol::frame::coding::CloseCode;
use tungstenite::{Message, client};

type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

/// What a handler takes for a handshake.
struct Upgrade(Accepted, OnUpgrade);

impl<S: Sync> FromRequestParts<S> for Upgrade {
    type Rejection = Response<String>;

    async fn from_request_parts(
        parts: &mut Parts,
        _: &S,
    ) -> std::result::Result<Self, Self::Rejection> {
        let version = if parts.version == Version::HTTP_11 {
            (1, 1)
        } else {
            (1, 0)
        };
        let fields = header_fields(&parts.headers);
        let accepted = accept(
            parts.method.as_str(),
            version,
            fields.into_iter(),
            &["chat"],
        );
        let answer = match (accepted, parts.extensions.remove::<OnUpgrade>()) {
            (Ok(accepted), Some(upgrade)) => return Ok(Self(accepted, upgrade)),
            (Ok(_), None) => Response::builder()
                .status(StatusCode::UPGRADE_REQUIRED)
                .body(()),
            (Err(error), _) => error.response(),
        };
        Err(answer
            .expect("our fields are legal")
            .map(|()| String::new()))
    }
}

async fn echo(Upgrade(accepted, upgrade): Upgrade) -> Response<String> {
    tokio::spawn(async move {
        let upgraded = upgrade.await?;
        protocol::echo(TokioIo::new(upgraded)).await?;
        Result::Ok(())
    });
    let answer = accepted.response().expect("our fields are legal");
    answer.map(|()| String::new())
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let router = Router::new().route("/echo", get(echo));
    let server = tokio::spawn(async move { axum::serve(listener, router).await });
    tokio::task::spawn_blocking(move || peer(address)).await??;
    server.abort();
    Ok(())
}

fn peer(address: std::net::SocketAddr) -> Result<()> {
    use tungstenite::client::IntoClientRequest as _;
    let mut request = format!("ws://{address}/echo").into_client_request()?;
    request
        .headers_mut()
        .insert("Sec-WebSocket-Protocol", "chat".parse()?);
    let socket = std::net::TcpStream::connect(address)?;
    let (mut socket, response) = client(request, socket).map_err(|error| error.to_string())?;
    assert_eq!(response.headers()["Sec-WebSocket-Protocol"], "chat");

    let sent = [
        Message::text("κόσμε"),
        Message::binary(vec![0xff; 100_000]),
        Message::text(""),
    ];
    for message in &sent {
        socket.send(message.clone())?;
        assert_eq!(socket.read()?, *message);
    }
    socket.send(Message::Ping("there?".into()))?;
    assert_eq!(socket.read()?, Message::Pong("there?".into()));
    let code = CloseCode::Library(4000);
    let close = CloseFrame {
        code,
        reason: "done".into(),
    };
    socket.close(Some(close))?;
    let Message::Close(Some(answer)) = socket.read()? else {
        return Err("no Close".into());
    };
    assert_eq!((answer.code, answer.reason.as_str()), (code, ""));
    Ok(())
}
