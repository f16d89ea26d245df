//! Decodes the octets of its arguments: `cargo run --example header -- 81 85 37 fa 21 3d`.

use lab::decode;

fn main() {
    let pairs = std::env::args().skip(1);
    let octets: Result<Vec<u8>, _> = pairs.map(|pair| u8::from_str_radix(&pair, 16)).collect();
    let Ok(octets) = octets else {
        println!("octets are two hexadecimal digits each, with spaces between them");
        return;
    };
    match decode(&octets) {
        Ok(Some((header, used))) => println!(
            "{:?}, FIN {}, key {:02x?}, {} octets of payload; the header takes {used} octets",
            header.opcode, header.fin, header.key, header.payload_len
        ),
        Ok(None) => println!("not yet"),
        Err(fault) => println!("{fault:?}"),
    }
}
