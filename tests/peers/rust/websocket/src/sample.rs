//! The messages.

/// What a message holds.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Binary,
    /// JSON, all ASCII.
    Text,
    /// Japanese: three octets a character.
    Wide,
}

pub const KINDS: [(Kind, &str); 3] = [
    (Kind::Binary, "binary"),
    (Kind::Text, "text, ASCII"),
    (Kind::Wide, "text, three octets a character"),
];

/// Lengths of a message, and how many of them make one call.
pub const LENS: [(usize, u64, &str); 4] = [
    (20, 512, "20 B"),
    (1024, 128, "1 KiB"),
    (16 << 10, 16, "16 KiB"),
    (1 << 20, 1, "1 MiB"),
];

impl Kind {
    /// A message of `len` octets.
    pub fn message(self, len: usize) -> Vec<u8> {
        let pattern = match self {
            Self::Binary => "\u{1}\u{7f}binary \u{80}\u{3ff}",
            Self::Text => r#"{"id":1042,"price":"17.25","side":"buy"},"#,
            Self::Wide => "速報：電車は平常運転に戻りました。",
        };
        let mut text: String = pattern.chars().cycle().take(len).collect();
        while text.len() > len {
            text.pop();
        }
        // The last character may have been cut away whole.
        text.extend(std::iter::repeat_n('.', len - text.len()));
        text.into_bytes()
    }

    pub fn is_text(self) -> bool {
        self != Self::Binary
    }
}

/// `count` frames of a client, each with a key of its own.
pub fn masked_frames(kind: Kind, message: &[u8], count: u64) -> Vec<u8> {
    let mut wire = Vec::new();
    for number in 0..count {
        let key = (0x9E37_79B9_u32.wrapping_mul(number as u32 + 1) | 0x0101_0101).to_be_bytes();
        wire.push(if kind.is_text() { 0x81 } else { 0x82 });
        match message.len() {
            len @ 0..126 => wire.push(0x80 | len as u8),
            len @ 126..0x1_0000 => {
                wire.push(0x80 | 126);
                wire.extend((len as u16).to_be_bytes());
            }
            len => {
                wire.push(0x80 | 127);
                wire.extend((len as u64).to_be_bytes());
            }
        }
        wire.extend(key);
        wire.extend(message.iter().zip(key.iter().cycle()).map(|(a, b)| a ^ b));
    }
    wire
}
