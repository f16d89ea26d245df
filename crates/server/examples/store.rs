//! A key-value store whose keys can be waited for: long polling without a channel.
//! `cargo run -p tidings-server --example store`, then do what it prints, in two terminals.
#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use std::collections::BTreeMap;

use tidings_polling::{MAX_WAIT, if_none_match, prefer_wait};
use tidings_server::serve::{self, Request, Response};
use tokio::{net::TcpListener, signal::ctrl_c, sync::watch, time::timeout};

/// The version and the value of each key. A PUT wakes all who wait, and each looks at its own key.
type Store = watch::Sender<BTreeMap<String, (u64, Vec<u8>)>>;

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let address = std::env::args().nth(1);
    let listener = TcpListener::bind(address.as_deref().unwrap_or("127.0.0.1:8080")).await?;
    let at = listener.local_addr()?;
    println!("listening on http://{at}\ntry: curl -X PUT -d 21 http://{at}/celsius");
    println!("curl -i http://{at}/celsius -H 'Prefer: wait=50' -H 'If-None-Match: \"1\"'");
    let store = Store::default();
    let handler = move |request| answer(store.clone(), request);
    serve::serve(listener, serve::Config::default(), handler, ctrl_c()).await
}

async fn answer(store: Store, mut request: Request) -> Response {
    let key = request.head().path().to_owned();
    let content = request.body().collect(64 << 10).await;
    match (request.head().method(), content) {
        ("GET" | "HEAD", _) => get(&store, &key, &request).await,
        ("PUT", Ok(value)) => {
            store.send_modify(|entries| {
                let entry = entries.entry(key).or_default();
                *entry = (entry.0 + 1, value.to_vec());
            });
            Response::new(204)
        }
        ("PUT", Err(error)) => error.into(),
        _ => Response::problem(405, "only GET and PUT").with("Allow", "GET, HEAD, PUT"),
    }
}

async fn get(store: &Store, key: &str, request: &Request) -> Response {
    let fields = request.head().fields();
    let has = if_none_match(fields.get_all("If-None-Match"));
    let wait = prefer_wait(fields.get_all("Prefer")).unwrap_or_default();
    let is_new = |version: u64| !has.matches(&version.to_string());
    let mut store = store.subscribe();
    let news = store.wait_for(|entries| entries.get(key).is_some_and(|entry| is_new(entry.0)));
    let _ = timeout(wait.min(MAX_WAIT), news).await;
    let Some((version, value)) = store.borrow().get(key).cloned() else {
        return Response::problem(404, "there is no such key");
    };
    let response = match is_new(version) {
        true => Response::bytes(200, "text/plain", value),
        false => Response::new(304),
    };
    response.with("ETag", format!("\"{version}\""))
}
