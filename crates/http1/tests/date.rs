//! The three forms of a date (RFC 9110 §5.6.7).

use proptest::prelude::*;
use tidings_http1::date::{format, parse};

#[test]
fn a_time_is_written_as_imf_fixdate() {
    let rows: [(u64, &str); 10] = [
        (0, "Thu, 01 Jan 1970 00:00:00 GMT"),
        (784_111_777, "Sun, 06 Nov 1994 08:49:37 GMT"),
        (951_782_399, "Mon, 28 Feb 2000 23:59:59 GMT"),
        (951_782_400, "Tue, 29 Feb 2000 00:00:00 GMT"),
        (1_078_012_800, "Sun, 29 Feb 2004 00:00:00 GMT"),
        (1_704_067_199, "Sun, 31 Dec 2023 23:59:59 GMT"),
        (1_709_251_200, "Fri, 01 Mar 2024 00:00:00 GMT"),
        (4_107_542_400, "Mon, 01 Mar 2100 00:00:00 GMT"),
        (253_402_300_799, "Fri, 31 Dec 9999 23:59:59 GMT"),
        (u64::MAX, "Fri, 31 Dec 9999 23:59:59 GMT"),
    ];
    for (time, text) in rows {
        assert_eq!(core::str::from_utf8(&format(time)).unwrap(), text);
        assert_eq!(parse(text.as_bytes()), Some(time.min(253_402_300_799)));
    }
}

#[test]
fn all_three_forms_are_read() {
    let rows: [(&str, u64); 9] = [
        ("Sun, 06 Nov 1994 08:49:37 GMT", 784_111_777),
        ("Sunday, 06-Nov-94 08:49:37 GMT", 784_111_777),
        ("Sun Nov  6 08:49:37 1994", 784_111_777),
        ("Wed Nov 16 08:49:37 1994", 784_975_777),
        ("Thursday, 01-Jan-70 00:00:00 GMT", 0),
        ("Thursday, 01-Jan-76 00:00:00 GMT", 189_302_400),
        ("Tuesday, 01-Jan-75 00:00:00 GMT", 3_313_526_400),
        ("Saturday, 01-Jan-00 00:00:00 GMT", 946_684_800),
        ("Sat, 31 Dec 2016 23:59:60 GMT", 1_483_228_800),
    ];
    for (text, time) in rows {
        assert_eq!(parse(text.as_bytes()), Some(time), "{text}");
    }
}

#[test]
fn anything_else_is_no_date() {
    let rows = [
        "",
        "Sun",
        "0",
        "Sun, 06 Nov 1994 08:49:37",
        "Sun, 06 Nov 1994 08:49:37 UTC",
        "Sun, 6 Nov 1994 08:49:37 GMT",
        "sun, 06 Nov 1994 08:49:37 GMT",
        "Sun, 06 nov 1994 08:49:37 GMT",
        "Mon, 06 Nov 1994 08:49:37 GMT",
        "Sun, 00 Nov 1994 08:49:37 GMT",
        "Wed, 29 Feb 2023 00:00:00 GMT",
        "Wed, 31 Apr 2024 00:00:00 GMT",
        "Sun, 06 Nov 1994 24:00:00 GMT",
        "Sun, 06 Nov 1994 08:60:37 GMT",
        "Sun, 06 Nov 1994 08:49:61 GMT",
        "Sun, 06 Nov 1994 8:49:37 GMT",
        "Wed, 31 Dec 1969 23:59:59 GMT",
        "Sun, 06 Nov 1994 08:49:37 GMT ",
        "Sun, +6 Nov 1994 08:49:37 GMT",
        "Sun, 06-Nov-94 08:49:37 GMT",
        "Sunday, 06 Nov 1994 08:49:37 GMT",
        "Sun Nov 6 08:49:37 1994",
        "Sun Nov  6 08:49:37 94",
        "Sun Nov  6 08:49:37 1994 GMT",
        "Sun Nov 06 08:49:37",
    ];
    for text in rows {
        assert_eq!(parse(text.as_bytes()), None, "{text}");
    }
}

proptest! {
    #[test]
    fn a_written_time_reads_back(time in 0..253_402_300_800_u64) {
        prop_assert_eq!(parse(&format(time)), Some(time));
    }

    #[test]
    fn no_octets_make_the_reader_panic(octets in proptest::collection::vec(any::<u8>(), 0..40)) {
        let _ = parse(&octets);
    }
}
