//! How many octets a second `mask` goes through: `cargo run --release --example speed`.

use std::hint::black_box;
use std::time::Instant;

use lab::mask;

const LEN: usize = 1 << 20;
const ROUNDS: usize = 200;

fn main() {
    let mut payload = vec![b'x'; LEN];
    let mut phase = 0;
    let begun = Instant::now();
    for _ in 0..ROUNDS {
        phase = mask(
            black_box(&mut payload),
            black_box([0x37, 0xfa, 0x21, 0x3d]),
            phase,
        );
    }
    let seconds = begun.elapsed().as_secs_f64();
    let octets = (LEN * ROUNDS) as f64;
    println!("{:.0} million octets a second", octets / seconds / 1e6);
}
