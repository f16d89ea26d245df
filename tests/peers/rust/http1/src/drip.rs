//! A head that comes octet by octet: each is put into the buffer, and the connection is asked for an event.

use std::hint::black_box;

use bytes::{BufMut, BytesMut};
use paired::{Plan, Rival, compare};
use tidings_http1::{Limits, ServerConnection, ServerEvent};

use crate::inputs::{LONG, head_of};

pub fn run(plan: Plan) {
    let (short, long) = (head_of(720), head_of(7_200));
    for (name, octets) in [
        ("703 octets, 9 fields", LONG),
        ("720 octets", &short[..]),
        ("7,200 octets", &long[..]),
    ] {
        let mut copied = BytesMut::new();
        let mut input = BytesMut::new();
        compare(
            &format!("Octet by octet, {name}"),
            "octet",
            octets.len() as u64,
            plan,
            &mut [
                Rival::new("copy", || {
                    copied.clear();
                    for octet in black_box(octets) {
                        copied.put_u8(*octet);
                        black_box(&copied);
                    }
                }),
                Rival::new("copy and tidings", || {
                    input.clear();
                    drip(black_box(octets), &mut input);
                }),
            ],
        );
    }
    let (mut input, mut others) = (BytesMut::new(), BytesMut::new());
    compare(
        "Octet by octet, whole heads",
        "head",
        1,
        plan,
        &mut [
            Rival::new("720 octets", || drip(black_box(&short), &mut input)),
            Rival::new("7,200 octets", || drip(black_box(&long), &mut others)),
        ],
    );
}

fn drip(octets: &[u8], input: &mut BytesMut) {
    let mut connection = ServerConnection::new(Limits::default());
    let (last, before) = octets.split_last().expect("a head");
    for octet in before {
        input.put_u8(*octet);
        let Ok(None) = connection.next_event(input) else {
            panic!("the head is neither whole nor bad");
        };
    }
    input.put_u8(*last);
    let Ok(Some(ServerEvent::Request(_))) = connection.next_event(input) else {
        panic!("the head is whole");
    };
}
