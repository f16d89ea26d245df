//! permessage-deflate (RFC 7692): what is agreed on in the handshake, and messages through DEFLATE.
//!
//! compressed message: RSV1 on its first frame; payload: DEFLATE blocks, the last empty and stored, without its `00 00 ff ff`

mod compress;
mod inflate;
mod negotiate;

pub(crate) use self::compress::{Compressor, compress_alone, window_for};
pub(crate) use self::inflate::{Fault, Inflater};
pub(crate) use self::negotiate::extensions;
pub use self::negotiate::{DeflateAgreement, DeflateOptions};

use crate::Role;

/// What closes each compressed message and is not sent (RFC 7692 §7.2.1).
const TAIL: [u8; 4] = [0x00, 0x00, 0xFF, 0xFF];

/// Both directions of one connection.
pub(crate) struct Codec {
    pub(crate) inflater: Inflater,
    pub(crate) compressor: Compressor,
}

impl core::fmt::Debug for Codec {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Codec").finish_non_exhaustive()
    }
}

impl Codec {
    /// Takes a side's part of what was agreed. Nothing is allocated before the first compressed message.
    pub(crate) fn new<R: Role>(agreed: &DeflateAgreement) -> Self {
        let (ours, theirs) = if R::IS_SERVER {
            (agreed.server, agreed.client)
        } else {
            (agreed.client, agreed.server)
        };
        Self {
            inflater: Inflater::new(theirs),
            compressor: Compressor::new(ours, agreed.level, agreed.min_len),
        }
    }
}

#[cfg(test)]
mod tests;
