//! Messages go out one by one, each in one frame, from memory that the sender keeps.

use std::hint::black_box;
use std::io::{IoSlice, Write as _};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use fastwebsockets::{Frame, OpCode, Payload, WebSocket};
use futures_util::SinkExt as _;
use paired::{Plan, Rival, compare};
use tidings_websocket::{Client, Config, Connection, Message, Server};
use tungstenite::protocol::Role;

use crate::sample::{Kind, LENS};
use crate::wire::{Wire, ready};

/// From this length on, a server of ours writes header and payload by one vectored write; fastwebsockets does from 1 KiB on,
/// tokio-websockets always.
const VECTORED_FROM: usize = 4096;

pub fn run(plan: Plan) {
    for (kind, holds) in [(Kind::Binary, "binary"), (Kind::Text, "text")] {
        for (len, times, size) in LENS {
            for server in [true, false] {
                one(plan, kind, len, times, server, &format!("{size}, {holds}"));
            }
        }
    }
}

fn one(plan: Plan, kind: Kind, len: usize, times: u64, server: bool, what: &str) {
    let octets = Bytes::from(kind.message(len));
    let text = || String::from_utf8(octets.to_vec()).expect("UTF-8");
    let wire = || Wire::writing(len + 14);

    let message = match kind {
        Kind::Binary => Message::Binary(octets.clone()),
        Kind::Text | Kind::Wide => Message::Text(text().into()),
    };
    let mut sink = wire();
    let mut out = BytesMut::new();
    let mut as_server = Connection::<Server>::new(Config::default(), Duration::ZERO);
    let mut as_client = Connection::<Client>::new(Config::default(), Duration::ZERO);
    let mut ours = || {
        for _ in 0..times {
            if server && len >= VECTORED_FROM {
                let payload = as_server.send_header(&message, &mut out).expect("sent");
                let frame = [IoSlice::new(&out), IoSlice::new(&payload)];
                let len = sink.write_vectored(&frame).expect("written");
                assert_eq!(len, out.len() + payload.len());
            } else if server {
                as_server
                    .send_message(&message, (), &mut out)
                    .expect("sent");
                sink.write_all(&out).expect("written");
            } else {
                let key = rand::random::<u32>().to_ne_bytes();
                as_client
                    .send_message(&message, key, &mut out)
                    .expect("sent");
                sink.write_all(&out).expect("written");
            }
            out.clear();
        }
    };

    let role = if server { Role::Server } else { Role::Client };
    let mut socket = tungstenite::WebSocket::from_raw_socket(wire(), role, None);
    let their = match kind {
        Kind::Binary => tungstenite::Message::Binary(octets.clone()),
        Kind::Text | Kind::Wide => tungstenite::Message::Text(text().into()),
    };
    let mut tungstenite = || {
        for _ in 0..times {
            socket.send(their.clone()).expect("sent");
        }
    };

    let role = if server {
        fastwebsockets::Role::Server
    } else {
        fastwebsockets::Role::Client
    };
    let mut fast = WebSocket::after_handshake(wire(), role);
    let opcode = match kind {
        Kind::Binary => OpCode::Binary,
        Kind::Text | Kind::Wide => OpCode::Text,
    };
    let mut fastwebsockets = || {
        ready(async {
            for _ in 0..times {
                let payload = Payload::Borrowed(black_box(&octets));
                let frame = Frame::new(true, opcode, None, payload);
                fast.write_frame(frame).await.expect("sent");
            }
        });
    };

    let mut stream = if server {
        tokio_websockets::ServerBuilder::new().serve(wire())
    } else {
        tokio_websockets::ClientBuilder::new().take_over(wire())
    };
    let their = match kind {
        Kind::Binary => tokio_websockets::Message::binary(octets.clone()),
        Kind::Text | Kind::Wide => tokio_websockets::Message::text(text()),
    };
    let mut tokio_websockets = || {
        ready(async {
            for _ in 0..times {
                stream.send(their.clone()).await.expect("sent");
            }
        });
    };

    let side = if server { "server" } else { "client, masked" };
    compare(
        &format!("Encode {what}, {side}"),
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
