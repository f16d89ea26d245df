//! A network in memory whose every whim is drawn from a seed: delays, small segments, narrow pipes, refused dials, and cuts at a
//! random octet of either direction.

use core::net::{IpAddr, Ipv4Addr, SocketAddr};
use core::pin::Pin;
use core::task::{Context, Poll, Waker, ready};
use core::time::Duration;
use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard};

use bytes::{Buf, Bytes};
use tidings_server::serve::{Listener, Socket};
use tidings_tests::random::Random;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::mpsc;
use tokio::time::{Instant, Sleep, sleep, sleep_until};

use crate::trace::Trace;

const NOWHERE: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 0);

/// What became of the connections, to show that a run was worth it.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Fates {
    pub(crate) dialed: u64,
    pub(crate) refused: u64,
    pub(crate) resets: u64,
    pub(crate) ends: u64,
    pub(crate) holes: u64,
}

impl Fates {
    pub(crate) fn cuts(&self) -> u64 {
        self.resets + self.ends + self.holes
    }
}

/// The network between all clients and the one server.
#[derive(Clone)]
pub(crate) struct Network(Arc<Mutex<Inner>>);

struct Inner {
    random: Random,
    /// `None` while the server is away.
    server: Option<mpsc::UnboundedSender<Socket>>,
    fates: Fates,
    trace: Trace,
}

/// The server's place on the network, until it stops.
pub(crate) struct Port(mpsc::UnboundedReceiver<Socket>);

impl Listener for Port {
    async fn accept(&mut self) -> io::Result<(Socket, SocketAddr)> {
        match self.0.recv().await {
            Some(socket) => Ok((socket, NOWHERE)),
            None => core::future::pending().await,
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        Ok(NOWHERE)
    }
}

impl Network {
    pub(crate) fn new(seed: u64, trace: Trace) -> Self {
        Self(Arc::new(Mutex::new(Inner {
            random: Random::new(seed),
            server: None,
            fates: Fates::default(),
            trace,
        })))
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap()
    }

    pub(crate) fn listen(&self) -> Port {
        let (server, port) = mpsc::unbounded_channel();
        self.lock().server = Some(server);
        Port(port)
    }

    pub(crate) fn hang_up(&self) {
        self.lock().server = None;
    }

    pub(crate) fn fates(&self) -> Fates {
        self.lock().fates
    }

