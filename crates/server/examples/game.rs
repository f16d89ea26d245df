//! A game over WebSocket: players send what they press, the server moves them and shows all to all.
//! `cargo run -p tidings-server --example game`, then do what it prints, in two terminals.
#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use std::collections::BTreeMap;
use tidings_server::serve::{self, Request, Response, WebSocket};
use tidings_server::websocket::{Config, Message, SharedFrame};
use tokio::{net::TcpListener, signal::ctrl_c, sync::mpsc, sync::watch, time};

type Input = (u16, Option<i32>); // A player and its step; who has none leaves the world.
type View = watch::Receiver<SharedFrame>;

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let address = std::env::args().nth(1);
    let listener = TcpListener::bind(address.as_deref().unwrap_or("127.0.0.1:8080")).await?;
    let at = listener.local_addr()?;
    println!("listening on http://{at}\ntry: websocat ws://{at} and type 1 or -1");
    let (inputs, queue) = mpsc::channel(64);
    let (world, view) = watch::channel(SharedFrame::text("{}"));
    tokio::spawn(run(queue, world));
    let handler = move |request| join(request, inputs.clone(), view.clone());
    serve::serve(listener, serve::Config::default(), handler, ctrl_c()).await
}

/// The game loop, 20 ticks a second. It owns the world: who asks for a leap gets a step.
async fn run(mut inputs: mpsc::Receiver<Input>, world: watch::Sender<SharedFrame>) {
    let mut players: BTreeMap<u16, i32> = BTreeMap::new();
    let mut ticks = time::interval(time::Duration::from_millis(50));
    for tick in 0_u64.. {
        ticks.tick().await;
        while let Ok((player, step)) = inputs.try_recv() {
            match step {
                Some(step) => *players.entry(player).or_default() += step.clamp(-1, 1),
                None => drop(players.remove(&player)),
            }
        }
        let state = serde_json::json!({ "tick": tick, "players": players });
        world.send_replace(SharedFrame::text(&state.to_string()));
    }
}

async fn join(request: Request, inputs: mpsc::Sender<Input>, mut view: View) -> Response {
    let player = request.peer().port();
    let session = async move |mut socket: WebSocket| {
        let say = |step| inputs.send((player, step));
        loop {
            tokio::select! {
                Some(Message::Text(step)) = socket.next() => drop(say(step.parse().ok()).await),
                Ok(()) = view.changed() => {
                    let world = view.borrow_and_update().clone();
                    if socket.send_shared([world]).await.is_err() { break }
                }
            }
        }
        let _ = say(None).await;
    };
    Response::websocket(request.head(), &[], Config::default(), session)
}
