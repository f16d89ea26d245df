//! Masking and UTF-8 by the widest words of the processor at hand, which is asked once a process (feature `simd`).
//!
//! The results are those of `mask.rs` and `utf8.rs`, which do all that is short and find the place of each fault.

use std::sync::LazyLock;

use bytes::BytesMut;
use fearless_simd::{Level, dispatch};

use crate::mask::{append_xored, xor_aligned};
use crate::utf8::cut_len;

static LEVEL: LazyLock<Level> = LazyLock::new(Level::new);

/// XORs the key over the octets from its first octet on, which is the lowest.
#[inline(never)]
pub(crate) fn xor_long(octets: &mut [u8], key: u32) {
    dispatch!(*LEVEL, _ => xor_aligned::<32>(octets, key));
}

/// Appends the octets, each combined with its octet of the key, whose first is the lowest.
#[inline(never)]
pub(crate) fn append_long(octets: &[u8], key: u32, out: &mut BytesMut) {
    dispatch!(*LEVEL, _ => append_xored(octets, key, out));
}

/// Counts the octets of `text`, which begins between two code points, up to its last border between two. `None` where it is
/// short, or not valid.
pub(crate) fn good_front(text: &[u8]) -> Option<usize> {
    if text.len() < UTF8_FROM {
        return None;
    }
    let (front, _) = text.split_at_checked(text.len() - cut_len(*text.last_chunk()?))?;
    simdutf8::basic::from_utf8(front).ok().map(str::len)
}

/// The length from which words of 32 octets are ahead of those of 16.
pub(crate) const MASK_FROM: usize = 512;
/// The length below which the crate asks std itself.
const UTF8_FROM: usize = 64;
