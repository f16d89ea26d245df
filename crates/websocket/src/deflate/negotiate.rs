//! What of permessage-deflate both sides want (RFC 7692 §5, §7.1; the grammar is RFC 6455 §9.1).
//!
//! offer: `permessage-deflate` *( `;` parameter [ `=` value ] ) *( `,` next offer ) | answer: one of them

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use crate::handshake::{is_token, values};

const NAME: &[u8] = b"permessage-deflate";

/// What one side is ready for. Nothing is compressed unless these are handed to the handshake.
///
/// The defaults keep no context between messages: then an idle connection owns no state, and a
/// [`SharedFrame`](crate::SharedFrame) is compressed once for all. Compressing secrets beside text that an attacker
/// chooses tells their length, and so the secret (RFC 7692 §8): do not switch it on for such messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct DeflateOptions {
    /// Whether the server's messages may refer to those before. Costs up to 400 KiB a connection on the server and 48 KiB
    /// on the client. Default false.
    pub server_takeover: bool,
    /// The same of the client's messages. Default false.
    pub client_takeover: bool,
    /// The largest window of the server's messages, as a power of two: 9 to 15, other values count as the nearest.
    /// Default 15, 32 KiB.
    pub server_window_bits: u8,
    /// The same of the client's messages. A server that sets less than 15 declines clients that cannot be told so.
    pub client_window_bits: u8,
    /// How much work is done, 1 to 9; other values count as the nearest. Default 6.
    pub level: u8,
    /// Messages of fewer octets are sent as they are. Default 128: shorter ones gain nothing without context.
    pub min_len: usize,
}

impl Default for DeflateOptions {
    fn default() -> Self {
        Self {
            server_takeover: false,
            client_takeover: false,
            server_window_bits: 15,
            client_window_bits: 15,
            level: 6,
            min_len: 128,
        }
    }
}

/// How the messages of one side are compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Direction {
    pub(crate) takeover: bool,
    pub(crate) bits: u8,
}

/// What both sides agreed on, for [`Connection::with_deflate`](crate::Connection::with_deflate).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeflateAgreement {
    pub(crate) server: Direction,
    pub(crate) client: Direction,
    pub(crate) level: u8,
    pub(crate) min_len: usize,
    /// Whether the answer names the server's window: always where the offer did (RFC 7692 §7.1.2.1).
    names_server_bits: bool,
    /// Whether the answer names the client's window: only where the offer did.
    names_client_bits: bool,
}

impl DeflateAgreement {
    /// Tells whether the server's messages may refer to those before.
    #[must_use]
    pub const fn server_takeover(&self) -> bool {
        self.server.takeover
    }

    /// Tells whether the client's messages may refer to those before.
    #[must_use]
    pub const fn client_takeover(&self) -> bool {
        self.client.takeover
    }

    /// Gives the window of the server's messages, as a power of two.
    #[must_use]
    pub const fn server_window_bits(&self) -> u8 {
        self.server.bits
    }

    /// Gives the window of the client's messages, as a power of two.
    #[must_use]
    pub const fn client_window_bits(&self) -> u8 {
        self.client.bits
    }

    /// Tells whether the compressed form of a [`SharedFrame`](crate::SharedFrame) of a message of `len` octets may go to who
    /// agreed on this: without context takeover of the server, and with a window that holds it.
    /// [`Connection::shared`](crate::Connection::shared) tells the same of a frame and a connection that are at hand.
    #[must_use]
    pub fn takes_shared(&self, len: usize) -> bool {
        !self.server.takeover && super::window_for(len) <= self.server.bits
    }

    /// The value of the answer's Sec-WebSocket-Extensions.
    pub(crate) fn answer(&self) -> String {
        let mut answer = String::from("permessage-deflate");
        if !self.server.takeover {
            answer.push_str("; server_no_context_takeover");
        }
        if !self.client.takeover {
            answer.push_str("; client_no_context_takeover");
        }
        if self.names_server_bits {
            answer.push_str(&format!("; server_max_window_bits={}", self.server.bits));
        }
        if self.names_client_bits {
            answer.push_str(&format!("; client_max_window_bits={}", self.client.bits));
        }
        answer
    }
}

