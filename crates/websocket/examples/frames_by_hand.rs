//! The example frames of RFC 6455 §5.7, built octet by octet and read back.
//!
//! `cargo run -p tidings-websocket --example frames_by_hand`
#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use tidings_websocket::{
    Client, FrameDecoder, FrameEvent, FrameHeader, Opcode, ReceiveError, Role, Server, mask,
};

const KEY: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

fn main() -> Result<(), ReceiveError> {
    // Who reads is the other side: a client reads what a server sent.
    read::<Client>("text", frame(true, Opcode::Text, None, b"Hello"))?;
    read::<Client>("first fragment", frame(false, Opcode::Text, None, b"Hel"))?;
    read::<Client>(
        "last fragment",
        frame(true, Opcode::Continuation, None, b"lo"),
    )?;
    read::<Client>("ping", frame(true, Opcode::Ping, None, b"Hello"))?;
    read::<Client>("256 octets", frame(true, Opcode::Binary, None, &[0; 256]))?;
    read::<Client>("64 KiB", frame(true, Opcode::Binary, None, &[0; 65536]))?;
    read::<Server>(
        "text, masked",
        frame(true, Opcode::Text, Some(KEY), b"Hello"),
    )?;
    read::<Server>(
        "pong, masked",
        frame(true, Opcode::Pong, Some(KEY), b"Hello"),
    )
}

fn frame(fin: bool, opcode: Opcode, key: Option<[u8; 4]>, payload: &[u8]) -> Vec<u8> {
    let payload_len = payload.len() as u64;
    let header = FrameHeader {
        fin,
        rsv1: false,
        opcode,
        key,
        payload_len,
    };
    let mut masked = payload.to_vec();
    mask(&mut masked, key.unwrap_or_default(), 0);
    [&header.encode(), &masked[..]].concat()
}

fn read<R: Role>(name: &str, mut octets: Vec<u8>) -> Result<(), ReceiveError> {
    println!("{name}: {:02x?}", octets.get(..14).unwrap_or(&octets));
    let mut decoder = FrameDecoder::<R>::new();
    let mut input = &mut octets[..];
    while let Some((event, used)) = decoder.decode(input)? {
        match event {
            FrameEvent::Header(header) => println!("  {header:?}"),
            FrameEvent::Payload { octets, .. } if octets.len() > 5 => println!("  ..."),
            FrameEvent::Payload { octets, .. } => println!("  {}", octets.escape_ascii()),
        }
        input = input.split_at_mut(used).1;
    }
    Ok(())
}
