//! The line in front of each chunk of the chunked coding (RFC 9112 §7.1).
//!
//! line = 1*HEXDIG [ blanks ";" extension ] CR LF; the size counts the octets of data that follow the line

/// The longest line that is read, without its CR LF. The RFC has no limit and tells a reader to have one (§7.1.1).
pub const MAX_LINE_LEN: usize = 64;

/// What can be wrong with a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// An octet that must not stand in a size, or no size at all.
    Size,
    /// A size over 2^64 - 1.
    TooLarge,
    /// An octet that must not stand in an extension.
    Extension,
    /// An LF without a CR in front of it.
    BareLf,
    /// A CR without an LF behind it.
    BareCr,
    /// An octet other than CR behind `MAX_LINE_LEN` octets.
    TooLong,
}

/// A fault, and the offset of the octet that shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChunkError {
    pub fault: Fault,
    pub at: usize,
}

/// Decodes the chunk line at the start of `octets`: the size it announces, and how many octets the line takes.
///
/// `Ok(None)` is "not yet": what is there is fine, and more is needed. A fault is told as soon as the octet that shows
/// it is there, whatever follows.
pub fn chunk_line(octets: &[u8]) -> Result<Option<(u64, usize)>, ChunkError> {
    todo!("the chunk line in `{}`", octets.escape_ascii())
}
