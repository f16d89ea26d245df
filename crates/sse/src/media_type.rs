//! The media type of an event stream (HTML §9.2.3).

/// The media type of an event stream, as a server sends it.
///
/// Send it bare: the format is always UTF-8, and browsers have refused streams that say otherwise.
pub const MEDIA_TYPE: &str = "text/event-stream";

/// Tells whether the value of a Content-Type field names an event stream.
///
/// Case does not matter and parameters are not looked at, `charset` included.
///
/// ```
/// use tidings_sse::is_event_stream;
/// assert!(is_event_stream(b"Text/Event-Stream; charset=utf-8"));
/// assert!(!is_event_stream(b"text/event-streamx"));
/// ```
#[must_use]
pub fn is_event_stream(content_type: &[u8]) -> bool {
    let essence = content_type
        .split(|octet| *octet == b';')
        .next()
        .unwrap_or_default();
    essence
        .trim_ascii()
        .eq_ignore_ascii_case(MEDIA_TYPE.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::is_event_stream;

    #[test]
    fn only_the_essence_counts_html_9_2_3() {
        let rows: [(&[u8], bool); 14] = [
            (b"text/event-stream", true),
            (b"TEXT/EVENT-STREAM", true),
            (b"text/event-stream;", true),
            (b"text/event-stream;charset=UTF-8", true),
            (b"text/event-stream;charset=windows-1252", true),
            (b"text/event-stream ; foo=bar", true),
            (b" \ttext/event-stream\t", true),
            (b"", false),
            (b";", false),
            (b"text/plain", false),
            (b"text/event-streamx", false),
            (b"text/event stream", false),
            (b"text/x; a=text/event-stream", false),
            (b"text/event-stream, text/plain", false),
        ];
        for (value, want) in rows {
            assert_eq!(is_event_stream(value), want, "{}", value.escape_ascii());
        }
    }
}
