//! Each row of `base64.txt` and `accept.txt`. The first row that does not hold ends its test.

use lab::{accept_key, base64, sha1};

#[test]
fn step_1_sha1_is_given() {
    let digest = sha1(b"abc"); // FIPS 180-4
    assert_eq!(
        digest[..4],
        [0xa9, 0x99, 0x3e, 0x36],
        "src/sha1.rs was changed"
    );
}

#[test]
fn step_2_base64() {
    for [name, section, octets, want] in rows(include_str!("base64.txt")) {
        println!("row: {name} [{section}]");
        let found = base64(&hex(octets));
        let told = format!(
            "\n  row       {name}\n  rule      {section}\n  octets    {octets}\n  expected  {want}\n  found     {found}\n"
        );
        assert!(found == want, "{told}");
    }
}

#[test]
fn step_3_accept_key() {
    for [name, section, key, want] in rows(include_str!("accept.txt")) {
        println!("row: {name} [{section}]");
        let key = String::from_utf8(unescape(key)).expect("a key is text");
        let found = accept_key(&key);
        let told = format!(
            "\n  row       {name}\n  rule      {section}\n  key       {key:?}\n  expected  {want}\n  found     {found}\n"
        );
        assert!(found == want, "{told}");
    }
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

/// Octets written in hex, with spaces between them.
fn hex(text: &str) -> Vec<u8> {
    let pairs = text.split_whitespace();
    pairs
        .map(|pair| u8::from_str_radix(pair, 16).unwrap_or_else(|_| panic!("not hex: {pair}")))
        .collect()
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
