//! The page in Chromium, by the script beside this file.

use std::time::Instant;

use tidings_tests::{Server, peer};

#[test]
fn the_page_shows_four_transports_that_lose_nothing() {
    let Some(mut script) = peer::browser("page.mjs") else {
        return;
    };
    let plain = Server::start(&["--demo"]);
    let short = Server::start(&["--demo", "--history", "5"]);
    // Kept for who wants to look at them.
    let shots = std::env::temp_dir().join("tidings-page");
    std::fs::create_dir_all(&shots).unwrap();
    let start = Instant::now();
    let out = peer::run(script.arg(plain.url("")).arg(short.url("")).arg(&shots));
    let last = out.lines().last().expect("the script says what it did");
    peer::say(&format!(
        "peer {last} ({:.1} s), screenshots in {}",
        start.elapsed().as_secs_f32(),
        shots.display()
    ));
    plain.assert_alive(last);
    short.assert_alive(last);
}
