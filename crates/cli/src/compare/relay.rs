//! A way between reader and server that is long, or that does what some proxies do.

use core::net::SocketAddr;
use core::sync::atomic::{AtomicUsize, Ordering};
use core::time::Duration;
use std::collections::VecDeque;
use std::io;
use std::sync::Arc;

use clap::ValueEnum;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until, timeout_at};

/// Octets that may be under way in one direction; what is more waits at its sender.
const MAX_UNDER_WAY: usize = 1 << 20;
/// How long accepting rests where it fails.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// What a buffering proxy holds of an answer that does not end.
const HELD_BACK: usize = 32 << 10;

/// What stands between reader and server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Path {
    /// Nothing.
    Direct,
    /// A proxy that hands an event stream on in pieces of 32 KiB.
    Buffering,
    /// A proxy that takes the wish to upgrade out of a request.
    NoUpgrade,
    /// A balancer before two servers that share nothing; each connection goes to the other.
    TwoServers,
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Trouble {
    /// There and back.
    pub(crate) rtt: Duration,
    /// Each connection is cut after so long.
    pub(crate) cut: Option<Duration>,
    pub(crate) path: Path,
}

impl Trouble {
    pub(crate) fn is_none(&self) -> bool {
        self.rtt.is_zero() && self.cut.is_none() && self.path == Path::Direct
    }
}

/// Carries connections until it is dropped.
#[derive(Debug)]
pub(crate) struct Relay {
    pub(crate) address: SocketAddr,
    _carrying: JoinSet<()>,
}

impl Relay {
    /// Listens on a free port of this machine, before `servers` by turns.
    pub(crate) async fn start(servers: Vec<SocketAddr>, trouble: Trouble) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let mut carrying = JoinSet::new();
        carrying.spawn(async move {
            let turn = Arc::new(AtomicUsize::new(0));
            let mut connections = JoinSet::new();
            loop {
                let Ok((near, _)) = listener.accept().await else {
                    // Out of descriptors, say: some come back when connections end.
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                    continue;
                };
                let number = turn.fetch_add(1, Ordering::Relaxed);
                let Some(server) = servers.get(number % servers.len().max(1)) else {
                    return;
                };
                let server = *server;
                connections.spawn(async move {
                    // A connection that cannot be carried ends; its reader sees that.
                    let _ = carry(near, server, trouble).await;
                });
                while connections.try_join_next().is_some() {}
            }
        });
        Ok(Self {
            address,
            _carrying: carrying,
        })
    }
}

async fn carry(near: TcpStream, server: SocketAddr, trouble: Trouble) -> io::Result<()> {
    let far = TcpStream::connect(server).await?;
    near.set_nodelay(true)?;
    far.set_nodelay(true)?;
    let delay = trouble.rtt / 2;
    let (near_in, near_out) = near.into_split();
    let (far_in, far_out) = far.into_split();
    let up = Lane {
        delay,
        hides_upgrade: trouble.path == Path::NoUpgrade,
        holds_back: false,
    };
    let down = Lane {
        delay,
        hides_upgrade: false,
        holds_back: trouble.path == Path::Buffering,
    };
    let both = async { tokio::try_join!(up.carry(near_in, far_out), down.carry(far_in, near_out)) };
    match trouble.cut {
        Some(after) => {
            // Dropping both sockets ends both directions at once, wherever they are.
            let _ = tokio::time::timeout(after, both).await;
        }
        None => {
            both.await?;
        }
    }
    Ok(())
}

/// One direction of a connection.
#[derive(Debug, Clone, Copy)]
struct Lane {
    delay: Duration,
    hides_upgrade: bool,
    holds_back: bool,
}

