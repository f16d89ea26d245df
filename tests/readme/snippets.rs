//! The fenced blocks of the documents.

use std::fs;

use tidings_tests::command::workspace;

/// One fenced block.
#[derive(Debug, Clone)]
pub(crate) struct Snippet {
    pub(crate) language: String,
    /// What the tests call it; none where it is only read.
    pub(crate) name: Option<String>,
    pub(crate) text: String,
}

/// Every snippet that runs, and the test that runs it.
const RUN: [(&str, &str, &str); 19] = [
    ("README.md", "publish", "commands"),
    ("README.md", "short-poll", "commands"),
    ("README.md", "long-poll", "commands"),
    ("README.md", "sse", "commands"),
    ("README.md", "websocket", "commands"),
    ("README.md", "subscribe", "commands"),
    ("README.md", "publish-python", "commands"),
    ("README.md", "publish-node", "commands"),
    ("README.md", "page", "page"),
    ("README.md", "serve-page", "page"),
    ("docs/tidings-js.md", "tidings", "page"),
    ("docs/tidings-js.md", "reader", "page"),
    ("docs/operations.md", "nginx", "operations"),
    ("docs/operations.md", "unit", "operations"),
    ("docs/operations.md", "key", "operations"),
    ("crates/server/README.md", "hello", "crates"),
    ("crates/cli/README.md", "serve", "crates"),
    ("crates/cli/README.md", "publish", "crates"),
    ("crates/cli/README.md", "subscribe", "crates"),
];

/// The documents, by their paths from the top folder.
pub(crate) fn documents() -> Vec<String> {
    let mut found = vec![
        "README.md".to_owned(),
        "CHANGELOG.md".to_owned(),
        "crates/server/README.md".to_owned(),
        "crates/cli/README.md".to_owned(),
    ];
    for name in [
        "CONTRIBUTING",
        "SECURITY",
        "design",
        "wire",
        "operations",
        "proxies",
        "tidings-js",
        "glossary",
    ] {
        found.push(format!("docs/{name}.md"));
    }
    found.extend(crate::book::chapters());
    found.extend(crate::book::labs());
    found
}

