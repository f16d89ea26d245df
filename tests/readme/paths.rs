//! Every file that a document names is there.

use std::path::Path;

use tidings_tests::command::workspace;

use crate::snippets::{documents, read};

/// Gives the targets of the links of a text: `[words](target)` and `<target>` are links of Markdown.
fn links(text: &str) -> Vec<&str> {
    text.split("](")
        .skip(1)
        .filter_map(|rest| rest.split(')').next())
        .collect()
}

/// Gives what stands between backticks in a line and reads like a path of the workspace.
fn paths(text: &str) -> Vec<&str> {
    let tops = ["crates/", "tests/", "docs/", "fuzz/", ".ci/"];
    text.lines()
        .flat_map(|line| line.split('`').skip(1).step_by(2))
        .filter(|code| tops.iter().any(|top| code.starts_with(top)))
        .map(|code| code.split_whitespace().next().unwrap_or_default())
        .filter(|path| !path.contains(['*', '<', '{']))
        .collect()
}

/// The anchor that a heading gets: lower case, spaces to hyphens, other signs dropped.
fn anchor(heading: &str) -> String {
    heading
        .trim_start_matches('#')
        .trim()
        .to_lowercase()
        .chars()
        .filter(|sign| sign.is_alphanumeric() || matches!(sign, ' ' | '-' | '_'))
        .map(|sign| if sign == ' ' { '-' } else { sign })
        .collect()
}

#[test]
fn every_link_leads_to_a_file_and_every_anchor_to_a_heading() {
    let mut count = 0;
    for document in documents() {
        let text = read(&document);
        for link in links(&text) {
            if link.starts_with("http://") || link.starts_with("https://") {
                continue;
            }
            let (file, fragment) = link.split_once('#').unwrap_or((link, ""));
            let here = Path::new(&document);
            let file = match file {
                "" => here.to_owned(),
                file => here.parent().unwrap().join(file),
            };
            let place = workspace().join(&file);
            assert!(
                place.exists(),
                "{document} links to {link}: no {}",
                place.display()
            );
            if !fragment.is_empty() {
                let target = read(&file.to_string_lossy());
                let found = target
                    .lines()
                    .any(|line| line.starts_with('#') && anchor(line) == fragment);
                assert!(found, "{document} links to {link}: no such heading");
            }
            count += 1;
        }
    }
    assert!(count > 20, "only {count} links were found");
}

#[test]
fn every_path_in_the_documents_exists() {
    let mut count = 0;
    for document in documents() {
        for path in paths(&read(&document)) {
            let place = workspace().join(path);
            // A handout speaks of the files of its skeleton.
            let here = workspace().join(&document).with_file_name("skeleton");
            assert!(
                place.exists() || here.join(path).exists(),
                "{document} names {path}, which does not exist"
            );
            count += 1;
        }
    }
    assert!(count > 40, "only {count} paths were found");
}

/// Each row: the pattern in bold, what it gives, links to code, links to where it is explained.
#[test]
fn the_pattern_index_leads_to_code_and_to_an_explanation() {
    let readme = read("README.md");
    let part = readme
        .split("\n## ")
        .find(|part| part.starts_with("Pattern index\n"));
    let part = part.expect("README.md has a pattern index");
    let mut names = Vec::new();
    for row in part.lines().filter(|line| line.starts_with("| **")) {
        let columns: Vec<&str> = row.trim_matches('|').split('|').map(str::trim).collect();
        let [name, gives, code, explained] = columns[..] else {
            panic!("four columns: {row}")
        };
        assert!(!gives.is_empty(), "{row}");
        let (code, explained) = (links(code), links(explained));
        assert!(!code.is_empty() && !explained.is_empty(), "{row}");
        let tops = ["crates/", "fuzz/", "tests/"];
        let is_code = |link: &&str| tops.iter().any(|top| link.starts_with(top));
        assert!(code.iter().all(is_code), "{row}");
        for file in code {
            let file = workspace().join(file);
            assert!(file.is_file(), "{row}: no {}", file.display());
        }
        assert!(
            explained.iter().all(|link| link.starts_with("docs/")),
            "{row}"
        );
        names.push(name);
    }
    let count = names.len();
    names.sort_unstable();
    names.dedup();
    assert!(
        count == names.len() && count >= 25,
        "{count} patterns: {names:?}"
    );
}

#[test]
fn the_index_covers_every_crate() {
    let readme = read("README.md");
    for name in [
        "http1",
        "websocket",
        "sse",
        "polling",
        "hub",
        "server",
        "client",
        "cli",
    ] {
        let path = format!("`crates/{name}/src/");
        assert!(
            readme.contains(&path),
            "the index of README.md has no file of {name}"
        );
    }
}
