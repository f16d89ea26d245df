//! A server reads masked messages, each in one frame, and hands them out whole; text is checked to be UTF-8.

use std::hint::black_box;
use std::time::Duration;

use bytes::BytesMut;
use fastwebsockets::{FragmentCollector, WebSocket};
use futures_util::StreamExt as _;
use paired::{Plan, Rival, compare};
use tidings_websocket::{Config, Connection, Event, Server};

use crate::sample::{KINDS, LENS, masked_frames};
use crate::wire::{Wire, ready};

/// The least room for one read: the caller of a codec without I/O chooses it, and the server of this project begins with so
/// much; the others choose themselves.
const READ_LEN: usize = 16 << 10;

pub fn run(plan: Plan) {
    for (kind, holds) in KINDS {
        for (len, times, size) in LENS {
            let frames = masked_frames(kind, &kind.message(len), times);
            let wire = || Wire::reading(frames.clone());

            let (mut ours, mut input) = (wire(), BytesMut::new());
            let mut connection = Connection::<Server>::new(Config::default(), Duration::ZERO);
            let mut ours = || {
                let mut left = times;
                while left > 0 {
                    match connection.next_event(&mut input, Duration::ZERO) {
                        Some(Event::Message(message)) => {
                            black_box(message);
                            left -= 1;
                        }
                        Some(_) => unreachable!("messages only"),
                        None => {
                            connection.make_room(&mut input, READ_LEN);
                            let room = input.capacity() - input.len();
                            input.extend_from_slice(ours.take(room));
                        }
                    }
                }
            };

            let role = tungstenite::protocol::Role::Server;
            let mut socket = tungstenite::WebSocket::from_raw_socket(wire(), role, None);
            let mut tungstenite = || {
                for _ in 0..times {
                    let message = socket.read().expect("a message");
                    assert!(message.is_text() || message.is_binary());
                    black_box(message);
                }
            };

            let role = fastwebsockets::Role::Server;
            let mut fast = FragmentCollector::new(WebSocket::after_handshake(wire(), role));
            let mut fastwebsockets = || {
                ready(async {
                    for _ in 0..times {
                        black_box(fast.read_frame().await.expect("a message"));
                    }
                });
            };

            let mut stream = tokio_websockets::ServerBuilder::new().serve(wire());
            let mut tokio_websockets = || {
                ready(async {
                    for _ in 0..times {
                        let message = stream.next().await.expect("no end");
                        black_box(message.expect("a message"));
                    }
                });
            };

            compare(
                &format!("Decode {size}, {holds}"),
                "message",
                times,
                plan,
                &mut [
                    Rival::new("`tidings-websocket`", &mut ours),
                    Rival::new("`tungstenite`", &mut tungstenite),
                    Rival::new("`fastwebsockets`", &mut fastwebsockets),
                    Rival::new("`tokio-websockets`", &mut tokio_websockets),
                ],
            );
        }
    }
}
