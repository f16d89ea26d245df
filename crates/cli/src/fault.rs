//! A failure as one line on standard error.

use core::error::Error;
use std::io::Write as _;
use std::process::ExitCode;

/// Says on one line what failed and why: `tidings: what: why: why`.
pub(crate) fn report(error: &dyn Error) -> ExitCode {
    say(&chain(error));
    ExitCode::FAILURE
}

/// Says a line on standard error.
pub(crate) fn say(line: &str) {
    // Where standard error is closed there is nobody to tell.
    let _ = writeln!(std::io::stderr(), "tidings: {line}");
}

/// The error and its causes, joined by `: `, on one line.
fn chain(error: &dyn Error) -> String {
    let mut line = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        line.push_str(": ");
        line.push_str(&cause.to_string());
        source = cause.source();
    }
    crate::output::escape(&line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("the {}", .0.len())]
    struct Outer(&'static str, #[source] std::io::Error);

    #[test]
    fn causes_are_joined_on_one_line() {
        let error = Outer("four", std::io::Error::other("a\nb"));
        assert_eq!(chain(&error), "the 4: a\\nb");
    }
}
