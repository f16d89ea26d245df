use super::{EntityTag, IfNoneMatch, MAX_TAGS, TagError, if_none_match, without_coding_suffix};
use alloc::string::ToString;
use alloc::vec::Vec;
use alloc::{format, vec};
use proptest::prelude::*;

fn tag(weak: bool, opaque: &str) -> EntityTag<'_> {
    EntityTag { weak, opaque }
}

#[test]
fn one_tag_is_quoted_and_holds_no_blank_rfc9110_8_8_3() {
    let octet = |octet| Err(TagError::Octet { octet });
    let rows: [(&str, &[u8], Result<EntityTag<'_>, TagError>); 17] = [
        ("strong", b"\"a.1\"", Ok(tag(false, "a.1"))),
        ("weak", b"W/\"a.1\"", Ok(tag(true, "a.1"))),
        ("empty", b"\"\"", Ok(tag(false, ""))),
        ("empty and weak", b"W/\"\"", Ok(tag(true, ""))),
        ("blanks around", b" \t\"a\" ", Ok(tag(false, "a"))),
        ("a comma inside", b"\"a,b\"", Ok(tag(false, "a,b"))),
        (
            "a backslash is no escape",
            b"\"a\\\"",
            Ok(tag(false, "a\\")),
        ),
        ("beyond ASCII", "\"é\"".as_bytes(), Ok(tag(false, "é"))),
        ("not UTF-8", b"\"\xFF\"", Err(TagError::NotUtf8)),
        ("bare", b"a", Err(TagError::NotQuoted)),
        ("one quote", b"\"", Err(TagError::NotQuoted)),
        ("a small w", b"w/\"a\"", Err(TagError::NotQuoted)),
        ("a blank behind W/", b"W/ \"a\"", Err(TagError::NotQuoted)),
        ("nothing", b"", Err(TagError::NotQuoted)),
        ("a quote inside", b"\"a\"b\"", octet(b'"')),
        ("a space inside", b"\"a b\"", octet(b' ')),
        ("DEL inside", b"\"\x7F\"", octet(0x7F)),
    ];
    for (name, value, want) in rows {
        assert_eq!(EntityTag::parse(value), want, "{name}");
    }
}

#[test]
fn weak_and_strong_comparison_rfc9110_8_8_3_2() {
    // The table of the section: weak comparison, strong comparison.
    let rows = [
        (tag(true, "1"), tag(true, "1"), true, false),
        (tag(true, "1"), tag(true, "2"), false, false),
        (tag(true, "1"), tag(false, "1"), true, false),
        (tag(false, "1"), tag(false, "1"), true, true),
    ];
    for (one, other, weak, strong) in rows {
        assert_eq!((one.weak_eq(&other), one.strong_eq(&other)), (weak, strong));
        assert_eq!((other.weak_eq(&one), other.strong_eq(&one)), (weak, strong));
    }
}

#[test]
fn a_made_tag_is_legal() {
    assert_eq!(
        EntityTag::strong("a\"b"),
        Err(TagError::Octet { octet: b'"' })
    );
    assert_eq!(
        EntityTag::weak("a\r\nX: y"),
        Err(TagError::Octet { octet: b'\r' })
    );
    assert_eq!(EntityTag::weak("a").unwrap().to_string(), "W/\"a\"");
    assert!(size_of::<TagError>() <= 32);
}

#[test]
fn a_codings_suffix_is_cut_off() {
    let rows = [
        ("a.1-gzip", "a.1"),
        ("a.1;gzip", "a.1"),
        ("a.1-br", "a.1"),
        ("a.1-zstd", "a.1"),
        ("a.1;deflate", "a.1"),
        ("a.1", "a.1"),
        ("a.1gzip", "a.1gzip"),
        ("a.1-gzip-gzip", "a.1-gzip"),
        ("-gzip", ""),
        ("", ""),
    ];
    for (opaque, want) in rows {
        assert_eq!(without_coding_suffix(opaque), want, "{opaque}");
    }
}

/// The list's opaque parts with `/` before weak ones, joined by blanks; or `absent`, `any`, `bad`.
fn told(lines: &[&[u8]]) -> alloc::string::String {
    match if_none_match(lines.iter().copied()) {
        IfNoneMatch::Absent => "absent".into(),
        IfNoneMatch::Any => "any".into(),
        IfNoneMatch::Malformed => "bad".into(),
        IfNoneMatch::Tags(tags) => {
            let told = tags
                .iter()
                .map(|t| format!("{}{}", if t.weak { "/" } else { "" }, t.opaque));
            told.collect::<Vec<_>>().join(" ")
        }
    }
}

#[test]
fn field_lines_are_one_list_rfc9110_13_1_2() {
    let rows: [(&str, &[&[u8]], &str); 25] = [
        ("no line", &[], "absent"),
        ("any", &[b"*"], "any"),
        ("any with blanks", &[b" * "], "any"),
        ("one", &[b"\"a\""], "a"),
        ("weak", &[b"W/\"a\""], "/a"),
        ("empty tag", &[b"\"\""], ""),
        ("several", &[b"\"a\", W/\"b\" ,\"c\""], "a /b c"),
        ("without blanks", &[b"\"a\",\"b\""], "a b"),
        ("over lines", &[b"\"a\"", b"W/\"b\", \"c\""], "a /b c"),
        ("a comma inside a tag", &[b"\"a,b\", \"c\""], "a,b c"),
        ("empty elements", &[b",, \"a\", ,"], "a"),
        ("an empty line beside one", &[b"", b"\"a\""], "a"),
        ("an empty line behind any", &[b"*", b""], "any"),
        ("an empty line before any", &[b"", b"*"], "any"),
        ("only an empty line", &[b""], "bad"),
        ("only commas", &[b", ,"], "bad"),
        ("any beside a tag", &[b"*, \"a\""], "bad"),
        ("a tag beside any", &[b"\"a\", *"], "bad"),
        ("any twice", &[b"*, *"], "bad"),
        ("any in a second line", &[b"\"a\"", b"*"], "bad"),
        ("bare", &[b"a"], "bad"),
        ("no comma between", &[b"\"a\" \"b\""], "bad"),
        ("an open quote", &[b"\"a"], "bad"),
        ("a small w", &[b"w/\"a\""], "bad"),
        ("a blank inside", &[b"\"a b\""], "bad"),
    ];
    for (name, lines, want) in rows {
        assert_eq!(told(lines), want, "{name}");
    }
}

#[test]
fn a_list_matches_by_weak_comparison_and_without_a_codings_suffix() {
    let rows: [(&[u8], bool); 8] = [
        (b"\"a.1\"", true),
        (b"W/\"a.1\"", true),
        (b"W/\"a.1-gzip\"", true),
        (b"\"b\", \"a.1;gzip\"", true),
        (b"*", true),
        (b"\"a.2\"", false),
        (b"\"\"", false),
        (b"a.1", false),
    ];
    for (line, want) in rows {
        assert_eq!(
            if_none_match([line]).matches("a.1"),
            want,
            "{}",
            line.escape_ascii()
        );
    }
    assert!(!if_none_match([]).matches("a.1"));
    // A tag of the resource itself may end like a suffix.
    assert!(if_none_match([&b"\"a-gzip\""[..]]).matches("a-gzip"));
}

#[test]
fn a_long_list_is_counted_and_kept_in_part() {
    let line = vec!["\"a\""; 1_000].join(",");
    let IfNoneMatch::Tags(tags) = if_none_match([line.as_bytes()]) else {
        panic!("no tags")
    };
    assert_eq!((tags.iter().count(), tags.count()), (MAX_TAGS, 1_000));
    assert_eq!(tags.only(), None);
    // What stands behind is still read: a fault there makes the list malformed.
    let line = line + ",a";
    assert_eq!(if_none_match([line.as_bytes()]), IfNoneMatch::Malformed);
    // A tag that is legal and not UTF-8 counts, and is not the only one.
    let lines = [&b"\"a\", \"\xFF\""[..]];
    let IfNoneMatch::Tags(tags) = if_none_match(lines) else {
        panic!("no tags")
    };
    assert_eq!(
        (tags.iter().count(), tags.count(), tags.only()),
        (1, 2, None)
    );
    let IfNoneMatch::Tags(tags) = if_none_match([&b"W/\"a\""[..]]) else {
        panic!("no tags")
    };
    assert_eq!(tags.only(), Some(tag(true, "a")));
}

fn opaque() -> impl Strategy<Value = alloc::string::String> {
    "[!#-~é]{0,12}"
}

proptest! {
    #[test]
    fn what_is_written_is_read(tags in prop::collection::vec((any::<bool>(), opaque()), 1..20), cuts in any::<u32>()) {
        let made: Vec<_> = tags.iter().map(|(weak, opaque)| tag(*weak, opaque)).collect();
        for made in &made {
            let wire = made.to_string();
            prop_assert_eq!(EntityTag::parse(wire.as_bytes()), Ok(*made));
            prop_assert_eq!(EntityTag::strong(made.opaque), Ok(tag(false, made.opaque)));
        }
        // The same tags, over one line or several: a set bit begins a new line.
        let mut lines = vec![Vec::new()];
        for (at, made) in made.iter().enumerate() {
            if at > 0 && cuts & (1 << at) != 0 {
                lines.push(Vec::new());
            }
            lines.last_mut().unwrap().push(made.to_string());
        }
        let lines: Vec<_> = lines.iter().map(|line| line.join(", ")).collect();
        let IfNoneMatch::Tags(read) = if_none_match(lines.iter().map(|line| line.as_bytes())) else {
            return Err(TestCaseError::fail("no tags"));
        };
        prop_assert!(read.iter().eq(made.iter()));
    }

    #[test]
    fn no_octets_panic_and_what_is_read_is_legal(lines in prop::collection::vec("[\"*,W/ a\\x00\\x7f]{0,16}", 0..4)) {
        if let IfNoneMatch::Tags(tags) = if_none_match(lines.iter().map(|line| line.as_bytes())) {
            prop_assert!(tags.count() > 0);
            for tag in tags.iter() {
                let wire = tag.to_string();
                prop_assert_eq!(EntityTag::parse(wire.as_bytes()), Ok(*tag));
            }
        }
    }
}
