//! The rule ledgers, `docs/rules/*.md`: every row is whole, and every test that it names exists.
//!
//! | rule | source section | level | what we do | proof |
//!
//! A rule begins with its id, a word with a digit in it that stands in one row of all ledgers. The level is
//! MUST, SHOULD or MAY of the source, or `ours` where the source leaves it open. The proof is one test function or
//! several, each in backticks, or `not supported, because …`, or `out of scope: …`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use tidings_tests::command::workspace;

use crate::{read, sources};

const COLUMNS: [&str; 5] = ["rule", "source section", "level", "what we do", "proof"];
const LEVELS: [&str; 6] = ["MUST", "MUST NOT", "SHOULD", "SHOULD NOT", "MAY", "ours"];
const REASONS: [&str; 2] = ["not supported, because ", "out of scope: "];

/// What is wrong with a ledger: the number of the line, and why.
type Fault = (usize, String);

/// A row that was read: the number of its line, the id of its rule, the tests that prove it.
#[derive(Debug, PartialEq, Eq)]
struct Row {
    line: usize,
    id: String,
    proofs: Vec<String>,
}

/// The cells of a line of a table. A pipe behind a backslash does not part.
fn cells(line: &str) -> Vec<String> {
    const HIDDEN: &str = "\u{0}";
    let line = line.trim().replace("\\|", HIDDEN);
    let inner = line.strip_prefix('|').unwrap_or(&line);
    let inner = inner.strip_suffix('|').unwrap_or(inner);
    inner
        .split('|')
        .map(|cell| cell.trim().replace(HIDDEN, "|"))
        .collect()
}

/// What stands between backticks.
fn code(text: &str) -> Vec<String> {
    text.split('`')
        .skip(1)
        .step_by(2)
        .map(str::to_owned)
        .collect()
}

fn is_rule(cells: &[String]) -> bool {
    cells
        .iter()
        .all(|cell| !cell.is_empty() && cell.chars().all(|sign| "-: ".contains(sign)))
}

/// Reads the rows of a ledger, and says of each line what is wrong with it.
fn rows(ledger: &str) -> (Vec<Row>, Vec<Fault>) {
    let (mut rows, mut faults) = (Vec::new(), Vec::new());
    let mut in_table = false;
    for (number, line) in (1..).zip(ledger.lines()) {
        if !line.trim_start().starts_with('|') {
            in_table = false;
            continue;
        }
        let cells = cells(line);
        if !in_table {
            in_table = true;
            if cells != COLUMNS {
                faults.push((
                    number,
                    format!("a table has the columns {COLUMNS:?}, not {cells:?}"),
                ));
            }
        } else if !is_rule(&cells) {
            match row(number, &cells) {
                Ok(row) => rows.push(row),
                Err(why) => faults.push((number, why)),
            }
        }
    }
    if rows.is_empty() && faults.is_empty() {
        faults.push((1, "there is no row".into()));
    }
    (rows, faults)
}

fn row(line: usize, cells: &[String]) -> Result<Row, String> {
    let [rule, source, level, does, proof] = cells else {
        return Err(format!("{} cells, not {}", cells.len(), COLUMNS.len()));
    };
    let (id, text) = rule.split_once(char::is_whitespace).unwrap_or((rule, ""));
    let id = id.trim_matches(|sign| "*`:.".contains(sign));
    if !id.contains(|sign: char| sign.is_ascii_digit()) {
        return Err(format!("a rule begins with its id, not with {id:?}"));
    }
    if text.trim().is_empty() || does.is_empty() {
        return Err(format!("{id}: the rule, or what we do, is not said"));
    }
    if !LEVELS.contains(&level.as_str()) {
        return Err(format!(
            "{id}: the level is one of {LEVELS:?}, not {level:?}"
        ));
    }
    if source.is_empty() || (level != "ours" && !source.contains('§')) {
        return Err(format!(
            "{id}: {source:?} names no section (§) of its source"
        ));
    }
    let mut proofs = Vec::new();
    match REASONS.iter().find_map(|reason| proof.strip_prefix(reason)) {
        Some(reason) if reason.split_whitespace().count() < 3 => {
            return Err(format!("{id}: the reason is not said"));
        }
        Some(_) => {}
        None => {
            proofs = code(proof);
            if proofs.is_empty() {
                return Err(format!(
                    "{id}: the proof names no test in backticks and none of {REASONS:?}"
                ));
            }
        }
    }
    Ok(Row {
        line,
        id: id.to_owned(),
        proofs,
    })
}

