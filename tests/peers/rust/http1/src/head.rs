//! A head in one piece: tokenised only, tokenised into the types of `http`, and ours with every check.

use std::hint::black_box;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Uri};
use paired::{Plan, Rival, compare};
use tidings_http1::{Config, Limits, RequestHead};

use crate::inputs::{LONG, SHORT};

pub fn run(plan: Plan) {
    for (name, octets) in [
        ("68 octets, 2 fields", SHORT),
        ("703 octets, 9 fields", LONG),
    ] {
        let shared = Bytes::from(octets.to_vec());
        // A second handle, so that a clone is one more count and no allocation, as it is in a read buffer.
        let _other = shared.clone();
        let config = Config::from(Limits::default());
        compare(
            &format!("Head of a request, {name}"),
            "head",
            1,
            plan,
            &mut [
                Rival::new("httparse", || {
                    let mut lines = [httparse::EMPTY_HEADER; 16];
                    let mut request = httparse::Request::new(&mut lines);
                    let parsed = request.parse(black_box(octets));
                    assert_eq!(parsed, Ok(httparse::Status::Complete(octets.len())));
                    black_box(&request);
                }),
                Rival::new("tidings", || {
                    let Ok(Some(head)) = RequestHead::decode(black_box(&shared), &config) else {
                        panic!("not a head");
                    };
                    black_box(&head);
                }),
                Rival::new("httparse, HeaderMap, Uri", || {
                    black_box(into_http(black_box(&shared)));
                }),
            ],
        );
    }
}

/// The parts of a request as `http` has them; values share the octets.
fn into_http(octets: &Bytes) -> (Method, Uri, HeaderMap) {
    let mut lines = [httparse::EMPTY_HEADER; 16];
    let mut request = httparse::Request::new(&mut lines);
    request.parse(octets).expect("a legal head");
    let method = request.method.expect("a whole head");
    let target = request.path.expect("a whole head");
    let mut fields = HeaderMap::with_capacity(request.headers.len());
    for line in request.headers.iter() {
        let name = HeaderName::from_bytes(line.name.as_bytes()).expect("a legal name");
        let value = HeaderValue::from_maybe_shared(octets.slice_ref(line.value));
        fields.append(name, value.expect("a legal value"));
    }
    (
        method.parse().expect("a method"),
        Uri::from_maybe_shared(octets.slice_ref(target.as_bytes())).expect("a legal target"),
        fields,
    )
}
