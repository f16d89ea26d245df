//! Sec-WebSocket-Accept: how a server shows that it speaks WebSocket (RFC 6455 §4.2.2).
//!
//! accept = base64(SHA-1(key, as it is written, followed by a text that never changes))

mod sha1;

pub use sha1::sha1;

/// The text that follows the key (RFC 6455 §1.3).
pub const GUID: &str = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// The 64 signs of base64: sign `i` stands for the six bits of the number `i` (RFC 4648 §4).
pub const SIGNS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Writes octets in base64: three octets become four signs; `=` fills up the last four (RFC 4648 §4).
pub fn base64(octets: &[u8]) -> String {
    let mut text = String::new();
    for group in octets.chunks(3) {
        // What is missing of the last three octets counts as zero.
        let mut bits: u32 = 0;
        for i in 0..3 {
            bits = bits << 8 | u32::from(group.get(i).copied().unwrap_or(0));
        }
        for i in 0..4 {
            // One octet fills two signs, two octets fill three.
            if i <= group.len() {
                let index = bits >> (18 - 6 * i) & 0x3f;
                text.push(char::from(SIGNS[index as usize]));
            } else {
                text.push('=');
            }
        }
    }
    text
}

/// Gives the value of Sec-WebSocket-Accept for the value of a Sec-WebSocket-Key (RFC 6455 §4.2.2 item 5.4).
///
/// Spaces and tabs around the key are not a part of it.
pub fn accept_key(key: &str) -> String {
    let key = key.trim_matches([' ', '\t']);
    base64(&sha1(format!("{key}{GUID}").as_bytes()))
}