/// Reads a file of the workspace.
pub(crate) fn read(path: &str) -> String {
    let file = workspace().join(path);
    fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

/// Gives the fenced blocks of a text, in order.
pub(crate) fn parse(text: &str) -> Vec<Snippet> {
    let mut found = Vec::new();
    let mut open: Option<Snippet> = None;
    for line in text.lines() {
        match (&mut open, line.strip_prefix("```")) {
            (None, Some(info)) => {
                let mut words = info.split_whitespace();
                open = Some(Snippet {
                    language: words.next().unwrap_or_default().to_owned(),
                    name: words.next().map(str::to_owned),
                    text: String::new(),
                });
            }
            (Some(_), Some(_)) => found.extend(open.take()),
            (Some(snippet), None) => {
                snippet.text.push_str(line);
                snippet.text.push('\n');
            }
            (None, None) => {}
        }
    }
    assert!(open.is_none(), "a block without an end: {open:?}");
    found
}

/// Gives the snippet of a document that has a name.
pub(crate) fn snippet(document: &str, name: &str) -> String {
    let mut found = parse(&read(document))
        .into_iter()
        .filter(|snippet| snippet.name.as_deref() == Some(name));
    match (found.next(), found.next()) {
        (Some(snippet), None) => snippet.text,
        (first, _) => panic!("{document} has not one block named {name}: {first:?}"),
    }
}

#[test]
fn a_block_is_its_language_its_name_and_its_lines() {
    let text = "a\n```sh x\none\n\ntwo\n```\n```text\n```\n";
    let [first, second] = &parse(text)[..] else {
        panic!("two blocks")
    };
    let name = first.name.as_deref();
    assert_eq!((&first.language[..], name), ("sh", Some("x")));
    assert_eq!(first.text, "one\n\ntwo\n");
    assert_eq!((second.name.as_deref(), &second.text[..]), (None, ""));
}

#[test]
fn every_named_block_is_run_and_every_other_is_text_or_cargo() {
    let mut named = Vec::new();
    for document in documents() {
        let in_lab = document.starts_with("docs/labs/");
        let in_book = in_lab || document.starts_with("docs/book/");
        for snippet in parse(&read(&document)) {
            match (&snippet.name, &snippet.language[..]) {
                (_, "octets" | "explained" | "mermaid" | "rust" | "diff") if in_book => {}
                (Some(name), _) => named.push((document.clone(), name.clone())),
                (None, "text") => {}
                // `tests/labs` runs them, in a copy of the lab.
                (None, "sh") if in_lab => {}
                (None, "json") => {
                    let value = serde_json::from_str::<serde_json::Value>(&snippet.text);
                    assert!(value.is_ok(), "{document}: {value:?}\n{}", snippet.text);
                }
                (None, "sh") => check_commands(&document, &snippet.text),
                // What the house style shows is code of no crate.
                (None, "rust") if document == "docs/CONTRIBUTING.md" => {}
                (None, other) => panic!("{document}: nobody runs this {other}:\n{}", snippet.text),
            }
        }
    }
    let want = RUN.map(|(document, name, _)| (document.to_owned(), name.to_owned()));
    named.sort();
    let mut want = want.to_vec();
    want.sort();
    assert_eq!(named, want);
    for (_, name, module) in RUN {
        let source = read(&format!("tests/readme/{module}.rs"));
        let quoted = format!("\"{name}\"");
        assert!(
            source.contains(&quoted),
            "tests/readme/{module}.rs does not run {name}"
        );
    }
}

/// Commands of a toolchain that take too long to run here: what they name exists.
fn check_commands(document: &str, text: &str) {
    for line in text.lines() {
        let command = line.split(" #").next().unwrap_or_default();
        let mut words = command
            .split_whitespace()
            .filter(|word| !word.contains('='));
        let Some(first) = words.next() else { continue };
        let words: Vec<&str> = words.collect();
        match first {
            "cargo" => check_cargo(document, line, &words),
            "mdbook" => assert!(
                workspace().join(words[1]).join("book.toml").is_file(),
                "{document}: {line}"
            ),
            "cd" => assert!(workspace().join(words[0]).is_dir(), "{document}: {line}"),
            // What tests/peers/install.sh makes is not there without it: the script that it runs is.
            "tests/peers/.venv/bin/python" => {
                let script = words
                    .first()
                    .unwrap_or_else(|| panic!("{document}: {line}"));
                let file = workspace().join(script);
                assert!(file.is_file(), "{document}: there is no {script}");
            }
            script => {
                let file = workspace().join(script);
                assert!(file.is_file(), "{document}: there is no {script}");
            }
        }
    }
}

fn check_cargo(document: &str, line: &str, words: &[&str]) {
    let after = |flag: &str| {
        let at = words.iter().position(|word| *word == flag)?;
        words.get(at + 1).copied()
    };
    let mut folder = "tests".to_owned();
    if let Some(package) = after("-p") {
        folder = match package {
            "tidings" => "crates/cli".to_owned(),
            "tidings-tests" => "tests".to_owned(),
            other => format!("crates/{}", other.trim_start_matches("tidings-")),
        };
        let manifest = read(&format!("{folder}/Cargo.toml"));
        let name = format!("name = \"{package}\"");
        assert!(manifest.contains(&name), "{document}: {line}");
    }
    if let Some(example) = after("--example") {
        let file = workspace().join(format!("{folder}/examples/{example}.rs"));
        let manifest = read(&format!("{folder}/Cargo.toml"));
        let named = manifest.contains(&format!("[[example]]\nname = \"{example}\""));
        assert!(named || file.is_file(), "{document}: {line}: no {example}");
    }
    if let Some(test) = after("--test") {
        let main = workspace().join(format!("{folder}/{test}/main.rs"));
        let file = workspace().join(format!("{folder}/tests/{test}.rs"));
        assert!(main.is_file() || file.is_file(), "{document}: {line}");
    }
    if words.contains(&"fuzz") {
        let targets = read("fuzz/src/lib.rs");
        let known = |word: &&str| targets.contains(&format!("(\"{word}\","));
        assert!(words.iter().any(known), "{document}: {line}");
    }
}
