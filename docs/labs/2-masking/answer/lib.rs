//! Masking: what a WebSocket client does to each payload that it sends (RFC 6455 §5.3).
//!
//! octet i of the payload is XORed with octet i mod 4 of the key; doing it twice undoes it

/// Masks or unmasks a piece of a payload in place, and gives the phase of the piece that follows.
///
/// The phase says which octet of the key meets the first octet of the piece: 0 at the start of a payload, at most 3.
pub fn mask(piece: &mut [u8], key: [u8; 4], phase: usize) -> usize {
    let next = (phase + piece.len()) % 4;
    // From here on the first octet of the piece meets the first octet of the key.
    let mut turned = key;
    turned.rotate_left(phase);
    let word = u32::from_ne_bytes(turned);
    let mut fours = piece.chunks_exact_mut(4);
    for four in &mut fours {
        if let Ok(octets) = <[u8; 4]>::try_from(&*four) {
            four.copy_from_slice(&(u32::from_ne_bytes(octets) ^ word).to_ne_bytes());
        }
    }
    for (octet, key) in fours.into_remainder().iter_mut().zip(turned) {
        *octet ^= key;
    }
    next
}
