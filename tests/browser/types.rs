//! The types of tidings.js: what they declare is there, and a page in TypeScript is checked by them.

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

#[test]
fn the_types_declare_what_the_script_has() {
    let Some(node) = peer::program("node") else {
        return;
    };
    let pages = [
        "crates/cli/src/demo/pages/tidings.js",
        "crates/cli/src/demo/pages/tidings-readers.js",
        "crates/cli/src/demo/pages/tidings-websocket.js",
        "crates/cli/src/demo/pages/tidings.d.ts",
    ];
    let folder = Folder::with("exports", &pages);
    let script = command::workspace().join("tests/browser/exports.mjs");
    let mut node = Command::new(node);
    let out = peer::run(
        node.arg(script)
            .args(["tidings.js", "tidings.d.ts"].map(|name| folder.0.join(name))),
    );
    peer::say(&format!("peer {}", out.trim()));
}
