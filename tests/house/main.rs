//! The rules of the house that a machine can check: who imports whom, how large, under which lints.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests: what cannot be read fails the test at hand"
)]

mod chapters;
mod ledger;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use serde_json::Value;
use tidings_tests::command::workspace;

const CODECS: [&str; 4] = [
    "tidings-http1",
    "tidings-websocket",
    "tidings-sse",
    "tidings-polling",
];

/// The whole graph of packages, with all features, for this machine.
fn metadata() -> &'static Value {
    static METADATA: OnceLock<Value> = OnceLock::new();
    METADATA.get_or_init(|| {
        let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
        let version = Command::new(rustc).arg("-vV").output().expect("rustc runs");
        let version = String::from_utf8(version.stdout).expect("UTF-8");
        let host = version
            .lines()
            .find_map(|line| line.strip_prefix("host: "))
            .expect("a host");
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let output = Command::new(cargo)
            .args([
                "metadata",
                "--format-version=1",
                "--all-features",
                "--filter-platform",
                host,
            ])
            .current_dir(workspace())
            .output()
            .expect("cargo runs");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "cargo metadata: {said}");
        serde_json::from_slice(&output.stdout).expect("cargo metadata writes JSON")
    })
}

fn list(value: &Value) -> &[Value] {
    value.as_array().expect("a list")
}

fn text(value: &Value) -> &str {
    value.as_str().expect("a text")
}

/// The packages of this workspace, by name.
fn members() -> BTreeMap<&'static str, &'static Value> {
    let ids: BTreeSet<&str> = list(&metadata()["workspace_members"])
        .iter()
        .map(text)
        .collect();
    let packages = list(&metadata()["packages"]).iter();
    packages
        .filter(|package| ids.contains(text(&package["id"])))
        .map(|p| (text(&p["name"]), p))
        .collect()
}

/// Every package that `root` needs, itself included, over the kinds of dependency named (`null` is normal).
/// Macros run in the compiler and are not linked, so `macros` says whether they and what they need count.
fn tree(root: &str, kinds: &[Value], macros: bool) -> BTreeSet<&'static str> {
    let packages: BTreeMap<&str, &Value> = list(&metadata()["packages"])
        .iter()
        .map(|package| (text(&package["id"]), package))
        .collect();
    let nodes: BTreeMap<&str, &Value> = list(&metadata()["resolve"]["nodes"])
        .iter()
        .map(|node| (text(&node["id"]), node))
        .collect();
    let counts = |id: &str| {
        let mut targets = list(&packages[id]["targets"]).iter();
        macros || !targets.any(|target| list(&target["kind"]).contains(&Value::from("proc-macro")))
    };
    let mut open = vec![text(&members()[root]["id"])];
    let mut seen: BTreeSet<&str> = open.iter().copied().collect();
    while let Some(id) = open.pop() {
        for dependency in list(&nodes[id]["deps"]) {
            let import = text(&dependency["pkg"]);
            let wanted = list(&dependency["dep_kinds"])
                .iter()
                .any(|kind| kinds.contains(&kind["kind"]));
            if wanted && counts(import) && seen.insert(import) {
                open.push(import);
            }
        }
    }
    seen.into_iter()
        .map(|id| text(&packages[id]["name"]))
        .collect()
}