/// The names of the test functions of a source file: `fn` behind `#[test]` or `#[tokio::test…]`, also inside
/// `proptest!`, which takes the attribute too. What is ignored does not run and proves nothing.
pub(crate) fn tests(source: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let (mut marked, mut ignored) = (false, false);
    for line in source.lines().map(str::trim_start) {
        marked |= line.starts_with("#[test]") || line.starts_with("#[tokio::test");
        ignored |= line.starts_with("#[ignore");
        let function = line.strip_prefix("pub ").unwrap_or(line);
        let function = function.strip_prefix("async ").unwrap_or(function);
        let Some(name) = function.strip_prefix("fn ") else {
            continue;
        };
        let end = name
            .find(|sign: char| !sign.is_alphanumeric() && sign != '_')
            .unwrap_or(name.len());
        if marked && !ignored {
            found.insert(name[..end].to_owned());
        }
        (marked, ignored) = (false, false);
    }
    found
}

/// The files in which a test may stand, in order.
pub(crate) fn test_sources() -> Vec<PathBuf> {
    ["crates", "tests", "fuzz"]
        .iter()
        .flat_map(|folder| sources(&workspace().join(folder)))
        .filter(|path| {
            let mut parts = path.components();
            !parts.any(|part| part.as_os_str() == "target" || part.as_os_str() == "node_modules")
        })
        .collect()
}

/// The test functions of the workspace.
fn all_tests() -> BTreeSet<String> {
    let files = test_sources();
    files.iter().flat_map(|path| tests(&read(path))).collect()
}

/// The ledgers: all of `docs/rules` but the file that explains them.
pub(crate) fn ledgers() -> Vec<PathBuf> {
    let entries = fs::read_dir(workspace().join("docs/rules")).expect("the ledgers");
    let mut files: Vec<PathBuf> = entries
        .map(|entry| entry.expect("a ledger").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "md"))
        .filter(|path| path.file_name().is_some_and(|name| name != "README.md"))
        .collect();
    files.sort();
    files
}

/// Everything that is wrong with some ledgers, each given by its name and text.
fn faults(ledgers: &[(String, String)], tests: &BTreeSet<String>) -> Vec<String> {
    let mut said = Vec::new();
    let mut seen: BTreeMap<String, String> = BTreeMap::new();
    for (name, text) in ledgers {
        let (rows, faults) = rows(text);
        said.extend(
            faults
                .into_iter()
                .map(|(line, why)| format!("{name}:{line}: {why}")),
        );
        for Row { line, id, proofs } in rows {
            let here = format!("{name}:{line}");
            for proof in proofs.iter().filter(|proof| !tests.contains(*proof)) {
                said.push(format!("{here}: {id}: there is no test `{proof}`"));
            }
            if let Some(before) = seen.insert(id.clone(), here.clone()) {
                said.push(format!("{here}: {id} has a row already, at {before}"));
            }
        }
    }
    said
}

