//! tidings.js without a browser: its types, by TypeScript and against the script, and its event streams.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use tidings_tests::{command, peer};

/// A folder of its own, removed at the end, with files of the workspace.
struct Folder(PathBuf);

impl Folder {
    fn with(name: &str, files: &[&str]) -> Self {
        let folder = std::env::temp_dir().join(format!("tidings-{name}-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        for file in files {
            let name = Path::new(file).file_name().unwrap();
            fs::copy(command::workspace().join(file), folder.join(name)).expect(file);
        }
        // Without it Node takes a script for one of the older kind.
        fs::write(folder.join("package.json"), r#"{"type":"module"}"#).unwrap();
        Self(folder)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _gone = fs::remove_dir_all(&self.0);
    }
}

#[test]
fn a_page_in_typescript_is_checked_by_the_types() {
    let Some(mut tsc) = peer::node("node_modules/typescript/bin/tsc") else {
        return;
    };
    let folder = Folder::with(
        "consumer",
        &[
            "tests/browser/consumer.ts",
            "crates/cli/src/demo/pages/tidings.d.ts",
        ],
    );
    // What is marked in it as wrong must be: the compiler says where it is not.
    let out = peer::run(
        tsc.args(["--noEmit", "--strict", "--target", "es2022"])
            .args(["--module", "esnext", "--moduleResolution", "bundler"])
            .arg(folder.0.join("consumer.ts")),
    );
    assert_eq!(out.trim(), "");
    peer::say("peer typescript: a page that uses every class of tidings.js, six faults found");
}

/// Runs a script of this folder in Node over files of the library and others.
fn in_node(name: &str, arguments: &[&str]) {
    let Some(node) = peer::program("node") else {
        return;
    };
    let pages = [
        "crates/cli/src/demo/pages/tidings.js",
        "crates/cli/src/demo/pages/tidings-readers.js",
        "crates/cli/src/demo/pages/tidings-websocket.js",
        "crates/cli/src/demo/pages/tidings.d.ts",
        "crates/sse/tests/corpus/html.jsonl",
        "crates/sse/tests/corpus/sse.jsonl",
    ];
    let folder = Folder::with(name, &pages);
    let script = command::workspace().join("tests/browser").join(name);
    let arguments = arguments.iter().map(|file| folder.0.join(file));
    let out = peer::run(Command::new(node).arg(script).args(arguments));
    peer::say(&format!("peer {}", out.trim()));
}

#[test]
fn the_types_declare_what_the_script_has() {
    in_node("exports.mjs", &["tidings.js", "tidings.d.ts"]);
}

#[test]
fn the_event_stream_of_the_script_is_that_of_the_standard() {
    in_node(
        "event_stream.mjs",
        &["tidings-readers.js", "html.jsonl", "sse.jsonl"],
    );
}