    /// Dials the server. Where `upgrades` is false, something on the way resets who asks for an upgrade.
    pub(crate) async fn dial(self, upgrades: bool) -> io::Result<End> {
        let (delay, fate, wire) = {
            let mut inner = self.lock();
            inner.fates.dialed += 1;
            let number = inner.fates.dialed;
            let random = &mut inner.random;
            let delay = Duration::from_millis(1 + random.below(30) as u64);
            let (fate, wire) = (random.below(100), Wire::draw(random, number, upgrades));
            (delay, fate, wire)
        };
        sleep(delay).await;
        if fate == 0 {
            // Nobody answers, not even with a refusal.
            core::future::pending::<()>().await;
        }
        let mut inner = self.lock();
        let server = inner.server.clone().filter(|_| fate >= 4);
        let Some(server) = server else {
            inner.fates.refused += 1;
            return Err(io::ErrorKind::ConnectionRefused.into());
        };
        inner.trace.add(&[1, wire.number]);
        drop(inner);
        let wire = Arc::new(Mutex::new(wire));
        let end = |side| End {
            wire: wire.clone(),
            network: self.clone(),
            side,
            timer: None,
        };
        let refused = |_| io::Error::from(io::ErrorKind::ConnectionRefused);
        server
            .send(Socket::new(end(Side::Server)))
            .map_err(refused)?;
        Ok(end(Side::Client))
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    Client,
    Server,
}

/// How a connection is cut.
#[derive(Debug, Clone, Copy)]
enum Cut {
    /// Both sides are told.
    Reset,
    /// The reader of the octets sees their end; who writes is told.
    End,
    /// Nothing arrives any more, and nobody is told.
    Hole,
}

/// One connection.
struct Wire {
    number: u64,
    random: Random,
    /// Octets are passed in pieces of so many at most.
    segment_len: usize,
    upgrades: bool,
    hole: bool,
    up: Pipe,
    down: Pipe,
}

/// One direction.
struct Pipe {
    latency: Duration,
    /// Octets on the way that block the writer.
    capacity: usize,
    /// How many octets more pass before the cut.
    cut: Option<(usize, Cut)>,
    queue: VecDeque<(Instant, Piece)>,
    queued: usize,
    /// Nothing is written any more.
    closed: bool,
    /// Writing fails.
    broken: bool,
    reader: Option<Waker>,
    writer: Option<Waker>,
}

enum Piece {
    Octets(Bytes),
    End,
    Reset,
}

impl Wire {
    fn draw(random: &mut Random, number: u64, upgrades: bool) -> Self {
        let mut pipe = |cut| Pipe {
            latency: Duration::from_millis(1 + random.below(8) as u64),
            capacity: 1 << (10 + random.below(7)),
            cut,
            queue: VecDeque::new(),
            queued: 0,
            closed: false,
            broken: false,
            reader: None,
            writer: None,
        };
        let (mut up, mut down) = (pipe(None), pipe(None));
        let how = match random.below(10) {
            0 => Cut::Hole,
            1..4 => Cut::End,
            _ => Cut::Reset,
        };
        match random.below(20) {
            // In the head of a request, or of a later one.
            0..3 => up.cut = Some((random.below(400), how)),
            3 => up.cut = Some((random.below(5_000), how)),
            // In the head of an answer, or in the first messages.
            4..6 => down.cut = Some((random.below(500), how)),
            6..17 => down.cut = Some((random.below(60_000), how)),
            _ => {}
        }
        Self {
            number,
            random: Random::new(random.number()),
            segment_len: 1
                << if random.percent(5) {
                    random.below(5)
                } else {
                    10 + random.below(7)
                },
            upgrades,
            hole: false,
            up,
            down,
        }
    }

    /// What a side writes to, and what it reads from.
    fn pipes(&mut self, side: Side) -> (&mut Pipe, &mut Pipe) {
        match side {
            Side::Client => (&mut self.up, &mut self.down),
            Side::Server => (&mut self.down, &mut self.up),
        }
    }

    /// Cuts behind what `side` wrote.
    fn cut(&mut self, side: Side, how: Cut) {
        let (written, other) = self.pipes(side);
        let last = match how {
            Cut::Reset => Piece::Reset,
            Cut::End => Piece::End,
            Cut::Hole => {
                self.hole = true;
                return;
            }
        };
        written.push(last, 0);
        written.broken = true;
        other.queue.clear();
        other.broken = true;
        other.push(Piece::Reset, 0);
        other.wake_writer();
    }
}

impl Pipe {
    fn push(&mut self, piece: Piece, len: usize) {
        let mut at = Instant::now() + self.latency;
        if let Some((last, _)) = self.queue.back() {
            at = at.max(*last);
        }
        self.queue.push_back((at, piece));
        self.queued += len;
        if let Some(reader) = self.reader.take() {
            reader.wake();
        }
    }