impl DeflateOptions {
    /// The value of the request's Sec-WebSocket-Extensions.
    pub(crate) fn offer(self) -> String {
        let options = self.legal();
        let mut offer = String::from("permessage-deflate");
        if !options.server_takeover {
            offer.push_str("; server_no_context_takeover");
        }
        if !options.client_takeover {
            offer.push_str("; client_no_context_takeover");
        }
        if options.server_window_bits < 15 {
            offer.push_str(&format!(
                "; server_max_window_bits={}",
                options.server_window_bits
            ));
        }
        offer.push_str("; client_max_window_bits");
        if options.client_window_bits < 15 {
            offer.push_str(&format!("={}", options.client_window_bits));
        }
        offer
    }

    /// The server's choice: the first offer that it can keep (RFC 7692 §5).
    pub(crate) fn choose(self, offers: &Extensions) -> Option<DeflateAgreement> {
        offers
            .0
            .iter()
            .find_map(|offer| self.legal().accept(offer.as_ref()?))
    }

    fn accept(self, offer: &Parameters) -> Option<DeflateAgreement> {
        let server_bits = match offer.server_bits {
            None => self.server_window_bits,
            Some(bits) => bits?.min(self.server_window_bits),
        };
        // zlib's family cannot compress in a window of 256 octets.
        if server_bits < 9 {
            return None;
        }
        let client_bits = match offer.client_bits {
            // Who does not offer it cannot be told of a smaller window (RFC 7692 §7.1.2.2).
            None if self.client_window_bits < 15 => return None,
            None => 15,
            Some(bits) => bits.unwrap_or(15).min(self.client_window_bits),
        };
        Some(self.agreement(
            Direction {
                takeover: self.server_takeover && !offer.server_no_takeover,
                bits: server_bits,
            },
            Direction {
                takeover: self.client_takeover && !offer.client_no_takeover,
                bits: client_bits,
            },
            offer.server_bits.is_some() || server_bits < 15,
            client_bits < 15,
        ))
    }

    /// The client's view of the answer: `None` where it does not fit what was offered.
    pub(crate) fn check(self, answer: &Extensions) -> Option<DeflateAgreement> {
        let options = self.legal();
        let [Some(answer)] = &answer.0[..] else {
            return None;
        };
        let server_bits = match answer.server_bits {
            None => 15,
            Some(bits) => bits?,
        };
        let client_bits = match answer.client_bits {
            None => options.client_window_bits,
            Some(bits) => bits?,
        };
        let kept = server_bits <= options.server_window_bits
            && (9..=options.client_window_bits).contains(&client_bits)
            && (answer.server_no_takeover || options.server_takeover);
        kept.then(|| {
            options.agreement(
                Direction {
                    takeover: !answer.server_no_takeover,
                    bits: server_bits,
                },
                Direction {
                    takeover: options.client_takeover && !answer.client_no_takeover,
                    bits: client_bits,
                },
                answer.server_bits.is_some(),
                answer.client_bits.is_some(),
            )
        })
    }

    const fn agreement(
        self,
        server: Direction,
        client: Direction,
        names_server_bits: bool,
        names_client_bits: bool,
    ) -> DeflateAgreement {
        DeflateAgreement {
            server,
            client,
            level: self.level,
            min_len: self.min_len,
            names_server_bits,
            names_client_bits,
        }
    }

    fn legal(self) -> Self {
        Self {
            server_window_bits: self.server_window_bits.clamp(9, 15),
            client_window_bits: self.client_window_bits.clamp(9, 15),
            level: self.level.clamp(1, 9),
            ..self
        }
    }
}

/// The extensions that a head lists; `None` for each that is not permessage-deflate with legal parameters.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Extensions(Vec<Option<Parameters>>);

