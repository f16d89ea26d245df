//! The content of one message, however it is framed (RFC 9112 §6.3).

use alloc::boxed::Box;

use bytes::{Bytes, BytesMut};

use crate::chunked::{ChunkedDecoder, Piece};
use crate::error::{ErrorKind, ReceiveError};
use crate::fields::Fields;
use crate::framing::Framing;
use crate::leniency::Config;
use crate::limits::Limits;

/// Reads the content of one message off an input buffer.
///
/// Both connections use it; alone it serves tests and tools. Data is split off the input, not copied.
///
/// ```
/// use tidings_http1::{BodyDecoder, BodyEvent, Framing, Limits};
/// let mut decoder = BodyDecoder::new(Framing::Chunked, &Limits::default());
/// let mut input = bytes::BytesMut::from(&b"5\r\nhello\r\n0\r\n\r\nnext"[..]);
/// assert_eq!(decoder.decode(&mut input)?, Some(BodyEvent::Data("hello".into())));
/// assert_eq!(decoder.decode(&mut input)?, Some(BodyEvent::End));
/// assert_eq!(&input[..], b"next");
/// # Ok::<(), tidings_http1::ReceiveError>(())
/// ```
#[derive(Clone, Debug)]
pub struct BodyDecoder {
    state: State,
    eof: bool,
}

#[derive(Clone, Debug)]
enum State {
    Length {
        left: u64,
        at: u64,
    },
    /// Boxed: it is ten times the size of the others.
    Chunked(Box<ChunkedDecoder>),
    UntilClose {
        at: u64,
    },
    Failed(ReceiveError),
}

/// A piece of content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BodyEvent {
    /// Octets of content, never empty. Where one piece ends and the next begins means nothing.
    Data(Bytes),
    /// The trailer section, when it has a field.
    Trailers(Fields),
    /// The content is complete. The next octet of the input belongs to the next message.
    End,
}

impl BodyDecoder {
    /// Starts at the first octet behind a head with this framing.
    #[must_use]
    pub fn new(framing: Framing, limits: &Limits) -> Self {
        Self::at(framing, &Config::from(*limits), false, 0)
    }

    /// `at`: offset of the content in the connection; `response`: whether a server's octets are read.
    pub(crate) fn at(framing: Framing, config: &Config, response: bool, at: u64) -> Self {
        let state = match framing {
            Framing::None | Framing::Tunnel => State::Length { left: 0, at },
            Framing::Length(left) => State::Length { left, at },
            Framing::Chunked => State::Chunked(Box::new(ChunkedDecoder::new(config, response, at))),
            Framing::UntilClose => State::UntilClose { at },
        };
        Self { state, eof: false }
    }

    /// Octets of content that the peer has announced and that were not handed out yet: the rest of
    /// Content-Length, or of the chunk at hand. 0 where nothing is announced.
    #[must_use]
    pub fn announced_len(&self) -> u64 {
        match &self.state {
            State::Length { left, .. } => *left,
            State::Chunked(chunks) => chunks.announced_len(),
            State::UntilClose { .. } | State::Failed(_) => 0,
        }
    }

    /// Tells that no octet follows those that [`decode`](Self::decode) is given.
    pub fn receive_eof(&mut self) {
        self.eof = true;
    }

    /// Offset of the first octet that was not taken off the input.
    pub(crate) fn position(&self) -> u64 {
        match &self.state {
            State::Length { at, .. } | State::UntilClose { at } => *at,
            State::Chunked(chunks) => chunks.position(),
            State::Failed(error) => error.offset(),
        }
    }

    /// Takes the next piece off `input`; `None` when it needs more. After `End` it yields `End` again.
    ///
    /// # Errors
    ///
    /// The first octet that breaks the chunked coding, or [`ErrorKind::Truncated`] at the end of
    /// input. Every later call gives the same error.
    pub fn decode(&mut self, input: &mut BytesMut) -> Result<Option<BodyEvent>, ReceiveError> {
        match self.next_piece(input) {
            Ok(Some(Piece::Data(data))) => Ok(Some(BodyEvent::Data(data))),
            Ok(Some(Piece::Trailers(fields))) => Ok(Some(BodyEvent::Trailers(*fields))),
            Ok(Some(Piece::End)) => Ok(Some(BodyEvent::End)),
            Ok(None) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// [`decode`](Self::decode), with a result that is cheap to move.
    pub(crate) fn next_piece(
        &mut self,
        input: &mut BytesMut,
    ) -> Result<Option<Piece>, ReceiveError> {
        self.step(input)
            .inspect_err(|error| self.state = State::Failed(*error))
    }

    #[inline]
    fn step(&mut self, input: &mut BytesMut) -> Result<Option<Piece>, ReceiveError> {
        let (piece, pending) = match &mut self.state {
            State::Length { left: 0, .. } => return Ok(Some(Piece::End)),
            State::Length { left, at } => {
                let len = usize::try_from(*left).map_or(input.len(), |left| left.min(input.len()));
                *left -= len as u64;
                *at += len as u64;
                (data(input, len), 0)
            }
            State::Chunked(chunks) => (chunks.decode(input)?, chunks.pending()),
            State::UntilClose { at } => {
                let len = input.len();
                *at += len as u64;
                // RFC 9112 §6.3 item 8: only here does the end of input complete a message.
                (data(input, len).or(self.eof.then_some(Piece::End)), 0)
            }
            State::Failed(error) => return Err(*error),
        };
        if piece.is_none() && self.eof {
            return Err(ReceiveError::new(
                ErrorKind::Truncated,
                self.position() + pending as u64,
            ));
        }
        Ok(piece)
    }
}

fn data(input: &mut BytesMut, len: usize) -> Option<Piece> {
    (len > 0).then(|| Piece::Data(input.split_to(len).freeze()))
}
