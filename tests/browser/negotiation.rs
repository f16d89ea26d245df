//! `Tidings` of tidings.js in Chromium, by the script beside this file: in front of the server itself, of
//! relays that refuse and cut, and of nginx.

use std::time::Instant;

use serde_json::json;
use tidings_tests::nginx::Nginx;
use tidings_tests::{Server, peer};

#[test]
fn tidings_js_finds_the_transport_that_gets_through_and_loses_nothing() {
    let Some(mut script) = peer::browser("tidings.mjs") else {
        return;
    };
    let server = Server::start(&[]);
    let short = Server::start(&["--history", "5"]);
    script.arg(server.url("")).arg(short.url(""));
    let nginx = Nginx::start("browser", &[server.address()]);
    if let Some(nginx) = &nginx {
        let url = |door| format!("http://{door}");
        let doors = json!({
            "plain": url(nginx.plain),
            "buffering": url(nginx.buffering),
            "impatient": url(nginx.impatient),
        });
        script.arg(doors.to_string());
    }
    let start = Instant::now();
    let out = peer::run(&mut script);
    let last = out.lines().last().expect("the script says what it did");
    peer::say(&format!(
        "peer {last} ({:.1} s)",
        start.elapsed().as_secs_f32()
    ));
    server.assert_alive(last);
}
