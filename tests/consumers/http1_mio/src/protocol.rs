//! All of HTTP/1.1 that the server needs. It echoes content as it comes, whatever the size.

use bytes::BytesMut;
use tidings_http1::{Content, Next, SendError, ServerConnection, ServerEvent};

/// Answers what is in `input` until `out` has `enough` octets. False when the connection is over.
pub fn echo(
    connection: &mut ServerConnection,
    (input, out): (&mut BytesMut, &mut BytesMut),
    enough: usize,
) -> Result<bool, SendError> {
    while out.len() < enough {
        match connection.next_event(input) {
            Ok(Some(ServerEvent::Request(head))) => {
                if head.expects_continue() {
                    connection.send_informational(100, [], out)?;
                }
                connection.send_response(200, [], Content::Unknown, out)?;
            }
            Ok(Some(ServerEvent::Data(data))) => connection.send_data(&data, out)?,
            Ok(Some(ServerEvent::Trailers(_))) => {}
            Ok(Some(ServerEvent::End)) => {
                if connection.send_end(out)? != Next::Reuse {
                    return Ok(false);
                }
            }
            Ok(None) => break,
            Ok(Some(ServerEvent::Closed)) => return Ok(false),
            Err(error) => {
                if connection.can_respond() {
                    connection.send_response(error.status(), [], Content::None, out)?;
                    connection.send_end(out)?;
                }
                return Ok(false);
            }
        }
    }
    Ok(true)
}
