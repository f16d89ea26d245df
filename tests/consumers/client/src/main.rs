//! Publishes to a server of a few lines: `tidings-client` and nothing else.

use std::error::Error;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::thread;

use tidings_client::{Publish, Publisher};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let url = format!("http://{}/channels/news", listener.local_addr()?);
    let server = thread::spawn(move || -> std::io::Result<String> {
        let (mut socket, _) = listener.accept()?;
        let mut request = Vec::new();
        while !request.ends_with(b"hello") {
            let mut octets = [0; 4096];
            let len = socket.read(&mut octets)?;
            request.extend_from_slice(&octets[..len]);
        }
        let answer = br#"{"id":"9f3a61c2b0d4e877.1"}"#;
        socket.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 27\r\n\r\n")?;
        socket.write_all(answer)?;
        Ok(String::from_utf8_lossy(&request).into())
    });
    let message = Publish::text("hello").event("greeting");
    let position = Publisher::new(&url)?.publish(message).await?;
    assert_eq!(position, "9f3a61c2b0d4e877.1");
    let request = server.join().expect("the server ends")?;
    assert!(
        request.starts_with("POST /channels/news?event=greeting HTTP/1.1\r\n"),
        "{request}"
    );
    Ok(())
}
