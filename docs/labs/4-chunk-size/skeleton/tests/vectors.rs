//! Each row of `legal.txt` and `illegal.txt`. The first row that does not hold ends its test.

use lab::chunk_line;

/// The rows of `legal.txt` with extensions, or those without.
fn legal(extensions: bool) {
    for [name, section, line, size, used] in rows(include_str!("legal.txt")) {
        if line.contains(';') != extensions {
            continue;
        }
        println!("row: {name} [{section}]");
        let line = unescape(line);
        let want = format!("size {size}, {used} octets used");
        expect(name, section, &line, &want);
        // What follows the line is data.
        expect(name, section, &[&line[..], b"5\r\n"].concat(), &want);
    }
}

#[test]
fn step_2_sizes() {
    legal(false);
}

#[test]
fn step_2_a_part_of_a_line_asks_for_more() {
    for [name, section, line, ..] in rows::<5>(include_str!("legal.txt")) {
        if line.contains(';') {
            continue;
        }
        parts(name, section, &unescape(line));
    }
}

#[test]
fn step_3_extensions() {
    legal(true);
}

#[test]
fn step_3_a_part_of_an_extension_asks_for_more() {
    for [name, section, line, ..] in rows::<5>(include_str!("legal.txt")) {
        if line.contains(';') {
            parts(name, section, &unescape(line));
        }
    }
}

#[test]
fn step_4_faulty_sizes() {
    illegal(|fault| matches!(fault, "Size" | "TooLarge"));
}

#[test]
fn step_5_faulty_line_ends_and_extensions() {
    illegal(|fault| !matches!(fault, "Size" | "TooLarge"));
}

/// The rows of `illegal.txt` with such faults: told at the octet that shows it, not before, and whatever follows.
fn illegal(wanted: fn(&str) -> bool) {
    for [name, section, line, fault, at] in rows(include_str!("illegal.txt")) {
        if !wanted(fault) {
            continue;
        }
        println!("row: {name} [{section}]");
        let line = unescape(line);
        let want = format!("{fault} at {at}");
        expect(name, section, &line, &want);
        let before = format!("{name}, without its last octet");
        expect(&before, section, &line[..line.len() - 1], "not yet");
        for behind in ["5\r\n", "\r\n", "\n", ";a\r\n"] {
            let longer = [&line[..], behind.as_bytes()].concat();
            expect(
                &format!("{name}, with more behind"),
                section,
                &longer,
                &want,
            );
        }
    }
}

/// Every part of a line that lacks its end.
fn parts(name: &str, section: &str, line: &[u8]) {
    for len in 0..line.len() {
        println!("row: {name}, {len} octets of it [{section}]");
        expect(
            &format!("{name}, {len} octets of it"),
            section,
            &line[..len],
            "not yet",
        );
    }
}

fn expect(name: &str, section: &str, octets: &[u8], want: &str) {
    let found = match chunk_line(octets) {
        Ok(Some((size, used))) => format!("size {size}, {used} octets used"),
        Ok(None) => "not yet".to_owned(),
        Err(error) => format!("{:?} at {}", error.fault, error.at),
    };
    let told = format!(
        "\n  row       {name}\n  rule      {section}\n  octets    \"{}\"\n  expected  {want}\n  found     {found}\n",
        octets.escape_ascii(),
    );
    assert!(found == want, "{told}");
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
