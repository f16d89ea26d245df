//! Drives the embedding example and hyper's hello in turn, and prints what CPU time each takes for one request.
//!
//! Run with `cargo build --release -p peers-hello`, then `peers-hello` beside the two servers in the target folder. Linux
//! with `taskset` and two CPUs: the servers run on the first, this program on the second. Each server gets 16 connections
//! that stay; a turn writes a batch of requests to each, and reads all answers before the next.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

const CONNECTIONS: usize = 16;
const ROUNDS: usize = 9;
const TURN: Duration = Duration::from_millis(700);
const REQUEST: &[u8] =
    b"GET /hello HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: bench\r\nAccept: */*\r\n\r\n";

/// A server that runs, and ends with this value.
struct Server {
    name: &'static str,
    child: Child,
    address: String,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Server {
    fn start(name: &'static str, program: &Path, port: u16) -> Self {
        let address = format!("127.0.0.1:{port}");
        let mut command = Command::new("taskset");
        command.args(["-c", "0"]).arg(program).arg(&address);
        let child = command.stdout(std::process::Stdio::null()).spawn();
        let server = Self {
            name,
            child: child.expect("taskset and the server are there"),
            address,
        };
        let begun = Instant::now();
        while TcpStream::connect(&server.address).is_err() {
            assert!(
                begun.elapsed() < Duration::from_secs(5),
                "{name} does not listen"
            );
            std::thread::sleep(Duration::from_millis(20));
        }
        server
    }

    /// CPU time of all threads, in ns.
    fn cpu(&self) -> u64 {
        let threads = fs::read_dir(format!("/proc/{}/task", self.child.id())).expect("it runs");
        threads
            .filter_map(|thread| fs::read_to_string(thread.ok()?.path().join("schedstat")).ok())
            .filter_map(|stat| stat.split_whitespace().next()?.parse::<u64>().ok())
            .sum()
    }
}

/// The connections to one server.
struct Load {
    sockets: Vec<TcpStream>,
    batch: Vec<u8>,
    answers: Vec<u8>,
}

impl Load {
    fn new(server: &Server, depth: usize) -> Self {
        let mut sockets: Vec<_> = (0..CONNECTIONS)
            .map(|_| TcpStream::connect(&server.address).expect("it listens"))
            .collect();
        let mut one = vec![0; 4096];
        let mut len = 0;
        sockets[0].set_nodelay(true).expect("a socket");
        sockets[0].write_all(REQUEST).expect("it is there");
        while !one[..len].ends_with(b"Hello, world!") {
            len += sockets[0].read(&mut one[len..]).expect("it answers");
        }
        assert!(one.starts_with(b"HTTP/1.1 200 OK\r\n"));
        Self {
            sockets,
            batch: REQUEST.repeat(depth),
            answers: vec![0; len * depth],
        }
    }

    /// One batch on each connection.
    fn turn(&mut self) {
        for socket in &mut self.sockets {
            socket.write_all(&self.batch).expect("it is there");
        }
        for socket in &mut self.sockets {
            socket.read_exact(&mut self.answers).expect("it answers");
            assert!(self.answers.ends_with(b"Hello, world!"));
        }
    }
}

fn main() {
    let own = std::env::current_exe().expect("this program");
    let folder = own.parent().expect("a folder");
    let pid = std::process::id().to_string();
    let pinned = Command::new("taskset").args(["-cp", "1", &pid]).output();
    assert!(
        pinned.is_ok_and(|output| output.status.success()),
        "two CPUs and taskset"
    );
    let servers = [
        Server::start("hyper 1", &folder.join("hello-hyper"), 18_431),
        Server::start("tidings", &folder.join("hello-tidings"), 18_432),
    ];
    for depth in [1, 16] {
        let mut loads = servers.each_ref().map(|server| Load::new(server, depth));
        let mut costs = [const { Vec::new() }; 2];
        // The first round warms up.
        for round in 0..=ROUNDS {
            for step in 0..servers.len() {
                let which = (round + step) % servers.len();
                let (begun, before) = (Instant::now(), servers[which].cpu());
                let mut requests = 0;
                while begun.elapsed() < TURN {
                    loads[which].turn();
                    requests += CONNECTIONS * depth;
                }
                let cost = (servers[which].cpu() - before) as f64 / requests as f64;
                if round > 0 {
                    costs[which].push(cost);
                }
            }
        }
        print(depth, &servers, &costs);
    }
}

fn print(depth: usize, servers: &[Server; 2], costs: &[Vec<f64>; 2]) {
    println!("### GET /hello, {depth} in flight on each of {CONNECTIONS} connections\n");
    println!("{ROUNDS} rounds, ns of the server's CPU for one request: median (range).\n");
    println!("| | ns | of the first |\n|---|--:|--:|");
    for (server, cost) in servers.iter().zip(costs) {
        let ratios = cost.iter().zip(&costs[0]).map(|(own, first)| own / first);
        let (ns, ratio) = (spread(cost.clone()), spread(ratios.collect()));
        println!(
            "| {} | {:.0} ({:.0}–{:.0}) | {:.2} ({:.2}–{:.2}) |",
            server.name, ns[0], ns[1], ns[2], ratio[0], ratio[1], ratio[2]
        );
    }
    println!();
}

/// Median, least and greatest.
fn spread(mut figures: Vec<f64>) -> [f64; 3] {
    figures.sort_by(f64::total_cmp);
    [
        figures[figures.len() / 2],
        figures[0],
        figures[figures.len() - 1],
    ]
}
