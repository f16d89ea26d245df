//! All of WebSocket that the server needs. It sends back each frame as it comes, also one that is longer than memory.

use tidings_websocket::{FrameEvent, Opcode, ReceiveError};

use crate::Echo;

impl Echo {
    /// Takes `len` octets that were put there and hands what is to be sent to `send`. True once both said Close.
    pub fn take(&mut self, len: usize, mut send: impl FnMut(&[u8])) -> Result<bool, ReceiveError> {
        let (end, mut at, mut closed) = (self.held + len, 0, false);
        while let Some((event, used)) = self.decoder.decode(&mut self.input[at..end])? {
            let out_len = match event {
                FrameEvent::Header(mut header) => {
                    header.key = None;
                    if header.opcode == Opcode::Ping {
                        header.opcode = Opcode::Pong;
                    }
                    put(&mut self.output, &header.encode())
                }
                FrameEvent::Payload {
                    octets,
                    last,
                    opcode,
                    ..
                } => {
                    closed |= last && opcode == Opcode::Close;
                    put(&mut self.output, octets)
                }
            };
            send(&self.output[..out_len]);
            at += used;
        }
        self.input.copy_within(at..end, 0);
        self.held = end - at;
        Ok(closed)
    }
}

fn put(output: &mut [u8; 512], octets: &[u8]) -> usize {
    output[..octets.len()].copy_from_slice(octets);
    octets.len()
}
