//! httparse beside ours: ours is stricter and never laxer, and where both take a head they find the same parts in the
//! same places.

use bytes::BytesMut;
use httparse::{EMPTY_HEADER, ParserConfig, Request, Response, Status};
use tidings_http1::{
    ClientConnection, ClientEvent, Content, Fields, Limits, ServerConnection, ServerEvent, Version,
};

const MOST: usize = 100;

/// Where `part` begins in `whole`.
fn place(whole: &[u8], part: &[u8]) -> usize {
    part.as_ptr().addr() - whole.as_ptr().addr()
}

/// The one place where httparse is stricter: it knows no 1.x but 1.0 and 1.1, where RFC 9110 §6.2 has any later one read as
/// 1.1. So a later one is shown to it as 1.1.
fn with_version_1_1(data: &[u8], at: usize) -> Vec<u8> {
    let mut data = data.to_vec();
    if let Some([b'H', b'T', b'T', b'P', b'/', b'1', b'.', minor]) = data.get_mut(at..at + 8)
        && matches!(minor, b'2'..=b'9')
    {
        *minor = b'1';
    }
    data
}

fn assert_same_fields(
    ours: &Fields,
    raw: &[u8],
    theirs: &[httparse::Header<'_>],
    their_head: &[u8],
) {
    assert_eq!(ours.len(), theirs.len());
    let folded = raw.len() != their_head.len();
    for ((name, value), field) in ours.iter().zip(theirs) {
        assert_eq!(name, field.name);
        if folded {
            // A fold is one space with us (RFC 9112 §5.2) and the octets as they came with httparse.
            assert_eq!(squeezed(value), squeezed(field.value));
            continue;
        }
        assert_eq!(
            place(raw, name.as_bytes()),
            place(their_head, field.name.as_bytes())
        );
        assert_eq!(value, field.value);
        if !value.is_empty() {
            assert_eq!(place(raw, value), place(their_head, field.value));
        }
    }
}

fn squeezed(value: &[u8]) -> Vec<Vec<u8>> {
    let words = value.split(|octet| matches!(octet, b' ' | b'\t' | b'\r' | b'\n'));
    words
        .filter(|word| !word.is_empty())
        .map(<[u8]>::to_vec)
        .collect()
}

/// The head that both find at the front of the input, or the refusal that httparse's implies.
pub fn http1_differential(data: &[u8]) {
    request(data);
    response(data);
}

fn request(data: &[u8]) {
    let mut input = BytesMut::from(data);
    let ours = ServerConnection::new(Limits::default()).next_event(&mut input);
    let Ok(Some(ServerEvent::Request(ours))) = ours else {
        return;
    };
    let skipped = data.len() - input.len() - ours.raw().len();
    assert!(
        data[..skipped].chunks(2).all(|line| line == b"\r\n"),
        "only blank lines are skipped"
    );
    let version_at = skipped + ours.method().len() + 1 + ours.target().len() + 1;
    let data = with_version_1_1(data, version_at);
    let mut fields = [EMPTY_HEADER; MOST];
    let mut theirs = Request::new(&mut fields);
    let status = theirs.parse(&data);
    assert_eq!(
        status,
        Ok(Status::Complete(skipped + ours.raw().len())),
        "{ours:?}"
    );
    let their_head = &data[skipped..skipped + ours.raw().len()];
    let (method, target) = (theirs.method.expect("method"), theirs.path.expect("target"));
    assert_eq!((ours.method(), ours.target()), (method, target));
    assert_eq!(
        place(ours.raw(), ours.target().as_bytes()),
        place(their_head, target.as_bytes())
    );
    assert_eq!(
        u8::from(ours.version() == Version::Http11),
        theirs.version.expect("version")
    );
    assert_same_fields(ours.fields(), ours.raw(), theirs.headers, their_head);
}

fn response(data: &[u8]) {
    let mut client = ClientConnection::new(Limits::default());
    let host = [("Host", &b"a"[..])];
    client
        .send_request("GET", "/", host, Content::None, &mut BytesMut::new())
        .expect("a legal request");
    let mut input = BytesMut::from(data);
    let ours = match client.next_event(&mut input) {
        Ok(Some(
            ClientEvent::Response(head)
            | ClientEvent::Informational(head)
            | ClientEvent::Upgraded(head),
        )) => head,
        Ok(Some(_) | None) | Err(_) => return,
    };
    let taken = data.len() - input.len();
    let data = with_version_1_1(data, 0);
    let mut fields = [EMPTY_HEADER; MOST];
    let mut theirs = Response::new(&mut fields);
    let status = ParserConfig::default()
        .allow_obsolete_multiline_headers_in_responses(true)
        .parse_response(&mut theirs, &data);
    assert_eq!(status, Ok(Status::Complete(taken)), "{ours:?}");
    assert_eq!(Some(ours.status()), theirs.code);
    assert_eq!(
        Some(u8::from(ours.version() == Version::Http11)),
        theirs.version
    );
    if ours.reason().is_ascii() {
        assert_eq!(
            Ok(ours.reason()),
            theirs.reason.ok_or(()).map(str::as_bytes)
        );
    }
    assert_same_fields(ours.fields(), ours.raw(), theirs.headers, &data[..taken]);
}
