//! A relay of TCP that cuts connections at a random octet, by RST, so that nobody is told goodbye.

use core::net::SocketAddr;
use core::time::Duration;
use std::sync::{Arc, Mutex};

use socket2::SockRef;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::time::timeout;

use crate::random::Random;

/// Where connections are cut.
#[derive(Debug, Clone, Copy)]
pub struct Cutting {
    /// Each connection passes fewer octets than this to the client before it is cut.
    pub answer_len: usize,
    /// One connection in five is cut within so many octets of what the client sends instead.
    pub request_len: usize,
    /// After so many cuts nothing is cut any more.
    pub cuts: u64,
}

/// One running relay.
#[derive(Debug, Clone)]
pub struct Proxy {
    /// The address to connect to.
    pub address: SocketAddr,
    /// Counts the cuts.
    pub cuts: watch::Receiver<u64>,
}

impl Proxy {
    /// Starts a relay to `server`; it ends with the runtime.
    pub async fn start(server: SocketAddr, seed: u64, cutting: Cutting) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("its address");
        let (told, cuts) = watch::channel(0);
        let told = Arc::new(told);
        let random = Arc::new(Mutex::new(Random::new(seed)));
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let (told, random) = (Arc::clone(&told), Arc::clone(&random));
                tokio::spawn(async move { relay(client, server, cutting, &told, &random).await });
            }
        });
        Self { address, cuts }
    }

    /// Gives `http://ADDRESS` with `path` behind it.
    #[must_use]
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }
}

async fn relay(
    client: TcpStream,
    server: SocketAddr,
    cutting: Cutting,
    told: &watch::Sender<u64>,
    random: &Mutex<Random>,
) {
    let Ok(upstream) = TcpStream::connect(server).await else {
        return;
    };
    let (mut up, mut down) = (usize::MAX, usize::MAX);
    if *told.borrow() < cutting.cuts {
        let mut random = random.lock().expect("no thread panics with it");
        if random.percent(20) {
            up = random.below(cutting.request_len);
        } else {
            down = random.below(cutting.answer_len);
        }
    }
    for socket in [&client, &upstream] {
        let _closed = socket.set_nodelay(true);
    }
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = upstream.into_split();
    let cut = {
        let up = pass(&mut from_client, &mut to_server, up);
        let down = pass(&mut from_server, &mut to_client, down);
        tokio::pin!(up, down);
        // Where one side says goodbye, the other direction goes on for a while; that is no cut.
        let grace = Duration::from_secs(1);
        tokio::select! {
            cut = &mut up => {
                if !cut {
                    let _end = timeout(grace, down).await;
                }
                cut
            }
            cut = &mut down => {
                if !cut {
                    let _end = timeout(grace, up).await;
                }
                cut
            }
        }
    };
    if cut {
        for socket in [
            SockRef::from(to_client.as_ref()),
            SockRef::from(to_server.as_ref()),
        ] {
            let _closed = socket.set_linger(Some(Duration::ZERO));
        }
        // A half that is dropped sends FIN, which is a goodbye.
        to_client.forget();
        to_server.forget();
        told.send_modify(|cuts| *cuts += 1);
    }
}

/// Passes up to `most` octets; true where it stopped there.
async fn pass(from: &mut OwnedReadHalf, to: &mut OwnedWriteHalf, most: usize) -> bool {
    let mut left = most;
    let mut octets = vec![0; 16_384];
    while left > 0 {
        let Ok(count @ 1..) = from.read(&mut octets).await else {
            let _closed = to.shutdown().await;
            return false;
        };
        let passed = count.min(left);
        if to.write_all(&octets[..passed]).await.is_err() {
            return false;
        }
        left -= passed;
    }
    true
}
