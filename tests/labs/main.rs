//! The labs of `docs/labs`: a skeleton builds and fails only at its empty function, the reference answer passes, and
//! answers that are wrong in the usual ways are found, each by the row that is there for it.
//!
//! Each lab is copied to a folder of its own and built there, as a reader of its handout does it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests: what is not as written fails the test at hand"
)]

mod commands;
mod handouts;
mod wrong;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tidings_tests::command::workspace;

use crate::wrong::WRONG;

const LABS: [&str; 6] = [
    "1-accept-key",
    "2-masking",
    "3-frame-header",
    "4-chunk-size",
    "5-event-stream-lines",
    "6-wait",
];

/// What stands in a function that is to be written.
const EMPTY: &str = "todo!(";

fn folder(lab: &str) -> PathBuf {
    workspace().join("docs/labs").join(lab)
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// A copy of a skeleton, with some text as its `src/lib.rs`.
struct Copied(PathBuf);

impl Copied {
    fn new(lab: &str, name: &str, library: &str) -> Self {
        let place = Path::new(env!("CARGO_TARGET_TMPDIR")).join("labs");
        let place = place.join(format!("{lab}-{name}"));
        let _ = fs::remove_dir_all(&place);
        copy(&folder(lab).join("skeleton"), &place);
        fs::write(place.join("src/lib.rs"), library).expect("the copy is written to");
        Self(place)
    }

    /// Runs `cargo test` in it; gives whether all passed, and what was said.
    fn test(&self, targets: &[&str]) -> (bool, String) {
        let mut command = Command::new(env!("CARGO"));
        command
            .args(["test", "--offline", "--no-fail-fast", "--target-dir"])
            .arg(self.0.join("target"))
            .args(targets);
        self.prepare(&mut command);
        let output = command.output().expect("cargo runs");
        let said = [output.stdout, output.stderr].concat();
        let said = String::from_utf8(said).expect("cargo says UTF-8");
        (output.status.success(), said)
    }

    /// As a reader runs a command here, but for what costs time, and with warnings as errors.
    fn prepare(&self, command: &mut Command) {
        command
            .current_dir(&self.0)
            .env("RUST_BACKTRACE", "0")
            .env("RUSTFLAGS", "-Dwarnings")
            .env("CARGO_INCREMENTAL", "0")
            .env("CARGO_PROFILE_DEV_DEBUG", "0")
            .env("CARGO_TERM_COLOR", "never")
            // Nothing is fetched, and nothing waits for the lock of what others fetch.
            .env("CARGO_HOME", self.0.join("target/home"))
            .stdin(Stdio::null());
    }
}

impl Drop for Copied {
    fn drop(&mut self) {
        // It takes a few megabytes; what stays is removed by the next run.
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder for the copy");
    for entry in fs::read_dir(from).expect("a folder of the lab") {
        let entry = entry.unwrap();
        let (from, to) = (entry.path(), to.join(entry.file_name()));
        // A reader may have built it in place.
        if from.is_dir() && !from.ends_with("target") {
            copy(&from, &to);
        } else if from.is_file() {
            fs::copy(&from, &to).expect("a file of the lab");
        }
    }
}

/// The tests of a run by their verdict, `ok` or `FAILED`.
fn verdicts(said: &str, verdict: &str) -> BTreeSet<String> {
    let lines = said.lines().filter_map(|line| line.strip_prefix("test "));
    lines
        .filter_map(|line| line.strip_suffix(verdict)?.strip_suffix(" ... "))
        .map(str::to_owned)
        .collect()
}

/// What a failing test said.
fn said_by<'a>(test: &str, said: &'a str) -> &'a str {
    let begin = said.find(&format!("---- {test} stdout ----"));
    let begin = begin.unwrap_or_else(|| panic!("{test} said nothing:\n{said}"));
    let rest = &said[begin + 5..];
    let end = rest.find("\n---- ").or_else(|| rest.find("\nfailures:"));
    &rest[..end.unwrap_or(rest.len())]
}

/// The name of the one file of tests that a skeleton has.
fn stem(lab: &str) -> String {
    let entries = fs::read_dir(folder(lab).join("skeleton/tests")).expect("its tests");
    let files = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let stems: Vec<String> = files
        .filter_map(|name| Some(name.strip_suffix(".rs")?.to_owned()))
        .collect();
    assert_eq!(stems.len(), 1, "{lab}: {stems:?}");
    stems.concat()
}

/// The tests of a skeleton, by their names.
fn tests(lab: &str) -> BTreeSet<String> {
    let text = read(&folder(lab).join(format!("skeleton/tests/{}.rs", stem(lab))));
    let lines: Vec<&str> = text.lines().collect();
    let named = lines.windows(2).filter(|pair| pair[0] == "#[test]");
    let names = named.map(|pair| pair[1].strip_prefix("fn ").unwrap().split('(').next());
    names.map(|name| name.unwrap().to_owned()).collect()
}

