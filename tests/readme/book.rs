//! The book, held to its word: every octet string is decoded, every output printed again, every diagram drawn again,
//! and every piece of code found where the book says that it stands.
//!
//! Fenced blocks of the book:
//! "octets PROTOCOL [fault=OFFSET] [awaits] [recorded=NAME]" | octets, as `tidings explain --text` or `--hex` takes them
//! "explained" | what that command prints of the octets above
//! "mermaid" | what `tidings explain --mermaid` draws of a file of `docs/book/recordings`
//! "rust FILE", "diff FILE" | lines of that file, word for word

use core::time::Duration;
use std::collections::BTreeMap;
use std::fs;

use serde_json::Value;
use tidings_explain::{Protocol, explain};
use tidings_tests::command::{run, workspace};

use crate::snippets::read;

const LIMIT: Duration = Duration::from_secs(20);
const SOURCES: &str = "docs/book/src";
const RECORDINGS: &str = "docs/book/recordings";

/// The chapters, by their paths from the top folder.
pub(crate) fn chapters() -> Vec<String> {
    let entries = fs::read_dir(workspace().join(SOURCES)).expect("the folder of the book");
    let mut names: Vec<String> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.ends_with(".md"))
        .map(|name| format!("{SOURCES}/{name}"))
        .collect();
    names.sort();
    names
}

/// The pages of the labs, by their paths from the top folder. What a handout shows is held as a chapter is.
pub(crate) fn labs() -> Vec<String> {
    let mut found = vec!["docs/labs/README.md".to_owned()];
    for entry in fs::read_dir(workspace().join("docs/labs")).expect("the folder of the labs") {
        let entry = entry.unwrap();
        if entry.path().is_dir() {
            let name = entry.file_name().into_string().unwrap();
            found.push(format!("docs/labs/{name}/README.md"));
            found.push(format!("docs/labs/{name}/answer/README.md"));
        }
    }
    found.sort();
    found
}

/// One fenced block.
struct Block {
    /// Chapter and line.
    place: String,
    /// The words behind the fence.
    info: Vec<String>,
    text: String,
}

impl Block {
    fn is(&self, language: &str) -> bool {
        self.info.first().is_some_and(|word| word == language)
    }

    /// What stands behind `key=` in the info string.
    fn option(&self, key: &str) -> Option<&str> {
        let mut words = self.info.iter();
        words.find_map(|word| word.strip_prefix(key)?.strip_prefix('='))
    }

    fn protocol(&self) -> Protocol {
        let word = self.info.get(1).map_or("", String::as_str);
        word.parse()
            .unwrap_or_else(|error| panic!("{}: {error}", self.place))
    }

    /// What `tidings explain` takes: hex without what stands behind `#`, or lines of text joined.
    fn argument(&self) -> (&'static str, String) {
        if self.protocol() == Protocol::WebSocket {
            let lines = self
                .text
                .lines()
                .map(|line| line.split('#').next().unwrap());
            ("--hex", lines.collect::<Vec<_>>().join(" "))
        } else {
            ("--text", self.text.lines().collect())
        }
    }

    fn octets(&self) -> Vec<u8> {
        let (flag, argument) = self.argument();
        let octets = match flag {
            "--hex" => hex(&argument),
            _ => unescape(&argument),
        };
        octets.unwrap_or_else(|| panic!("{}: not as octets are written", self.place))
    }
}

fn hex(text: &str) -> Option<Vec<u8>> {
    text.split_whitespace()
        .map(|pair| {
            u8::from_str_radix(pair, 16)
                .ok()
                .filter(|_| pair.len() == 2)
        })
        .collect()
}

fn unescape(text: &str) -> Option<Vec<u8>> {
    let mut octets = Vec::new();
    let mut rest = text.bytes();
    while let Some(octet) = rest.next() {
        octets.push(match octet {
            b'\\' => match rest.next()? {
                b'r' => b'\r',
                b'n' => b'\n',
                b't' => b'\t',
                b'0' => 0,
                b'\\' => b'\\',
                b'x' => {
                    let pair = [rest.next()?, rest.next()?];
                    u8::from_str_radix(core::str::from_utf8(&pair).ok()?, 16).ok()?
                }
                _ => return None,
            },
            plain => plain,
        });
    }
    Some(octets)
}

/// All blocks of the book and of the labs, in order.
fn blocks() -> Vec<Block> {
    let mut found = Vec::new();
    for chapter in chapters().into_iter().chain(labs()) {
        let text = read(&chapter);
        let mut open: Option<Block> = None;
        for (index, line) in text.lines().enumerate() {
            match (&mut open, line.strip_prefix("```")) {
                (None, Some(info)) => {
                    open = Some(Block {
                        place: format!("{chapter}:{}", index + 1),
                        info: info.split_whitespace().map(str::to_owned).collect(),
                        text: String::new(),
                    });
                }
                (Some(_), Some(_)) => found.extend(open.take()),
                (Some(block), None) => {
                    block.text.push_str(line);
                    block.text.push('\n');
                }
                (None, None) => {}
            }
        }
        assert!(open.is_none(), "{chapter}: a block without an end");
    }
    found
}

