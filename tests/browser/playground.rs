//! The playground: its module gives the answers of the crate, comes from the sources, and its page works in Chromium.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::{Value, json};
use tidings_playground::{Guess, told};
use tidings_tests::{Server, command, peer};

const MODULE: &str = "crates/cli/src/demo/pages/playground.wasm";

/// One input: where it comes from, the number of its protocol, octets.
type Case = (String, usize, Vec<u8>);

/// The rows of a corpus of lines of JSON.
fn rows(file: &str) -> Vec<Value> {
    let text = fs::read_to_string(command::workspace().join(file)).expect(file);
    text.lines()
        .map(|line| serde_json::from_str(line).expect(file))
        .collect()
}

/// The octets of the characters up to U+00FF, which is how the rows of HTTP write them.
fn latin1(text: &str) -> Vec<u8> {
    text.chars()
        .map(|sign| u8::try_from(sign).unwrap())
        .collect()
}

fn cases() -> Vec<Case> {
    let mut cases: Vec<Case> = Vec::new();
    for file in ["http1", "rfc"] {
        for row in rows(&format!("crates/http1/tests/corpus/{file}.jsonl")) {
            let octets = latin1(row["bytes"].as_str().unwrap());
            let protocol = if row["role"] == "server" { 1 } else { 2 };
            cases.push((row["id"].to_string(), protocol, octets));
        }
    }
    for file in ["html", "models", "sse"] {
        for row in rows(&format!("crates/sse/tests/corpus/{file}.jsonl")) {
            // A few rows give the octets as hex, which the corpora of the fuzz targets hold as well.
            let Some(chunks) = row["chunks"].as_array() else {
                continue;
            };
            let octets = chunks
                .iter()
                .flat_map(|chunk| chunk.as_str().unwrap().bytes());
            cases.push((row["id"].to_string(), 4, octets.collect()));
        }
    }
    let folders = [
        ("http1_chunked", 1),
        ("http1_request", 1),
        ("http1_response", 2),
        ("sse_decode", 4),
        ("websocket_connection", 3),
        ("websocket_frames", 3),
        ("websocket_handshake", 0),
    ];
    for (folder, protocol) in folders {
        let path = command::workspace().join("fuzz/corpus").join(folder);
        let mut files: Vec<PathBuf> = fs::read_dir(&path)
            .expect(folder)
            .map(|entry| entry.unwrap().path())
            .collect();
        files.sort();
        for file in files {
            cases.push((
                file.display().to_string(),
                protocol,
                fs::read(&file).unwrap(),
            ));
        }
    }
    cases
}

/// Each row of the corpora, cut in its middle, as the codecs that they are of and as what they look like.
#[test]
fn the_module_answers_as_the_crate_does() {
    let Some(node) = peer::program("node") else {
        return;
    };
    let cases = cases();
    assert!(cases.len() > 500, "only {} cases", cases.len());
    // Another build of the module is held to the same.
    let module = std::env::var_os("TIDINGS_MODULE").map_or_else(
        || command::workspace().join(MODULE),
        |path| command::workspace().join(Path::new(&path)),
    );
    let mut child = Command::new(node)
        .arg(command::workspace().join("tests/browser/playground_module.mjs"))
        .arg(module)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("Node starts");
    let mut stdin = child.stdin.take().unwrap();
    for (name, protocol, octets) in &cases {
        for number in [*protocol, 0] {
            let cut = octets.len() / 2;
            let hex: String = octets.iter().map(|octet| format!("{octet:02x}")).collect();
            let want = told(Guess::from_number(number), octets, cut);
            assert!(want.ends_with("\"same\":true}}"), "{name}: {want}");
            let line =
                json!({"name": name, "protocol": number, "hex": hex, "cut": cut, "want": want});
            // Where Node ended early, its words say why.
            let _ = writeln!(stdin, "{line}");
        }
    }
    drop(stdin);
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success(),
        "{said}\nwhere the codecs changed, run crates/playground/build.sh"
    );
    peer::say(&format!("peer {}", said.trim()));
}

/// Where the compiler is installed, `build.sh --check` compiles it again too.
#[test]
fn the_module_is_that_of_the_sources() {
    let output = Command::new("bash")
        .arg(command::workspace().join("crates/playground/build.sh"))
        .arg("--sources")
        .output()
        .expect("bash runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
}

#[test]
fn the_playground_is_for_eyes_hands_and_keys() {
    let Some(mut script) = peer::browser("playground.mjs") else {
        return;
    };
    let server = Server::start(&["--demo"]);
    // Kept for who wants to look at them.
    let shots = std::env::temp_dir().join("tidings-playground");
    fs::create_dir_all(&shots).unwrap();
    let out = peer::run(script.arg(server.url("")).arg(&shots));
    let last = out.lines().last().expect("the script says what it did");
    peer::say(&format!("peer {last}, screenshots in {}", shots.display()));
    server.assert_alive(last);
}
