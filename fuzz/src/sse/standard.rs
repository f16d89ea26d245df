//! The algorithm of HTML §9.2.6, sentence by sentence: decode all, cut all into lines, then go through them. It shares
//! nothing with the crate, and holds everything it reads.

/// What a stream says.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Said {
    Event {
        kind: String,
        data: String,
        id: String,
    },
    Retry(u64),
    /// A blank line set the last event ID and dispatched nothing.
    Id,
}

/// What the stream says, and the last event ID that it leaves.
pub(super) fn interpret(stream: &[u8]) -> (Vec<Said>, String) {
    // "Streams must be decoded using the UTF-8 decode algorithm", which takes one byte order mark away.
    let decoded = String::from_utf8_lossy(stream);
    let decoded = decoded.strip_prefix('\u{FEFF}').unwrap_or(&decoded);
    // A line ends in CRLF, LF or CR; what follows the last line end is no line.
    let normal = decoded.replace("\r\n", "\n").replace('\r', "\n");
    let Some((lines, _unfinished)) = normal.rsplit_once('\n') else {
        return (Vec::new(), String::new());
    };

    let (mut said, mut last_event_id) = (Vec::new(), String::new());
    let (mut data, mut event_type, mut id) = (String::new(), String::new(), None);
    for line in lines.split('\n') {
        // "If the line is empty: dispatch the event."
        if line.is_empty() {
            let (data, event_type) = (core::mem::take(&mut data), core::mem::take(&mut event_type));
            let id_was_set = id.is_some();
            if let Some(id) = id.take() {
                last_event_id = id;
            }
            match data.strip_suffix('\n') {
                None => said.extend(id_was_set.then_some(Said::Id)),
                Some(data) => said.push(Said::Event {
                    kind: if event_type.is_empty() {
                        "message".to_owned()
                    } else {
                        event_type
                    },
                    data: data.to_owned(),
                    id: last_event_id.clone(),
                }),
            }
            continue;
        }
        // "If the line starts with a colon: ignore the line."
        if line.starts_with(':') {
            continue;
        }
        // "Collect the characters before the first colon ... if value starts with a space, remove it."
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "event" => event_type = value.to_owned(),
            "data" => {
                data.push_str(value);
                data.push('\n');
            }
            "id" if !value.contains('\0') => id = Some(value.to_owned()),
            "retry" if !value.is_empty() && value.bytes().all(|octet| octet.is_ascii_digit()) => {
                // The standard names no greatest number; ours is that of 64 bits.
                said.push(Said::Retry(value.parse().unwrap_or(u64::MAX)));
            }
            _ => {}
        }
    }
    (said, last_event_id)
}