impl Extensions {
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// The outer option is whether the parameter is there, the inner one whether it has a value.
#[derive(Debug, Default, PartialEq, Eq)]
struct Parameters {
    server_no_takeover: bool,
    client_no_takeover: bool,
    server_bits: Option<Option<u8>>,
    client_bits: Option<Option<u8>>,
}

impl Parameters {
    /// Takes a parameter. `None` where it is unknown, stands twice or has a value that it must not have (RFC 7692 §7.1).
    fn add(&mut self, name: &[u8], value: Option<&[u8]>) -> Option<()> {
        let bits = match value {
            None => None,
            // Decimal, without leading zeros.
            Some([digit @ b'8'..=b'9']) => Some(digit - b'0'),
            Some([b'1', digit @ b'0'..=b'5']) => Some(10 + digit - b'0'),
            Some(_) => return None,
        };
        match (name, value) {
            (b"server_no_context_takeover", None) if !self.server_no_takeover => {
                self.server_no_takeover = true;
            }
            (b"client_no_context_takeover", None) if !self.client_no_takeover => {
                self.client_no_takeover = true;
            }
            (b"server_max_window_bits", Some(_)) if self.server_bits.is_none() => {
                self.server_bits = Some(bits);
            }
            (b"client_max_window_bits", _) if self.client_bits.is_none() => {
                self.client_bits = Some(bits);
            }
            _ => return None,
        }
        Some(())
    }
}

/// Reads every Sec-WebSocket-Extensions as one list. `None` where a line breaks the grammar (RFC 6455 §9.1).
pub(crate) fn extensions<'a>(
    fields: impl Iterator<Item = (&'a str, &'a [u8])>,
) -> Option<Extensions> {
    let mut list = Vec::new();
    for line in values(fields, "Sec-WebSocket-Extensions") {
        let mut rest = line;
        loop {
            rest = skip_blank(rest);
            match rest {
                [] => break,
                [b',', after @ ..] => rest = after,
                _ => {
                    let (extension, after) = extension(rest)?;
                    list.push(extension);
                    rest = match skip_blank(after) {
                        [] => break,
                        [b',', after @ ..] => after,
                        _ => return None,
                    };
                }
            }
        }
    }
    Some(Extensions(list))
}

/// `token *( ";" token [ "=" ( token / quoted-string ) ] )`
fn extension(octets: &[u8]) -> Option<(Option<Parameters>, &[u8])> {
    let (name, mut rest) = token(octets)?;
    let mut parameters = (name == NAME).then(Parameters::default);
    while let [b';', after @ ..] = skip_blank(rest) {
        let (name, after) = token(skip_blank(after))?;
        let (value, after) = match skip_blank(after) {
            [b'=', after @ ..] => {
                let (value, after) = value(skip_blank(after))?;
                (Some(value), after)
            }
            _ => (None, after),
        };
        parameters =
            parameters.and_then(|mut known| known.add(name, value.as_deref()).map(|()| known));
        rest = after;
    }
    Some((parameters, rest))
}

/// A token, or a quoted string whose content is one (RFC 6455 §9.1).
fn value(octets: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    let [b'"', rest @ ..] = octets else {
        return token(octets).map(|(value, rest)| (value.to_vec(), rest));
    };
    let (mut rest, mut value) = (rest, Vec::new());
    loop {
        match rest {
            [b'"', after @ ..] => return is_token(&value).then_some((value, after)),
            [b'\\', octet, after @ ..] | [octet, after @ ..] => {
                value.push(*octet);
                rest = after;
            }
            [] => return None,
        }
    }
}

fn token(octets: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = octets.iter().position(|octet| !is_token(&[*octet]));
    let (token, rest) = octets.split_at(end.unwrap_or(octets.len()));
    (!token.is_empty()).then_some((token, rest))
}

fn skip_blank(mut octets: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] = octets {
        octets = rest;
    }
    octets
}
