//! The client's side: the fields of the request, and whether the answer fits (RFC 6455 §4.1).

use alloc::string::String;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::{HandshakeError, accept_key, elements, is_token, names, single, values};
use crate::SendError;
#[cfg(feature = "deflate")]
use crate::deflate::{DeflateAgreement, DeflateOptions, extensions};

/// A handshake that a client has begun (RFC 6455 §4.1).
///
/// ```
/// use tidings_websocket::ClientHandshake;
/// let handshake = ClientHandshake::new(*b"the sample nonce", &[])?; // RFC 6455 §1.3
/// let request: Vec<_> = handshake.fields().collect();
/// assert_eq!(request[2], ("Sec-WebSocket-Key", &b"dGhlIHNhbXBsZSBub25jZQ=="[..]));
///
/// let answer: [(&str, &[u8]); 3] = [
///     ("Upgrade", b"websocket"),
///     ("Connection", b"Upgrade"),
///     ("Sec-WebSocket-Accept", b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo="),
/// ];
/// assert_eq!(handshake.check(101, answer.into_iter()), Ok(None));
/// # Ok::<(), tidings_websocket::SendError>(())
/// ```
#[derive(Debug, Clone)]
pub struct ClientHandshake {
    key: [u8; 24],
    /// A list, empty if none is asked for.
    subprotocols: String,
    /// The options, and the offer that they make.
    #[cfg(feature = "deflate")]
    deflate: Option<(DeflateOptions, String)>,
}

impl ClientHandshake {
    /// Begins a handshake. `nonce` is 16 fresh random octets; `subprotocols` are asked for in this order of preference.
    ///
    /// # Errors
    /// [`SendError::Subprotocol`] where one is not a token, or stands twice.
    pub fn new(nonce: [u8; 16], subprotocols: &[&str]) -> Result<Self, SendError> {
        let mut list = String::new();
        for (index, name) in subprotocols.iter().enumerate() {
            let twice = subprotocols.iter().take(index).any(|before| before == name);
            if twice || !is_token(name.as_bytes()) {
                return Err(SendError::Subprotocol { index });
            }
            if index > 0 {
                list.push_str(", ");
            }
            list.push_str(name);
        }
        let mut key = [b'='; 24];
        // 16 octets are 24 characters of base64, so they fit.
        let _ = STANDARD.encode_slice(nonce, &mut key);
        Ok(Self {
            key,
            subprotocols: list,
            #[cfg(feature = "deflate")]
            deflate: None,
        })
    }

    /// Gives the field lines of the request but Host: Upgrade, Connection, Sec-WebSocket-Key, Sec-WebSocket-Version and,
    /// if any is asked for, Sec-WebSocket-Protocol.
    pub fn fields(&self) -> impl Iterator<Item = (&str, &[u8])> {
        let always = [
            ("Upgrade", &b"websocket"[..]),
            ("Connection", &b"Upgrade"[..]),
            ("Sec-WebSocket-Key", &self.key[..]),
            ("Sec-WebSocket-Version", &b"13"[..]),
        ];
        let list = (!self.subprotocols.is_empty())
            .then_some(("Sec-WebSocket-Protocol", self.subprotocols.as_bytes()));
        let fields = always.into_iter().chain(list);
        #[cfg(feature = "deflate")]
        let fields = fields.chain(
            self.deflate
                .iter()
                .map(|(_, offer)| ("Sec-WebSocket-Extensions", offer.as_bytes())),
        );
        fields
    }

    /// Offers permessage-deflate. Check the answer with [`check_deflate`](Self::check_deflate).
    #[cfg(feature = "deflate")]
    #[must_use]
    pub fn offer_deflate(self, options: DeflateOptions) -> Self {
        Self {
            deflate: Some((options, options.offer())),
            ..self
        }
    }

    /// Checks the answer as [`check`](Self::check) does, and tells what was agreed of the permessage-deflate that was offered.
    ///
    /// # Errors
    /// As of [`check`](Self::check); [`HandshakeError::AnswerDeflate`] where the answer's parameters do not fit the offer
    /// (RFC 7692 §7), or ask for a window of 256 octets, in which we cannot compress.
    #[cfg(feature = "deflate")]
    pub fn check_deflate<'a>(
        &self,
        status: u16,
        fields: impl Iterator<Item = (&'a str, &'a [u8])> + Clone,
    ) -> Result<(Option<String>, Option<DeflateAgreement>), HandshakeError> {
        let Some((options, _)) = &self.deflate else {
            return Ok((self.check(status, fields)?, None));
        };
        let subprotocol = self.check_but_extensions(status, fields.clone())?;
        let answer = extensions(fields).ok_or(HandshakeError::AnswerDeflate)?;
        if answer.is_empty() {
            return Ok((subprotocol, None));
        }
        let agreed = options
            .check(&answer)
            .ok_or(HandshakeError::AnswerDeflate)?;
        Ok((subprotocol, Some(agreed)))
    }

    /// Checks the answer and tells the subprotocol that the server chose. Octets that follow its head are frames.
    ///
    /// # Errors
    /// The first rule broken: close the transport, without a Close frame (RFC 6455 §7.1.7). With
    /// [`HandshakeError::Status`] the answer is one of plain HTTP, such as 401 or a redirection.
    pub fn check<'a>(
        &self,
        status: u16,
        fields: impl Iterator<Item = (&'a str, &'a [u8])> + Clone,
    ) -> Result<Option<String>, HandshakeError> {
        let subprotocol = self.check_but_extensions(status, fields.clone());
        let mut extensions = elements(fields, "Sec-WebSocket-Extensions");
        match subprotocol {
            Ok(_) | Err(HandshakeError::AnswerSubprotocol) if extensions.next().is_some() => {
                Err(HandshakeError::AnswerExtension)
            }
            checked => checked,
        }
    }

    fn check_but_extensions<'a>(
        &self,
        status: u16,
        fields: impl Iterator<Item = (&'a str, &'a [u8])> + Clone,
    ) -> Result<Option<String>, HandshakeError> {
        if status != 101 {
            return Err(HandshakeError::Status { status });
        }
        if !single(fields.clone(), "Upgrade")
            .is_ok_and(|value| value.eq_ignore_ascii_case(b"websocket"))
        {
            return Err(HandshakeError::AnswerUpgrade);
        }
        if !names(fields.clone(), "Connection", "Upgrade") {
            return Err(HandshakeError::AnswerConnection);
        }
        if single(fields.clone(), "Sec-WebSocket-Accept") != Ok(&accept_key(&self.key)) {
            return Err(HandshakeError::AnswerAccept);
        }
        if values(fields.clone(), "Sec-WebSocket-Protocol")
            .next()
            .is_none()
        {
            return Ok(None);
        }
        single(fields, "Sec-WebSocket-Protocol")
            .ok()
            .and_then(|chosen| {
                self.subprotocols
                    .split(", ")
                    .find(|asked| asked.as_bytes() == chosen)
            })
            .filter(|chosen| !chosen.is_empty())
            .map(|chosen| Some(String::from(chosen)))
            .ok_or(HandshakeError::AnswerSubprotocol)
    }
}
