//! `tidings explain`: octets told field by field.

use core::fmt::Write as _;
use std::io::{Read as _, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use serde_json::{Value, json};
use tidings_explain::{Protocol, Trace, explain};

use crate::{fault, output, record};

/// Longest input, in octets.
const MAX_INPUT_LEN: u64 = 16 << 20;
/// Octets of a span that are shown.
const SHOWN: usize = 8;

/// Tells octets field by field: what each is, what it means, and which section says so.
///
/// For input that breaks a rule it tells where, by which rule, and what the other end answers; it then ends with 1.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    tidings explain --hex '81 85 37 fa 21 3d 7f 9f 4d 51 58'\n  \
    tidings explain --text 'GET / HTTP/1.1\\r\\nHost: a\\r\\n\\r\\n'\n  \
    tidings explain --text 'id: 7\\ndata: hello\\n\\n' --json\n  \
    tidings explain --mermaid talk.jsonl\n  \
    curl -sN http://127.0.0.1:8080/channels/news -H 'Accept: text/event-stream' | tidings explain")]
pub(crate) struct Explain {
    /// A file with the octets. `-`, or nothing, takes standard input to its end.
    #[arg(value_name = "FILE", conflicts_with_all = ["hex", "text"])]
    file: Option<PathBuf>,
    /// The octets as pairs of hexadecimal digits; spaces and colons between are passed over.
    #[arg(long, value_name = "HEX", conflicts_with = "text")]
    hex: Option<String>,
    /// The octets as text with the escapes `\r`, `\n`, `\t`, `\0`, `\\` and `\xHH`.
    #[arg(long, value_name = "TEXT")]
    text: Option<String>,
    /// requests, responses, websocket or sse; without it that is guessed from the first octets.
    #[arg(long = "as", value_name = "PROTOCOL")]
    protocol: Option<Protocol>,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
    /// Draw a recording of `tidings record` as sequence diagrams in the language of Mermaid, one a connection.
    #[arg(long, conflicts_with_all = ["hex", "text", "protocol", "json"])]
    mermaid: bool,
}

#[derive(Debug, thiserror::Error)]
enum Error {
    #[error("cannot read {}", path.display())]
    File {
        path: PathBuf,
        source: std::io::Error,
    },
    #[error("cannot read standard input")]
    Input(#[source] std::io::Error),
    #[error("the input is longer than {MAX_INPUT_LEN} octets")]
    TooLong,
    #[error("line {0} is no line of a recording")]
    Recording(usize),
    #[error("--hex takes pairs of hexadecimal digits")]
    Hex,
    #[error(r"--text takes the escapes \r, \n, \t, \0, \\ and \xHH")]
    Escape,
}

/// Runs the command.
pub(crate) fn run(args: &Explain) -> ExitCode {
    let octets = match read(args) {
        Ok(octets) => octets,
        Err(error) => return fault::report(&error),
    };
    if args.mermaid {
        return match draw(&octets) {
            Ok(diagrams) => {
                let _ = write!(std::io::stdout(), "{diagrams}");
                ExitCode::SUCCESS
            }
            Err(error) => fault::report(&error),
        };
    }
    let protocol = args.protocol.unwrap_or_else(|| Protocol::detect(&octets));
    let trace = explain(protocol, &octets);
    let mut stdout = std::io::stdout().lock();
    // Where standard output is closed there is nobody to tell.
    let _ = if args.json {
        writeln!(stdout, "{}", to_json(protocol, &octets, &trace))
    } else {
        write!(stdout, "{}", to_text(protocol, &octets, &trace))
    };
    if trace.fault.is_some() {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    }
}

/// The diagrams of a recording, each below the number of its connection.
fn draw(octets: &[u8]) -> Result<String, Error> {
    let text = String::from_utf8_lossy(octets);
    let connections = record::read(&text).map_err(Error::Recording)?;
    let diagrams = connections
        .iter()
        .map(|(number, recording)| format!("%% connection {number}\n{}\n", recording.to_mermaid()));
    Ok(diagrams.collect())
}

fn read(args: &Explain) -> Result<Vec<u8>, Error> {
    if let Some(hex) = &args.hex {
        return from_hex(hex).ok_or(Error::Hex);
    }
    if let Some(text) = &args.text {
        return unescape(text).ok_or(Error::Escape);
    }
    let mut octets = Vec::new();
    match &args.file {
        Some(path) if path.as_os_str() != "-" => {
            let read = std::fs::File::open(path)
                .and_then(|file| file.take(MAX_INPUT_LEN + 1).read_to_end(&mut octets));
            read.map_err(|source| Error::File {
                path: path.clone(),
                source,
            })?;
        }
        Some(_) | None => {
            let input = std::io::stdin().lock();
            let read = input.take(MAX_INPUT_LEN + 1).read_to_end(&mut octets);
            read.map_err(Error::Input)?;
        }
    }
    if octets.len() as u64 > MAX_INPUT_LEN {
        return Err(Error::TooLong);
    }
    Ok(octets)
}

pub(crate) fn from_hex(text: &str) -> Option<Vec<u8>> {
    let digits: Vec<u8> = text
        .bytes()
        .filter(|octet| !octet.is_ascii_whitespace() && *octet != b':')
        .collect();
    let (pairs, rest) = digits.as_chunks::<2>();
    rest.is_empty().then_some(())?;
    pairs.iter().map(octet).collect()
}

fn octet(pair: &[u8; 2]) -> Option<u8> {
    let pair = core::str::from_utf8(pair).ok()?;
    // A sign would be taken, too.
    let plain = pair.bytes().all(|digit| digit.is_ascii_hexdigit());
    plain.then(|| u8::from_str_radix(pair, 16).ok()).flatten()
}

fn unescape(text: &str) -> Option<Vec<u8>> {
    let mut octets = Vec::new();
    let mut rest = text.bytes();
    while let Some(next) = rest.next() {
        if next != b'\\' {
            octets.push(next);
            continue;
        }
        octets.push(match rest.next()? {
            b'r' => b'\r',
            b'n' => b'\n',
            b't' => b'\t',
            b'0' => 0,
            b'\\' => b'\\',
            b'x' => octet(&[rest.next()?, rest.next()?])?,
            _ => return None,
        });
    }
    Some(octets)
}

fn to_text(protocol: Protocol, octets: &[u8], trace: &Trace) -> String {
    let mut out = format!("{protocol}, {} octets\n\n", octets.len());
    for span in &trace.spans {
        let part = octets.get(span.octets.clone()).unwrap_or_default();
        let mut hex = hex(part.get(..SHOWN).unwrap_or(part));
        if part.len() > SHOWN {
            hex.push_str(" …");
        }
        let meaning = output::escape(&span.meaning);
        let (offset, name, section) = (span.octets.start, span.name, span.section);
        let _ = writeln!(
            out,
            "{offset:>6}  {hex:<26} {name:<24} {meaning}  [{section}]"
        );
    }
    if let Some(fault) = &trace.fault {
        let (offset, what) = (fault.offset, output::escape(&fault.what));
        let gap = if trace.spans.is_empty() { "" } else { "\n" };
        let _ = writeln!(
            out,
            "{gap}{offset:>6}  here it breaks: {what}  [{}]\n        the other end answers {}",
            fault.section, fault.answer
        );
    }
    if let Some(awaits) = trace.awaits {
        let _ = writeln!(
            out,
            "\n{:>6}  here it ends, waiting for {awaits}",
            octets.len()
        );
    }
    out
}

fn hex(octets: &[u8]) -> String {
    let pairs: Vec<String> = octets.iter().map(|octet| format!("{octet:02x}")).collect();
    pairs.join(" ")
}

fn to_json(protocol: Protocol, octets: &[u8], trace: &Trace) -> Value {
    let spans = trace.spans.iter().map(|span| {
        let part = octets.get(span.octets.clone()).unwrap_or_default();
        json!({
            "offset": span.octets.start,
            "len": part.len(),
            "octets": hex(part),
            "name": span.name,
            "meaning": span.meaning,
            "section": span.section,
        })
    });
    let fault = trace.fault.as_ref().map(|fault| {
        json!({
            "offset": fault.offset,
            "what": fault.what,
            "section": fault.section,
            "answer": fault.answer,
        })
    });
    json!({
        "protocol": protocol.as_str(),
        "spans": spans.collect::<Vec<_>>(),
        "fault": fault,
        "awaits": trace.awaits,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn octets_are_given_as_hex_or_escaped() {
        assert_eq!(from_hex("81 05:48\n65"), Some(vec![0x81, 5, 0x48, 0x65]));
        for bad in ["8", "8g", "+1", "é1"] {
            assert_eq!(from_hex(bad), None, "{bad}");
        }
        assert_eq!(
            unescape(r"a\r\n\t\0\\\x81é"),
            Some(b"a\r\n\t\0\\\x81\xC3\xA9".to_vec())
        );
        for bad in [r"\", r"\q", r"\x8", r"\x+1"] {
            assert_eq!(unescape(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_line_has_offset_octets_name_meaning_and_section() {
        let octets = b"\x81\x05Hello\x83\x00";
        let trace = explain(Protocol::WebSocket, octets);
        let text = to_text(Protocol::WebSocket, octets, &trace);
        let line = "     2  48 65 6c 6c 6f             payload                  \"Hello\"  [RFC 6455 §5.2]\n";
        assert!(text.contains(line), "{text}");
        assert!(text.contains("     7  here it breaks: "), "{text}");
        assert!(text.contains("the other end answers Close 1002"), "{text}");
        let json = to_json(Protocol::WebSocket, octets, &trace);
        assert_eq!(json["spans"][2]["octets"], "48 65 6c 6c 6f");
        assert_eq!(json["fault"]["offset"], 7);
    }
}
