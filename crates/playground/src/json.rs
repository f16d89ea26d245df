//! JSON (RFC 8259), written only: a library for it would be the greater part of the module.

use core::fmt::Write as _;

/// Text that grows value by value; commas are put in where they belong.
#[derive(Debug, Default)]
pub(crate) struct Writer(String);

impl Writer {
    pub(crate) fn finish(self) -> String {
        self.0
    }

    /// Begins a value or a key: behind another one stands a comma.
    fn next(&mut self) {
        if !matches!(self.0.chars().next_back(), None | Some('{' | '[' | ':')) {
            self.0.push(',');
        }
    }

    pub(crate) fn object(&mut self, members: impl FnOnce(&mut Self)) {
        self.next();
        self.0.push('{');
        members(self);
        self.0.push('}');
    }

    pub(crate) fn list<T>(&mut self, items: &[T], each: impl Fn(&mut Self, &T)) {
        self.next();
        self.0.push('[');
        for item in items {
            each(self, item);
        }
        self.0.push(']');
    }

    /// The name of a member; its value is written next.
    pub(crate) fn key(&mut self, name: &str) -> &mut Self {
        self.text(name);
        self.0.push(':');
        self
    }

    pub(crate) fn number(&mut self, number: usize) {
        self.next();
        let _ = write!(self.0, "{number}");
    }

    pub(crate) fn boolean(&mut self, boolean: bool) {
        self.next();
        self.0.push_str(if boolean { "true" } else { "false" });
    }

    pub(crate) fn text_or_null(&mut self, text: Option<&str>) {
        match text {
            Some(text) => self.text(text),
            None => {
                self.next();
                self.0.push_str("null");
            }
        }
    }

    /// RFC 8259 §7: quotation mark, backslash and controls are escaped, nothing else must be.
    pub(crate) fn text(&mut self, text: &str) {
        self.next();
        self.0.push('"');
        for c in text.chars() {
            match c {
                '"' | '\\' => self.0.extend(['\\', c]),
                c if c < ' ' => {
                    let _ = write!(self.0, "\\u{:04x}", u32::from(c));
                }
                c => self.0.push(c),
            }
        }
        self.0.push('"');
    }
}
