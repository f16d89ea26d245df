//! TLS against a server of rustls, over connections in memory.

use std::sync::Arc;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};

use super::*;
use crate::{Publish, Publisher};

/// A server's side of TLS, and the certificate that vouches for it.
struct Authority {
    acceptor: TlsAcceptor,
    pem: String,
}

fn authority(name: &str) -> Authority {
    let certified = rcgen::generate_simple_self_signed([name.to_owned()]).unwrap();
    let key = PrivatePkcs8KeyDer::from(certified.signing_key.serialize_der());
    let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            vec![certified.cert.der().clone()],
            PrivateKeyDer::Pkcs8(key),
        )
        .unwrap();
    // What it would rather speak.
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Authority {
        acceptor: TlsAcceptor::from(Arc::new(config)),
        pem: certified.cert.pem(),
    }
}

type Secure = tokio_rustls::server::TlsStream<DuplexStream>;

async fn request(stream: &mut Secure) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.unwrap());
    }
    String::from_utf8(head).unwrap()
}

async fn send(stream: &mut Secure, octets: impl AsRef<[u8]>) {
    stream.write_all(octets.as_ref()).await.unwrap();
    stream.flush().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn https_is_read_by_every_transport_and_wss_is_a_websocket() {
    let authority = authority("tidings.example");
    for transport in Transport::ALL {
        let (dialer, mut server) = network();
        let acceptor = authority.acceptor.clone();
        let peer = tokio::spawn(async move {
            let mut stream = acceptor.accept(server.accept().await.stream).await.unwrap();
            assert_eq!(
                stream.get_ref().1.alpn_protocol(),
                Some(&b"http/1.1"[..]),
                "it is the one that is spoken"
            );
            let head = request(&mut stream).await;
            assert_eq!(
                field(&head, "Host"),
                Some("tidings.example"),
                "443 is its port"
            );
            let octets = match transport {
                Transport::ShortPoll | Transport::LongPoll => {
                    answer(200, "", &page("e.1", &[("e.1", "a")])).into_bytes()
                }
                Transport::Sse => {
                    format!("{SSE_HEAD}{}", chunk("id: e.1\ndata: a\n\n")).into_bytes()
                }
                Transport::WebSocket => {
                    let mut octets = upgrade(&head, Some("tidings.v1"));
                    octets.extend(text_frame(r#"{"id":"e.1","data":"a"}"#));
                    octets
                }
            };
            // A record an octet: what TLS splits is whole again.
            for octet in octets {
                send(&mut stream, [octet]).await;
            }
            let mut rest = Vec::new();
            let _ = stream.read_to_end(&mut rest).await;
        });
        let scheme = if transport == Transport::WebSocket {
            "wss"
        } else {
            "https"
        };
        let url = format!("{scheme}://tidings.example/channels/c");
        let mut subscribe = Subscribe::new(&url).unwrap().via(transport);
        subscribe.dialer = dialer;
        let subscribe = subscribe
            .root_certificate(authority.pem.as_bytes())
            .unwrap();
        let mut subscription = subscribe.open().await.unwrap();
        assert_eq!(text(&mut subscription).await, "a", "{transport}");
        subscription.close().await;
        peer.await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_large_publish_passes_through_tls_whole() {
    let authority = authority("tidings.example");
    let (dialer, mut server) = network();
    let acceptor = authority.acceptor.clone();
    let peer = tokio::spawn(async move {
        let mut stream = acceptor.accept(server.accept().await.stream).await.unwrap();
        for _ in 0..2 {
            let head = request(&mut stream).await;
            assert!(head.starts_with("POST /channels/c HTTP/1.1\r\n"), "{head}");
            let mut body = vec![0; 300_000];
            stream.read_exact(&mut body).await.unwrap();
            assert!(body.iter().all(|octet| *octet == b'x'));
            send(&mut stream, answer(200, "", r#"{"id":"e.1"}"#)).await;
        }
    });
    let mut publisher = Publisher::new("https://tidings.example/channels/c")
        .unwrap()
        .dialer(dialer)
        .root_certificate(authority.pem.as_bytes())
        .unwrap();
    for _ in 0..2 {
        let publish = Publish::text("x".repeat(300_000));
        assert_eq!(publisher.publish(publish).await.unwrap(), "e.1");
    }
    peer.await.unwrap();
}

/// Opens against a server and says how that failed.
async fn fail(url: &str, authority: &Authority, trusted: &Authority) -> String {
    let (dialer, mut server) = network();
    let acceptor = authority.acceptor.clone();
    tokio::spawn(async move { acceptor.accept(server.accept().await.stream).await });
    let mut subscribe = Subscribe::new(url).unwrap();
    subscribe.dialer = dialer;
    let subscribe = subscribe.root_certificate(trusted.pem.as_bytes()).unwrap();
    let error = subscribe.open().await.unwrap_err();
    let Error::Connect { source, .. } = &error else {
        panic!("{error:?}")
    };
    source.to_string()
}

#[tokio::test(start_paused = true)]
async fn who_is_not_vouched_for_is_not_talked_to() {
    let (one, other) = (authority("tidings.example"), authority("other.example"));
    let url = "https://tidings.example/channels/c";
    let unknown = fail(url, &one, &other).await;
    assert!(unknown.contains("invalid peer certificate"), "{unknown}");
    let misnamed = fail(url, &other, &other).await;
    assert!(misnamed.contains("not valid for name"), "{misnamed}");
}

#[test]
fn a_root_certificate_is_read_or_refused() {
    let subscribe = || Subscribe::new("https://h/").unwrap();
    for (pem, want) in [
        ("", "there is no certificate"),
        (
            "-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n",
            "not PEM",
        ),
        (
            "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
            "cannot be used",
        ),
    ] {
        let error = subscribe().root_certificate(pem.as_bytes()).unwrap_err();
        assert!(error.to_string().contains(want), "{error}");
    }
}
