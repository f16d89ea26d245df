//! The server's side: is this request a handshake, and what does the 101 carry (RFC 6455 §4.2).

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{GeneralPurpose, GeneralPurposeConfig};

use super::{HandshakeError, accept_key, elements, names, single};
#[cfg(feature = "deflate")]
use crate::deflate::{DeflateAgreement, DeflateOptions, extensions};
#[cfg(feature = "deflate")]
use alloc::string::String;

/// Checks a request head and computes what the 101 answer carries (RFC 6455 §4.2).
///
/// `fields` are the field lines of the head; names are compared in any case, repeated lists are joined, and what is not
/// known is ignored, offers of extensions too. `version` is `(1, 1)` for HTTP/1.1. `subprotocols` are the server's, in its
/// order of preference: the first that the client listed is chosen, octet for octet; none is no fault. Octets of the client
/// that follow the head are frames.
///
/// ```
/// let request: [(&str, &[u8]); 5] = [
///     ("Host", b"server.example.com"),
///     ("Upgrade", b"websocket"),
///     ("Connection", b"keep-alive, Upgrade"),
///     ("Sec-WebSocket-Key", b"dGhlIHNhbXBsZSBub25jZQ=="),
///     ("Sec-WebSocket-Version", b"13"),
/// ];
/// let accepted = tidings_websocket::accept("GET", (1, 1), request.into_iter(), &[])?;
/// let mut answer = accepted.fields();
/// assert_eq!(answer.next(), Some(("Upgrade", &b"websocket"[..])));
/// assert_eq!(answer.next(), Some(("Sec-WebSocket-Accept", &b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo="[..])));
/// # Ok::<(), tidings_websocket::HandshakeError>(())
/// ```
///
/// # Errors
/// The first rule broken; its [`status`](HandshakeError::status) and [`fields`](HandshakeError::fields) are the answer.
pub fn accept<'a>(
    method: &str,
    version: (u8, u8),
    fields: impl Iterator<Item = (&'a str, &'a [u8])> + Clone,
    subprotocols: &[&'static str],
) -> Result<Accepted, HandshakeError> {
    let (major, minor) = version;
    if major != 1 || minor == 0 {
        return Err(HandshakeError::HttpVersion { major, minor });
    }
    if method != "GET" {
        return Err(HandshakeError::Method);
    }
    single(fields.clone(), "Host").map_err(|count| HandshakeError::Host { count })?;
    if !names(fields.clone(), "Upgrade", "websocket") {
        return Err(HandshakeError::Upgrade);
    }
    if !names(fields.clone(), "Connection", "Upgrade") {
        return Err(HandshakeError::Connection);
    }
    // The version comes before the key, whose form is a matter of this version.
    if single(fields.clone(), "Sec-WebSocket-Version") != Ok(b"13") {
        return Err(HandshakeError::Version);
    }
    let key = single(fields.clone(), "Sec-WebSocket-Key")
        .map_err(|count| HandshakeError::KeyCount { count })?;
    if !is_16_octets(key) {
        return Err(HandshakeError::Key);
    }
    let subprotocol = subprotocols.iter().copied().find(|ours| {
        elements(fields.clone(), "Sec-WebSocket-Protocol").any(|theirs| theirs == ours.as_bytes())
    });
    Ok(Accepted {
        accept: accept_key(key),
        subprotocol,
        #[cfg(feature = "deflate")]
        deflate: None,
    })
}

/// The bits that base64 of 16 octets leaves over carry nothing and differ between encoders, so they are not looked at
/// (RFC 4648 §3.5).
const KEY_BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true),
);

fn is_16_octets(key: &[u8]) -> bool {
    KEY_BASE64.decode_slice(key, &mut [0; 18]) == Ok(16)
}

/// A handshake that was accepted: what its 101 answer carries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accepted {
    accept: [u8; 28],
    subprotocol: Option<&'static str>,
    /// What was agreed, and the answer that says so.
    #[cfg(feature = "deflate")]
    deflate: Option<(DeflateAgreement, String)>,
}

impl Accepted {
    /// Gives the subprotocol that both sides know, if any.
    #[must_use]
    pub const fn subprotocol(&self) -> Option<&'static str> {
        self.subprotocol
    }

    /// Gives the field lines of the 101: Upgrade, Sec-WebSocket-Accept and, if one was chosen, Sec-WebSocket-Protocol.
    /// `Connection: Upgrade` is for the HTTP layer to add.
    pub fn fields(&self) -> impl Iterator<Item = (&str, &[u8])> {
        let always = [
            ("Upgrade", &b"websocket"[..]),
            ("Sec-WebSocket-Accept", &self.accept[..]),
        ];
        let protocol = self
            .subprotocol
            .map(|name| ("Sec-WebSocket-Protocol", name.as_bytes()));
        let fields = always.into_iter().chain(protocol);
        #[cfg(feature = "deflate")]
        let fields = fields.chain(
            self.deflate
                .iter()
                .map(|(_, answer)| ("Sec-WebSocket-Extensions", answer.as_bytes())),
        );
        fields
    }

    /// Agrees on permessage-deflate by the first offer in `fields` that `options` allow (RFC 7692 §5). Offers with unknown,
    /// repeated or faulty parameters are declined, and a list that breaks the grammar as a whole; declining is no fault.
    ///
    /// ```
    /// # let mut request: Vec<(&str, &[u8])> = vec![
    /// #     ("Host", b"a"), ("Upgrade", b"websocket"), ("Connection", b"Upgrade"),
    /// #     ("Sec-WebSocket-Key", b"dGhlIHNhbXBsZSBub25jZQ=="), ("Sec-WebSocket-Version", b"13")];
    /// use tidings_websocket::{DeflateOptions, accept};
    /// request.push(("Sec-WebSocket-Extensions", b"permessage-deflate; client_max_window_bits"));
    /// let accepted = accept("GET", (1, 1), request.iter().copied(), &[])?
    ///     .with_deflate(DeflateOptions::default(), request.iter().copied());
    /// let (name, value) = accepted.fields().last().unwrap();
    /// assert_eq!(name, "Sec-WebSocket-Extensions");
    /// assert_eq!(value, b"permessage-deflate; server_no_context_takeover; client_no_context_takeover");
    /// # Ok::<(), tidings_websocket::HandshakeError>(())
    /// ```
    #[cfg(feature = "deflate")]
    #[must_use]
    pub fn with_deflate<'a>(
        self,
        options: DeflateOptions,
        fields: impl Iterator<Item = (&'a str, &'a [u8])>,
    ) -> Self {
        let agreed = extensions(fields).and_then(|offers| options.choose(&offers));
        Self {
            deflate: agreed.map(|agreed| (agreed, agreed.answer())),
            ..self
        }
    }

    /// Gives what was agreed of permessage-deflate, for [`Connection::with_deflate`](crate::Connection::with_deflate).
    #[cfg(feature = "deflate")]
    #[must_use]
    pub fn deflate(&self) -> Option<DeflateAgreement> {
        self.deflate.as_ref().map(|(agreed, _)| *agreed)
    }
}
