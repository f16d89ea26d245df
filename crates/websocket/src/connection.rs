//! One connection after its opening handshake: messages, control frames, the closing handshake, deadlines (RFC 6455 §5-§7).
//!
//! Open | Closing: our Close is queued or sent | Ending: the peer's Close or a failure was told | Ended: the transport may go

mod deadlines;
mod send;
mod whole;

pub(crate) use self::send::append;
#[cfg(feature = "deflate")]
pub(crate) use self::send::append_frame;

use alloc::boxed::Box;
use core::time::Duration;

use bytes::{Buf as _, Bytes, BytesMut};

use crate::frame::FrameEvent;
use crate::message::{Assembly, Piece, take_bytes};
use crate::{
    CloseCode, Closed, ClosedBy, Config, Event, FrameDecoder, IoAction, Opcode, ReceiveError, Role,
    Text, close,
};

#[cfg(feature = "deflate")]
use crate::deflate::Codec;

use self::deadlines::Watch;
use self::send::{CloseSlot, Sending};

/// A connection whose opening handshake is done, seen from the side of `R`: octets in, events out, and frames to send.
///
/// It holds no socket, no clock and no randomness. See the [crate's picture](crate) of the loop around it. A connection at
/// rest is at most 256 octets and holds no buffer: part of a header, or of a control frame, stays in the caller's input.
///
/// ```
/// use bytes::BytesMut;
/// use core::time::Duration;
/// use tidings_websocket::{Client, Config, Connection, Event, Message, Server};
///
/// let now = Duration::ZERO;
/// let mut client = Connection::<Client>::new(Config::default(), now);
/// let mut server = Connection::<Server>::new(Config::default(), now);
///
/// let mut wire = BytesMut::new();
/// client.send_text("Hello", [0x37, 0xfa, 0x21, 0x3d], &mut wire)?;
/// assert_eq!(wire, b"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58"[..]); // RFC 6455 §5.7
///
/// let Some(Event::Message(Message::Text(text))) = server.next_event(&mut wire, now) else { panic!() };
/// assert_eq!(text, "Hello");
/// # Ok::<(), tidings_websocket::SendError>(())
/// ```
#[derive(Debug)]
pub struct Connection<R: Role> {
    config: Config,
    state: State,
    decoder: FrameDecoder<R>,
    assembly: Assembly,
    sending: Sending,
    /// The payload of the Pong that waits: only the latest Ping's (RFC 6455 §5.5.3).
    pong: Option<Bytes>,
    close: CloseSlot,
    /// Both compressors, where that was agreed on.
    #[cfg(feature = "deflate")]
    deflate: Option<Box<Codec>>,
    /// How many octets the last call left in the input, to tell fresh ones from them; under 125 once events are drained.
    unread: u16,
}

#[derive(Debug, Clone, Copy)]
enum State {
    Open(Watch),
    /// Our Close is queued or sent; the peer's is awaited until `deadline` (RFC 6455 §7.1.2).
    Closing {
        deadline: Duration,
    },
    /// The end was told, and input is ignored; the transport is given until `deadline` to end (RFC 6455 §7.1.1).
    Ending {
        deadline: Duration,
    },
    /// Nothing is awaited.
    Ended,
}

impl<R: Role> Connection<R> {
    /// Starts an open connection. `now` is the time since an origin of the caller's, the same for every call.
    #[must_use]
    pub fn new(config: Config, now: Duration) -> Self {
        Self {
            state: State::Open(Watch::listen(&config, now)),
            decoder: FrameDecoder::new(),
            assembly: Assembly::default(),
            sending: Sending::default(),
            pong: None,
            close: CloseSlot::Empty,
            #[cfg(feature = "deflate")]
            deflate: None,
            unread: 0,
            config,
        }
    }

    /// Starts an open connection on which permessage-deflate was agreed (RFC 7692); without an agreement it is that of
    /// [`new`](Self::new).
    ///
    /// [`Config::max_message_len`] counts the octets that a message inflates to, while it does: beyond it the peer gets 1009.
    /// With [`Delivery::Chunks`](crate::Delivery::Chunks) a chunk is what one piece of input inflates to. Costs one
    /// allocation; a state of 48 KiB to receive and of up to 400 KiB to send is held while a message needs it, and between
    /// messages only with context takeover.
    #[cfg(feature = "deflate")]
    #[must_use]
    pub fn with_deflate(
        config: Config,
        agreed: Option<&crate::DeflateAgreement>,
        now: Duration,
    ) -> Self {
        let plain = Self::new(config, now);
        let Some(agreed) = agreed else { return plain };
        Self {
            deflate: Some(Box::new(Codec::new::<R>(agreed))),
            ..plain
        }
    }

