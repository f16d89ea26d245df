//! A chat in which the program reads each message before anybody else does.
//! `cargo run -p tidings-server --example moderated_chat`, then do what it prints in two terminals.
#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use std::sync::Arc;

use tidings_server::channels::{self, Channels, Decision, Verb};
use tidings_server::hub::{ChannelName, Kind, Publish};
use tidings_server::serve::{self, Request, Response};
use tokio::{net::TcpListener, signal::ctrl_c};

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let address = std::env::args().nth(1);
    let listener = TcpListener::bind(address.as_deref().unwrap_or("127.0.0.1:8080")).await?;
    let at = listener.local_addr()?;
    println!("listening on http://{at}");
    println!("try: curl -N -H Accept:text/event-stream http://{at}/channels/chat");
    println!("and: curl -d 'Good morning' http://{at}/say");

    let mut config = channels::Config::default();
    config.authorize = Arc::new(|access| match access.verb {
        Verb::Subscribe | Verb::Info => Decision::Allow,
        // What is said comes through `say` alone.
        Verb::Publish | Verb::Delete => Decision::Deny(403),
    });
    let channels = Channels::new(config);
    let handler = move |request| answer(channels.clone(), request);
    serve::serve(listener, serve::Config::default(), handler, ctrl_c()).await
}

async fn answer(channels: Channels, request: Request) -> Response {
    match (request.head().method(), request.head().path()) {
        ("POST", "/say") => say(&channels, request)
            .await
            .unwrap_or_else(|refused| refused),
        _ => channels.handle(request).await,
    }
}

async fn say(channels: &Channels, mut request: Request) -> Result<Response, Response> {
    channels.guard(&request)?;
    let content = request.body().collect(1_000).await?;
    let text = str::from_utf8(&content).unwrap_or_default();
    if text.is_empty() || text.to_lowercase().contains("buy") {
        return Err(Response::problem(422, "text, and no advertisements"));
    }
    let (kind, payload) = (Kind::Text, text.as_bytes());
    let message = Publish {
        kind,
        payload,
        event: None,
        key: None,
    };
    channels.publish(&ChannelName::parse("chat")?, message)?;
    Ok(Response::new(204))
}
