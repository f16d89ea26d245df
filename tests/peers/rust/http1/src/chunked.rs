//! The chunked coding of 64 KiB in chunks of 1 KiB, beside the copy of the same octets.
//!
//! A decoder eats its input, so each turn fills it anew, and filling it is the copy that it is measured with: twice the
//! time of the copy is a decoder as fast as `memcpy`.

use std::hint::black_box;

use bytes::{Buf, BufMut, BytesMut};
use paired::{Plan, Rival, compare};
use tidings_http1::{BodyDecoder, BodyEvent, Framing, LAST_CHUNK, Limits, encode_chunk};

const LEN: usize = 64 << 10;
const CHUNK_LEN: usize = 1 << 10;
/// `400` and CRLF.
const LINE_LEN: usize = 5;

pub fn run(plan: Plan) {
    let content: Vec<u8> = (0..LEN).map(|index| index as u8).collect();
    let mut wire = BytesMut::new();
    encode(&content, &mut wire);

    let mut copied = BytesMut::with_capacity(wire.len());
    let mut pieces = BytesMut::with_capacity(wire.len());
    let mut out = BytesMut::with_capacity(wire.len());
    compare(
        "Chunked encoding, 64 KiB",
        "KiB",
        64,
        plan,
        &mut [
            Rival::new("memcpy", || {
                copied.clear();
                copied.put_slice(black_box(&content));
                black_box(&copied);
            }),
            Rival::new("memcpy of each KiB between constants", || {
                pieces.clear();
                for chunk in black_box(&content).chunks(CHUNK_LEN) {
                    pieces.put_slice(b"400\r\n");
                    pieces.put_slice(chunk);
                    pieces.put_slice(b"\r\n");
                }
                black_box(&pieces);
            }),
            Rival::new("tidings", || {
                out.clear();
                encode(black_box(&content), &mut out);
                black_box(&out);
            }),
        ],
    );

    let mut copied = BytesMut::with_capacity(wire.len());
    let mut twice = BytesMut::with_capacity(wire.len());
    let mut shared = BytesMut::with_capacity(wire.len());
    let mut input = BytesMut::with_capacity(wire.len());
    compare(
        "Chunked decoding, 64 KiB",
        "KiB",
        64,
        plan,
        &mut [
            Rival::new("memcpy", || {
                copied.clear();
                copied.put_slice(black_box(&wire));
                black_box(&copied);
            }),
            Rival::new("memcpy, twice", || {
                for _ in 0..2 {
                    twice.clear();
                    twice.put_slice(black_box(&wire));
                    black_box(&twice);
                }
            }),
            Rival::new("memcpy, then a share of the buffer for each KiB", || {
                shared.reserve(wire.len());
                shared.put_slice(black_box(&wire));
                for _ in 0..LEN / CHUNK_LEN {
                    shared.advance(LINE_LEN);
                    black_box(&shared.split_to(CHUNK_LEN).freeze());
                    shared.advance(2);
                }
                shared.clear();
            }),
            Rival::new("memcpy, then tidings", || {
                input.reserve(wire.len());
                input.put_slice(black_box(&wire));
                assert_eq!(decode(&mut input), LEN);
            }),
        ],
    );
}

fn encode(content: &[u8], out: &mut BytesMut) {
    for chunk in content.chunks(CHUNK_LEN) {
        encode_chunk(chunk, out);
    }
    out.extend_from_slice(LAST_CHUNK);
}

fn decode(input: &mut BytesMut) -> usize {
    let mut decoder = BodyDecoder::new(Framing::Chunked, &Limits::default());
    let mut len = 0;
    loop {
        match decoder.decode(input) {
            Ok(Some(BodyEvent::Data(data))) => len += black_box(&data).len(),
            Ok(Some(BodyEvent::End)) => return len,
            event => panic!("neither data nor end: {event:?}"),
        }
    }
}
