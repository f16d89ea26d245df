//! Clients in Python and Node, each a script beside this file that checks what it reads.

use std::process::Command;
use std::time::Instant;

use tidings_tests::{Server, peer};

/// Runs a script against a server and prints what it says it did.
fn run(command: Option<Command>) {
    let Some(mut command) = command else { return };
    let server = Server::start(&["--history", "50"]);
    let start = Instant::now();
    let out = peer::run(command.arg(server.address().to_string()));
    let last = out.lines().last().expect("a script says what it did");
    peer::say(&format!(
        "peer {last} ({:.1} s)",
        start.elapsed().as_secs_f32()
    ));
    server.assert_alive(last);
}

#[test]
fn python_websockets_speaks_both_forms() {
    run(peer::python("websockets_peer.py"));
}

#[test]
fn python_aiohttp_reads_all_four_ways() {
    run(peer::python("aiohttp_peer.py"));
}

#[test]
fn python_httpx_sse_resumes_a_stream() {
    run(peer::python("httpx_sse_peer.py"));
}

#[test]
fn node_ws_speaks_both_forms() {
    run(peer::node("ws_peer.mjs"));
}

#[test]
fn node_eventsource_resumes_after_a_cut() {
    run(peer::node("eventsource_peer.mjs"));
}
