//! A handler and channels behind one listener, asked over std's TCP: `tidings-server` and nothing else.

use std::error::Error;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};

use tidings_server::channels::{self, Channels};
use tidings_server::serve::{self, Request};
use tokio::net::TcpListener;
use tokio::sync::oneshot;

fn ask(at: SocketAddr) -> std::io::Result<String> {
    let mut socket = TcpStream::connect(at)?;
    let start = "GET /channels/news HTTP/1.1";
    write!(socket, "{start}\r\nHost: {at}\r\nConnection: close\r\n\r\n")?;
    let mut answer = String::new();
    socket.read_to_string(&mut answer)?;
    Ok(answer)
}

#[tokio::main(flavor = "multi_thread", worker_threads = 1)]
async fn main() -> Result<(), Box<dyn Error>> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let at = listener.local_addr()?;
    let channels = Channels::new(channels::Config::default());
    let handler = move |request: Request| {
        let channels = channels.clone();
        async move { channels.handle(request).await }
    };
    let (stop, stopped) = oneshot::channel::<()>();
    let stopped = async move { drop(stopped.await) };
    let config = serve::Config::default();
    let server = tokio::spawn(serve::serve(listener, config, handler, stopped));
    let answer = tokio::task::spawn_blocking(move || ask(at)).await??;
    assert!(answer.contains("\"messages\":[]"), "{answer}");
    stop.send(()).expect("the server runs");
    Ok(server.await??)
}