/// The step of a test by its name: 2 for `step_2_base64`.
fn step(test: &str) -> u32 {
    let rest = test.strip_prefix("step_").unwrap();
    rest.split('_').next().unwrap().parse().unwrap()
}

fn skeleton(lab: &str) -> String {
    read(&folder(lab).join("skeleton/src/lib.rs"))
}

fn answer(lab: &str) -> String {
    read(&folder(lab).join("answer/lib.rs"))
}

/// One lab from the folder as it is, to the answer, to wrong ones.
fn hold(lab: &str) {
    let all = tests(lab);
    let stem = stem(lab);
    // Without the function that is to be written a test says so, and nothing else goes wrong.
    let (passed, said) = Copied::new(lab, "skeleton", &skeleton(lab)).test(&["--test", &stem]);
    let failed = verdicts(&said, "FAILED");
    assert!(!passed && !failed.is_empty(), "{lab}: {said}");
    let fine = verdicts(&said, "ok");
    assert_eq!(&failed | &fine, all, "{lab}: {said}");
    assert!(
        fine.iter().all(|test| test.ends_with("_is_given")),
        "{lab} needs no answer for {fine:?}"
    );
    for test in &failed {
        let said = said_by(test, &said);
        let empty = said.contains("panicked at src/lib.rs:")
            && said.contains("not yet implemented: ")
            && said.matches("panicked at").count() == 1;
        assert!(empty, "{lab}: {said}");
    }

    let copied = Copied::new(lab, "answer", &answer(lab));
    let (passed, said) = copied.test(&["--all-targets"]);
    assert!(passed, "{lab}: {said}");
    assert_eq!(verdicts(&said, "ok"), all, "{lab}: {said}");
    commands::hold(lab, &copied);
    drop(copied);

    let mut count = 0;
    for wrong in WRONG.iter().filter(|wrong| wrong.lab == lab) {
        let answer = answer(lab);
        let (name, right) = (wrong.name, wrong.right);
        assert_eq!(answer.matches(right).count(), 1, "{lab}, {name}: {right}");
        let library = answer.replace(right, wrong.wrong);
        let copied = Copied::new(lab, "wrong", &library);
        let (_, said) = copied.test(&["--test", &stem]);
        let failed = verdicts(&said, "FAILED");
        assert!(failed.contains(wrong.found_by), "{lab}, {name}: {said}");
        // The test that is named is of the first step that fails: a reader stops there.
        let first = failed.iter().map(|test| step(test)).min();
        assert_eq!(
            first,
            Some(step(wrong.found_by)),
            "{lab}, {name}: {failed:?}"
        );
        let told = said_by(wrong.found_by, &said);
        assert!(told.contains(wrong.told), "{lab}, {name}: {told}");
        count += 1;
    }
    assert!(count > 0, "{lab} has no wrong answer");
}

#[test]
fn lab_1_accept_key() {
    hold(LABS[0]);
}

#[test]
fn lab_2_masking() {
    hold(LABS[1]);
}

#[test]
fn lab_3_frame_header() {
    hold(LABS[2]);
}

#[test]
fn lab_4_chunk_size() {
    hold(LABS[3]);
}

#[test]
fn lab_5_event_stream_lines() {
    hold(LABS[4]);
}

#[test]
fn lab_6_wait() {
    hold(LABS[5]);
}

#[test]
fn the_folder_holds_these_labs() {
    let entries = fs::read_dir(workspace().join("docs/labs")).expect("the labs");
    let found: BTreeSet<String> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name != "README.md")
        .collect();
    assert_eq!(found, LABS.map(str::to_owned).into());
}

#[test]
fn a_skeleton_is_a_workspace_of_its_own_without_dependencies() {
    for lab in LABS {
        let manifest = read(&folder(lab).join("skeleton/Cargo.toml"));
        assert!(manifest.contains("\n[workspace]\n"), "{lab}");
        assert!(!manifest.contains("dependencies]"), "{lab}");
        let lock = read(&folder(lab).join("skeleton/Cargo.lock"));
        assert_eq!(lock.matches("[[package]]").count(), 1, "{lab}");
    }
}

#[test]
fn an_answer_changes_nothing_but_the_empty_functions() {
    for lab in LABS {
        let answer = answer(lab);
        let mut lines = answer.lines();
        let (skeleton, mut empty) = (skeleton(lab), 0);
        for line in skeleton.lines() {
            if line.trim_start().starts_with(EMPTY) {
                empty += 1;
                continue;
            }
            assert!(lines.any(|other| other == line), "{lab}: not kept: {line}");
        }
        assert!((1..=2).contains(&empty), "{lab}: {empty} empty functions");
        assert!(!answer.contains(EMPTY), "{lab}: the answer is not whole");
    }
}
