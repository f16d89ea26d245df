use super::*;
use crate::{ClientHandshake, HandshakeError, accept, accept_key};

fn choose(options: DeflateOptions, offers: &str) -> Option<String> {
    let fields = [("Sec-WebSocket-Extensions", offers.as_bytes())];
    let offers = extensions(fields.into_iter())?;
    options.choose(&offers).map(|agreed| agreed.answer())
}

use alloc::format;
use alloc::string::String;

#[test]
fn the_first_offer_that_can_be_kept_is_answered_rfc7692_5_and_7_1() {
    let keeps = options(takeover);
    let drops = options(|_| {});
    let small = options(|options| {
        takeover(options);
        options.server_window_bits = 10;
        options.client_window_bits = 11;
    });
    let both = "permessage-deflate; server_no_context_takeover; client_no_context_takeover";
    let rows: [(&str, DeflateOptions, &str, Option<&str>); 37] = [
        (
            "bare",
            keeps,
            "permessage-deflate",
            Some("permessage-deflate"),
        ),
        (
            "unasked parameters of the server",
            drops,
            "permessage-deflate",
            Some(both),
        ),
        (
            "server_no_context_takeover is repeated",
            keeps,
            "permessage-deflate; server_no_context_takeover",
            Some("permessage-deflate; server_no_context_takeover"),
        ),
        (
            "the hint is taken",
            keeps,
            "permessage-deflate; client_no_context_takeover",
            Some("permessage-deflate; client_no_context_takeover"),
        ),
        (
            "a smaller window of ours",
            keeps,
            "permessage-deflate; server_max_window_bits=9",
            Some("permessage-deflate; server_max_window_bits=9"),
        ),
        (
            "15 is answered where it was offered",
            keeps,
            "permessage-deflate; server_max_window_bits=15",
            Some("permessage-deflate; server_max_window_bits=15"),
        ),
        (
            "8, in which we would have to compress",
            keeps,
            "permessage-deflate; server_max_window_bits=8",
            None,
        ),
        (
            "8, which we only inflate",
            keeps,
            "permessage-deflate; client_max_window_bits=8",
            Some("permessage-deflate; client_max_window_bits=8"),
        ),
        (
            "client_max_window_bits without value",
            keeps,
            "permessage-deflate; client_max_window_bits",
            Some("permessage-deflate"),
        ),
        (
            "client_max_window_bits with value",
            keeps,
            "permessage-deflate; client_max_window_bits=12",
            Some("permessage-deflate; client_max_window_bits=12"),
        ),
        (
            "our windows, unasked and asked",
            small,
            "permessage-deflate; client_max_window_bits",
            Some("permessage-deflate; server_max_window_bits=10; client_max_window_bits=11"),
        ),
        (
            "theirs are smaller",
            small,
            "permessage-deflate; server_max_window_bits=9; client_max_window_bits=9",
            Some("permessage-deflate; server_max_window_bits=9; client_max_window_bits=9"),
        ),
        (
            "theirs are larger",
            small,
            "permessage-deflate; server_max_window_bits=15; client_max_window_bits=15",
            Some("permessage-deflate; server_max_window_bits=10; client_max_window_bits=11"),
        ),
        (
            "who cannot be told of a smaller window",
            small,
            "permessage-deflate",
            None,
        ),
        (
            "a quoted value",
            keeps,
            "permessage-deflate; server_max_window_bits=\"10\"",
            Some("permessage-deflate; server_max_window_bits=10"),
        ),
        (
            "a quoted value with a quoted pair",
            keeps,
            "permessage-deflate; server_max_window_bits=\"1\\0\"",
            Some("permessage-deflate; server_max_window_bits=10"),
        ),
        (
            "white space",
            keeps,
            " permessage-deflate ;\tserver_max_window_bits = 10 ",
            Some("permessage-deflate; server_max_window_bits=10"),
        ),
        (
            "a leading zero",
            keeps,
            "permessage-deflate; server_max_window_bits=09",
            None,
        ),
        (
            "below 8",
            keeps,
            "permessage-deflate; server_max_window_bits=7",
            None,
        ),
        (
            "above 15",
            keeps,
            "permessage-deflate; client_max_window_bits=16",
            None,
        ),
        (
            "no number",
            keeps,
            "permessage-deflate; client_max_window_bits=x",
            None,
        ),
        (
            "no value where one must be",
            keeps,
            "permessage-deflate; server_max_window_bits",
            None,
        ),
        (
            "a value where none may be",
            keeps,
            "permessage-deflate; server_no_context_takeover=10",
            None,
        ),
        (
            "an unknown parameter",
            keeps,
            "permessage-deflate; level=9",
            None,
        ),
        (
            "a repeated parameter",
            keeps,
            "permessage-deflate; server_max_window_bits=10; server_max_window_bits=10",
            None,
        ),
        (
            "a repeated flag",
            keeps,
            "permessage-deflate; client_no_context_takeover; client_no_context_takeover",
            None,
        ),
        (
            "a repeated flag of the server",
            keeps,
            "permessage-deflate; server_no_context_takeover; server_no_context_takeover",
            None,
        ),
        (
            "a repeated window of the client",
            keeps,
            "permessage-deflate; client_max_window_bits; client_max_window_bits=10",
            None,
        ),
        (
            "a comma behind the last",
            keeps,
            "permessage-deflate; client_no_context_takeover ,\t",
            Some("permessage-deflate; client_no_context_takeover"),
        ),
        ("another extension", keeps, "x-webkit-deflate-frame", None),
        (
            "the second of two",
            keeps,
            "permessage-deflate; level=9, permessage-deflate; client_no_context_takeover",
            Some("permessage-deflate; client_no_context_takeover"),
        ),
        (
            "the first of two",
            keeps,
            "permessage-deflate; server_max_window_bits=12, permessage-deflate",
            Some("permessage-deflate; server_max_window_bits=12"),
        ),
        (
            "behind another extension, whose value holds a comma",
            keeps,
            "foo; a=b, , permessage-deflate",
            Some("permessage-deflate"),
        ),
        (
            "a list that breaks the grammar is declined whole",
            keeps,
            "permessage-deflate, foo; a=\"b,c\"",
            None,
        ),
        (
            "an open string",
            keeps,
            "permessage-deflate, permessage-deflate; server_max_window_bits=\"10",
            None,
        ),
        (
            "no parameter behind a semicolon",
            keeps,
            "permessage-deflate;",
            None,
        ),
        ("nothing", keeps, "", None),
    ];
    for (name, options, offers, want) in rows {
        assert_eq!(choose(options, offers).as_deref(), want, "{name}: {offers}");
    }
}

