use alloc::vec;
use alloc::vec::Vec;

use proptest::prelude::*;

use super::*;

/// Feeds the pieces and gives the place of the first fault in the whole; the length where the end comes too early.
fn check(pieces: &[&[u8]]) -> Result<(), usize> {
    let mut text = Utf8Validator::new();
    let mut before = 0;
    for piece in pieces {
        text.feed(piece).map_err(|error| before + error.at)?;
        before += piece.len();
    }
    text.finish().map_err(|_| before)
}

/// Texts and the place of the first octet that cannot stand there. Those of Autobahn 6.x are named by their case.
#[rustfmt::skip]
const VECTORS: [(&str, &[u8], Result<(), usize>); 44] = [
    ("empty, 6.1", b"", Ok(())),
    ("ASCII", b"Hello", Ok(())),
    ("kosme, 6.5", b"\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5", Ok(())),
    ("6.2.1", "Hello-µ@ßöäüàá-UTF-8!!".as_bytes(), Ok(())),
    ("6.3.1: a surrogate after kosme", b"\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5\xed\xa0\x80edited", Err(12)),
    ("6.4.1: above U+10FFFF after kosme", b"\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5\xf4\x90\x80\x80edited", Err(12)),
    ("U+0000, 6.6", b"\x00", Ok(())),
    ("U+0080, the first of 2 octets", b"\xc2\x80", Ok(())),
    ("U+07FF, the last of 2 octets", b"\xdf\xbf", Ok(())),
    ("U+0800, the first of 3 octets", b"\xe0\xa0\x80", Ok(())),
    ("U+D7FF, before the surrogates", b"\xed\x9f\xbf", Ok(())),
    ("U+E000, after the surrogates", b"\xee\x80\x80", Ok(())),
    ("U+FFFD", b"\xef\xbf\xbd", Ok(())),
    ("U+FFFE, no character but a code point, 6.7", b"\xef\xbf\xbe", Ok(())),
    ("U+FFFF", b"\xef\xbf\xbf", Ok(())),
    ("U+10000, the first of 4 octets", b"\xf0\x90\x80\x80", Ok(())),
    ("U+10FFFF, the last", b"\xf4\x8f\xbf\xbf", Ok(())),
    ("U+110000", b"\xf4\x90\x80\x80", Err(1)),
    ("5 octets, 6.8", b"\xf8\x88\x80\x80\x80", Err(0)),
    ("6 octets", b"\xfc\x84\x80\x80\x80\x80", Err(0)),
    ("F5 starts nothing", b"\xf5\x80\x80\x80", Err(0)),
    ("FE, 6.14", b"\xfe", Err(0)),
    ("FF", b"a\xff", Err(1)),
    ("a lone continuation, 6.11", b"\x80", Err(0)),
    ("BF", b"ab\xbf", Err(2)),
    ("C0 is overlong, 6.18", b"\xc0\xaf", Err(0)),
    ("C1 is overlong", b"\xc1\xbf", Err(0)),
    ("E0 80 is overlong", b"\xe0\x80\xaf", Err(1)),
    ("E0 9F is overlong", b"\xe0\x9f\xbf", Err(1)),
    ("F0 80 is overlong", b"\xf0\x80\x80\xaf", Err(1)),
    ("F0 8F is overlong", b"\xf0\x8f\xbf\xbf", Err(1)),
    ("D800, 6.20", b"\xed\xa0\x80", Err(1)),
    ("DFFF", b"\xed\xbf\xbf", Err(1)),
    ("a pair of surrogates, 6.21", b"\xed\xa0\x80\xed\xb0\x80", Err(1)),
    ("2 octets cut, 6.12", b"\xc2", Err(1)),
    ("3 octets cut after 1", b"\xe1", Err(1)),
    ("3 octets cut after 2", b"\xe1\xbd", Err(2)),
    ("4 octets cut after 1", b"\xf0", Err(1)),
    ("4 octets cut after 2", b"\xf0\x90", Err(2)),
    ("4 octets cut after 3", b"ab\xf0\x90\x80", Err(5)),
    ("2 octets, then ASCII", b"\xc2a", Err(1)),
    ("3 octets, then ASCII", b"\xe1\xbda", Err(2)),
    ("4 octets, then ASCII", b"\xf0\x90\x80a", Err(3)),
    ("4 octets, then the start of 2", b"\xf0\x90\xc2\x80", Err(2)),
];

