//! The client's end: how many responses are complete, and whether none is missing.

use bytes::BytesMut;
use serde_json::Value;
use tidings_http1::{ClientConnection, ClientEvent, Content, Limits, Next, ReceiveError};

pub(crate) fn responses(
    mut input: BytesMut,
    case: &Value,
    count: &mut u64,
) -> Result<bool, ReceiveError> {
    let mut connection = ClientConnection::new(Limits::default());
    let named = case["methods"].as_array().into_iter().flatten();
    let mut methods: Vec<&str> = named.filter_map(Value::as_str).collect();
    if methods.is_empty() {
        methods.push("GET");
    }
    let (host, mut out, mut methods) = ([("Host", &b"a"[..])], BytesMut::new(), methods.iter());
    for ended in [false, true] {
        while connection.can_send() {
            let Some(method) = methods.next() else { break };
            let target = if *method == "CONNECT" { "a:1" } else { "/" };
            let _ = connection.send_request(method, target, host, Content::None, &mut out);
        }
        while let Some(event) = connection.next_event(&mut input)? {
            match event {
                ClientEvent::Upgraded(_) | ClientEvent::End(Next::Reuse) => *count += 1,
                ClientEvent::End(Next::Close(_)) => {
                    *count += 1;
                    return Ok(true);
                }
                _ => {}
            }
        }
        if case["eof"] == true && !ended {
            connection.receive_eof();
        }
    }
    Ok(connection.unanswered() == 0)
}
