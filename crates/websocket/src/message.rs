//! Messages out of data frames (RFC 6455 §5.4, §5.6, §10.4).
//!
//! message: one frame with FIN | Text or Binary without FIN, any number of Continuation, one Continuation with FIN

mod gathered;

use bytes::{Buf, Bytes, BytesMut};

#[cfg(feature = "deflate")]
use crate::deflate::{Fault, Inflater};
use crate::{
    Config, DataKind, Delivery, Event, FrameHeader, Message, Opcode, ReceiveError,
    ReceiveErrorKind, Text, Utf8Validator,
};

use self::gathered::{Gathered, may_stay};

/// The message that is arriving, if any. Empty between messages: it holds no buffer then.
#[derive(Debug, Default)]
pub(crate) struct Assembly {
    open: Option<Open>,
    gathered: Gathered,
}

#[derive(Debug, Clone, Copy)]
struct Open {
    kind: DataKind,
    utf8: Utf8Validator,
    /// False until a piece of it was handed out.
    begun: bool,
    fragments: usize,
    /// RSV1 of its first frame (RFC 7692 §6).
    compressed: bool,
    /// What its frames announced together.
    announced: u64,
}

/// Where a piece of payload stands within its message.
#[derive(Clone, Copy)]
pub(crate) struct Piece {
    /// The octets at the front of the input.
    pub(crate) len: usize,
    /// The place of its first octet since the frames began.
    pub(crate) offset: u64,
    /// What its frame still owes after it.
    pub(crate) frame_left: u64,
    /// True where its frame is the last of the message.
    pub(crate) fin: bool,
}

impl Piece {
    /// True where the message ends with it.
    const fn last(self) -> bool {
        self.fin && self.frame_left == 0
    }
}

impl Assembly {
    /// True between messages.
    pub(crate) const fn is_idle(&self) -> bool {
        self.open.is_none()
    }

    /// Octets in memory for the message that is arriving.
    pub(crate) fn capacity(&self) -> usize {
        self.gathered.capacity()
    }

    /// Octets that have arrived of that message.
    pub(crate) fn len(&self) -> usize {
        self.gathered.len()
    }

    /// Drops what has arrived of a message.
    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }

    /// Takes the header of a data frame, that began at `offset`, and decides from the announced length.
    pub(crate) fn begin_frame(
        &mut self,
        header: &FrameHeader,
        offset: u64,
        config: &Config,
    ) -> Result<(), ReceiveError> {
        let fault = |kind| Err(ReceiveError::new(kind, offset));
        let mut open = match (header.opcode, self.open) {
            (Opcode::Continuation, Some(open)) => open,
            (Opcode::Continuation, None) => return fault(ReceiveErrorKind::NothingToContinue),
            (Opcode::Text | Opcode::Binary, Some(_)) => {
                return fault(ReceiveErrorKind::MessageOpen);
            }
            (Opcode::Text, None) => Open::new(DataKind::Text, header.rsv1),
            (Opcode::Binary, None) => Open::new(DataKind::Binary, header.rsv1),
            (Opcode::Close | Opcode::Ping | Opcode::Pong, _) => return Ok(()),
        };
        let (len, max) = (header.payload_len, config.max_frame_len);
        if len > max {
            return fault(ReceiveErrorKind::FrameTooLong { len, max });
        }
        open.fragments = open.fragments.saturating_add(1);
        if open.fragments > config.max_fragments {
            return fault(ReceiveErrorKind::TooManyFragments {
                max: config.max_fragments,
            });
        }
        open.announced = open.announced.saturating_add(header.payload_len);
        let (len, max) = (open.announced, config.max_message_len as u64);
        // What a compressed message announces says nothing of its length; it is counted as it inflates.
        if len > max && !open.compressed {
            return fault(ReceiveErrorKind::MessageTooLong { len, max });
        }
        self.open = Some(open);
        Ok(())
    }

    /// Checks a part of a data frame's payload that lies unmasked; of a compressed one there is nothing to say yet.
    pub(crate) fn check(&mut self, octets: &[u8], piece: Piece) -> Result<(), ReceiveError> {
        match &mut self.open {
            Some(open) if open.kind == DataKind::Text && !open.compressed => {
                check(&mut open.utf8, octets, piece)
            }
            Some(_) | None => Ok(()),
        }
    }

    /// Gives `input` room for a read of at least `min` octets, where a frame still owes `left`: see `Connection::make_room`.
    pub(crate) fn make_room(&mut self, input: &mut BytesMut, min: usize, left: u64) -> bool {
        if self.open.is_some_and(|open| open.compressed) {
            input.reserve(min);
            false
        } else {
            self.gathered.make_room(input, min, left)
        }
    }

    /// Takes a piece of a data frame's payload, that was checked, from the front of `input`.
    pub(crate) fn take(
        &mut self,
        piece: Piece,
        input: &mut BytesMut,
        delivery: Delivery,
    ) -> Result<Option<Event>, ReceiveError> {
        let Some(open) = &mut self.open else {
            input.advance(piece.len);
            return Ok(None);
        };
        let kind = open.kind;
        let event = match delivery {
            Delivery::Chunks => {
                let first = !open.begun;
                open.begun |= piece.len > 0;
                let silent = piece.len == 0 && !piece.last();
                let data = take_bytes(input, piece.len);
                (!silent).then_some(Event::Chunk {
                    kind,
                    data,
                    first,
                    last: piece.last(),
                })
            }
            Delivery::Messages if piece.last() && self.gathered.is_empty() => {
                Some(Event::Message(message(kind, take_bytes(input, piece.len))))
            }
            Delivery::Messages => {
                self.gathered.add(piece, input);
                piece.last().then(|| {
                    let whole = self.gathered.finish();
                    Event::Message(message(kind, whole))
                })
            }
        };
        if piece.last() {
            self.open = None;
        }
        Ok(event)
    }
}

