//! An echo server on the frame layer alone: no std, no allocator, two arrays of 512 octets.
#![no_std]
#![forbid(unsafe_code)]

mod protocol;

use tidings_websocket::{FrameDecoder, Server};

/// A server that keeps nothing but these octets.
pub struct Echo {
    decoder: FrameDecoder<Server>,
    input: [u8; 512],
    held: usize,
    output: [u8; 512],
}

impl Default for Echo {
    fn default() -> Self {
        Self::new()
    }
}

impl Echo {
    pub const fn new() -> Self {
        let (decoder, input, output) = (FrameDecoder::new(), [0; 512], [0; 512]);
        Self {
            decoder,
            input,
            held: 0,
            output,
        }
    }

    /// Where the next octets of the client are put.
    pub fn room(&mut self) -> &mut [u8] {
        &mut self.input[self.held..]
    }
}
