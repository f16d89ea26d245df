//! Each row of `legal.txt` and `illegal.txt`. The first row that does not hold ends its test.

use lab::decode;

/// The rows of `legal.txt` of one step, by the octets of length and the octets of key.
fn legal(wanted: fn(len: usize, key: usize) -> bool) {
    for [name, section, octets, fin, opcode, key, payload_len] in rows(include_str!("legal.txt")) {
        let key_len = if key == "no" { 0 } else { 4 };
        if !wanted(hex(octets).len() - 2 - key_len, key_len) {
            continue;
        }
        println!("row: {name} [{section}]: {octets}");
        let used = hex(octets).len();
        let want =
            format!("FIN {fin}, {opcode}, key {key}, payload of {payload_len}, {used} octets used");
        expect(name, section, &hex(octets), &want);
        // What follows a header is payload, and changes nothing.
        let behind = format!("{name}, with payload behind");
        let longer = [hex(octets), b"payload".to_vec()].concat();
        expect(&behind, section, &longer, &want);
    }
}

#[test]
fn step_2_two_octets() {
    legal(|len, key| len == 0 && key == 0);
}

#[test]
fn step_3_longer_lengths() {
    legal(|len, key| len > 0 && key == 0);
}

#[test]
fn step_4_keys() {
    legal(|_, key| key > 0);
}

#[test]
fn step_4_a_part_of_a_header_asks_for_more() {
    for [name, section, octets, ..] in rows::<7>(include_str!("legal.txt")) {
        for len in 0..hex(octets).len() {
            let part = format!("{name}, {len} octets of it");
            println!("row: {part} [{section}]: of {octets}");
            expect(&part, section, &hex(octets)[..len], "not yet");
        }
    }
}

#[test]
fn step_5_faults() {
    for [name, section, octets, fault] in rows(include_str!("illegal.txt")) {
        println!("row: {name} [{section}]: {octets}");
        expect(name, section, &hex(octets), fault);
    }
}

#[test]
fn step_5_not_earlier_and_whatever_follows() {
    for [name, section, octets, fault] in rows(include_str!("illegal.txt")) {
        println!("row: {name} [{section}]: {octets}");
        let octets = hex(octets);
        let before = format!("{name}, without its last octet");
        expect(&before, section, &octets[..octets.len() - 1], "not yet");
        for behind in [0x00, 0x7f, 0xff] {
            let longer = [octets.clone(), vec![behind; 14]].concat();
            expect(
                &format!("{name}, with more behind"),
                section,
                &longer,
                fault,
            );
        }
    }
}

fn expect(name: &str, section: &str, octets: &[u8], want: &str) {
    let found = match decode(octets) {
        Ok(Some((header, used))) => format!(
            "FIN {}, {:?}, key {}, payload of {}, {used} octets used",
            if header.fin { "yes" } else { "no" },
            header.opcode,
            header.key.map_or("no".to_owned(), |key| dump(&key)),
            header.payload_len,
        ),
        Ok(None) => "not yet".to_owned(),
        Err(fault) => format!("{fault:?}"),
    };
    let told = format!(
        "\n  row       {name}\n  rule      {section}\n  octets    {}\n  expected  {want}\n  found     {found}\n",
        dump(octets),
    );
    assert!(found == want, "{told}");
}

/// Octets as hex.
fn dump(octets: &[u8]) -> String {
    let pairs: Vec<String> = octets.iter().map(|octet| format!("{octet:02x}")).collect();
    pairs.join(" ")
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
