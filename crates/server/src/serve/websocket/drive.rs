//! What moves a WebSocket: octets in and out, control frames, deadlines, and the end.

use core::future::Future as _;
use core::pin::Pin;
use core::task::{Context, Poll};
use core::time::Duration;
use std::sync::Arc;

use bytes::BytesMut;
use tidings_websocket::{
    Accepted, CloseCode, Closed, Config, Connection, Event, IoAction, Message, SendError, Server,
};
use tokio::time::Instant;

use crate::serve::alarm::Alarm;
use crate::serve::clock::deadline;
use crate::serve::content::Share;
use crate::serve::link::{Exchange, Link};
use crate::serve::listen::{Shared, Slot};
use crate::serve::stop::{KeptStop, Stop};

/// Input is not read while more than this waits to be written: who sends and never reads is held
/// back by TCP.
const MAX_WAITING_LEN: usize = 1 << 20;

/// From this length on, a message goes on arriving where it lies, with room for three times as much behind it. All else is
/// read into a spare buffer, so that who sends little and waits holds little.
const IN_PLACE_FROM: usize = 4 << 10;

/// What a message must grow by at most in the progress timeout.
const MIN_GROWTH_LEN: usize = 16 << 10;

/// The state of a WebSocket.
pub(super) struct Drive {
    pub(super) link: Link,
    pub(super) session: Connection<Server>,
    pub(super) subprotocol: Option<&'static str>,
    /// Watched for the end of the server, unless the session does that itself.
    pub(super) stopping: Option<KeptStop>,
    /// Where the session's time begins.
    origin: Instant,
    /// The octets that came before the last look at them, and the session's time at that look.
    received: u64,
    read_at: Duration,
    /// Rings when the session or the message that is arriving wants to be looked at.
    alarm: Alarm,
    phase: Phase,
    /// What the message that is arriving holds of the server's allowance.
    held: Share,
    /// When that message had grown last by enough to go on, and what was there then.
    grew_at: Duration,
    grew_to: usize,
    /// As the session has it, which sees only a part of what waits.
    max_out_len: usize,
    slot: Slot,
}

#[derive(Debug)]
enum Phase {
    Open,
    /// It is told how the connection ended; the socket is to be closed in stages.
    Ending(Box<Closed>),
    /// Nothing more comes or goes.
    Ended(Option<Box<Closed>>),
}

impl Drive {
    pub(super) fn new(
        link: Link,
        config: Config,
        accepted: &Accepted,
        shared: &Arc<Shared>,
        slot: Slot,
    ) -> Self {
        let max_out_len = config.max_out_len;
        #[cfg(feature = "deflate")]
        let session = Connection::with_deflate(config, accepted.deflate().as_ref(), Duration::ZERO);
        #[cfg(not(feature = "deflate"))]
        let session = Connection::new(config, Duration::ZERO);
        Self {
            received: link.received(),
            link,
            session,
            subprotocol: accepted.subprotocol(),
            stopping: Some(shared.stop.kept()),
            origin: Instant::now(),
            read_at: Duration::ZERO,
            alarm: Alarm::default(),
            phase: Phase::Open,
            held: Share::new(shared.unfinished.clone()),
            grew_at: Duration::ZERO,
            grew_to: 0,
            max_out_len,
            slot,
        }
    }

    pub(super) fn stop(&self) -> Stop {
        self.slot.shared().stop.clone()
    }

    pub(super) fn closed(&self) -> Option<&Closed> {
        match &self.phase {
            Phase::Open | Phase::Ended(None) => None,
            Phase::Ending(closed) | Phase::Ended(Some(closed)) => Some(closed),
        }
    }

    /// The next message; `None` once the connection is to be finished, or is.
    pub(super) fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Message>> {
        loop {
            if let Some(message) = self.decode() {
                return Poll::Ready(Some(message));
            }
            if self.is_ending() {
                return Poll::Ready(None);
            }
            if self.poll_drive(cx).is_pending() {
                return Poll::Pending;
            }
        }
    }

    /// Lets the session encode a message behind what waits.
    pub(super) fn queue<T>(
        &mut self,
        encode: impl FnOnce(&mut Connection<Server>, &mut BytesMut) -> Result<T, SendError>,
    ) -> Result<T, SendError> {
        let (held, max) = (self.link.waiting_len(), self.max_out_len);
        if held > max && self.session.may_send() {
            return Err(SendError::Full { held, max });
        }
        let session = &mut self.session;
        self.link.append(|out| encode(session, out))
    }

    /// The next message among the octets that are at hand.
    fn decode(&mut self) -> Option<Message> {
        // A flush reads, too.
        if self.link.received() != self.received {
            self.received = self.link.received();
            self.read_at = self.origin.elapsed();
        }
        while let Phase::Open = self.phase {
            let event = self.session.next_event(&mut self.link.input, self.read_at);
            self.transmit();
            self.account();
            match event? {
                Event::Message(message) => return Some(message),
                Event::Closed(closed) => self.phase = Phase::Ending(Box::new(closed)),
                // Chunks come only where the configuration asks for them; here it does not.
                Event::Ping(_) | Event::Pong(_) | Event::Chunk { .. } => {}
            }
        }
        None
    }

    /// Writes the control frames that wait behind what waits.
    fn transmit(&mut self) {
        if !self.session.wants_transmit() {
            return;
        }
        let session = &mut self.session;
        self.link.append(|out| while session.transmit((), out) {});
    }