/// The files under a folder whose name ends in `.rs`.
fn sources(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else {
        return Vec::new();
    };
    let mut files = Vec::new();
    for entry in entries {
        let path = entry.expect("a folder can be listed").path();
        if path.is_dir() {
            files.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files.sort();
    files
}

/// The folders of the crates.
fn crates() -> Vec<PathBuf> {
    let entries = fs::read_dir(workspace().join("crates")).expect("the crates");
    let mut folders: Vec<PathBuf> = entries
        .map(|entry| entry.expect("a crate").path())
        .collect();
    folders.sort();
    folders
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[test]
fn imports_form_the_graph_of_the_design() {
    const BELOW_SERVER: &[&str] = &[
        "tidings-http1",
        "tidings-websocket",
        "tidings-sse",
        "tidings-polling",
        "tidings-hub",
    ];
    // The load of `bench` is the codecs on bare sockets.
    const BELOW_COMMAND: &[&str] = &[
        "tidings-server",
        "tidings-client",
        "tidings-explain",
        "tidings-http1",
        "tidings-websocket",
        "tidings-sse",
    ];
    const BELOW_PAGE: &[&str] = &[
        "tidings-explain",
        "tidings-http1",
        "tidings-websocket",
        "tidings-sse",
    ];
    let rows: [(&str, &[&str]); 10] = [
        ("tidings-http1", &[]),
        ("tidings-websocket", &[]),
        ("tidings-sse", &[]),
        ("tidings-polling", &[]),
        ("tidings-hub", &[]),
        ("tidings-client", &CODECS),
        ("tidings-server", BELOW_SERVER),
        (
            "tidings-explain",
            &["tidings-http1", "tidings-websocket", "tidings-sse"],
        ),
        ("tidings-playground", BELOW_PAGE),
        ("tidings", BELOW_COMMAND),
    ];
    let members = members();
    let known: BTreeSet<&str> = rows
        .iter()
        .map(|row| row.0)
        .chain(["tidings-tests"])
        .collect();
    let found: BTreeSet<&str> = members.keys().copied().collect();
    assert_eq!(found, known, "every member has its row");
    for (name, allowed) in rows {
        for dependency in list(&members[name]["dependencies"]) {
            let import = text(&dependency["name"]);
            if !members.contains_key(import) {
                continue;
            }
            let development = dependency["kind"] == "dev";
            assert_ne!(import, "tidings-tests", "{name}: nothing imports the tests");
            // A crate that imports nothing of ours keeps to that in its tests too; others may test against a peer.
            let free = development && !allowed.is_empty();
            assert!(free || allowed.contains(&import), "{name} imports {import}");
        }
    }
}

#[test]
fn every_member_has_the_licence_and_the_lints() {
    for (name, package) in members() {
        assert_eq!(package["license"], "MIT OR Apache-2.0", "{name}");
        let manifest = read(Path::new(text(&package["manifest_path"])));
        let lints = manifest
            .split("[lints]")
            .nth(1)
            .unwrap_or_default()
            .trim_start();
        assert!(
            lints.starts_with("workspace = true"),
            "{name}: [lints] is not `workspace = true`"
        );
        if name != "tidings-tests" {
            assert!(package["description"].is_string(), "{name}: no description");
            assert!(package["readme"].is_string(), "{name}: no readme");
        }
    }
}

#[test]
fn a_codec_links_at_most_12_crates() {
    for codec in CODECS {
        let mut tree = tree(codec, &[Value::Null], false);
        // DEFLATE, the types of `http` and the choice of wide words come with features that are off by default.
        for optional in ["zlib-rs", "http", "itoa", "fearless_simd", "simdutf8"] {
            tree.remove(optional);
        }
        assert!(
            tree.len() <= 12,
            "{codec} links {} crates: {tree:?}",
            tree.len()
        );
    }
}

#[test]
fn the_product_stands_on_no_framework() {
    const REFUSED: [&str; 13] = [
        "actix-http",
        "actix-web",
        "axum",
        "fastwebsockets",
        "h2",
        "hyper",
        "hyper-util",
        "reqwest",
        "tokio-tungstenite",
        "tower-http",
        "tungstenite",
        "warp",
        "ws",
    ];
    for name in members()
        .into_keys()
        .filter(|name| *name != "tidings-tests")
    {
        let tree = tree(name, &[Value::Null, Value::from("build")], true);
        for refused in REFUSED {
            assert!(!tree.contains(refused), "{name} needs {refused}");
        }
    }
}

/// The lines of a file before its test module.
fn lines_without_tests(source: &str) -> usize {
    let lines: Vec<&str> = source.lines().collect();
    let tests = lines.windows(2).position(|pair| {
        pair[0].starts_with("#[cfg(test)]") && pair[1].starts_with("mod ") && pair[1].ends_with('{')
    });
    // An attribute may stand between the two lines.
    let tests = tests.or_else(|| {
        lines.windows(3).position(|three| {
            three[0].starts_with("#[cfg(test)]")
                && three[1].starts_with("#[")
                && three[2].starts_with("mod ")
                && three[2].ends_with('{')
        })
    });
    tests.unwrap_or(lines.len())
}

#[test]
fn a_source_file_has_at_most_500_lines_without_its_tests() {
    let mut long = Vec::new();
    for file in crates()
        .iter()
        .flat_map(|folder| sources(&folder.join("src")))
    {
        let is_tests = file
            .iter()
            .any(|part| part == "tests" || part == "tests.rs");
        let lines = lines_without_tests(&read(&file));
        if !is_tests && lines > 500 {
            long.push((file, lines));
        }
    }
    assert!(
        long.is_empty(),
        "files over 500 lines without their tests: {long:?}"
    );
}

#[test]
fn lines_are_counted_up_to_the_test_module() {
    assert_eq!(
        lines_without_tests("a\nb\n#[cfg(test)]\nmod tests {\n}\n"),
        2
    );
    assert_eq!(
        lines_without_tests("a\n#[cfg(test)]\n#[path = \"x\"]\nmod tests {\n}\n"),
        1
    );
    assert_eq!(lines_without_tests("a\n#[cfg(test)]\nmod tests;\nb\n"), 4);
}

#[test]
fn every_crate_forbids_unsafe_code() {
    let mut roots: Vec<PathBuf> = vec![workspace().join("tests/src/lib.rs")];
    for folder in crates() {
        let found: Vec<PathBuf> = ["src/lib.rs", "src/main.rs"]
            .iter()
            .map(|root| folder.join(root))
            .filter(|root| root.is_file())
            .collect();
        assert!(
            !found.is_empty(),
            "{} has neither lib.rs nor main.rs",
            folder.display()
        );
        roots.extend(found);
    }
    for root in roots {
        let found = read(&root)
            .lines()
            .any(|line| line == "#![forbid(unsafe_code)]");
        assert!(found, "{}: no #![forbid(unsafe_code)]", root.display());
    }
}

#[test]
fn every_codec_is_no_std() {
    for codec in CODECS {
        let manifest = PathBuf::from(text(&members()[codec]["manifest_path"]));
        let root = manifest.with_file_name("src").join("lib.rs");
        let found = read(&root).lines().any(|line| line == "#![no_std]");
        assert!(found, "{}: no #![no_std]", root.display());
        let features = &members()[codec]["features"];
        assert!(
            list(&features["default"]).contains(&Value::from("std")),
            "{codec}: `std` is default"
        );
    }
}

#[test]
fn the_top_of_the_tree_holds_what_a_visitor_expects() {
    let allowed: BTreeSet<String> = [
        "CHANGELOG.md",
        "Cargo.lock",
        "Cargo.toml",
        "LICENSE-APACHE",
        "LICENSE-MIT",
        "README.md",
        "crates",
        "docs",
        "fuzz",
        "tests",
    ]
    .map(String::from)
    .into();
    let entries = fs::read_dir(workspace()).expect("the top folder");
    let found: BTreeSet<String> = entries
        .map(|entry| {
            entry
                .expect("an entry")
                .file_name()
                .to_string_lossy()
                .into_owned()
        })
        .filter(|name| !name.starts_with('.') && name != "target")
        .collect();
    assert_eq!(found, allowed);
}

#[test]
fn an_example_fits_on_a_page() {
    let mut count = 0;
    for file in crates()
        .iter()
        .flat_map(|folder| sources(&folder.join("examples")))
    {
        let by_hand = file.to_string_lossy().contains("by_hand");
        let (lines, most) = (read(&file).lines().count(), if by_hand { 80 } else { 59 });
        assert!(
            lines <= most,
            "{}: {lines} lines, at most {most}",
            file.display()
        );
        count += 1;
    }
    assert!(count > 0, "there are examples");
}