impl Lane {
    async fn carry(self, mut from: OwnedReadHalf, mut to: OwnedWriteHalf) -> io::Result<()> {
        let mut under_way: VecDeque<(Instant, Vec<u8>)> = VecDeque::new();
        let mut len = 0;
        let mut held = Held::default();
        let mut open = true;
        let mut buffer = vec![0; 64 << 10];
        while open || !under_way.is_empty() {
            if let Some((due, octets)) = under_way.front()
                && *due <= Instant::now()
            {
                to.write_all(octets).await?;
                len -= octets.len();
                under_way.pop_front();
                continue;
            }
            let due = under_way.front().map(|(due, _)| *due);
            if !open || len >= MAX_UNDER_WAY {
                if let Some(due) = due {
                    sleep_until(due).await;
                }
                continue;
            }
            let read = match due {
                Some(due) => match timeout_at(due, from.read(&mut buffer)).await {
                    Ok(read) => read?,
                    Err(_) => continue,
                },
                None => from.read(&mut buffer).await?,
            };
            open = read > 0;
            let mut octets = buffer.get(..read).unwrap_or_default().to_vec();
            if self.hides_upgrade {
                hide_upgrade(&mut octets);
            }
            if self.holds_back {
                octets = held.pass(octets, !open);
            }
            if !octets.is_empty() {
                len += octets.len();
                under_way.push_back((Instant::now() + self.delay, octets));
            }
        }
        to.shutdown().await
    }
}

/// Gives the field another name of the same length, so that the server does not see it.
fn hide_upgrade(octets: &mut [u8]) {
    const NAME: &[u8] = b"\r\nUpgrade:";
    let found = octets.windows(NAME.len()).position(|window| window == NAME);
    if let Some(initial) = found.and_then(|at| octets.get_mut(at + 2)) {
        *initial = b'X';
    }
}

/// An event stream on its way through a buffer.
#[derive(Debug, Default)]
struct Held {
    streaming: bool,
    octets: Vec<u8>,
}

impl Held {
    fn pass(&mut self, octets: Vec<u8>, end: bool) -> Vec<u8> {
        const TYPE: &[u8] = b"text/event-stream";
        self.streaming |= octets.windows(TYPE.len()).any(|window| window == TYPE);
        if !self.streaming {
            return octets;
        }
        self.octets.extend(octets);
        if end || self.octets.len() >= HELD_BACK {
            core::mem::take(&mut self.octets)
        } else {
            Vec::new()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn echo() -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                tokio::spawn(async move {
                    let (mut from, mut to) = stream.split();
                    let _ = tokio::io::copy(&mut from, &mut to).await;
                });
            }
        });
        address
    }

    async fn exchange(trouble: Trouble, octets: &[u8]) -> (Duration, Vec<u8>) {
        let relay = Relay::start(vec![echo().await], trouble).await.unwrap();
        let mut stream = TcpStream::connect(relay.address).await.unwrap();
        let begun = Instant::now();
        stream.write_all(octets).await.unwrap();
        stream.shutdown().await.unwrap();
        let mut back = Vec::new();
        let _ = stream.read_to_end(&mut back).await;
        (begun.elapsed(), back)
    }

    #[tokio::test]
    async fn octets_take_half_the_round_trip_each_way() {
        let trouble = Trouble {
            rtt: Duration::from_millis(60),
            cut: None,
            path: Path::Direct,
        };
        let (took, back) = exchange(trouble, b"hello").await;
        assert_eq!(back, b"hello");
        assert!(took >= Duration::from_millis(60), "{took:?}");
    }

    #[tokio::test]
    async fn the_wish_to_upgrade_is_hidden_and_a_connection_is_cut() {
        let mut trouble = Trouble {
            rtt: Duration::ZERO,
            cut: None,
            path: Path::NoUpgrade,
        };
        let (_, back) = exchange(trouble, b"GET / HTTP/1.1\r\nUpgrade: websocket\r\n\r\n").await;
        assert_eq!(back, b"GET / HTTP/1.1\r\nXpgrade: websocket\r\n\r\n");
        trouble.rtt = Duration::from_secs(60);
        trouble.cut = Some(Duration::from_millis(50));
        let (took, back) = exchange(trouble, b"never comes").await;
        assert!(
            back.is_empty() && took < Duration::from_secs(30),
            "{took:?}"
        );
    }

    #[test]
    fn an_event_stream_is_held_and_other_answers_are_not() {
        let mut held = Held::default();
        assert_eq!(
            held.pass(b"HTTP/1.1 200 OK\r\n\r\n".to_vec(), false).len(),
            19
        );
        assert!(
            held.pass(b"Content-Type: text/event-stream".to_vec(), false)
                .is_empty()
        );
        assert!(held.pass(vec![b'x'; 1000], false).is_empty());
        assert_eq!(
            held.pass(vec![b'x'; HELD_BACK], false).len(),
            HELD_BACK + 1031
        );
        assert_eq!(held.pass(b"end".to_vec(), true), b"end");
    }
}
