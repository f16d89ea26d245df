//! A client and a server of ours, a wire in each direction, and time that passes.

use core::time::Duration;

use bytes::BytesMut;
use tidings_websocket::{
    Client, CloseCode, Closed, ClosedBy, Config, Connection, DataKind, Event, IoAction, Message,
    SendError, Server,
};

use super::{Keys, assert_written, transmit_all};
use crate::choices::Choices;
use crate::cut::Dice;

const MAX_OUT_LEN: usize = 200;
/// The longest frame that an operation writes, and the longest Close.
const LONGEST_FRAME: usize = 14 + 125;

fn config() -> Config {
    let mut config = Config::default();
    config.max_out_len = MAX_OUT_LEN;
    config
}

/// One end, and what it did.
struct Side<R: Keys> {
    connection: Connection<R>,
    /// Written, and not yet with the peer.
    out: BytesMut,
    /// All that was ever written.
    written: Vec<u8>,
    input: BytesMut,
    /// Whole messages in the order in which they were ended.
    sent: Vec<Message>,
    open: Option<(DataKind, Vec<u8>)>,
    got: Vec<Message>,
    closed: Option<Closed>,
    asked_to_close: bool,
}

/// Operations on both ends. Whatever the order: messages arrive as they were sent, each end tells one end, nothing
/// follows a Close, what waits is bounded, and neither finds fault with the other.
pub(super) fn talk(operations: &[u8]) {
    let mut choices = Choices::new(operations);
    let mut dice = Dice::of(operations);
    let mut now = Duration::ZERO;
    let mut client = Side::<Client>::new(now);
    let mut server = Side::<Server>::new(now);
    while !choices.are_over() {
        let operation = choices.octet();
        match operation & 15 {
            12 => {
                now += Duration::from_secs(choices.below(30) as u64);
                client.time(now);
                server.time(now);
            }
            13 if operation >= 128 => client.ends(&mut server, now),
            13 => server.ends(&mut client, now),
            9..=11 if operation >= 128 => client.deliver(&mut choices, &mut server, now),
            9..=11 => server.deliver(&mut choices, &mut client, now),
            _ if operation >= 128 => client.act(operation, &mut choices, &mut dice, now),
            _ => server.act(operation, &mut choices, &mut dice, now),
        }
    }
    // All that is under way arrives.
    loop {
        client.write(&mut dice);
        server.write(&mut dice);
        if client.out.is_empty() && server.out.is_empty() {
            break;
        }
        let all = usize::MAX;
        client.hand(all, &mut server, now);
        server.hand(all, &mut client, now);
    }
    client.judge(&server);
    server.judge(&client);
}

impl<R: Keys> Side<R> {
    fn new(now: Duration) -> Self {
        Self {
            connection: Connection::new(config(), now),
            out: BytesMut::new(),
            written: Vec::new(),
            input: BytesMut::new(),
            sent: Vec::new(),
            open: None,
            got: Vec::new(),
            closed: None,
            asked_to_close: false,
        }
    }

    fn act(&mut self, operation: u8, choices: &mut Choices<'_>, dice: &mut Dice, now: Duration) {
        let before = self.out.len();
        let may_send = self.connection.may_send();
        let result = match operation & 15 {
            0 | 1 => {
                let text = choices.text(40);
                let sent = self
                    .connection
                    .send_text(&text, R::fresh(dice), &mut self.out);
                sent.map(|()| self.sent.push(Message::Text(text.into())))
            }
            2 | 3 => {
                let data = choices.octets(125);
                let sent = self
                    .connection
                    .send_binary(data, R::fresh(dice), &mut self.out);
                sent.map(|()| self.sent.push(Message::Binary(data.to_vec().into())))
            }
            4 | 5 => self.fragment(choices, dice),
            6 => self
                .connection
                .ping(choices.octets(130), R::fresh(dice), &mut self.out),
            7 => {
                let code = CloseCode::new(1000 + choices.number() as u16 % 4000);
                let reason = choices.text(60).repeat(1 + choices.below(3));
                self.connection
                    .close(code.unwrap_or(CloseCode::NORMAL), &reason, now);
                self.asked_to_close = true;
                assert!(!self.connection.may_send());
                Ok(())
            }
            _ => {
                self.connection.transmit(R::fresh(dice), &mut self.out);
                Ok(())
            }
        };
        match result {
            Ok(()) => {}
            Err(SendError::Closing) => assert!(!may_send),
            Err(SendError::Full { held, max }) => assert!(held == before && held > max),
            Err(SendError::MessageOpen | SendError::KindDiffers | SendError::NotUtf8) => {}
            Err(error) => assert!(
                matches!(error, SendError::ControlTooLong { len: 126.. }),
                "{error:?}"
            ),
        }
        assert!(result.is_ok() || self.out.len() == before, "all or nothing");
        self.note(before);
    }

