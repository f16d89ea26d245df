//! How much of a peer's input is read before it is refused.

/// Every limit on what a peer may send, in octets or counts.
///
/// The defaults suit a public server. Set a field after [`Limits::default`]:
///
/// ```
/// let mut limits = tidings_http1::Limits::default();
/// limits.max_target_len = 2_000;
/// assert_eq!(limits.max_head_len, 32_768);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// Longest method. Default 32, over the longest registered one (17). Beyond it: 501.
    pub max_method_len: usize,
    /// Longest request target. Default 8,192, over the 8,000 that RFC 9112 §3 asks for. Beyond it: 414.
    pub max_target_len: usize,
    /// Longest head, from its first octet to the end of the blank line. Default 32,768; values
    /// over 65,535 count as 65,535, since field positions are 16 bits wide. Beyond it: 431.
    pub max_head_len: usize,
    /// Most field lines in a head. Default 100, which no browser comes near. Beyond it: 431.
    pub max_fields: usize,
    /// Most blank lines in front of a request line. Default 8: old clients add one after a POST.
    pub max_blank_lines: usize,
    /// Longest chunk-size line with its extensions, without the CRLF. Default 1,024.
    pub max_chunk_line_len: usize,
    /// Most octets of chunk extensions in one content. Default 16,384.
    pub max_chunk_ext_len: usize,
    /// Octets of chunk framing after which framing that is more than three quarters of the
    /// content is refused. Default 102,400: about 20,000 chunks of one octet.
    pub max_chunk_overhead: u64,
    /// Longest trailer section with its blank line; capped like `max_head_len`. Default 8,192. Beyond it: 431.
    pub max_trailer_len: usize,
    /// Most field lines in a trailer section. Default 32. Beyond it: 431.
    pub max_trailer_fields: usize,
    /// Most 1xx responses before the final one (client role). Default 16.
    pub max_informational: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_method_len: 32,
            max_target_len: 8_192,
            max_head_len: 32_768,
            max_fields: 100,
            max_blank_lines: 8,
            max_chunk_line_len: 1_024,
            max_chunk_ext_len: 16_384,
            max_chunk_overhead: 102_400,
            max_trailer_len: 8_192,
            max_trailer_fields: 32,
            max_informational: 16,
        }
    }
}