#[test]
fn what_is_offered_is_what_is_wanted_rfc7692_7_1() {
    // Takeover of the server and the client, their windows, and what is behind the name.
    let rows = [
        ((true, true, 15, 15), "; client_max_window_bits"),
        ((true, true, 16, 16), "; client_max_window_bits"),
        (
            (false, false, 15, 15),
            "; server_no_context_takeover; client_no_context_takeover; client_max_window_bits",
        ),
        (
            (true, false, 14, 15),
            "; client_no_context_takeover; server_max_window_bits=14; client_max_window_bits",
        ),
        (
            (false, true, 15, 14),
            "; server_no_context_takeover; client_max_window_bits=14",
        ),
        (
            (true, true, 0, 8),
            "; server_max_window_bits=9; client_max_window_bits=9",
        ),
    ];
    for ((server, client, server_bits, client_bits), want) in rows {
        let wanted = options(|options| {
            (options.server_takeover, options.client_takeover) = (server, client);
            (options.server_window_bits, options.client_window_bits) = (server_bits, client_bits);
        });
        assert_eq!(wanted.offer(), format!("permessage-deflate{want}"));
        let seen = agreed(wanted);
        assert_eq!(seen.server_takeover(), server);
        assert_eq!(seen.client_takeover(), client);
        assert_eq!(seen.server_window_bits(), server_bits.clamp(9, 15));
        assert_eq!(seen.client_window_bits(), client_bits.clamp(9, 15));
    }
    for (level, used) in [(0, 1), (1, 1), (9, 9), (200, 9)] {
        assert_eq!(agreed(options(|o| o.level = level)).level, used);
    }
}

