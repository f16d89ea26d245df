//! The server's end: how many requests are complete, and whether nothing is half read.

use bytes::BytesMut;
use tidings_http1::{Content, Limits, ReceiveError, ServerConnection, ServerEvent};

pub(crate) fn requests(
    mut input: BytesMut,
    eof: bool,
    count: &mut u64,
) -> Result<bool, ReceiveError> {
    let mut connection = ServerConnection::new(Limits::default());
    let (mut whole, mut paused) = (true, false);
    for ended in [false, true] {
        while let Some(event) = connection.next_event(&mut input)? {
            match event {
                ServerEvent::Request(head) => (whole, paused) = (false, head.offers_upgrade()),
                ServerEvent::Data(_) | ServerEvent::Trailers(_) => {}
                ServerEvent::Closed => return Ok(true),
                ServerEvent::End => {
                    (whole, *count) = (true, *count + 1);
                    let mut out = BytesMut::new();
                    let sent = connection.send_response(204, [], Content::None, &mut out);
                    if paused || sent.and_then(|()| connection.send_end(&mut out)).is_err() {
                        return Ok(true);
                    }
                }
            }
        }
        if eof && !ended {
            connection.receive_eof();
        }
    }
    Ok(whole && input.is_empty())
}
