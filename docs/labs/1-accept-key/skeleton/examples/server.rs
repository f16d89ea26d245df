//! A WebSocket server in one page: it upgrades each connection, says `hello`, and closes.
//!
//! `cargo run --example server`, then in the console of a browser:
//! `new WebSocket("ws://127.0.0.1:9001").onmessage = (event) => console.log(event.data)`

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};

use lab::accept_key;

fn main() -> std::io::Result<()> {
    let address = std::env::args()
        .nth(1)
        .unwrap_or_else(|| "127.0.0.1:9001".to_owned());
    let listener = TcpListener::bind(address)?;
    println!("listening on ws://{}", listener.local_addr()?);
    for connection in listener.incoming() {
        if let Err(error) = serve(connection?) {
            println!("{error}");
        }
    }
    Ok(())
}

/// Reads a request, answers it, and sends two frames.
fn serve(connection: TcpStream) -> std::io::Result<()> {
    let mut writer = connection.try_clone()?;
    let mut key = String::new();
    for line in BufReader::new(connection).lines() {
        let line = line?;
        if line.is_empty() {
            break;
        }
        if let Some((name, value)) = line.split_once(':') {
            if name.eq_ignore_ascii_case("Sec-WebSocket-Key") {
                key = value.to_owned();
            }
        }
    }
    let accept = accept_key(&key);
    println!("key {} -> accept {accept}", key.trim());
    write!(
        writer,
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Accept: {accept}\r\n\r\n"
    )?;
    writer.write_all(b"\x81\x05hello")?; // a text frame of 5 octets
    writer.write_all(b"\x88\x02\x03\xe8") // a Close frame: 1000, all is well
}