    fn fragment(&mut self, choices: &mut Choices<'_>, dice: &mut Dice) -> Result<(), SendError> {
        let kind = if choices.bit() {
            DataKind::Text
        } else {
            DataKind::Binary
        };
        let fin = choices.bit();
        let data = choices.octets(40);
        self.connection
            .send_fragment(kind, data, fin, R::fresh(dice), &mut self.out)?;
        let (kind, whole) = self.open.get_or_insert((kind, Vec::new()));
        let kind = *kind;
        whole.extend_from_slice(data);
        if fin && let Some((_, whole)) = self.open.take() {
            self.sent.push(match kind {
                DataKind::Text => {
                    Message::Text(String::from_utf8(whole).expect("it was judged").into())
                }
                DataKind::Binary => Message::Binary(whole.into()),
            });
        }
        Ok(())
    }

    /// Keeps what was written behind `before`.
    fn note(&mut self, before: usize) {
        self.written.extend_from_slice(&self.out[before..]);
        let most = MAX_OUT_LEN + 2 * LONGEST_FRAME;
        assert!(self.out.len() <= most, "{} octets wait", self.out.len());
    }

    fn write(&mut self, dice: &mut Dice) {
        let before = self.out.len();
        transmit_all(&mut self.connection, dice, &mut self.out);
        self.note(before);
    }

    fn deliver<P: Keys>(&mut self, choices: &mut Choices<'_>, peer: &mut Side<P>, now: Duration) {
        let len = choices.octet();
        self.hand(usize::from(len), peer, now);
    }

    /// Hands the next octets to the peer.
    fn hand<P: Keys>(&mut self, len: usize, peer: &mut Side<P>, now: Duration) {
        let octets = self.out.split_to(len.min(self.out.len()));
        peer.input.extend_from_slice(&octets);
        while let Some(event) = peer.connection.next_event(&mut peer.input, now) {
            peer.take(event);
        }
        assert!(peer.input.len() < 125, "less than a control frame waits");
    }

    /// The peer learns that this end writes no more; what is under way arrives before.
    fn ends<P: Keys>(&mut self, peer: &mut Side<P>, now: Duration) {
        self.hand(usize::MAX, peer, now);
        let was_closed = peer.closed.is_some();
        let event = peer.connection.receive_eof(now);
        assert_eq!(event.is_some(), !was_closed, "an end without Close is told");
        event.into_iter().for_each(|event| peer.take(event));
        assert_eq!(peer.connection.receive_eof(now), None);
    }

    fn time(&mut self, now: Duration) {
        let due = self.connection.poll_timeout();
        let event = self.connection.handle_timeout(now);
        if due.is_none_or(|due| due > now) {
            assert_eq!(event, None, "nothing was due");
        } else {
            let next = self.connection.poll_timeout();
            assert!(
                next.is_none_or(|next| next > now) || event.is_some(),
                "time goes on: {next:?}"
            );
        }
        event.into_iter().for_each(|event| self.take(event));
    }

    fn take(&mut self, event: Event) {
        assert_eq!(
            self.closed, None,
            "nothing is told behind the end: {event:?}"
        );
        match event {
            Event::Message(message) => self.got.push(message),
            Event::Closed(closed) => {
                assert!(!self.connection.may_send());
                self.closed = Some(closed);
            }
            Event::Ping(_) | Event::Pong(_) => {}
            Event::Chunk { .. } => panic!("messages are whole"),
        }
    }

    /// After everything has arrived.
    fn judge<P: Keys>(&self, peer: &Side<P>) {
        let frames = assert_written::<R>(&self.written);
        let closes = frames.iter().filter(|frame| frame.opcode == 8).count();
        assert!(closes <= 1);
        assert!(peer.got.len() <= self.sent.len());
        assert_eq!(
            peer.got,
            self.sent[..peer.got.len()],
            "messages arrive in order"
        );
        match peer.closed.as_ref().map(|closed| (closed.by, closed.clean)) {
            // The peer read all that there was.
            None | Some((ClosedBy::Peer | ClosedBy::Us, true)) => {
                assert_eq!(peer.got.len(), self.sent.len(), "all messages arrive");
            }
            Some((ClosedBy::Eof | ClosedBy::Timeout, false)) => {}
            closed => panic!("two of ours find no fault with each other: {closed:?}"),
        }
        if self.closed.is_none() {
            assert_eq!(self.connection.io_action(), IoAction::Continue);
            assert_eq!(self.connection.may_send(), !self.asked_to_close);
        }
    }
}