#[test]
fn an_answer_that_does_not_fit_the_offer_fails_the_connection_rfc7692_7() {
    let keeps = options(takeover);
    let drops = options(|_| {});
    let small = options(|options| {
        takeover(options);
        options.server_window_bits = 10;
        options.client_window_bits = 11;
    });
    // Server and client: takeover, window.
    type Agreed = ((bool, u8), (bool, u8));
    let rows: [(&str, DeflateOptions, &str, Option<Agreed>); 18] = [
        (
            "bare",
            keeps,
            "permessage-deflate",
            Some(((true, 15), (true, 15))),
        ),
        (
            "the client keeps to its own hint",
            options(|o| {
                o.server_takeover = true;
            }),
            "permessage-deflate",
            Some(((true, 15), (false, 15))),
        ),
        (
            "parameters of the server, unasked",
            keeps,
            "permessage-deflate; server_no_context_takeover; server_max_window_bits=8",
            Some(((false, 8), (true, 15))),
        ),
        (
            "the client is bound",
            keeps,
            "permessage-deflate; client_no_context_takeover; client_max_window_bits=9",
            Some(((true, 15), (false, 9))),
        ),
        (
            "server_no_context_takeover was asked for",
            drops,
            "permessage-deflate",
            None,
        ),
        (
            "and is given",
            drops,
            "permessage-deflate; server_no_context_takeover",
            Some(((false, 15), (false, 15))),
        ),
        (
            "a window of 256 octets to compress in",
            keeps,
            "permessage-deflate; client_max_window_bits=8",
            None,
        ),
        (
            "client_max_window_bits without value",
            keeps,
            "permessage-deflate; client_max_window_bits",
            None,
        ),
        (
            "server_max_window_bits without value",
            keeps,
            "permessage-deflate; server_max_window_bits",
            None,
        ),
        (
            "as small as asked",
            small,
            "permessage-deflate; server_max_window_bits=10; client_max_window_bits=11",
            Some(((true, 10), (true, 11))),
        ),
        (
            "the server's window is larger than asked",
            small,
            "permessage-deflate; server_max_window_bits=11",
            None,
        ),
        (
            "the server's window is not limited",
            small,
            "permessage-deflate",
            None,
        ),
        (
            "the client's window is larger than offered",
            small,
            "permessage-deflate; server_max_window_bits=10; client_max_window_bits=12",
            None,
        ),
        (
            "an unknown parameter",
            keeps,
            "permessage-deflate; level=9",
            None,
        ),
        (
            "a repeated parameter",
            keeps,
            "permessage-deflate; client_no_context_takeover; client_no_context_takeover",
            None,
        ),
        (
            "twice",
            keeps,
            "permessage-deflate, permessage-deflate",
            None,
        ),
        ("another extension", keeps, "foo", None),
        (
            "another extension beside it",
            keeps,
            "permessage-deflate, foo",
            None,
        ),
    ];
    for (name, options, answer, want) in rows {
        let handshake = ClientHandshake::new(*b"the sample nonce", &[])
            .unwrap()
            .offer_deflate(options);
        let accept = accept_key(b"dGhlIHNhbXBsZSBub25jZQ==");
        let fields = [
            ("Upgrade", &b"websocket"[..]),
            ("Connection", b"Upgrade"),
            ("Sec-WebSocket-Accept", &accept),
            ("Sec-WebSocket-Extensions", answer.as_bytes()),
        ];
        let checked = handshake.check_deflate(101, fields.into_iter());
        let got = checked.map(|(_, agreed)| {
            let agreed = agreed.unwrap();
            (
                (agreed.server_takeover(), agreed.server_window_bits()),
                (agreed.client_takeover(), agreed.client_window_bits()),
            )
        });
        assert_eq!(got, want.ok_or(HandshakeError::AnswerDeflate), "{name}");
        let unasked = ClientHandshake::new(*b"the sample nonce", &[]).unwrap();
        assert_eq!(
            unasked.check_deflate(101, fields.into_iter()),
            Err(HandshakeError::AnswerExtension),
            "{name}"
        );
    }
}

#[test]
fn a_handshake_without_an_agreement_is_a_plain_one() {
    let handshake = ClientHandshake::new(*b"the sample nonce", &[])
        .unwrap()
        .offer_deflate(options(|_| {}));
    let request: Vec<_> = handshake.fields().chain([("Host", &b"a"[..])]).collect();
    let accepted = accept("GET", (1, 1), request.iter().copied(), &[]).unwrap();
    assert_eq!(accepted.deflate(), None, "offers alone switch nothing on");
    let answer: Vec<_> = accepted
        .fields()
        .chain([("Connection", &b"Upgrade"[..])])
        .collect();
    assert!(answer.iter().all(|(name, _)| !name.contains("Extensions")));
    assert_eq!(
        handshake.check_deflate(101, answer.into_iter()),
        Ok((None, None))
    );
}
