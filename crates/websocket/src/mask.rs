//! Masking: the XOR over every payload that a client sends (RFC 6455 §5.3).
//!
//! octet i of the payload is combined with octet `i mod 4` of the masking key; the same operation masks and unmasks.

/// Masks or unmasks `payload` in place and returns the phase for the octets that follow it (RFC 6455 §5.3).
///
/// `phase` is the place of the first octet within its frame's payload; only its value modulo 4 counts. A payload that
/// arrives in pieces is unmasked piece by piece when each call is given what the call before returned. The cost is one
/// pass, eight octets a step; a key of four zeros costs nothing.
///
/// ```
/// let mut payload = *b"\x7f\x9f\x4d\x51\x58"; // RFC 6455 §5.7
/// let key = [0x37, 0xfa, 0x21, 0x3d];
/// let phase = tidings_websocket::mask(&mut payload[..2], key, 0);
/// tidings_websocket::mask(&mut payload[2..], key, phase);
/// assert_eq!(&payload, b"Hello");
/// ```
pub fn mask(payload: &mut [u8], key: [u8; 4], phase: usize) -> usize {
    let next = (phase % 4 + payload.len() % 4) % 4;
    if key == [0; 4] {
        return next;
    }
    let mut key = key;
    key.rotate_left(phase % 4);
    let [a, b, c, d] = key;
    let word = u64::from_ne_bytes([a, b, c, d, a, b, c, d]);
    let (words, rest) = payload.as_chunks_mut::<8>();
    for octets in words {
        *octets = (u64::from_ne_bytes(*octets) ^ word).to_ne_bytes();
    }
    for (octet, key) in rest.iter_mut().zip(word.to_ne_bytes()) {
        *octet ^= key;
    }
    next
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use super::mask;

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
