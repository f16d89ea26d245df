//! The server's end of a WebSocket, in a task of its own (RFC 6455).
//!
//! Answers that are queued leave together, when all that was read is worked off; control frames
//! are answered and deadlines kept while somebody waits in [`WebSocket::next`].

use core::fmt;
use core::pin::Pin;
use core::time::Duration;
use std::io;
use std::sync::Arc;

use bytes::Bytes;
use tidings_websocket::{
    Accepted, CloseCode, Closed, Config, Connection, Event, IoAction, Message, SendError, Server,
    SharedFrame,
};
use tokio::time::{Instant, Sleep, sleep_until};

use super::clock::deadline;
use super::content::Share;
use super::link::{Exchange, Link};
use super::listen::{Shared, Slot};
use super::stop::{KeptStop, Stop};

/// Input is not read while more than this waits to be written: who sends and never reads is held
/// back by TCP.
const MAX_WAITING_LEN: usize = 1 << 20;

/// What [`WebSocket::feed`] gathers before it writes.
const FEED_LEN: usize = 64 << 10;

/// What is read ahead while what waits to be written does not leave.
const READ_AHEAD_LEN: usize = 64 << 10;

/// A WebSocket that a handler accepted.
///
/// A session that only drops it sends a Close where the socket takes it at once: 1000, or 1011
/// after a panic, or 1012 where the server stops. To wait for the closing handshake, call
/// [`WebSocket::close`].
pub struct WebSocket {
    link: Link,
    session: Connection<Server>,
    subprotocol: Option<&'static str>,
    /// Where the session's time begins.
    origin: Instant,
    stop: Stop,
    on_stop: OnStop,
    /// When the session or the message that is arriving wants to be looked at.
    due: Pin<Box<Sleep>>,
    phase: Phase,
    /// What the message that is arriving holds of the server's allowance.
    held: Share,
    /// When that message grew last.
    grew_at: Instant,
    linger: (Duration, usize),
    _slot: Slot,
}

impl fmt::Debug for WebSocket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebSocket")
            .field("link", &self.link)
            .field("session", &self.session)
            .field("subprotocol", &self.subprotocol)
            .field("phase", &self.phase)
            .finish_non_exhaustive()
    }
}

/// Who closes the connection when the server stops.
enum OnStop {
    /// This end, when the signal resolves.
    Close(KeptStop),
    LeaveToSession,
}

#[derive(Debug)]
enum Phase {
    Open,
    /// It is told how the connection ended; the socket is to be closed in stages.
    Ending(Closed),
    /// Nothing more comes or goes.
    Ended(Option<Closed>),
}

/// Why a message could not be sent.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WebSocketError {
    /// The message was refused; nothing of it was sent.
    #[error("the message cannot be sent: {0}")]
    Refused(SendError),
    /// The peer left, or took nothing for the progress timeout.
    #[error("the peer is gone: {0}")]
    Gone(io::Error),
}

impl WebSocket {
    pub(crate) fn new(
        link: Link,
        config: Config,
        accepted: &Accepted,
        shared: &Arc<Shared>,
        slot: Slot,
    ) -> Self {
        #[cfg(feature = "deflate")]
        let session = Connection::with_deflate(config, accepted.deflate().as_ref(), Duration::ZERO);
        #[cfg(not(feature = "deflate"))]
        let session = Connection::new(config, Duration::ZERO);
        Self {
            link,
            session,
            subprotocol: accepted.subprotocol(),
            origin: Instant::now(),
            stop: shared.stop.clone(),
            linger: (shared.config.linger_timeout, shared.config.max_linger_len),
            on_stop: OnStop::Close(shared.stop.kept()),
            due: Box::pin(sleep_until(Instant::now())),
            phase: Phase::Open,
            held: Share::new(shared.unfinished.clone()),
            grew_at: Instant::now(),
            _slot: slot,
        }
    }

