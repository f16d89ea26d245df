//! A question to a model by POST, and its answer piece by piece, until `[DONE]`.

use std::error::Error;

use futures_util::StreamExt;
use reqwest::Client;
use tidings_sse::{Decoder, Item, MEDIA_TYPE, is_event_stream};

/// How an answer ended.
#[derive(Debug, PartialEq)]
pub enum End {
    Done,
    /// The connection ended before `[DONE]`.
    Cut,
    /// No event stream but this, with its status.
    Refused(u16, String),
}

pub async fn ask(
    (url, key, question): (&str, &str, &'static str),
    mut told: impl FnMut(&str),
) -> Result<End, Box<dyn Error>> {
    let request = Client::new().post(url).bearer_auth(key).body(question);
    let answer = request.header("Accept", MEDIA_TYPE).send().await?;
    let kind = answer.headers().get("Content-Type");
    if answer.status() != 200 || !kind.is_some_and(|kind| is_event_stream(kind.as_bytes())) {
        let status = answer.status().as_u16();
        return Ok(End::Refused(status, answer.text().await?));
    }
    let (mut decoder, mut chunks) = (Decoder::new(), answer.bytes_stream());
    while let Some(chunk) = chunks.next().await {
        let Ok(mut chunk) = chunk else { break };
        while let Some(item) = decoder.next_event(&mut chunk)? {
            match item {
                Item::Event(event) if event.data == "[DONE]" => return Ok(End::Done),
                Item::Event(event) => told(event.data.as_str()),
                _ => {}
            }
        }
    }
    Ok(End::Cut)
}
