//! An HTTPS client over rustls and threads: `tidings-http1` knows the protocol, rustls the rest.
//!
//! The server writes octets that stand here, so that no code of ours judges the client.

mod protocol;

use std::error::Error;
use std::io::{ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;

use bytes::BytesMut;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore, ServerConfig, StreamOwned};
use tidings_http1::{ClientConnection, CloseReason, Limits, Next};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// What the server reads, and what it answers.
const EXCHANGES: [(&str, &str); 4] = [
    (
        "GET /early HTTP/1.1\r\nHost: localhost\r\n\r\n",
        "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n\
         HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\
         5\r\nhello\r\n7;x=\"y\"\r\n, world\r\n0\r\nChecksum: 1\r\n\r\n",
    ),
    (
        "POST /note HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nnoted",
        "HTTP/1.1 204 No Content\r\n\r\n",
    ),
    (
        "HEAD /big HTTP/1.1\r\nHost: localhost\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n",
    ),
    (
        "GET /log HTTP/1.1\r\nHost: localhost\r\n\r\n",
        "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nto the end",
    ),
];

fn main() -> Result<()> {
    let (server, client) = configs()?;
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    let peer = thread::spawn(move || -> std::io::Result<()> {
        for says_goodbye in [true, false] {
            let (socket, _) = listener.accept()?;
            serve(socket, server.clone(), says_goodbye)?;
        }
        Ok(())
    });
    for says_goodbye in [true, false] {
        let name = ServerName::try_from("localhost")?;
        let tls = rustls::ClientConnection::new(client.clone(), name)?;
        let mut stream = StreamOwned::new(tls, TcpStream::connect(address)?);
        use_it(&mut stream, says_goodbye)?;
    }
    peer.join().map_err(|_| "the server panicked")??;
    Ok(())
}

fn use_it(stream: &mut (impl Read + Write), says_goodbye: bool) -> Result<()> {
    let mut connection = ClientConnection::new(Limits::default());
    let mut input = BytesMut::new();
    let mut ask = |method, target, content: &[u8]| {
        protocol::ask(
            (stream, &mut input),
            &mut connection,
            (method, target),
            content,
        )
    };
    let hello = (200, b"hello, world".to_vec(), Next::Reuse);
    assert_eq!(ask("GET", "/early", b"")?, hello);
    assert_eq!(
        ask("POST", "/note", b"noted")?,
        (204, Vec::new(), Next::Reuse)
    );
    assert_eq!(ask("HEAD", "/big", b"")?, (200, Vec::new(), Next::Reuse));
    let last = ask("GET", "/log", b"");
    if says_goodbye {
        let closed = Next::Close(CloseReason::UntilClose);
        assert_eq!(last?, (200, b"to the end".to_vec(), closed));
    } else {
        // Without TLS's close_notify the content may have been cut by anybody.
        let error = last.err().ok_or("a cut content was taken as whole")?;
        let kind = error
            .downcast_ref::<std::io::Error>()
            .map(std::io::Error::kind);
        assert_eq!(kind, Some(ErrorKind::UnexpectedEof));
    }
    Ok(())
}

/// A certificate that only this program trusts.
fn configs() -> Result<(Arc<ServerConfig>, Arc<ClientConfig>)> {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()])?;
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(made.signing_key.serialize_der()));
    let certificate = made.cert.der().clone();
    let mut roots = RootCertStore::empty();
    roots.add(certificate.clone())?;
    let server = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)?;
    let client = ClientConfig::builder()
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok((Arc::new(server), Arc::new(client)))
}

fn serve(socket: TcpStream, config: Arc<ServerConfig>, says_goodbye: bool) -> std::io::Result<()> {
    let tls = rustls::ServerConnection::new(config).map_err(std::io::Error::other)?;
    let mut stream = StreamOwned::new(tls, socket);
    for (request, response) in EXCHANGES {
        let mut octets = vec![0; request.len()];
        stream.read_exact(&mut octets)?;
        assert_eq!(
            octets.escape_ascii().to_string(),
            request.as_bytes().escape_ascii().to_string()
        );
        stream.write_all(response.as_bytes())?;
    }
    if says_goodbye {
        stream.conn.send_close_notify();
    }
    stream.flush()
}
