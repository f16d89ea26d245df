//! A route of the program's own, and channels for all the rest.
//! `cargo run -p tidings-server --example hello`, then `curl http://127.0.0.1:8080/hello`.
#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use tidings_server::channels::{self, Channels};
use tidings_server::serve::{self, Request, Response};
use tokio::{net::TcpListener, signal::ctrl_c};

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let address = std::env::args().nth(1);
    let listener = TcpListener::bind(address.as_deref().unwrap_or("127.0.0.1:8080")).await?;
    let at = listener.local_addr()?;
    println!("listening on http://{at}");
    println!("try: curl http://{at}/hello");
    println!("     curl -d 'first message' http://{at}/channels/news");
    println!("     curl http://{at}/channels/news?from=earliest");

    let channels = Channels::new(channels::Config::default());
    let handler = move |request| answer(channels.clone(), request);
    serve::serve(listener, serve::Config::default(), handler, ctrl_c()).await
}

async fn answer(channels: Channels, request: Request) -> Response {
    match (request.head().method(), request.head().path()) {
        ("GET", "/hello") => Response::text(200, "Hello, world!"),
        _ => channels.handle(request).await,
    }
}
