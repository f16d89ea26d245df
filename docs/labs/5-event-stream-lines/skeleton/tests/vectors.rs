//! Each row of `lines.txt`, `fields.txt` and `events.txt`. The first row that does not hold ends its test.

use lab::{Events, Field, Lines, field};

#[test]
fn step_2_one_piece() {
    check_lines(|pieces, bom| pieces == 1 && !bom);
}

#[test]
fn step_3_several_pieces() {
    check_lines(|pieces, bom| pieces > 1 && !bom);
}

#[test]
fn step_3_any_cutting_gives_the_same_lines() {
    check_cuttings(false);
}

#[test]
fn step_4_a_byte_order_mark() {
    check_lines(|_, bom| bom);
}

#[test]
fn step_4_any_cutting_of_a_byte_order_mark_gives_the_same_lines() {
    check_cuttings(true);
}

#[test]
fn step_5_fields() {
    for [name, section, line, want] in rows(include_str!("fields.txt")) {
        println!("row: {name} [{section}]");
        let found = match field(&unescape(line)) {
            Field::Blank => "Blank".to_owned(),
            Field::Comment(value) => format!("Comment {}", quote(value)),
            Field::Data(value) => format!("Data {}", quote(value)),
            Field::Event(value) => format!("Event {}", quote(value)),
            Field::Id(value) => format!("Id {}", quote(value)),
            Field::Retry(value) => format!("Retry {}", quote(value)),
            Field::Unknown => "Unknown".to_owned(),
        };
        let told = format!(
            "\n  row       {name}\n  rule      {section}\n  line      \"{line}\"\n  expected  {want}\n  found     {found}\n"
        );
        assert!(found == want, "{told}");
    }
}

#[test]
fn step_6_events() {
    for [name, section, stream, want] in rows(include_str!("events.txt")) {
        println!("row: {name} [{section}]");
        let mut events = Events::default();
        let mut found = Vec::new();
        for piece in stream.split('/') {
            for event in events.feed(&unescape(piece.trim())) {
                found.push(format!(
                    "{} {} #{}",
                    event.kind,
                    quote(event.data.as_bytes()),
                    event.id
                ));
            }
        }
        let found = found.join(" ");
        let told = format!(
            "\n  row       {name}\n  rule      {section}\n  stream    {stream}\n  expected  {want}\n  found     {found}\n"
        );
        assert!(found == want, "{told}");
    }
}

/// Holds the rows of `lines.txt` by their pieces and whether there are octets of a byte order mark.
fn check_lines(wanted: fn(pieces: usize, bom: bool) -> bool) {
    for [name, section, stream, want] in rows(include_str!("lines.txt")) {
        if !wanted(stream.split('/').count(), stream.contains("\\xef")) {
            continue;
        }
        println!("row: {name} [{section}]");
        let pieces: Vec<Vec<u8>> = stream
            .split('/')
            .map(|piece| unescape(piece.trim()))
            .collect();
        expect(name, section, &pieces, want);
    }
}

/// Cuts each row of `lines.txt` into two pieces at every place, and into single octets.
fn check_cuttings(bom: bool) {
    for [name, section, stream, want] in rows(include_str!("lines.txt")) {
        if stream.contains("\\xef") != bom {
            continue;
        }
        let whole: Vec<u8> = stream
            .split('/')
            .flat_map(|piece| unescape(piece.trim()))
            .collect();
        for at in 0..=whole.len() {
            println!("row: {name}, cut behind {at} octets [{section}]");
            let pieces = [whole[..at].to_vec(), whole[at..].to_vec()];
            expect(
                &format!("{name}, cut behind {at} octets"),
                section,
                &pieces,
                want,
            );
        }
        println!("row: {name}, octet by octet [{section}]");
        let pieces: Vec<Vec<u8>> = whole.iter().map(|&octet| vec![octet]).collect();
        expect(&format!("{name}, octet by octet"), section, &pieces, want);
    }
}

fn expect(name: &str, section: &str, pieces: &[Vec<u8>], want: &str) {
    let mut lines = Lines::default();
    let found: Vec<String> = pieces
        .iter()
        .flat_map(|piece| lines.feed(piece))
        .map(|line| quote(&line))
        .collect();
    let found = found.join(" ");
    let shown: Vec<String> = pieces.iter().map(|piece| quote(piece)).collect();
    let told = format!(
        "\n  row       {name}\n  rule      {section}\n  pieces    {}\n  expected  {want}\n  found     {found}\n",
        shown.join(" "),
    );
    assert!(found == want, "{told}");
}

/// Octets in quotes, written as the tables write them.
fn quote(octets: &[u8]) -> String {
    format!("\"{}\"", octets.escape_ascii())
}

/// The rows of a table, each of `N` columns between `|`. Lines that begin with `#` are comments.
fn rows<const N: usize>(table: &'static str) -> Vec<[&'static str; N]> {
    let lines = table
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'));
    let rows = lines.map(|line| {
        let columns: Vec<&str> = line.split('|').map(str::trim).collect();
        columns
            .try_into()
            .unwrap_or_else(|_| panic!("a row needs {N} columns: {line}"))
    });
    rows.collect()
}

/// Octets written as text: `\r`, `\n`, `\t`, `\\`, and any octet as `\x00`.
fn unescape(text: &str) -> Vec<u8> {
    let mut octets = Vec::new();
    let mut rest = text.as_bytes();
    while let [first, behind @ ..] = rest {
        let (octet, behind) = match (first, behind) {
            (b'\\', [b'r', behind @ ..]) => (b'\r', behind),
            (b'\\', [b'n', behind @ ..]) => (b'\n', behind),
            (b'\\', [b't', behind @ ..]) => (b'\t', behind),
            (b'\\', [b'\\', behind @ ..]) => (b'\\', behind),
            (b'\\', [b'x', high, low, behind @ ..]) => {
                let pair = [*high, *low]
                    .map(char::from)
                    .map(|digit| digit.to_digit(16));
                let [Some(high), Some(low)] = pair else {
                    panic!("not hex: {text}")
                };
                ((high << 4 | low) as u8, behind)
            }
            (b'\\', _) => panic!("an escape that nobody knows: {text}"),
            (plain, behind) => (*plain, behind),
        };
        octets.push(octet);
        rest = behind;
    }
    octets
}
