//! The ledgers as chapters of the book: each proof is a link to the file of its test.
//!
//! `docs/book/src/rules-NAME.md` is made from `docs/rules/NAME.md` and the sources. `TIDINGS_UPDATE=1` writes it anew.

use std::collections::BTreeMap;
use std::fs;

use tidings_tests::command::workspace;

use crate::ledger::{ledgers, test_sources, tests};
use crate::read;

/// From a chapter to the top folder.
const TOP: &str = "../../..";

/// Where each test stands, by paths from the top folder; a name may stand in several crates.
fn places() -> BTreeMap<String, Vec<String>> {
    let mut places: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for path in test_sources() {
        let file = path.strip_prefix(workspace()).unwrap_or(&path);
        for name in tests(&read(&path)) {
            let files = places.entry(name).or_default();
            files.push(file.display().to_string());
        }
    }
    places
}

/// The file of a test: the one in the ledger's own crate before others.
fn file<'a>(
    ledger: &str,
    name: &str,
    places: &'a BTreeMap<String, Vec<String>>,
) -> Option<&'a str> {
    let files = places.get(name)?;
    let own = format!("crates/{ledger}/");
    let mut candidates = files.iter();
    let found = candidates.find(|file| file.starts_with(&own));
    found.or_else(|| files.first()).map(String::as_str)
}

/// A row whose last cell links the tests that it names; other lines keep their words, and links lead to the same files.
fn line(ledger: &str, line: &str, places: &BTreeMap<String, Vec<String>>) -> String {
    if !line.starts_with('|') {
        return line
            .split("](")
            .enumerate()
            .map(|(index, part)| match index {
                0 => part.to_owned(),
                _ if part.starts_with("http") || part.starts_with('#') => format!("]({part}"),
                _ => format!("]({TOP}/docs/rules/{part}"),
            })
            .collect();
    }
    let inner = line.trim_end().strip_suffix('|').unwrap_or(line);
    let Some((before, proof)) = inner.rsplit_once(" | ") else {
        return line.to_owned();
    };
    let linked: Vec<String> = proof
        .split('`')
        .enumerate()
        .map(|(index, part)| match file(ledger, part, places) {
            Some(file) if index % 2 == 1 => format!("[`{part}`]({TOP}/{file})"),
            Some(_) | None if index % 2 == 1 => format!("`{part}`"),
            Some(_) | None => part.to_owned(),
        })
        .collect();
    format!("{before} | {}|", linked.concat())
}

/// The chapter of a ledger.
fn chapter(ledger: &str, text: &str, places: &BTreeMap<String, Vec<String>>) -> String {
    let title = text
        .lines()
        .find_map(|line| line.strip_prefix("# Rules of "))
        .unwrap_or(ledger);
    let title = title[..1].to_uppercase() + &title[1..];
    let mut out = format!(
        "# Ledger: {title}\n\nThis is [the ledger]({TOP}/docs/rules/{ledger}.md) with a link from each proof to the file of \
         its test. Both are held to each\nother by a test, `tests/house/chapters.rs`.\n"
    );
    let body = text
        .lines()
        .skip_while(|line| line.starts_with("# ") || line.is_empty());
    out.push('\n');
    for one in body {
        out.push_str(&line(ledger, one, places));
        out.push('\n');
    }
    out
}

#[test]
fn each_rule_in_the_book_is_linked_to_its_test() {
    let places = places();
    let update = std::env::var_os("TIDINGS_UPDATE").is_some();
    for path in ledgers() {
        let name = path.file_stem().expect("a name").to_string_lossy();
        let want = chapter(&name, &read(&path), &places);
        let file = workspace().join(format!("docs/book/src/rules-{name}.md"));
        if update {
            fs::write(&file, &want).expect("the chapter is written");
        }
        let found = read(&file);
        let differs = found
            .lines()
            .zip(want.lines())
            .position(|(one, other)| one != other);
        assert!(
            found == want,
            "{} is behind its ledger, from line {}; write it anew:\n  \
             TIDINGS_UPDATE=1 cargo test -p tidings-tests --test house each_rule_in_the_book",
            file.display(),
            differs.unwrap_or_default() + 1
        );
        let links = found.matches("](../../../crates/").count();
        assert!(links > 20, "{name}: only {links} links");
    }
}

#[test]
fn a_proof_becomes_a_link_and_words_stay_words() {
    let places: BTreeMap<String, Vec<String>> = [
        ("both", vec!["crates/a/x.rs", "crates/sse/x.rs"]),
        ("one", vec!["tests/y.rs"]),
    ]
    .into_iter()
    .map(|(name, files)| {
        let files = files.into_iter().map(str::to_owned).collect();
        (name.to_owned(), files)
    })
    .collect();
    let rows = [
        (
            "| A1 `one` x | § | MUST | y | `both`, `one` |",
            "| A1 `one` x | § | MUST | y | [`both`](../../../crates/sse/x.rs), [`one`](../../../tests/y.rs) |",
        ),
        (
            "| A2 x | § | MUST | y | out of scope: `Limits` has none |",
            "| A2 x | § | MUST | y | out of scope: `Limits` has none |",
        ),
        (
            "See [README.md](README.md) and [a page](http://a).",
            "See [README.md](../../../docs/rules/README.md) and [a page](http://a).",
        ),
        ("|---|---|---|---|---|", "|---|---|---|---|---|"),
    ];
    for (from, want) in rows {
        assert_eq!(line("sse", from, &places), want);
    }
}