/// The octets that each side sent, and the diagram, of every recording by its name.
fn recordings() -> BTreeMap<String, (Vec<u8>, Vec<u8>, String)> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(workspace().join(RECORDINGS)).expect("the recordings") {
        let path = entry.unwrap().path();
        let (mut client, mut server) = (Vec::new(), Vec::new());
        for line in fs::read_to_string(&path).unwrap().lines() {
            let part: Value = serde_json::from_str(line).expect("a line of a recording");
            let digits = part["hex"].as_str().unwrap().as_bytes().chunks(2);
            let octets = digits.map(|pair| {
                u8::from_str_radix(core::str::from_utf8(pair).unwrap(), 16).expect("hex")
            });
            match part["from"].as_str() {
                Some("client") => client.extend(octets),
                Some("server") => server.extend(octets),
                other => panic!("{}: from {other:?}", path.display()),
            }
        }
        let (code, drawn, said) = run(&["explain", "--mermaid", path.to_str().unwrap()], LIMIT);
        assert_eq!(code, Some(0), "{said}");
        let drawn = drawn.strip_prefix("%% connection 1\n").expect("one").trim();
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        found.insert(name, (client, server, drawn.to_owned()));
    }
    found
}

#[test]
fn every_octet_string_decodes_or_breaks_where_the_book_says() {
    let (mut count, mut faults) = (BTreeMap::<&str, usize>::new(), 0);
    for block in blocks().iter().filter(|block| block.is("octets")) {
        let protocol = block.protocol();
        let trace = explain(protocol, &block.octets());
        let fault = trace.fault.as_ref().map(|fault| fault.offset.to_string());
        let place = &block.place;
        assert_eq!(
            fault.as_deref(),
            block.option("fault"),
            "{place}: {trace:#?}"
        );
        let awaits = block.info.iter().any(|word| word == "awaits");
        assert_eq!(trace.awaits.is_some(), awaits, "{place}: {trace:#?}");
        *count.entry(protocol.as_str()).or_default() += 1;
        faults += usize::from(fault.is_some());
    }
    assert!(count.len() == 4 && faults > 5, "{count:?}, {faults} faults");
}

#[test]
fn octets_that_the_book_calls_recorded_were_recorded() {
    let recordings = recordings();
    let mut count = 0;
    for block in blocks().iter().filter(|block| block.is("octets")) {
        let Some(name) = block.option("recorded") else {
            continue;
        };
        let (client, server, _) = &recordings[name];
        let octets = block.octets();
        let within = |side: &[u8]| side.windows(octets.len()).any(|part| part == octets);
        assert!(within(client) || within(server), "{}", block.place);
        count += 1;
    }
    assert!(count > 8, "only {count} were recorded");
}

#[test]
fn every_output_in_the_book_is_what_the_command_prints() {
    let blocks = blocks();
    let mut count = 0;
    for pair in blocks.windows(2) {
        let [octets, told] = pair else { continue };
        if !told.is("explained") {
            continue;
        }
        assert!(octets.is("octets"), "{}: of which octets?", told.place);
        let (flag, argument) = octets.argument();
        let arguments = [
            "explain",
            "--as",
            octets.protocol().as_str(),
            flag,
            &argument,
        ];
        let (code, printed, said) = run(&arguments, LIMIT);
        let wanted = i32::from(octets.option("fault").is_some());
        assert_eq!(code, Some(wanted), "{}: {said}", octets.place);
        assert_eq!(printed, told.text, "{}", told.place);
        count += 1;
    }
    let told = blocks.iter().filter(|block| block.is("explained")).count();
    assert_eq!(count, told);
    assert!(count > 5, "only {count} outputs");
}

#[test]
fn the_diagrams_are_those_of_the_recordings() {
    let drawn: Vec<String> = recordings()
        .into_values()
        .map(|(_, _, drawn)| drawn)
        .collect();
    let shown: Vec<Block> = blocks()
        .into_iter()
        .filter(|block| block.is("mermaid"))
        .collect();
    for block in &shown {
        let text = block.text.trim();
        assert!(
            drawn.iter().any(|one| one == text),
            "{} is no recording",
            block.place
        );
    }
    assert_eq!((shown.len(), drawn.len()), (4, 4), "one a transport");
}

#[test]
fn code_in_the_book_stands_in_its_file() {
    let mut count = 0;
    for block in blocks() {
        let lines: Vec<&str> = block.text.lines().collect();
        let shown: Vec<&str> = if block.is("rust") {
            lines
        } else if block.is("diff") {
            // What a patch takes away and what it leaves must be there for it to apply.
            let kept = lines.iter().filter(|line| !line.starts_with('+'));
            kept.map(|line| line.get(1..).unwrap_or_default()).collect()
        } else {
            continue;
        };
        let path = block.info.get(1).map_or("", String::as_str);
        // Indented as in the file or less.
        let file = read(path);
        let bare: Vec<&str> = file.lines().map(str::trim).collect();
        let want: Vec<&str> = shown.iter().map(|line| line.trim()).collect();
        let found = bare.windows(want.len()).any(|part| part == want);
        assert!(found, "{}: not in {path}:\n{}", block.place, block.text);
        count += 1;
    }
    assert!(count > 4, "only {count} pieces of code");
}

#[test]
fn the_summary_lists_every_chapter_once() {
    let summary = read(&format!("{SOURCES}/SUMMARY.md"));
    for chapter in chapters() {
        let name = chapter.rsplit('/').next().unwrap();
        let listed = summary.matches(&format!("]({name})")).count();
        assert_eq!(listed, usize::from(name != "SUMMARY.md"), "{name}");
    }
}