    /// The subprotocol that the handshake agreed on.
    #[must_use]
    pub fn subprotocol(&self) -> Option<&'static str> {
        self.subprotocol
    }

    /// How the connection ended, once [`WebSocket::next`] has given `None`.
    #[must_use]
    pub fn closed(&self) -> Option<&Closed> {
        match &self.phase {
            Phase::Open | Phase::Ended(None) => None,
            Phase::Ending(closed) | Phase::Ended(Some(closed)) => Some(closed),
        }
    }

    /// Whether messages can be sent: no Close was sent or received.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.session.may_send()
    }

    /// Tells when the server stops, for waiting beside the messages.
    #[must_use]
    pub fn stop(&self) -> Stop {
        self.stop.clone()
    }

    /// The next message; `None` when the connection has ended, see [`WebSocket::closed`].
    ///
    /// What was queued is written before this waits. When the server stops, the connection is
    /// closed with 1012 (service restart). Cancel-safe.
    pub async fn next(&mut self) -> Option<Message> {
        loop {
            if let Some(message) = self.decode() {
                return Some(message);
            }
            match self.phase {
                Phase::Open | Phase::Ending(_) => self.drive().await,
                Phase::Ended(_) => return None,
            }
        }
    }

    /// The next message among the octets that are at hand.
    fn decode(&mut self) -> Option<Message> {
        while let Phase::Open = self.phase {
            let now = self.origin.elapsed();
            let event = self.session.next_event(&mut self.link.input, now);
            self.transmit();
            self.account();
            match event? {
                Event::Message(message) => return Some(message),
                Event::Closed(closed) => self.phase = Phase::Ending(closed),
                // Chunks come only where the configuration asks for them; here it does not.
                Event::Ping(_) | Event::Pong(_) | Event::Chunk { .. } => {}
            }
        }
        None
    }

    /// Writes the control frames that wait behind what waits.
    fn transmit(&mut self) {
        let session = &mut self.session;
        self.link.append(|out| while session.transmit((), out) {});
    }

    /// Counts the message that is arriving against the allowance that all connections share.
    fn account(&mut self) {
        let len = self.session.buffered_len();
        if len == self.held.len() {
            return;
        }
        self.grew_at = Instant::now();
        if !self.held.set(len) {
            self.give_up(CloseCode::TRY_AGAIN_LATER, "too many unfinished messages");
        }
    }

    /// Closes without waiting for an answer.
    fn give_up(&mut self, code: CloseCode, reason: &str) {
        let now = self.origin.elapsed();
        self.session.close(code, reason, now);
        self.transmit();
        self.end_of_input(now);
    }

    fn end_of_input(&mut self, now: Duration) {
        if let Some(Event::Closed(closed)) = self.session.receive_eof(now)
            && let Phase::Open = self.phase
        {
            self.phase = Phase::Ending(closed);
        }
    }

    /// Waits for octets, room or a deadline, or closes the socket. Cancel-safe.
    async fn drive(&mut self) {
        self.transmit();
        let ending = match self.session.io_action() {
            IoAction::Continue => matches!(self.phase, Phase::Ending(_)),
            IoAction::ShutdownWrite | IoAction::Close => true,
        };
        if ending {
            let (linger, max) = self.linger;
            self.link.linger(linger, max).await;
            self.end_of_input(self.origin.elapsed());
            self.phase = match core::mem::replace(&mut self.phase, Phase::Open) {
                Phase::Open => Phase::Ended(None),
                Phase::Ending(closed) => Phase::Ended(Some(closed)),
                Phase::Ended(closed) => Phase::Ended(closed),
            };
            return;
        }
        let due = self.next_deadline();
        if let Some(due) = due
            && due != self.due.deadline()
        {
            self.due.as_mut().reset(due);
        }
        let read = self.link.waiting_len() < MAX_WAITING_LEN;
        let stopping = self.stop.is_stopping();
        let may_send = self.session.may_send();
        let signal = match &mut self.on_stop {
            OnStop::Close(_) if stopping && may_send => {
                self.session
                    .close(CloseCode::SERVICE_RESTART, "", self.origin.elapsed());
                return;
            }
            OnStop::Close(signal) if may_send => Some(signal),
            OnStop::Close(_) | OnStop::LeaveToSession => None,
        };
        let signalled = async {
            match signal {
                Some(signal) => signal.await,
                None => core::future::pending().await,
            }
        };
        // Octets come before deadlines: a Pong that has arrived is in time.
        let exchanged = tokio::select! {
            biased;
            () = signalled => return,
            exchanged = self.link.exchange(read) => exchanged,
            () = &mut self.due, if due.is_some() => return self.keep_deadline(),
        };
        match exchanged {
            Ok(Exchange::Read(1..) | Exchange::Wrote) => {}
            Ok(Exchange::Read(0)) | Err(_) => self.end_of_input(self.origin.elapsed()),
        }
    }

    /// When the session wants to be looked at, or the message that is arriving must have grown.
    fn next_deadline(&self) -> Option<Instant> {
        let session = self
            .session
            .poll_timeout()
            .map(|due| deadline(self.origin, due));
        let message = self.message_deadline();
        session.into_iter().chain(message).min()
    }

    fn message_deadline(&self) -> Option<Instant> {
        let unfinished = self.held.len() > 0;
        unfinished.then(|| deadline(self.grew_at, self.link.progress_timeout()))
    }

    fn keep_deadline(&mut self) {
        if self
            .message_deadline()
            .is_some_and(|due| due <= Instant::now())
        {
            return self.give_up(CloseCode::POLICY_VIOLATION, "a message does not go on");
        }
        if let Some(Event::Closed(closed)) = self.session.handle_timeout(self.origin.elapsed()) {
            self.phase = Phase::Ending(closed);
        }
    }

    /// Queues a message, to leave together with others: at [`WebSocket::flush`], or when
    /// [`WebSocket::next`] has nothing more to give.
    ///
    /// # Errors
    /// [`WebSocketError::Refused`] where the connection is closing or too much waits.
    pub fn queue(&mut self, message: &Message) -> Result<(), WebSocketError> {
        let session = &mut self.session;
        self.link
            .append(|out| session.send_message(message, (), out))
            .map_err(WebSocketError::Refused)
    }

    /// Queues a message, and waits for room first where much waits already: how to answer each of
    /// many messages. Cancel-safe: what was not queued was not taken.
    ///
    /// # Errors
    /// As [`WebSocket::send`].
    pub async fn feed(&mut self, message: &Message) -> Result<(), WebSocketError> {
        if self.link.waiting_len() >= FEED_LEN {
            self.flush().await?;
        }
        self.queue(message)
    }

    /// Queues a text message, as [`WebSocket::feed`] does.
    ///
    /// # Errors
    /// As [`WebSocket::send`].
    pub async fn feed_text(&mut self, text: &str) -> Result<(), WebSocketError> {
        if self.link.waiting_len() >= FEED_LEN {
            self.flush().await?;
        }
        self.queue_text(text)
    }

    /// Queues a text message. See [`WebSocket::queue`].
    ///
    /// # Errors
    /// As [`WebSocket::queue`].
    pub fn queue_text(&mut self, text: &str) -> Result<(), WebSocketError> {
        let session = &mut self.session;
        self.link
            .append(|out| session.send_text(text, (), out))
            .map_err(WebSocketError::Refused)
    }

    /// Sends a message and waits until it has left. Cancel-safe: a message that was begun is
    /// finished by the next call of any method that writes.
    ///
    /// # Errors
    /// [`WebSocketError::Refused`] where nothing was sent, [`WebSocketError::Gone`] where the
    /// connection has ended.
    pub async fn send(&mut self, message: &Message) -> Result<(), WebSocketError> {
        self.queue(message)?;
        self.flush().await
    }

    /// Sends a text message. See [`WebSocket::send`].
    ///
    /// # Errors
    /// As [`WebSocket::send`].
    pub async fn send_text(&mut self, text: &str) -> Result<(), WebSocketError> {
        self.queue_text(text)?;
        self.flush().await
    }

    /// Sends frames that were encoded once for all readers, in one vectored write and without a
    /// copy.
    ///
    /// # Errors
    /// As [`WebSocket::send`].
    pub async fn send_shared(
        &mut self,
        frames: impl IntoIterator<Item = SharedFrame>,
    ) -> Result<(), WebSocketError> {
        self.send_frames(frames.into_iter().map(|frame| frame.as_bytes().clone()))
            .await
    }

    /// Sends whole frames that a [`SharedFrame`] gave.
    pub(crate) async fn send_frames(
        &mut self,
        frames: impl Iterator<Item = Bytes>,
    ) -> Result<(), WebSocketError> {
        if !self.session.may_send() {
            return Err(WebSocketError::Refused(SendError::Closing));
        }
        for frame in frames {
            self.link.push(frame);
        }
        self.flush().await
    }

    /// Leaves the end of the server to the session, which watches [`WebSocket::stop`] itself and
    /// closes with a reason of its own.
    pub fn leave_stop_to_session(&mut self) {
        self.on_stop = OnStop::LeaveToSession;
    }

    /// Writes what was queued.
    ///
    /// # Errors
    /// [`WebSocketError::Gone`] where the connection has ended.
    pub async fn flush(&mut self) -> Result<(), WebSocketError> {
        self.link
            .flush_and_read(READ_AHEAD_LEN)
            .await
            .map_err(WebSocketError::Gone)
    }

    /// Cuts the connection by a TCP reset, as if a cable had been pulled.
    pub fn reset(mut self) {
        // Nothing more is to be said, neither by `Drop`.
        self.session.receive_eof(self.origin.elapsed());
        self.link.reset();
    }

    /// Closes with a status code and a reason of at most 123 octets, and waits for the end of the
    /// closing handshake or its deadline (RFC 6455 §7.1.2). What the peer still sends is dropped.
    pub async fn close(&mut self, code: CloseCode, reason: &str) {
        self.session.close(code, reason, self.origin.elapsed());
        while self.next().await.is_some() {}
    }
}

impl Drop for WebSocket {
    fn drop(&mut self) {
        if self.session.may_send() {
            let code = if std::thread::panicking() {
                CloseCode::INTERNAL_ERROR
            } else if self.stop.is_stopping() {
                CloseCode::SERVICE_RESTART
            } else {
                CloseCode::NORMAL
            };
            self.session.close(code, "", self.origin.elapsed());
            self.transmit();
            let _ = self.link.try_flush();
        }
    }
}
