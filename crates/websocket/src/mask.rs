//! Masking: the XOR over every payload that a client sends (RFC 6455 §5.3).
//!
//! octet i of the payload is combined with octet `i mod 4` of the masking key; the same operation masks and unmasks.

use bytes::BytesMut;

/// Masks or unmasks `payload` in place and returns the phase for the octets that follow it (RFC 6455 §5.3).
///
/// `phase` is the place of the first octet within its frame's payload; only its value modulo 4 counts. A payload that
/// arrives in pieces is unmasked piece by piece when each call is given what the call before returned. The cost is one
/// pass, which the compiler turns into the widest words that the target has; a key of four zeros costs nothing.
///
/// ```
/// let mut payload = *b"\x7f\x9f\x4d\x51\x58"; // RFC 6455 §5.7
/// let key = [0x37, 0xfa, 0x21, 0x3d];
/// let phase = tidings_websocket::mask(&mut payload[..2], key, 0);
/// tidings_websocket::mask(&mut payload[2..], key, phase);
/// assert_eq!(&payload, b"Hello");
/// ```
#[inline]
pub fn mask(payload: &mut [u8], key: [u8; 4], phase: usize) -> usize {
    let next = (phase % 4 + payload.len() % 4) % 4;
    if key == [0; 4] {
        return next;
    }
    let key = turn(u32::from_le_bytes(key), phase);
    match payload.len() {
        0..ALIGN_FROM => xor(payload, key),
        #[cfg(feature = "simd")]
        crate::simd::MASK_FROM.. => crate::simd::xor_long(payload, key),
        _ => xor_wide(payload, key),
    }
    next
}

/// Appends `payload` to `out` and masks it, from the first octet of its frame on. A long one takes one pass for both.
#[inline]
pub(crate) fn append_masked(payload: &[u8], key: [u8; 4], out: &mut BytesMut) {
    if payload.len() < ALIGN_FROM {
        let start = out.len();
        out.extend_from_slice(payload);
        mask(out.get_mut(start..).unwrap_or_default(), key, 0);
    } else {
        append_long(payload, u32::from_le_bytes(key), out);
    }
}

/// XORs as [`xor`] does, by the words that every processor of the target has. Not inlined, so that what masks a short payload
/// stays short.
#[inline(never)]
fn xor_wide(octets: &mut [u8], key: u32) {
    xor_aligned::<16>(octets, key);
}

/// Appends what [`xor`] makes of the octets, by the words that every processor of the target has.
#[cfg(not(feature = "simd"))]
fn append_long(octets: &[u8], key: u32, out: &mut BytesMut) {
    append_xored(octets, key, out);
}

#[cfg(feature = "simd")]
use crate::simd::append_long;

/// Appends what [`xor`] makes of the octets, a block at a time, so that a block is masked in registers on its way.
#[inline(always)]
pub(crate) fn append_xored(octets: &[u8], key: u32, out: &mut BytesMut) {
    let (blocks, rest) = octets.as_chunks::<BLOCK>();
    for block in blocks {
        let mut block = *block;
        xor(&mut block, key);
        out.extend_from_slice(&block);
    }
    let mut last = [0; BLOCK];
    if let Some(last) = last.get_mut(..rest.len()) {
        last.copy_from_slice(rest);
        xor(last, key);
        out.extend_from_slice(last);
    }
}

/// The octets that are masked on their way at a time.
const BLOCK: usize = 256;

/// XORs as [`xor`] does, by words of up to `ALIGNMENT` octets. One that lies across two cache lines is written twice, so the
/// first few octets go alone.
#[inline(always)]
pub(crate) fn xor_aligned<const ALIGNMENT: usize>(octets: &mut [u8], key: u32) {
    let front_len = octets.as_ptr().align_offset(ALIGNMENT) % ALIGNMENT;
    let (front, rest) = octets.split_at_mut(front_len);
    xor(front, key);
    let key = turn(key, front_len);
    let (blocks, rest) = rest.as_chunks_mut::<64>();
    for block in blocks {
        xor(block, key);
    }
    xor(rest, key);
}

/// Leaves `octets` octets of a key behind. Its next octet is the lowest.
fn turn(key: u32, octets: usize) -> u32 {
    key.rotate_right(8 * u32::try_from(octets % 4).unwrap_or_default())
}

/// The length from which it pays to begin at the border of a wide word.
const ALIGN_FROM: usize = 128;

