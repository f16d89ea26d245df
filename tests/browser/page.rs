//! The page in Chromium, by the script beside this file.

use std::path::PathBuf;
use std::process::Command;
use std::time::Instant;

use tidings_tests::{Server, command, peer};

/// The folder of the browser's driver.
fn driver() -> PathBuf {
    peer::folder().join("node/node_modules/playwright-core")
}

/// Node with a script of this folder; `None`, said loudly, where the browser or its driver is missing.
pub(crate) fn script(name: &str) -> Option<Command> {
    let browser = peer::program("chromium")?;
    let node = peer::program("node")?;
    if !driver().is_dir() {
        let line = "peer chromium: NOT RUN, playwright-core is missing; install it by tests/peers/install.sh";
        let required = std::env::var_os("TIDINGS_PEERS").is_some_and(|value| value == "required");
        assert!(!required, "{line}");
        peer::say(line);
        return None;
    }
    let mut command = Command::new(node);
    command
        .arg(command::workspace().join("tests/browser").join(name))
        .arg(browser);
    Some(command)
}

#[test]
fn the_page_shows_four_transports_that_lose_nothing() {
    let Some(mut script) = script("page.mjs") else {
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
