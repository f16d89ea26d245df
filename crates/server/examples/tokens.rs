//! Tokens as they are made, over Server-Sent Events; none are made for a client that left.
//! `cargo run -p tidings-server --example tokens`, then do what it prints.
#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use core::time::Duration;

use tidings_server::serve::{self, EventStream, Request, Response};
use tidings_server::sse::EventRef;
use tokio::{net::TcpListener, signal::ctrl_c, sync::mpsc, time::sleep};

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let address = std::env::args().nth(1);
    let listener = TcpListener::bind(address.as_deref().unwrap_or("127.0.0.1:8080")).await?;
    let at = listener.local_addr()?;
    println!("listening on http://{at}");
    println!("try: curl -N -d 'to be or not to be' http://{at}");
    serve::serve(listener, serve::Config::default(), answer, ctrl_c()).await
}

async fn answer(mut request: Request) -> Response {
    match request.body().collect(64 << 10).await {
        Ok(prompt) => {
            let prompt = String::from_utf8_lossy(&prompt).into_owned();
            Response::events(move |stream| relay(stream, prompt))
        }
        Err(error) => error.into(),
    }
}

/// Sends each token as it comes. By returning it drops `tokens`, and that tells the task.
async fn relay(mut stream: EventStream, prompt: String) {
    let (sender, mut tokens) = mpsc::channel(1);
    tokio::spawn(generate(prompt, sender));
    loop {
        tokio::select! {
            token = tokens.recv() => match token {
                Some(token) if stream.send(&EventRef::message(&token)).await.is_ok() => {}
                Some(_) => return,
                None => return stream.finish().await,
            },
            _left = stream.keep_alive() => return,
        }
    }
}

/// Stands in for a model: says the prompt again, word by word.
async fn generate(prompt: String, tokens: mpsc::Sender<String>) {
    for (made, token) in prompt.split_inclusive(' ').enumerate() {
        sleep(Duration::from_millis(50)).await;
        if tokens.send(token.to_owned()).await.is_err() {
            return println!("the client left after {made} tokens");
        }
    }
    println!("the answer is complete");
}
