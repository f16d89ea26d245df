//! Decodes the octets of its arguments: `cargo run --example header -- 81 85 37 fa 21 3d`.

use lab::decode;

fn main() {
    let pairs = std::env::args().skip(1);
    let octets: Result<Vec<u8>, _> = pairs.map(|pair| u8::from_str_radix(&pair, 16)).collect();
    match octets {
        Ok(octets) => println!("{:?}", decode(&octets)),
        Err(error) => println!("octets are two hexadecimal digits each: {error}"),
    }
}
