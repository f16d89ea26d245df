//! Messages out of data frames (RFC 6455 §5.4, §5.6, §10.4).
//!
//! message: one frame with FIN | Text or Binary without FIN, any number of Continuation, one Continuation with FIN

use alloc::vec::Vec;

use bytes::{Buf, Bytes, BytesMut};

#[cfg(feature = "deflate")]
use crate::deflate::{Fault, Inflater};
use crate::{
    Config, DataKind, Delivery, Event, FrameHeader, Message, Opcode, ReceiveError,
    ReceiveErrorKind, Text, Utf8Validator,
};

/// From this length on, a message that lies whole in the input may be split off instead of copied.
const SPLIT_FROM: usize = 4096;
/// How many times its own length such a message may keep in memory.
const MAX_PINNED: usize = 4;

/// The message that is arriving, if any. Empty between messages: it holds no buffer then.
#[derive(Debug, Default)]
pub(crate) struct Assembly {
    open: Option<Open>,
    gathered: Vec<u8>,
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

    /// Takes a piece of a data frame's payload from the front of `input`, where it lies unmasked.
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
        if open.kind == DataKind::Text {
            let octets = input.get(..piece.len).unwrap_or_default();
            check(&mut open.utf8, octets, piece)?;
        }
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
                gather(
                    &mut self.gathered,
                    input.get(..piece.len).unwrap_or_default(),
                    piece,
                );
                input.advance(piece.len);
                piece.last().then(|| {
                    let whole = Bytes::from(core::mem::take(&mut self.gathered));
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
        let mut chunk = Vec::new();
        let out = match config.delivery {
            Delivery::Chunks => &mut chunk,
            Delivery::Messages => &mut self.gathered,
        };
        let held = out.len();
        let max = config.max_message_len;
        let octets = input.get(..piece.len).unwrap_or_default();
        let inflated = inflater.inflate(octets, piece.last(), max, out);
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
        open.begun |= !chunk.is_empty();
        let event = match config.delivery {
            Delivery::Chunks => (piece.last() || !chunk.is_empty()).then(|| Event::Chunk {
                kind,
                data: Bytes::from(chunk),
                first,
                last: piece.last(),
            }),
            Delivery::Messages => piece.last().then(|| {
                let mut whole = core::mem::take(&mut self.gathered);
                if whole.capacity() / 2 > whole.len() {
                    whole.shrink_to_fit();
                }
                Event::Message(message(kind, Bytes::from(whole)))
            }),
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

/// Takes `len` octets from the front of `input`: split off where they fill at least a quarter of it, else copied, so that a
/// message never pins more than about four times its own length.
pub(crate) fn take_bytes(input: &mut BytesMut, len: usize) -> Bytes {
    if len == 0 {
        Bytes::new()
    } else if len >= SPLIT_FROM && len >= input.capacity() / MAX_PINNED {
        input.split_to(len).freeze()
    } else {
        let copy = Bytes::copy_from_slice(input.get(..len).unwrap_or_default());
        input.advance(len);
        copy
    }
}

/// Adds a piece to the buffer, which grows to what has arrived or twice what it held, whichever is more, but not beyond the
/// end of the message where that is known: a length announced and not sent costs nothing.
fn gather(gathered: &mut Vec<u8>, octets: &[u8], piece: Piece) {
    let needed = gathered.len().saturating_add(octets.len());
    if needed > gathered.capacity() {
        let left = usize::try_from(piece.frame_left).unwrap_or(usize::MAX);
        let end = if piece.fin {
            needed.saturating_add(left)
        } else {
            usize::MAX
        };
        let capacity = gathered.capacity().saturating_mul(2).min(end).max(needed);
        gathered.reserve_exact(capacity - gathered.len());
    }
    gathered.extend_from_slice(octets);
}

#[cfg(test)]
mod tests;
