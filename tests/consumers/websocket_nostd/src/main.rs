//! Drives the server without std: a client sends, and an allocator that counts sees none of it.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};

use tidings_websocket::{FrameHeader, Opcode, ReceiveErrorKind, mask};
use uses_websocket_nostd::Echo;

struct Counting;

static ALLOCATIONS: AtomicUsize = AtomicUsize::new(0);

// SAFETY: all is handed on to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: as the caller promised.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, octets: *mut u8, layout: Layout) {
        // SAFETY: as the caller promised.
        unsafe { System.dealloc(octets, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

const KEY: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

fn frame(fin: bool, opcode: Opcode, key: Option<[u8; 4]>, payload: &[u8]) -> Vec<u8> {
    let (rsv1, payload_len) = (false, payload.len() as u64);
    let mut frame = FrameHeader {
        fin,
        rsv1,
        opcode,
        key,
        payload_len,
    }
    .encode()
    .to_vec();
    let start = frame.len();
    frame.extend_from_slice(payload);
    mask(&mut frame[start..], key.unwrap_or_default(), 0);
    frame
}

fn main() {
    let long: Vec<u8> = (0..=255).cycle().take(100_000).collect();
    let rows: [(bool, Opcode, Opcode, &[u8]); 7] = [
        (true, Opcode::Text, Opcode::Text, b"Hello"),
        (true, Opcode::Binary, Opcode::Binary, &long),
        (false, Opcode::Text, Opcode::Text, b"in "),
        (true, Opcode::Ping, Opcode::Pong, b"there?"),
        (true, Opcode::Continuation, Opcode::Continuation, b"pieces"),
        (true, Opcode::Binary, Opcode::Binary, b""),
        (true, Opcode::Close, Opcode::Close, b"\x03\xe8"),
    ];
    let frames = |key, answer: bool| {
        let frames = rows.iter().map(|(fin, opcode, back, payload)| {
            frame(*fin, if answer { *back } else { *opcode }, key, payload)
        });
        frames.collect::<Vec<_>>().concat()
    };
    let (sent, wanted) = (frames(Some(KEY), false), frames(None, true));

    let mut got = Vec::with_capacity(wanted.len());
    for step in [1, 7, 512] {
        got.clear();
        let before = ALLOCATIONS.load(Ordering::Relaxed);
        let (mut echo, mut left, mut closed) = (Echo::new(), &sent[..], false);
        while !left.is_empty() {
            let room = echo.room();
            let len = room.len().min(step).min(left.len());
            room[..len].copy_from_slice(&left[..len]);
            left = &left[len..];
            closed = echo
                .take(len, |octets| got.extend_from_slice(octets))
                .expect("good frames");
        }
        assert_eq!(ALLOCATIONS.load(Ordering::Relaxed), before, "no allocation");
        assert!(got == wanted && closed, "{step} octets at a time");
    }

    let mut echo = Echo::new();
    echo.room()[..2].copy_from_slice(b"\x81\x05");
    let fault = echo.take(2, |_| {}).expect_err("a frame without a key");
    assert_eq!(fault.kind(), ReceiveErrorKind::NotMasked);
}
