//! The command `bench`: its figures against this server, and against one that loses a message.

use core::time::Duration;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use serde_json::Value;
use tidings_tests::{Server, command};

const LIMIT: Duration = Duration::from_secs(40);

fn bench(arguments: &[&str]) -> (Option<i32>, Value, String) {
    let (code, out, said) = command::run(&[&["bench"], arguments, &["--json"]].concat(), LIMIT);
    let figures = serde_json::from_str(&out).unwrap_or_default();
    (code, figures, said)
}

#[test]
fn fan_out_counts_every_delivery_on_each_transport() {
    let server = Server::start(&[]);
    for via in ["short-poll", "long-poll", "sse", "websocket"] {
        let url = server.url(&format!("/channels/{via}"));
        let load = [
            "--readers",
            "5",
            "--messages",
            "40",
            "--size",
            "100",
            "--interval",
            "50",
        ];
        let (code, figures, said) = bench(&[&["fan-out", &url, "--via", via], &load[..]].concat());
        assert_eq!(code, Some(0), "{via}: {said}");
        assert_eq!(figures["deliveries"], 200, "{via}: {figures}");
        assert_eq!(
            (&figures["lost"], &figures["doubled"]),
            (&0.into(), &0.into())
        );
        let down = figures["octets_down_per_delivery"].as_f64().unwrap();
        assert!((102.0..600.0).contains(&down), "{via}: {down}");
        assert!(figures["latency"]["p99_us"].as_u64().unwrap() > 0);
        // It finds the server by its port.
        assert!(figures["server_cpu_per_delivery_us"].as_f64().unwrap() > 0.0);
        let requests = figures["requests_per_delivery"].as_f64().unwrap();
        assert_eq!(requests > 0.0, via.ends_with("poll"), "{via}: {requests}");
    }
}

#[test]
fn echo_idle_and_storm_report() {
    let server = Server::start(&["--echo"]);
    let echo = server.url("/echo").replace("http", "ws");
    let load = ["--seconds", "1", "--connections", "2", "--depth", "3"];
    let (code, figures, said) = bench(&[&["echo", &echo], &load[..]].concat());
    assert_eq!(code, Some(0), "{said}");
    assert!(figures["messages"].as_u64().unwrap() > 10, "{figures}");

    let url = server.url("/channels/idle");
    let load = [
        "--connections",
        "50",
        "--seconds",
        "0",
        "--via",
        "long-poll",
    ];
    let (code, figures, said) = bench(&[&["idle", &url], &load[..]].concat());
    assert_eq!(code, Some(0), "{said}");
    assert_eq!(figures["connections"], 50);
    assert!(figures["memory_per_connection_kb"].is_number(), "{figures}");

    for via in ["long-poll", "sse", "websocket"] {
        let url = server.url(&format!("/channels/storm-{via}"));
        let load = [
            "--readers",
            "20",
            "--missed",
            "20",
            "--rate",
            "200",
            "--via",
            via,
        ];
        let (code, figures, said) = bench(&[&["resume-storm", &url], &load[..]].concat());
        assert_eq!(code, Some(0), "{via}: {said}");
        assert!(
            figures["deliveries"].as_u64().unwrap() >= 20 * 20,
            "{via}: {figures}"
        );
    }
}

/// Takes POSTs and sends each as an event to all who read, but for message 2.
fn forgetful(listener: &TcpListener) {
    let readers: Arc<Mutex<Vec<TcpStream>>> = Arc::default();
    for stream in listener.incoming() {
        let (mut stream, readers) = (stream.unwrap(), Arc::clone(&readers));
        thread::spawn(move || {
            let mut input = BufReader::new(stream.try_clone().unwrap());
            loop {
                let (mut line, mut len, mut post) = (String::new(), 0, false);
                while input.read_line(&mut line).unwrap_or(0) > 2 {
                    post |= line.starts_with("POST");
                    if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                        len = value.trim().parse().unwrap();
                    }
                    line.clear();
                }
                if line.is_empty() {
                    return;
                }
                if !post {
                    let head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n";
                    stream.write_all(head.as_bytes()).unwrap();
                    readers.lock().unwrap().push(stream);
                    return;
                }
                let mut body = vec![0; len];
                input.read_exact(&mut body).unwrap();
                let text = String::from_utf8(body).unwrap();
                if !text.starts_with("0000000002") {
                    for reader in readers.lock().unwrap().iter_mut() {
                        let _ = write!(reader, "data: {text}\n\n");
                    }
                }
                stream
                    .write_all(b"HTTP/1.1 204 No Content\r\n\r\n")
                    .unwrap();
            }
        });
    }
}

#[test]
fn a_loss_is_counted_and_fails_the_run() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/feed", listener.local_addr().unwrap());
    thread::spawn(move || forgetful(&listener));
    let load = ["--readers", "3", "--messages", "5"];
    let (code, figures, said) = bench(&[&["fan-out", &url], &load[..]].concat());
    assert_eq!(code, Some(1), "{said}");
    assert_eq!(figures["lost"], 3, "{figures}");
    assert_eq!(figures["deliveries"], 12, "{figures}");
    assert!(said.contains("lost or doubled"), "{said}");
}

#[test]
fn what_cannot_be_measured_is_said_on_one_line() {
    let rows: [(&[&str], &str); 4] = [
        (&["fan-out", "https://127.0.0.1:1/x"], "plain TCP"),
        (
            &["fan-out", "http://127.0.0.1:1/x"],
            "the connection failed",
        ),
        (
            &["fan-out", "--readers", "0"],
            "--readers must be more than zero",
        ),
        (&["fan-out", "--rate", "0"], "--rate must be more than zero"),
    ];
    for (arguments, want) in rows {
        let (code, _, said) = bench(arguments);
        assert_eq!(code, Some(1), "{arguments:?}");
        assert!(said.contains(want) && said.lines().count() == 1, "{said}");
    }
}
