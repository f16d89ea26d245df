//! The flags in the documents and those of the command agree.

use core::time::Duration;
use std::collections::BTreeMap;

use tidings_tests::command::run;

use crate::snippets::{documents, parse, read};

const COMMANDS: [&str; 10] = [
    "serve",
    "publish",
    "subscribe",
    "bench echo",
    "bench fan-out",
    "bench idle",
    "bench resume-storm",
    "compare",
    "explain",
    "record",
];

/// A flag: the name of its value, and its default.
type Flag = (Option<String>, Option<String>);

/// Gives the flags that `tidings COMMAND --help` lists.
fn helped(command: &str) -> BTreeMap<String, Flag> {
    let words: Vec<&str> = command.split(' ').chain(["--help"]).collect();
    let (code, help, _) = run(&words, Duration::from_secs(10));
    assert_eq!(code, Some(0), "{help}");
    let mut flags: BTreeMap<String, Flag> = BTreeMap::new();
    let mut last = None;
    for line in help.lines() {
        let line = line.trim();
        // A letter may stand in front: `-h, --help`.
        let line = match line.split_once(", ") {
            Some((letter, rest)) if letter.len() == 2 && letter.starts_with('-') => rest,
            _ => line,
        };
        if line.starts_with("--") {
            let mut words = line.split_whitespace();
            let name = words.next().unwrap().to_owned();
            let value = words.next().filter(|word| word.starts_with('<'));
            let value = value.map(|word| word.trim_matches(['<', '>']).to_owned());
            last = Some(name.clone());
            flags.insert(name, (value, None));
        }
        let Some((_, rest)) = line.split_once("[default: ") else {
            continue;
        };
        let default = rest.split(']').next().unwrap().to_owned();
        if let Some((_, known)) = last.as_ref().and_then(|name| flags.get_mut(name)) {
            *known = Some(default);
        }
    }
    flags.remove("--help");
    assert!(!flags.is_empty(), "{help}");
    flags
}

/// Gives the rows of the table under a heading: "| `--flag VALUE` | default | words |".
fn documented(heading: &str) -> BTreeMap<String, Flag> {
    let text = read("docs/operations.md");
    let rows = text
        .lines()
        .skip_while(|line| *line != heading)
        .skip(1)
        .take_while(|line| !line.starts_with('#'))
        .filter(|line| line.starts_with("| `--"));
    let mut flags = BTreeMap::new();
    for row in rows {
        let cells: Vec<&str> = row.split(" | ").collect();
        let mut words = cells[0]
            .trim_start_matches("| ")
            .trim_matches('`')
            .split_whitespace();
        let name = words.next().unwrap().to_owned();
        let value = words.next().map(str::to_owned);
        let default = match cells[1].trim() {
            "" | "none" | "off" => None,
            default => Some(default.trim_matches('`').to_owned()),
        };
        assert!(cells.len() > 2 && !cells[2].is_empty(), "{row}");
        assert!(
            flags.insert(name, (value, default)).is_none(),
            "{row} comes twice"
        );
    }
    flags
}

#[test]
fn operations_lists_every_flag_with_its_value_and_default() {
    for command in COMMANDS {
        let heading = format!("### `tidings {command}`");
        let (want, found) = (helped(command), documented(&heading));
        assert_eq!(
            found, want,
            "docs/operations.md, {heading}, and `tidings {command} --help`"
        );
    }
}

#[test]
fn every_flag_beside_the_command_in_a_document_exists() {
    let mut count = 0;
    for document in documents() {
        let text = read(&document);
        let code = text.split('`').skip(1).step_by(2).map(str::to_owned);
        let blocks = parse(&text).into_iter().map(|snippet| snippet.text);
        let lines = code
            .chain(blocks)
            .collect::<Vec<_>>()
            .join("\n")
            .replace("\\\n", " ");
        for line in lines.lines() {
            let Some((command, rest)) = COMMANDS.iter().find_map(|command| {
                let (_, rest) = line
                    .split_once(&format!("tidings {command} "))
                    .or_else(|| line.split_once(&format!("-- {command} ")))?;
                Some((command, rest))
            }) else {
                continue;
            };
            let flags = helped(command);
            for word in rest
                .split_whitespace()
                .filter(|word| word.starts_with("--"))
            {
                let name = word.split('=').next().unwrap();
                assert!(flags.contains_key(name), "{document}: {line}: no {name}");
                count += 1;
            }
        }
    }
    assert!(count > 5, "only {count} flags were found");
}
