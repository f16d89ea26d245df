use super::gathered::SPLIT_FROM;
use super::*;

#[test]
fn a_small_message_is_copied_and_a_large_one_split_off() {
    let rows = [
        ("small", 16, 0, false),
        ("large, and all of the buffer", 8192, 0, true),
        ("large, and a quarter of it", 8192, 3 * 8192, true),
        (
            "large, and less than a quarter of it",
            8192,
            3 * 8192 + 4,
            false,
        ),
        ("large, but a small part of it", 8192, 100_000, false),
        ("just below the border", SPLIT_FROM - 1, 0, false),
        ("on the border", SPLIT_FROM, 0, true),
    ];
    for (name, len, behind, split) in rows {
        let mut input = BytesMut::with_capacity(len + behind);
        input.resize(len + behind, b'x');
        let there = input.as_ptr();
        let taken = take_bytes(&mut input, len);
        assert_eq!(taken.as_ptr() == there, split, "{name}");
        assert_eq!((taken.len(), input.len()), (len, behind), "{name}");
    }
}