/// XORs the key over the octets from its first octet on, which is the lowest.
#[inline(always)]
fn xor(octets: &mut [u8], key: u32) {
    let word = u64::from(key) << 32 | u64::from(key);
    let (words, rest) = octets.as_chunks_mut::<8>();
    for octets in words {
        *octets = (u64::from_le_bytes(*octets) ^ word).to_le_bytes();
    }
    let (halves, rest) = rest.as_chunks_mut::<4>();
    for octets in halves {
        *octets = (u32::from_le_bytes(*octets) ^ key).to_le_bytes();
    }
    for (octet, key) in rest.iter_mut().zip(key.to_le_bytes()) {
        *octet ^= key;
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use bytes::BytesMut;

    use super::{append_masked, mask};

    /// The rule as the RFC writes it, one octet at a time.
    fn by_the_letter(payload: &[u8], key: [u8; 4], phase: usize) -> Vec<u8> {
        payload
            .iter()
            .enumerate()
            .map(|(i, octet)| octet ^ key[(phase + i) % 4])
            .collect()
    }

    #[test]
    fn octet_i_uses_key_octet_i_mod_4_fr_11() {
        let key = [0x37, 0xfa, 0x21, 0x3d];
        for len in 0..40 {
            for phase in 0..9 {
                let plain: Vec<u8> = (0..len).collect();
                let mut masked = plain.clone();
                let next = mask(&mut masked, key, phase);
                assert_eq!(
                    masked,
                    by_the_letter(&plain, key, phase),
                    "{len} octets, phase {phase}"
                );
                assert_eq!(next, (phase + usize::from(len)) % 4);
                mask(&mut masked, key, phase);
                assert_eq!(masked, plain, "twice is the identity");
            }
        }
    }

    #[test]
    fn a_long_payload_may_begin_anywhere_in_memory_fr_11() {
        let key = [0x37, 0xfa, 0x21, 0x3d];
        let octets: Vec<u8> = (0..=255).cycle().take(400).collect();
        for start in 0..20 {
            for len in (120..140).chain(250..270).chain([380]) {
                for phase in 0..4 {
                    let mut masked = octets.clone();
                    let payload = &mut masked[start..start + len];
                    let want = by_the_letter(payload, key, phase);
                    assert_eq!(mask(payload, key, phase), (phase + len) % 4);
                    assert_eq!(payload, want, "{len} octets from {start}, phase {phase}");
                    assert_eq!(masked[..start], octets[..start]);
                    assert_eq!(masked[start + len..], octets[start + len..]);
                }
            }
        }
    }

    #[test]
    fn a_payload_of_many_wide_words_may_begin_anywhere_in_memory_fr_11() {
        let key = [0x37, 0xfa, 0x21, 0x3d];
        let octets: Vec<u8> = (0..=255).cycle().take(1200).collect();
        for start in 0..40 {
            for len in (505..520).chain([1024, 1100, 1160]) {
                for phase in [0, 3] {
                    let mut masked = octets.clone();
                    let payload = &mut masked[start..start + len];
                    let want = by_the_letter(payload, key, phase);
                    assert_eq!(mask(payload, key, phase), (phase + len) % 4);
                    assert_eq!(payload, want, "{len} octets from {start}, phase {phase}");
                    assert_eq!(masked[..start], octets[..start]);
                    assert_eq!(masked[start + len..], octets[start + len..]);
                }
            }
        }
    }

    #[test]
    fn what_is_masked_on_its_way_is_what_is_masked_in_place_fr_11() {
        let key = [0x37, 0xfa, 0x21, 0x3d];
        let octets: Vec<u8> = (0..=250).cycle().take(1200).collect();
        for start in 0..5 {
            for len in (0..300).chain(500..530).chain([1023, 1024, 1160]) {
                let payload = &octets[start..start + len];
                let mut out = BytesMut::from(&b"head"[..]);
                append_masked(payload, key, &mut out);
                assert_eq!(out[..4], *b"head");
                assert_eq!(
                    out[4..],
                    by_the_letter(payload, key, 0),
                    "{len} octets from {start}"
                );
            }
        }
    }

    #[test]
    fn pieces_carry_the_phase_fr_11() {
        let key = [1, 2, 3, 4];
        let plain: Vec<u8> = (0..50).collect();
        let whole = by_the_letter(&plain, key, 0);
        for first in 0..=plain.len() {
            for second in first..=plain.len() {
                let mut pieces = plain.clone();
                let phase = mask(&mut pieces[..first], key, 0);
                let phase = mask(&mut pieces[first..second], key, phase);
                mask(&mut pieces[second..], key, phase);
                assert_eq!(pieces, whole, "cut at {first} and {second}");
            }
        }
    }

    #[test]
    fn a_key_of_zeros_changes_nothing_and_keeps_the_phase() {
        let mut payload = *b"Hello";
        assert_eq!(mask(&mut payload, [0; 4], 2), 3);
        assert_eq!(&payload, b"Hello");
    }

    #[test]
    fn the_largest_phase_does_not_overflow() {
        let mut payload = *b"abc";
        assert_eq!(mask(&mut payload, [1, 2, 3, 4], usize::MAX), 2);
        assert_eq!(payload, [b'a' ^ 4, b'b' ^ 1, b'c' ^ 2]);
    }
}