    /// Takes frames from the front of `input` until one of them means something to the caller. Call it until `None`.
    ///
    /// Bad input is not an error here: the Close that tells the peer is queued for [`transmit`](Self::transmit), and one
    /// [`Event::Closed`] follows the good messages before it. From then on, input is dropped. What stays in `input` on
    /// `None` is less than one control frame; add to it. Small messages are copied out; one of 4 KiB and more that
    /// fills a quarter of `input` is split off without a copy.
    pub fn next_event(&mut self, input: &mut BytesMut, now: Duration) -> Option<Event> {
        match self.state {
            State::Open(_) | State::Closing { .. } => {}
            State::Ending { .. } | State::Ended => {
                input.clear();
                return None;
            }
        }
        if input.len() > usize::from(self.unread) {
            self.hear(now);
        }
        let event = match self.read(input, now) {
            Ok(event) => event,
            Err(error) => {
                input.clear();
                Some(self.fail(ClosedBy::Error(error), error.close_code(), now))
            }
        };
        self.unread = u16::try_from(input.len()).unwrap_or(u16::MAX);
        event
    }

    /// Gives `input` room for a read, as `input.reserve(min)` does, but while a large message arrives in the place where it
    /// stays, so that it is handed out without a copy.
    ///
    /// Call it in front of each read, after [`next_event`](Self::next_event) gave `None`, and keep `input` in between. There is
    /// room for `min` octets at least, or for the rest of the frame. Whatever the peer announced, the room behind a message that
    /// is arriving is no more than `min` and three times what has arrived of it; [`buffered_len`](Self::buffered_len) counts
    /// both. Gives true where there is such room: then `input` must not be replaced while it is empty.
    ///
    /// ```
    /// use bytes::BytesMut;
    /// use core::time::Duration;
    /// use tidings_websocket::{Client, Config, Connection, Event, Message};
    ///
    /// let (mut client, now) = (Connection::<Client>::new(Config::default(), Duration::ZERO), Duration::ZERO);
    /// let wire = [&b"\x82\x7e\x40\x00"[..], &[7; 16384]].concat();
    /// let mut input = BytesMut::new();
    /// let mut message = None;
    /// for read in wire.chunks(6000) {
    ///     client.make_room(&mut input, 8192);
    ///     input.extend_from_slice(read); // a socket would be read here
    ///     message = client.next_event(&mut input, now);
    /// }
    /// assert_eq!(message, Some(Event::Message(Message::Binary(vec![7; 16384].into()))));
    /// ```
    pub fn make_room(&mut self, input: &mut BytesMut, min: usize) -> bool {
        let left = match self.decoder.awaits() {
            Some((opcode, left)) if !opcode.is_control() => left,
            Some(_) | None => 0,
        };
        self.assembly.make_room(input, min, left)
    }

    /// Any octet of the peer shows that it is alive.
    fn hear(&mut self, now: Duration) {
        match self.state {
            State::Open(_) => {
                self.state = State::Open(Watch::listen(&self.config, now));
            }
            State::Closing { .. } | State::Ending { .. } | State::Ended => {}
        }
    }

    fn read(&mut self, input: &mut BytesMut, now: Duration) -> Result<Option<Event>, ReceiveError> {
        loop {
            if let Some(event) = self.read_whole(input)? {
                return Ok(Some(event));
            }
            // A control frame is at most 125 octets, so it may wait in the input until it is whole.
            if let Some((opcode, left)) = self.decoder.awaits()
                && opcode.is_control()
                && left > input.len() as u64
            {
                return Ok(None);
            }
            let offset = self.decoder.offset();
            let compresses = self.compresses();
            let Some((event, used)) = self.decoder.decode_with(part(input, 0), compresses)? else {
                return Ok(None);
            };
            let event = match event {
                FrameEvent::Header(header) => {
                    self.assembly.begin_frame(&header, offset, &self.config)?;
                    #[cfg(feature = "deflate")]
                    if let Some(codec) = &mut self.deflate
                        && header.rsv1
                    {
                        codec.inflater.begin(offset);
                    }
                    input.advance(used);
                    None
                }
                FrameEvent::Payload { opcode, fin, .. } => match opcode {
                    Opcode::Continuation | Opcode::Text | Opcode::Binary => {
                        let piece = self.check_payload(used, offset, fin, input)?;
                        self.take(piece, input)?
                    }
                    Opcode::Ping => {
                        let data = take_bytes(input, used);
                        // RFC 6455 §5.5.3: of several Pings, the latest may be answered alone.
                        self.pong = Some(data.clone());
                        Some(Event::Ping(data))
                    }
                    Opcode::Pong => Some(Event::Pong(take_bytes(input, used))),
                    Opcode::Close => {
                        let payload = take_bytes(input, used);
                        let (code, reason) = close::decode(&payload, offset)?;
                        input.clear();
                        Some(self.closed_by_peer(code, reason, now))
                    }
                },
            };
            if event.is_some() {
                return Ok(event);
            }
        }
    }

