//! Each row of `mask.txt`, then long payloads and every cut. The first row that does not hold ends its test.

use lab::mask;

#[test]
fn step_2_one_piece() {
    check(|pieces| pieces == 1);
}

#[test]
fn step_3_several_pieces() {
    check(|pieces| pieces > 1);
}

/// Holds the rows of so many pieces.
fn check(wanted: fn(usize) -> bool) {
    for [name, section, key, pieces, want, want_phase] in rows(include_str!("mask.txt")) {
        if !wanted(pieces.split('/').count()) {
            continue;
        }
        println!("row: {name} [{section}]");
        let key_octets = hex(key).try_into().expect("a key has 4 octets");
        let (mut found, mut phase) = (Vec::new(), 0);
        for piece in pieces.split('/') {
            let mut piece = hex(piece);
            phase = mask(&mut piece, key_octets, phase);
            found.extend(piece);
        }
        let told = format!(
            "\n  row       {name}\n  rule      {section}\n  key       {key}\n  before    {pieces}\n  \
             expected  {want}, then phase {want_phase}\n  found     {}, then phase {phase}\n",
            dump(&found),
        );
        assert!(
            found == hex(want) && phase.to_string() == want_phase,
            "{told}"
        );
    }
}

#[test]
fn step_4_every_length_from_every_phase() {
    let key = [0x37, 0xfa, 0x21, 0x3d];
    for len in 0..70 {
        for phase in 0..4 {
            let _row = Row(format!("{len} octets from phase {phase}"));
            let before: Vec<u8> = (0..len).collect();
            let octets = before.iter().enumerate();
            let want: Vec<u8> = octets
                .map(|(i, octet)| octet ^ key[(phase + i) % 4])
                .collect();
            let want_phase = (phase + usize::from(len)) % 4;
            let mut found = before.clone();
            let next = mask(&mut found, key, phase);
            let told = format!(
                "\n  row       {len} octets from phase {phase}\n  rule      RFC 6455 §5.3\n  before    {}\n  \
                 expected  {}, then phase {want_phase}\n  found     {}, then phase {next}\n",
                dump(&before),
                dump(&want),
                dump(&found),
            );
            assert!(found == want && next == want_phase, "{told}");
            mask(&mut found, key, phase);
            let told = format!(
                "\n  row       {len} octets from phase {phase}, masked twice\n  rule      RFC 6455 §5.3\n  \
                 expected  {}\n  found     {}\n",
                dump(&before),
                dump(&found),
            );
            assert!(found == before, "{told}");
        }
    }
}

#[test]
fn step_4_every_cut_in_three_pieces() {
    let key = [0x37, 0xfa, 0x21, 0x3d];
    let mut whole: Vec<u8> = (0..50).collect();
    mask(&mut whole, key, 0);
    for first in 0..=50 {
        for second in first..=50 {
            let _row = Row(format!("50 octets, cut at {first} and {second}"));
            let mut found: Vec<u8> = (0..50).collect();
            let phase = mask(&mut found[..first], key, 0);
            let phase = mask(&mut found[first..second], key, phase);
            mask(&mut found[second..], key, phase);
            let told = format!(
                "\n  row       50 octets, cut at {first} and {second}\n  rule      RFC 6455 §5.3\n  as one    {}\n  in pieces {}\n",
                dump(&whole),
                dump(&found),
            );
            assert!(found == whole, "{told}");
        }
    }
}

/// Prints the name of a row if the test ends in it, also where the panic comes from the function.
struct Row(String);

impl Drop for Row {
    fn drop(&mut self) {
        if std::thread::panicking() {
            println!("row: {}", self.0);
        }
    }
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
