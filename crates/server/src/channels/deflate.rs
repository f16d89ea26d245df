//! Messages compressed once for all readers of permessage-deflate (RFC 7692).
//!
//! form of a message: its frame | the same compressed, where the setting asks for it and it is shorter

use bytes::Bytes;
use tidings_http1::RequestHead;
use tidings_websocket::{Accepted, SharedFrame};
#[cfg(feature = "deflate")]
use tidings_websocket::{DeflateAgreement, DeflateOptions, FrameHeader};

use super::Config;

/// How messages are compressed, and what their reader agreed on.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Deflate {
    /// The setting; `None` where nothing is compressed.
    #[cfg(feature = "deflate")]
    level: Option<u8>,
    /// `None` for a reader that takes plain frames only, such as a poll.
    #[cfg(feature = "deflate")]
    agreed: Option<DeflateAgreement>,
}

#[cfg(feature = "deflate")]
impl Deflate {
    /// The setting, for a reader that takes plain frames.
    pub(super) fn of(config: &Config) -> Self {
        Self {
            level: config.deflate_level,
            agreed: None,
        }
    }

    /// The same for a reader whose handshake was accepted: permessage-deflate is agreed on where the
    /// client offers it and the setting has it.
    pub(super) fn agree(self, accepted: Accepted, head: &RequestHead) -> (Accepted, Self) {
        let Some(level) = self.level else {
            return (accepted, self);
        };
        let mut options = DeflateOptions::default();
        options.level = level;
        let accepted = accepted.with_deflate(options, head.fields().iter());
        let agreed = accepted.deflate();
        (accepted, Self { agreed, ..self })
    }

    /// Encodes a text message.
    pub(super) fn text(self, text: &str) -> Bytes {
        let min_len = DeflateOptions::default().min_len;
        match self.level {
            Some(level) if text.len() >= min_len => both(&SharedFrame::text_deflated(text, level)),
            Some(_) | None => SharedFrame::text(text).as_bytes().clone(),
        }
    }

    /// Encodes a binary message.
    pub(super) fn binary(self, data: &[u8]) -> Bytes {
        let min_len = DeflateOptions::default().min_len;
        match self.level {
            Some(level) if data.len() >= min_len => {
                both(&SharedFrame::binary_deflated(data, level))
            }
            Some(_) | None => SharedFrame::binary(data).as_bytes().clone(),
        }
    }

    /// The frame of a form that goes to this reader.
    pub(super) fn pick(self, form: Bytes) -> Bytes {
        if self.level.is_none() {
            return form;
        }
        let Ok(Some((header, header_len))) = FrameHeader::decode(&form) else {
            return form;
        };
        let payload_len = usize::try_from(header.payload_len).unwrap_or(usize::MAX);
        let plain_len = header_len.saturating_add(payload_len);
        let takes = |agreed: DeflateAgreement| agreed.takes_shared(payload_len);
        if plain_len < form.len() && self.agreed.is_some_and(takes) {
            form.slice(plain_len..)
        } else {
            form.slice(..plain_len.min(form.len()))
        }
    }
}

/// Both frames of a message, as one form, which is made and kept once.
#[cfg(feature = "deflate")]
fn both(frame: &SharedFrame) -> Bytes {
    match frame.deflated() {
        Some(deflated) => [&frame.as_bytes()[..], &deflated[..]].concat().into(),
        None => frame.as_bytes().clone(),
    }
}

#[cfg(not(feature = "deflate"))]
#[expect(
    clippy::unused_self,
    reason = "the same calls with and without the feature"
)]
impl Deflate {
    pub(super) fn of(_: &Config) -> Self {
        Self {}
    }

    pub(super) fn agree(self, accepted: Accepted, _: &RequestHead) -> (Accepted, Self) {
        (accepted, self)
    }

    pub(super) fn text(self, text: &str) -> Bytes {
        SharedFrame::text(text).as_bytes().clone()
    }

    pub(super) fn binary(self, data: &[u8]) -> Bytes {
        SharedFrame::binary(data).as_bytes().clone()
    }

    pub(super) fn pick(self, form: Bytes) -> Bytes {
        form
    }
}

#[cfg(all(test, feature = "deflate"))]
#[allow(clippy::panic, clippy::unwrap_used, reason = "tests")]
mod tests {
    use core::time::Duration;
    use std::sync::Arc;