    fn wake_writer(&mut self) {
        if let Some(writer) = self.writer.take() {
            writer.wake();
        }
    }
}

/// One end of a connection. Dropped, it is closed.
pub(crate) struct End {
    wire: Arc<Mutex<Wire>>,
    network: Network,
    side: Side,
    /// Rings when the next piece arrives.
    timer: Option<Pin<Box<Sleep>>>,
}

impl AsyncRead for End {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        loop {
            let arrival = {
                let wire = self.wire.clone();
                let mut wire = wire.lock().unwrap();
                let hole = wire.hole;
                let (_, pipe) = wire.pipes(self.side);
                let now = Instant::now();
                match pipe.queue.front_mut() {
                    Some((at, piece)) if *at <= now && !hole => match piece {
                        Piece::End => return Poll::Ready(Ok(())),
                        Piece::Reset => {
                            return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
                        }
                        Piece::Octets(octets) => {
                            let len = octets.len().min(buffer.remaining());
                            buffer.put_slice(&octets[..len]);
                            octets.advance(len);
                            if octets.is_empty() {
                                pipe.queue.pop_front();
                            }
                            pipe.queued -= len;
                            pipe.wake_writer();
                            return Poll::Ready(Ok(()));
                        }
                    },
                    Some((at, _)) if !hole => *at,
                    Some(_) | None => {
                        pipe.reader = Some(cx.waker().clone());
                        return Poll::Pending;
                    }
                }
            };
            let timer = self
                .timer
                .get_or_insert_with(|| Box::pin(sleep_until(arrival)));
            if timer.deadline() != arrival {
                timer.as_mut().reset(arrival);
            }
            ready!(timer.as_mut().poll(cx));
        }
    }
}

impl AsyncWrite for End {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        octets: &[u8],
    ) -> Poll<io::Result<usize>> {
        let mut wire = self.wire.lock().unwrap();
        let (segment, hole, side) = (wire.segment_len, wire.hole, self.side);
        let segment = 1 + wire.random.below(segment);
        let (number, upgrades) = (wire.number, wire.upgrades);
        let (pipe, _) = wire.pipes(side);
        if pipe.broken || pipe.closed {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        let room = pipe.capacity - pipe.queued;
        if room == 0 {
            pipe.writer = Some(cx.waker().clone());
            return Poll::Pending;
        }
        let mut len = octets.len().min(room).min(segment);
        let upgrade = b"Upgrade: websocket";
        let refused = side == Side::Client
            && !upgrades
            && octets.windows(upgrade.len()).any(|at| at == upgrade);
        if let Some((left, _)) = &mut pipe.cut {
            len = len.min(*left);
            *left -= len;
        }
        if len > 0 {
            let piece = Bytes::copy_from_slice(&octets[..len]);
            pipe.push(Piece::Octets(piece), len);
        }
        let cut = match pipe.cut {
            Some((0, how)) if !hole => {
                pipe.cut = None;
                Some(how)
            }
            _ => refused.then_some(Cut::Reset),
        };
        let mut inner = self.network.lock();
        inner.trace.add(&[2, number, side as u64, len as u64]);
        if let Some(how) = cut {
            match how {
                Cut::Reset => inner.fates.resets += 1,
                Cut::End => inner.fates.ends += 1,
                Cut::Hole => inner.fates.holes += 1,
            }
            wire.cut(side, how);
        }
        match (len, cut) {
            (0, Some(Cut::Reset | Cut::End)) => {
                Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()))
            }
            // The hole takes octets like any pipe.
            (0, Some(Cut::Hole)) => {
                cx.waker().wake_by_ref();
                Poll::Pending
            }
            (len, _) => Poll::Ready(Ok(len)),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.wire.lock().unwrap().close(self.side);
        Poll::Ready(Ok(()))
    }
}

impl Wire {
    /// Nothing more comes from a side.
    fn close(&mut self, side: Side) {
        let (pipe, _) = self.pipes(side);
        if !pipe.closed && !pipe.broken {
            pipe.closed = true;
            pipe.push(Piece::End, 0);
        }
    }
}

impl Drop for End {
    fn drop(&mut self) {
        let mut wire = self.wire.lock().unwrap();
        wire.close(self.side);
        let (_, read) = wire.pipes(self.side);
        // Nobody reads it any more.
        read.broken = true;
        read.queue.clear();
        read.queued = 0;
        read.wake_writer();
    }
}