    /// Counts the message that is arriving against the allowance that all connections share, and sees whether it grows: by
    /// as much as is there or by [`MIN_GROWTH_LEN`], so that single octets do not keep it alive and a slow sender of much
    /// may go on.
    fn account(&mut self) {
        let arrived = self.session.arrived_len();
        let enough = self.grew_to.min(MIN_GROWTH_LEN);
        if arrived == 0 || arrived >= self.grew_to.saturating_add(enough) {
            self.grew_at = self.read_at;
            self.grew_to = arrived;
        }
        let len = self.session.buffered_len();
        self.link.keep_input &= len > 0;
        if len == self.held.len() {
            return;
        }
        if !self.held.set(len) {
            self.give_up(CloseCode::TRY_AGAIN_LATER, "too many unfinished messages");
        }
    }

    /// Closes without waiting for an answer.
    fn give_up(&mut self, code: CloseCode, reason: &str) {
        self.close(code, reason);
        self.transmit();
        self.end_of_input();
    }

    pub(super) fn close(&mut self, code: CloseCode, reason: &str) {
        self.session.close(code, reason, self.origin.elapsed());
    }

    fn end_of_input(&mut self) {
        if let Some(Event::Closed(closed)) = self.session.receive_eof(self.origin.elapsed())
            && let Phase::Open = self.phase
        {
            self.phase = Phase::Ending(Box::new(closed));
        }
    }

    /// Whether all that is left is to close the socket in stages.
    fn is_ending(&mut self) -> bool {
        self.transmit();
        match (self.session.io_action(), &self.phase) {
            (_, Phase::Ending(_) | Phase::Ended(_))
            | (IoAction::ShutdownWrite | IoAction::Close, Phase::Open) => true,
            (IoAction::Continue, Phase::Open) => false,
        }
    }

    /// Closes the socket in stages. Cancel-safe.
    pub(super) async fn finish(&mut self) {
        if let Phase::Ended(_) = self.phase {
            return;
        }
        let config = &self.slot.shared().config;
        let (linger, max) = (config.linger_timeout, config.max_linger_len);
        self.link.linger(linger, max).await;
        self.end_of_input();
        self.phase = match core::mem::replace(&mut self.phase, Phase::Open) {
            Phase::Open => Phase::Ended(None),
            Phase::Ending(closed) => Phase::Ended(Some(closed)),
            Phase::Ended(closed) => Phase::Ended(closed),
        };
    }

    /// Waits for octets, room, a deadline or the end of the server, and does what is then due.
    fn poll_drive(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if let Some(stopping) = &mut self.stopping
            && self.session.may_send()
            && Pin::new(stopping).poll(cx).is_ready()
        {
            self.close(CloseCode::SERVICE_RESTART, "");
            return Poll::Ready(());
        }
        let read = self.link.waiting_len() < MAX_WAITING_LEN;
        // Octets come before deadlines: a Pong that has arrived is in time.
        let arrived = self.session.arrived_len();
        let session = &mut self.session;
        let make_room = |link: &mut Link| match arrived {
            0 => {
                link.make_room();
                let len = link.read_len();
                link.keep_input = session.make_room(&mut link.input, len);
            }
            1..IN_PLACE_FROM => link.make_room(),
            _ => link.keep_input = session.make_room(&mut link.input, IN_PLACE_FROM),
        };
        match self.link.poll_exchange(cx, read, make_room) {
            Poll::Ready(Ok(Exchange::Read(1..) | Exchange::Wrote)) => return Poll::Ready(()),
            Poll::Ready(Ok(Exchange::Read(0)) | Err(_)) => {
                self.end_of_input();
                return Poll::Ready(());
            }
            Poll::Pending => {}
        }
        let Some(due) = self.next_deadline() else {
            return Poll::Pending;
        };
        let rung = self.alarm.poll(cx, due);
        rung.map(|()| self.keep_deadlines())
    }

    /// When the peer must have taken something of what waits, the session wants to be looked at, or
    /// the message that is arriving must have grown.
    fn next_deadline(&mut self) -> Option<Instant> {
        let session = self.session.poll_timeout();
        let own = session.into_iter().chain(self.message_deadline()).min();
        let own = own.map(|due| deadline(self.origin, due));
        if self.link.wants_write() {
            own.into_iter().chain([self.link.stall_deadline()]).min()
        } else {
            own
        }
    }

    fn message_deadline(&self) -> Option<Duration> {
        let unfinished = self.held.len() > 0;
        unfinished.then(|| self.grew_at.saturating_add(self.link.progress_timeout()))
    }

    fn keep_deadlines(&mut self) {
        if self.link.wants_write() && self.link.stall_deadline() <= Instant::now() {
            return self.end_of_input();
        }
        let now = self.origin.elapsed();
        if self.message_deadline().is_some_and(|due| due <= now) {
            return self.give_up(CloseCode::POLICY_VIOLATION, "a message does not go on");
        }
        if let Some(Event::Closed(closed)) = self.session.handle_timeout(now) {
            self.phase = Phase::Ending(Box::new(closed));
        }
    }

    pub(super) fn reset(mut self) {
        // Nothing more is to be said, neither by `Drop`.
        self.session.receive_eof(self.origin.elapsed());
        self.link.reset();
    }
}

impl Drop for Drive {
    fn drop(&mut self) {
        if self.session.may_send() {
            let code = if std::thread::panicking() {
                CloseCode::INTERNAL_ERROR
            } else if self.slot.shared().stop.is_stopping() {
                CloseCode::SERVICE_RESTART
            } else {
                CloseCode::NORMAL
            };
            self.close(code, "");
            self.transmit();
            let _ = self.link.try_flush();
        }
    }
}
