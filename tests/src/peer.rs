//! Independent peers: programs and libraries of others that must understand the server as it is.
//!
//! A peer that is not installed is skipped loudly; with `TIDINGS_PEERS=required` its absence is a failure.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::command::workspace;

/// Prints a line past the capture of the test runner: what ran, or what did not, must be seen.
pub fn say(line: &str) {
    let _closed = writeln!(std::io::stderr(), "{line}");
}

fn skip(peer: &str, wanted: &Path) {
    let line = format!(
        "peer {peer}: NOT RUN, {} is missing; install it by tests/peers/install.sh",
        wanted.display()
    );
    assert!(
        std::env::var_os("TIDINGS_PEERS").is_none_or(|value| value != "required"),
        "{line}"
    );
    say(&line);
}

/// Gives the folder of the peers' scripts.
#[must_use]
pub fn folder() -> PathBuf {
    workspace().join("tests/peers")
}

/// Finds a program by name, in `PATH` and in `/usr/sbin`; `None`, said loudly, where it is missing.
#[must_use]
pub fn program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path)
        .chain([PathBuf::from("/usr/sbin")])
        .map(|folder| folder.join(name))
        .find(|file| file.is_file());
    if found.is_none() {
        skip(name, Path::new(name));
    }
    found
}

/// Prepares a script of `tests/peers/python`; `None`, said loudly, where its packages are missing.
#[must_use]
pub fn python(script: &str) -> Option<Command> {
    let python = folder().join(".venv/bin/python");
    if !python.is_file() {
        skip(script, &python);
        return None;
    }
    let mut command = Command::new(python);
    command.arg("-u").arg(folder().join("python").join(script));
    Some(command)
}

/// Prepares a script of `tests/peers/node`; `None`, said loudly, where its packages are missing.
#[must_use]
pub fn node(script: &str) -> Option<Command> {
    let modules = folder().join("node/node_modules");
    if !modules.is_dir() {
        skip(script, &modules);
        return None;
    }
    let mut command = Command::new(program("node")?);
    command.arg(folder().join("node").join(script));
    Some(command)
}

/// Prepares a script of `tests/browser` with the path of Chromium; `None`, said loudly, where the browser or its
/// driver is missing.
#[must_use]
pub fn browser(script: &str) -> Option<Command> {
    let browser = program("chromium")?;
    let node = program("node")?;
    let driver = folder().join("node/node_modules/playwright-core");
    if !driver.is_dir() {
        skip(script, &driver);
        return None;
    }
    let mut command = Command::new(node);
    command
        .arg(workspace().join("tests/browser").join(script))
        .arg(browser);
    Some(command)
}

/// Runs a peer to its end and gives its stdout; an exit code other than 0 fails the test.
#[must_use]
pub fn run(command: &mut Command) -> String {
    let output = command
        .stdin(Stdio::null())
        .output()
        .unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let out = String::from_utf8_lossy(&output.stdout).into_owned();
    let err = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success(),
        "{command:?}: {}\n{out}\n{err}",
        output.status
    );
    out
}