#[test]
fn text_is_valid_utf8_and_fails_at_the_first_impossible_octet_u8_01_u8_03_u8_12() {
    for (name, text, want) in VECTORS {
        assert_eq!(check(&[text]), want, "{name}");
        assert_eq!(
            core::str::from_utf8(text).is_ok(),
            want.is_ok(),
            "{name}: as std says"
        );
    }
}

#[test]
fn the_place_of_the_fault_is_the_same_for_every_cut_u8_10_u8_11() {
    for (name, text, want) in VECTORS {
        let octets: Vec<&[u8]> = text.chunks(1).collect();
        assert_eq!(check(&octets), want, "{name}, one octet at a time");
        for first in 0..=text.len() {
            for second in first..=text.len() {
                let pieces = [&text[..first], &text[first..second], &text[second..]];
                assert_eq!(check(&pieces), want, "{name}, cut at {first} and {second}");
            }
        }
    }
}

#[test]
fn the_place_of_the_fault_is_the_same_wherever_it_lies_in_a_long_text_u8_10() {
    for (name, text, want) in VECTORS {
        for filler in ["a", "µ", "速", "🚃"] {
            for before in (0..2 * BLOCK / filler.len() + 2).step_by(5) {
                let before = filler.repeat(before);
                for shift in 0..2 {
                    let before = ["xyz".get(..shift).unwrap(), &before].concat();
                    // What follows a text that is cut is another fault than its end.
                    let behind = if text.ends_with(b"a") || want.is_ok() {
                        BLOCK
                    } else {
                        0
                    };
                    let whole = [before.as_bytes(), text, &vec![b'z'; behind]].concat();
                    let want = want.map_err(|at| before.len() + at);
                    assert_eq!(
                        check(&[&whole]),
                        want,
                        "{name} behind {} of {filler}",
                        before.len()
                    );
                    let (front, back) = whole.split_at(whole.len() / 2);
                    assert_eq!(check(&[front, back]), want, "{name}, cut in the middle");
                }
            }
        }
    }
}

#[test]
fn the_table_of_rfc_3629_holds_for_every_octet_behind_every_start() {
    // All that may stand in front of an octet: the edges of each range, so that no rule lacks a neighbour.
    let edges = [
        0x00, 0x61, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0, 0xC1, 0xC2, 0xDF, 0xE0, 0xE1,
        0xEC, 0xED, 0xEE, 0xEF, 0xF0, 0xF1, 0xF3, 0xF4, 0xF5, 0xFF,
    ];
    for second in edges {
        for first in edges {
            for octet in edges {
                for last in edges {
                    let tail = [second, first, octet, last];
                    let mut block = [b'a'; 3 + BLOCK];
                    block[40..44].copy_from_slice(&tail);
                    let good = core::str::from_utf8(&block).is_ok();
                    assert_eq!(good_blocks(&block) == block.len(), good, "{tail:x?}");
                }
            }
        }
    }
}

/// Runs of characters of each length, so that runs of ASCII and of others are as long as a wide word, and one octet that may
/// be wrong.
fn text() -> impl Strategy<Value = Vec<u8>> {
    let run = (
        prop::sample::select(vec!["a", "µ", "速", "🚃", "ß速a"]),
        1..120_usize,
    );
    let runs = prop::collection::vec(run, 1..6);
    let fault = prop::option::of((any::<prop::sample::Index>(), any::<u8>()));
    (runs, fault, 0..4_usize).prop_map(|(runs, fault, cut)| {
        let mut text = Vec::new();
        for (character, times) in runs {
            text.extend_from_slice(character.repeat(times).as_bytes());
        }
        if let Some((at, octet)) = fault {
            *at.get_mut(&mut text) = octet;
        }
        text.truncate(text.len() - cut.min(text.len()));
        text
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn long_pieces_and_single_octets_agree_on_the_first_fault_u8_10(
        text in text(),
        cut in any::<prop::sample::Index>(),
    ) {
        // A single octet is never looked at by wide words.
        let octets: Vec<&[u8]> = text.chunks(1).collect();
        let want = check(&octets);
        prop_assert_eq!(check(&[&text]), want, "in one piece");
        let (front, back) = text.split_at(cut.index(text.len() + 1));
        prop_assert_eq!(check(&[front, back]), want, "cut at {}", front.len());
        prop_assert_eq!(want.is_ok(), core::str::from_utf8(&text).is_ok());
    }
}

#[test]
fn the_state_is_four_octets() {
    assert_eq!(size_of::<Utf8Validator>(), 4);
}
