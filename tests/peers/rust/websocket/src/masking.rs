//! Masking beside the aligned form with `unsafe` that tungstenite and fastwebsockets use.

use std::hint::black_box;

use paired::{Plan, Rival, compare};
use tidings_websocket::mask;

/// XORs in words of four octets that lie on their own borders.
fn aligned(payload: &mut [u8], key: [u8; 4]) {
    // SAFETY: any octets are a `u32`, and any `u32` is octets.
    let (front, words, back) = unsafe { payload.align_to_mut::<u32>() };
    for (octet, key) in front.iter_mut().zip(key) {
        *octet ^= key;
    }
    let word = u32::from_le_bytes(key).rotate_right(8 * (front.len() as u32 % 4));
    for octets in words {
        *octets ^= word.to_le();
    }
    for (octet, key) in back.iter_mut().zip(word.to_le_bytes()) {
        *octet ^= key;
    }
}

/// Off any border by 3, as a payload behind a header most often is.
const OFF: usize = 3;

pub fn run(plan: Plan) {
    let key = black_box([0x37, 0xfa, 0x21, 0x3d]);
    for len in [5, 16, 20, 33, 63, 64, 125, 256, 1024, 16 << 10, 1 << 20] {
        let (mut ours, mut theirs) = (vec![7_u8; len + OFF], vec![7_u8; len + OFF]);
        mask(&mut ours[OFF..], key, 0);
        aligned(&mut theirs[OFF..], key);
        assert_eq!(ours, theirs);
        let times = (65536 / len as u64).max(1);
        compare(
            &format!("Mask {len} octets"),
            "payload",
            times,
            plan,
            &mut [
                Rival::new("aligned words, `unsafe`", || {
                    for _ in 0..times {
                        aligned(black_box(&mut theirs[OFF..]), key);
                    }
                }),
                Rival::new("`tidings_websocket::mask`", || {
                    for _ in 0..times {
                        black_box(mask(black_box(&mut ours[OFF..]), key, 0));
                    }
                }),
            ],
        );
    }
}