    use tidings_hub::{ChannelName, Hub, Limit, Message, Publish, Read, Start};

    use super::super::forms;
    use super::*;

    /// A reader that agreed on a window, or on none.
    fn reader(level: Option<u8>, bits: Option<u8>) -> Deflate {
        let config = Config {
            deflate_level: level,
            ..Config::default()
        };
        let deflate = Deflate::of(&config);
        let Some(bits) = bits else { return deflate };
        let offer = format!("permessage-deflate; server_max_window_bits={bits}");
        let fields = [
            ("Host", "a"),
            ("Upgrade", "websocket"),
            ("Connection", "Upgrade"),
            ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
            ("Sec-WebSocket-Version", "13"),
            ("Sec-WebSocket-Extensions", &offer),
        ];
        let lines = fields.map(|(name, value)| format!("{name}: {value}\r\n"));
        let head = format!("GET / HTTP/1.1\r\n{}\r\n", lines.concat());
        let head = RequestHead::decode(&Bytes::from(head), &tidings_http1::Config::default());
        let head = head.unwrap().unwrap();
        let accepted = crate::serve::accept(&head, &[]).unwrap();
        deflate.agree(accepted, &head).1
    }

    fn message(text: &str) -> Arc<Message> {
        let hub = Hub::new(tidings_hub::Config::default());
        let (name, now) = (ChannelName::parse("a").unwrap(), Duration::ZERO);
        hub.publish(&name, Publish::text(text), now, 7).unwrap();
        let mut cursor = hub.subscribe(&name, Start::Earliest, now, 7).unwrap();
        let limit = Limit {
            messages: 1,
            octets: 1,
        };
        let Read::Batch(batch) = cursor.read(limit, now) else {
            panic!("a message is due")
        };
        Arc::clone(batch.messages.first().unwrap())
    }

    #[test]
    fn a_message_is_compressed_once_for_all_who_agreed_rfc7692_7_2_1() {
        let message = message(&"tidings ".repeat(100));
        let name = ChannelName::parse("a").unwrap();
        let plain = reader(Some(6), None);
        let forms: [(&str, &dyn Fn(Deflate) -> Bytes); 3] = [
            ("bare", &|deflate| forms::frame(&message, deflate)),
            ("envelope", &|deflate| forms::envelope(&message, deflate)),
            ("named", &|deflate| {
                forms::named_envelope(&message, &name, deflate)
            }),
        ];
        for (form, of) in forms {
            let whole = of(plain);
            let compressed = of(reader(Some(6), Some(15)));
            assert_eq!((whole[0], compressed[0]), (0x81, 0xC1), "{form}: RSV1");
            assert!(compressed.len() < whole.len() / 8, "{form}");
            for _ in 0..1000 {
                let again = of(reader(Some(6), Some(11)));
                assert_eq!(
                    again.as_ptr(),
                    compressed.as_ptr(),
                    "{form}: the same octets"
                );
            }
            // Both lie in the one form that the message keeps.
            assert_eq!(whole.as_ptr_range().end, compressed.as_ptr(), "{form}");
        }
        let json = forms::fragment(&message, plain);
        assert!(json.starts_with(b"{\"id\"") && json.ends_with(b"\"}"));
    }

    #[test]
    fn a_plain_frame_goes_where_the_compressed_one_may_not_or_is_of_no_use() {
        let long = "tidings ".repeat(1000);
        let noise: String = (33..=126_u8)
            .map(char::from)
            .chain(('a'..='z').rev())
            .collect();
        let rows = [
            ("nothing is compressed", long.as_str(), None, Some(15)),
            ("the client offers nothing", long.as_str(), Some(6), None),
            (
                "a window that is too small",
                long.as_str(),
                Some(6),
                Some(12),
            ),
            ("a short message", &long[..127], Some(6), Some(15)),
            (
                "one that does not shrink",
                noise.as_str(),
                Some(6),
                Some(15),
            ),
        ];
        for (name, text, level, bits) in rows {
            let message = message(text);
            let frame = forms::frame(&message, reader(level, bits));
            assert_eq!(frame, SharedFrame::text(text).as_bytes(), "{name}");
        }
        let message = message(&long);
        let frame = forms::frame(&message, reader(Some(6), Some(13)));
        assert_eq!(frame[0], 0xC1, "8,000 octets lie in a window of 8 KiB");
    }
}
