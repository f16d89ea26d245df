//! Masking: what a WebSocket client does to each payload that it sends (RFC 6455 §5.3).
//!
//! octet i of the payload is XORed with octet i mod 4 of the key; doing it twice undoes it

/// Masks or unmasks a piece of a payload in place, and gives the phase of the piece that follows.
///
/// The phase says which octet of the key meets the first octet of the piece: 0 at the start of a payload, at most 3.
pub fn mask(piece: &mut [u8], key: [u8; 4], phase: usize) -> usize {
    todo!("mask {piece:02x?} by the key {key:02x?} from phase {phase}")
}