    /// Checks what is there of a data frame's payload, of which `len` octets were unmasked, and unmasks the rest of it: a part
    /// at a time, so that each is looked at while the processor's nearest cache holds it.
    fn check_payload(
        &mut self,
        len: usize,
        offset: u64,
        fin: bool,
        input: &mut BytesMut,
    ) -> Result<Piece, ReceiveError> {
        let mut whole = Piece {
            len: 0,
            offset,
            frame_left: 0,
            fin,
        };
        let mut len = len;
        loop {
            let part_of = Piece {
                len,
                offset: offset.saturating_add(whole.len as u64),
                frame_left: self.decoder.awaits().map_or(0, |(_, left)| left),
                fin,
            };
            let octets = input.get(whole.len..).and_then(|rest| rest.get(..len));
            self.assembly.check(octets.unwrap_or_default(), part_of)?;
            whole.len += len;
            whole.frame_left = part_of.frame_left;
            if whole.frame_left == 0 {
                return Ok(whole);
            }
            let Some((_, next)) = self.decoder.decode_with(part(input, whole.len), false)? else {
                return Ok(whole);
            };
            len = next;
        }
    }

    #[cfg(all(test, feature = "deflate"))]
    pub(crate) fn codec(&self) -> Option<&Codec> {
        self.deflate.as_deref()
    }

    /// Tells whether a frame that was compressed alone, in a window of `bits`, may be sent.
    #[cfg(feature = "deflate")]
    pub(crate) fn takes_shared(&self, bits: u8) -> bool {
        self.deflate
            .as_ref()
            .is_some_and(|codec| codec.compressor.allows_shared(bits))
    }

    /// Tells whether permessage-deflate was agreed on.
    const fn compresses(&self) -> bool {
        #[cfg(feature = "deflate")]
        return self.deflate.is_some();
        #[cfg(not(feature = "deflate"))]
        false
    }

    fn take(&mut self, piece: Piece, input: &mut BytesMut) -> Result<Option<Event>, ReceiveError> {
        #[cfg(feature = "deflate")]
        if let Some(codec) = &mut self.deflate
            && self.assembly.is_compressed()
        {
            let inflater = &mut codec.inflater;
            return self
                .assembly
                .take_compressed(piece, input, &self.config, inflater);
        }
        self.assembly.take(piece, input, self.config.delivery)
    }

    /// RFC 6455 §5.5.1: the peer's Close is answered with its own code, unless ours is on its way already.
    fn closed_by_peer(&mut self, code: Option<CloseCode>, reason: Text, now: Duration) -> Event {
        let by = match self.close {
            CloseSlot::Empty => {
                // The code without the reason, which is the peer's own; no code for none.
                let answer = code.map_or_else(Box::default, |code| close::encode(code, ""));
                self.close = CloseSlot::Queued(answer);
                ClosedBy::Peer
            }
            CloseSlot::Queued(_) => ClosedBy::Peer,
            CloseSlot::Written => ClosedBy::Us,
        };
        self.end(now);
        let code = code.map_or(NO_CODE, CloseCode::get);
        Event::Closed(Closed {
            code,
            reason,
            by,
            clean: true,
        })
    }

    /// Fails the connection (RFC 6455 §7.1.7): tells the peer, unless a Close was told already.
    fn fail(&mut self, by: ClosedBy, code: CloseCode, now: Duration) -> Event {
        if let CloseSlot::Empty = self.close {
            self.close = CloseSlot::Queued(close::encode(code, ""));
        }
        self.end(now);
        without_close(by)
    }

    /// Stops reading and gives the transport its time to end.
    fn end(&mut self, now: Duration) {
        self.assembly.clear();
        if let CloseSlot::Written = self.close {
            // Nothing follows our Close once the peer's is there (RFC 6455 §5.5.2).
            self.pong = None;
        }
        self.state = State::Ending {
            deadline: now.saturating_add(self.config.close_timeout),
        };
    }

    /// Gives up on the transport: what is queued is dropped.
    fn abandon(&mut self) {
        self.assembly.clear();
        self.pong = None;
        self.close = CloseSlot::Written;
        self.state = State::Ended;
    }