#[test]
fn every_rule_has_one_row_and_every_proof_exists() {
    let ledgers: Vec<(String, String)> = ledgers()
        .iter()
        .map(|path| {
            let name = path.strip_prefix(workspace()).unwrap_or(path);
            (name.display().to_string(), read(path))
        })
        .collect();
    for needed in ["websocket", "sse", "polling"] {
        let name = Path::new("docs/rules").join(format!("{needed}.md"));
        let found = ledgers.iter().any(|(path, _)| Path::new(path) == name);
        assert!(found, "there is no {}", name.display());
    }
    let faults = faults(&ledgers, &all_tests());
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

#[test]
fn a_faulty_ledger_is_told_line_by_line() {
    const HEAD: &str =
        "| rule | source section | level | what we do | proof |\n|---|---|---|---|---|\n";
    let tests: BTreeSet<String> = ["is_there".to_owned()].into();
    // What is wrong, the lines behind the head of the table, what is said of which line.
    let lines: [(&str, &str, &str); 14] = [
        (
            "a name that is no test",
            "| A-1 x | RFC 1 §1 | MUST | y | `is_not_there` |",
            "3: A-1: there is no test `is_not_there`",
        ),
        (
            "one of two",
            "| A-1 x | RFC 1 §1 | MUST | y | `is_there`, `no` |",
            "3: A-1: there is no test `no`",
        ),
        (
            "a proof in words",
            "| A-1 x | RFC 1 §1 | MUST | y | is_there |",
            "3: A-1: the proof names no test",
        ),
        (
            "no proof",
            "| A-1 x | RFC 1 §1 | MUST | y | |",
            "3: A-1: the proof names no test",
        ),
        (
            "no reason",
            "| A-1 x | RFC 1 §1 | MUST | y | not supported, because no |",
            "3: A-1: the reason is not said",
        ),
        (
            "not supported, without because",
            "| A-1 x | RFC 1 §1 | MUST | y | not supported |",
            "3: A-1: the proof names no test",
        ),
        (
            "four cells",
            "| A-1 x | RFC 1 §1 | MUST | `is_there` |",
            "3: 4 cells, not 5",
        ),
        (
            "another level",
            "| A-1 x | RFC 1 §1 | must | y | `is_there` |",
            "3: A-1: the level is one of",
        ),
        (
            "no section",
            "| A-1 x | RFC 1 | MUST | y | `is_there` |",
            "3: A-1: \"RFC 1\" names no section",
        ),
        (
            "no id",
            "| A rule | RFC 1 §1 | MUST | y | `is_there` |",
            "3: a rule begins with its id",
        ),
        (
            "no rule",
            "| A-1 | RFC 1 §1 | MUST | y | `is_there` |",
            "3: A-1: the rule, or what we do",
        ),
        (
            "nothing done",
            "| A-1 x | RFC 1 §1 | MUST | | `is_there` |",
            "3: A-1: the rule, or what we do",
        ),
        (
            "twice",
            "| A-1 x | RFC 1 §1 | MUST | y | `is_there` |\n| **A-1** z | RFC 1 §2 | MUST | y | `is_there` |",
            "4: A-1 has a row already, at l.md:3",
        ),
        ("no row", "", "1: there is no row"),
    ];
    for (name, line, want) in lines {
        let ledger = ("l.md".to_owned(), format!("{HEAD}{line}\n"));
        let said = faults(&[ledger], &tests);
        let want = format!("l.md:{want}");
        assert!(
            said.len() == 1 && said[0].starts_with(&want),
            "{name}: {said:?}"
        );
    }
    let columns = ("l.md".to_owned(), HEAD.replace("level", "must"));
    assert!(faults(&[columns], &tests)[0].starts_with("l.md:1: a table has the columns"));

    let good = "# Title\n\n| A-1 is no row here, for lack of a head\n\n".replace('|', "-")
        + HEAD
        + "| A-1 x | RFC 1 §1.2 | MUST NOT | y | `is_there` |\n\
           | A-2 a \\| b | the page of X | ours | y | out of scope: a reason with `code` |\n\
           \n## Another table\n\n"
        + HEAD
        + "| **A-3** x | RFC 1 §2 | MAY | y | not supported, because nobody asks for it |\n";
    let (read, faults) = rows(&good);
    assert_eq!(faults, []);
    let ids: Vec<&str> = read.iter().map(|row| row.id.as_str()).collect();
    assert_eq!(ids, ["A-1", "A-2", "A-3"]);
}

#[test]
fn a_test_is_a_function_that_runs_as_one() {
    let marks = [
        "#[test]",
        "#[tokio::test]",
        "#[tokio::test(start_paused = true)]",
    ];
    for mark in marks {
        let source = format!("{mark}\n#[cfg(unix)]\nfn a() {{}}\nfn helper() {{}}\n");
        assert_eq!(tests(&source), ["a".to_owned()].into(), "{mark}");
    }
    let inside =
        "proptest! {\n    #[test]\n    fn b(x in 0..9) {}\n    fn plain(x in 0..9) {}\n}\n";
    assert_eq!(tests(inside), ["b".to_owned()].into());
    let ignored = "#[test]\n#[ignore = \"slow\"]\nfn c() {}\n#[test]\nasync fn d() {}\n";
    assert_eq!(tests(ignored), ["d".to_owned()].into());
    assert!(all_tests().contains("a_test_is_a_function_that_runs_as_one"));
}