#[cfg(feature = "deflate")]
impl Assembly {
    /// Tells whether the message that is arriving is compressed.
    pub(crate) fn is_compressed(&self) -> bool {
        self.open.is_some_and(|open| open.compressed)
    }

    /// Takes a piece of a compressed message, as [`take`](Self::take) does. Faults are told at its first frame: where in a
    /// compressed payload an octet stands is not a place on the wire.
    pub(crate) fn take_compressed(
        &mut self,
        piece: Piece,
        input: &mut BytesMut,
        config: &Config,
        inflater: &mut Inflater,
    ) -> Result<Option<Event>, ReceiveError> {
        let Some(open) = &mut self.open else {
            input.advance(piece.len);
            return Ok(None);
        };
        // What fails leaves nothing behind, as no octet of the message is of use then.
        let mut out = self.gathered.take().into_vec();
        let held = out.len();
        let max = config.max_message_len;
        let octets = input.get(..piece.len).unwrap_or_default();
        let inflated = inflater.inflate(octets, piece.last(), max, &mut out);
        let fresh = out.get(held..).unwrap_or_default();
        let fault = |kind| ReceiveError::new(kind, inflater.offset());
        if open.kind == DataKind::Text {
            open.utf8
                .feed(fresh)
                .map_err(|_| fault(ReceiveErrorKind::NotUtf8))?;
        }
        inflated.map_err(|error| match error {
            Fault::Corrupt => fault(ReceiveErrorKind::Deflate),
            Fault::TooLong => {
                let (len, max) = (max as u64 + 1, max as u64);
                fault(ReceiveErrorKind::MessageTooLong { len, max })
            }
        })?;
        if piece.last() && open.kind == DataKind::Text {
            open.utf8
                .finish()
                .map_err(|_| fault(ReceiveErrorKind::NotUtf8))?;
        }
        input.advance(piece.len);
        let (kind, first) = (open.kind, !open.begun);
        open.begun |= !out.is_empty();
        let event = match config.delivery {
            Delivery::Chunks => (piece.last() || !out.is_empty()).then(|| Event::Chunk {
                kind,
                data: Bytes::from(out),
                first,
                last: piece.last(),
            }),
            Delivery::Messages if piece.last() => {
                if out.capacity() / 2 > out.len() {
                    out.shrink_to_fit();
                }
                Some(Event::Message(message(kind, Bytes::from(out))))
            }
            Delivery::Messages => {
                self.gathered = Gathered::Copied(out);
                None
            }
        };
        if piece.last() {
            self.open = None;
        }
        Ok(event)
    }
}

impl Open {
    const fn new(kind: DataKind, compressed: bool) -> Self {
        Self {
            compressed,
            kind,
            utf8: Utf8Validator::new(),
            begun: false,
            fragments: 0,
            announced: 0,
        }
    }
}

/// RFC 6455 §8.1, at the first octet that cannot stand where it stands.
pub(crate) fn check(
    utf8: &mut Utf8Validator,
    octets: &[u8],
    piece: Piece,
) -> Result<(), ReceiveError> {
    let fault = |at: usize| {
        ReceiveError::new(
            ReceiveErrorKind::NotUtf8,
            piece.offset.saturating_add(at as u64),
        )
    };
    utf8.feed(octets).map_err(|error| fault(error.at))?;
    if piece.last() {
        utf8.finish().map_err(|_| fault(piece.len))?;
    }
    Ok(())
}

pub(crate) fn message(kind: DataKind, octets: Bytes) -> Message {
    match kind {
        DataKind::Text => Message::Text(Text::checked(octets)),
        DataKind::Binary => Message::Binary(octets),
    }
}

/// Takes `len` octets from the front of `input`: split off where they fill at least a quarter of it, else copied.
pub(crate) fn take_bytes(input: &mut BytesMut, len: usize) -> Bytes {
    if len == 0 {
        Bytes::new()
    } else if may_stay(len, input.capacity()) {
        input.split_to(len).freeze()
    } else {
        let copy = Bytes::copy_from_slice(input.get(..len).unwrap_or_default());
        input.advance(len);
        copy
    }
}

#[cfg(test)]
mod tests;