    /// Tells that the peer's octets have ended, after [`next_event`](Self::next_event) gave `None` on the last of them. An
    /// error of the transport is such an end too: after the closing handshake, a peer may well reset it.
    ///
    /// Without a Close before it, that is a failure: code 1006 (RFC 6455 §7.1.5). The time is taken as by every other call
    /// that may end the connection; no wait starts here.
    pub fn receive_eof(&mut self, _now: Duration) -> Option<Event> {
        match self.state {
            State::Open(_) | State::Closing { .. } => {
                self.abandon();
                Some(without_close(ClosedBy::Eof))
            }
            State::Ending { .. } => {
                // The answer to the peer's Close may still wait: the peer may have ended its sending side only.
                self.state = State::Ended;
                None
            }
            State::Ended => None,
        }
    }

    /// Queues a Close and begins the closing handshake (RFC 6455 §7.1.2). Messages of the peer still arrive until its Close.
    ///
    /// `reason` is cut to 123 octets, between two characters. Does nothing if a Close is under way. A server that asks for
    /// 1010, which only a client may begin with (RFC 6455 §7.4.1), sends 1011.
    pub fn close(&mut self, code: CloseCode, reason: &str, now: Duration) {
        match self.state {
            State::Open(_) => {
                let code = if R::IS_SERVER && code == CloseCode::MANDATORY_EXTENSION {
                    CloseCode::INTERNAL_ERROR
                } else {
                    code
                };
                self.close = CloseSlot::Queued(close::encode(code, reason));
                let deadline = now.saturating_add(self.config.close_timeout);
                self.state = State::Closing { deadline };
            }
            State::Closing { .. } | State::Ending { .. } | State::Ended => {}
        }
    }

    /// Tells whether data may be sent: no Close was queued, sent or received (RFC 6455 §6.1).
    #[must_use]
    pub const fn may_send(&self) -> bool {
        match self.state {
            State::Open(_) => true,
            State::Closing { .. } | State::Ending { .. } | State::Ended => false,
        }
    }

    /// Tells whether the connection is open and at rest: no message is under way in either direction, nothing is queued.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.may_send()
            && self.assembly.is_idle()
            && self.decoder.awaits().is_none()
            && !self.wants_transmit()
            && matches!(self.sending, Sending::Whole)
    }

    /// Counts the octets in memory for a message that is arriving, room included: 0 between messages. A server that bounds
    /// what all its connections hold together counts this.
    #[must_use]
    pub fn buffered_len(&self) -> usize {
        self.assembly.capacity()
    }

    /// Counts the octets that have arrived of a message that is not complete: 0 between messages; of a compressed one, what
    /// they inflate to. A server that ends a message that does not go on watches this. Always 0 with
    /// [`Delivery::Chunks`](crate::Delivery::Chunks), which hands octets on as they arrive.
    ///
    /// ```
    /// use bytes::BytesMut;
    /// use core::time::Duration;
    /// use tidings_websocket::{Client, Config, Connection};
    /// let mut client = Connection::<Client>::new(Config::default(), Duration::ZERO);
    /// let mut input = BytesMut::from(&b"\x81\x05Hel"[..]); // of "Hello"
    /// assert_eq!(client.next_event(&mut input, Duration::ZERO), None);
    /// assert_eq!(client.arrived_len(), 3);
    /// ```
    #[must_use]
    pub fn arrived_len(&self) -> usize {
        self.assembly.len()
    }

    /// Tells what is to be done with the transport, once [`transmit`](Self::transmit) has nothing left and its octets are
    /// written. After the closing handshake the server ends the TCP connection and the client waits for that, until its
    /// `close_timeout` (RFC 6455 §7.1.1).
    #[must_use]
    pub fn io_action(&self) -> IoAction {
        match self.state {
            State::Ending { .. } if R::IS_SERVER && !self.wants_transmit() => {
                IoAction::ShutdownWrite
            }
            State::Ended if !self.wants_transmit() => IoAction::Close,
            State::Open(_) | State::Closing { .. } | State::Ending { .. } | State::Ended => {
                IoAction::Continue
            }
        }
    }
}

/// The octets that are unmasked and checked at a time.
const PART_LEN: usize = 16 << 10;

/// The octets of `input` from `start` on, as many as are decoded at a time.
fn part(input: &mut BytesMut, start: usize) -> &mut [u8] {
    let end = input.len().min(start.saturating_add(PART_LEN));
    input.get_mut(start..end).unwrap_or_default()
}

/// RFC 6455 §7.4.1: the Close held no status code.
const NO_CODE: u16 = 1005;
/// RFC 6455 §7.4.1: no Close arrived.
const NO_CLOSE: u16 = 1006;

fn without_close(by: ClosedBy) -> Event {
    Event::Closed(Closed {
        code: NO_CLOSE,
        reason: Text::default(),
        by,
        clean: false,
    })
}

#[cfg(test)]
mod tests;
