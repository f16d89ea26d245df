//! The algorithm of HTML §9.2.6 written down step by step, slow and whole: the stream is decoded
//! first, then cut into lines, then read. It shares no code with the crate.

#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Said {
    Event {
        kind: String,
        data: String,
        id: String,
    },
    Retry(u64),
    /// A blank line committed an id and dispatched nothing.
    Id,
}

#[derive(Default)]
struct Source {
    data: String,
    event_type: String,
    id_buffer: String,
    id_set: bool,
    last_event_id: String,
    said: Vec<Said>,
}

/// Gives what the stream says and the last event ID that it leaves.
pub(crate) fn interpret(stream: &[u8]) -> (Vec<Said>, String) {
    let text = String::from_utf8_lossy(stream);
    let text = text.strip_prefix('\u{FEFF}').unwrap_or(&text);
    let mut source = Source::default();
    let mut line = String::new();
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        if c == '\r' || c == '\n' {
            if c == '\r' && chars.peek() == Some(&'\n') {
                chars.next();
            }
            source.line(&line);
            line.clear();
        } else {
            line.push(c);
        }
    }
    // The end of the stream discards a line and a block that are not finished.
    (source.said, source.last_event_id)
}

impl Source {
    fn line(&mut self, line: &str) {
        if line.is_empty() {
            self.dispatch();
        } else if line.starts_with(':') {
            // Ignored.
        } else if let Some((field, value)) = line.split_once(':') {
            self.field(field, value.strip_prefix(' ').unwrap_or(value));
        } else {
            self.field(line, "");
        }
    }

    fn field(&mut self, field: &str, value: &str) {
        match field {
            "event" => self.event_type = value.to_owned(),
            "data" => {
                self.data.push_str(value);
                self.data.push('\n');
            }
            "id" if !value.contains('\0') => {
                self.id_buffer = value.to_owned();
                self.id_set = true;
            }
            "retry" if !value.is_empty() && value.bytes().all(|c| c.is_ascii_digit()) => {
                // Saturation is our own rule: the standard names no greatest number.
                self.said
                    .push(Said::Retry(value.parse().unwrap_or(u64::MAX)));
            }
            _ => {}
        }
    }

    fn dispatch(&mut self) {
        self.last_event_id.clone_from(&self.id_buffer);
        let id_set = core::mem::take(&mut self.id_set);
        let mut data = core::mem::take(&mut self.data);
        let event_type = core::mem::take(&mut self.event_type);
        if data.is_empty() {
            self.said.extend(id_set.then_some(Said::Id));
            return;
        }
        data.pop();
        let kind = if event_type.is_empty() {
            "message".to_owned()
        } else {
            event_type
        };
        self.said.push(Said::Event {
            kind,
            data,
            id: self.last_event_id.clone(),
        });
    }
}
