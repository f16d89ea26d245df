//! The opening handshake, both sides, beside a list of its rules.

use tidings_websocket::{ClientHandshake, DeflateOptions, accept, accept_key};

use crate::cut::Dice;

type Line<'a> = (&'a str, &'a [u8]);

const SUBPROTOCOLS: [&str; 2] = ["tidings.v1", "chat"];

/// Lines `name: value` of the input; the first is `METHOD MAJOR MINOR`, or a status.
pub fn websocket_handshake(data: &[u8]) {
    let mut rows = data.split(|octet| *octet == b'\n');
    let first = rows.next().unwrap_or_default();
    let lines: Vec<Line<'_>> = rows.filter_map(line).collect();
    request(first, &lines);
    response(first, &lines);
    there_and_back(data);
    compression(&lines, &mut Dice::of(data));
    let _ = accept_key(data);
}

fn line(row: &[u8]) -> Option<Line<'_>> {
    let colon = row.iter().position(|octet| *octet == b':')?;
    Some((core::str::from_utf8(&row[..colon]).ok()?, &row[colon + 1..]))
}

fn all<'a>(lines: &[Line<'a>], name: &str) -> Vec<&'a [u8]> {
    let named = lines
        .iter()
        .filter(|(field, _)| field.eq_ignore_ascii_case(name));
    named.map(|(_, value)| trimmed(value)).collect()
}

fn trimmed(value: &[u8]) -> &[u8] {
    let blank = |octet: &u8| matches!(octet, b' ' | b'\t');
    let start = value
        .iter()
        .position(|octet| !blank(octet))
        .unwrap_or(value.len());
    let end = value
        .iter()
        .rposition(|octet| !blank(octet))
        .map_or(start, |last| last + 1);
    &value[start..end]
}

fn members<'a>(lines: &[Line<'a>], name: &str) -> Vec<&'a [u8]> {
    let split = |value: &'a [u8]| value.split(|octet| *octet == b',').map(trimmed);
    all(lines, name)
        .into_iter()
        .flat_map(split)
        .filter(|member| !member.is_empty())
        .collect()
}

fn lists(lines: &[Line<'_>], name: &str, token: &str) -> bool {
    members(lines, name)
        .iter()
        .any(|member| member.eq_ignore_ascii_case(token.as_bytes()))
}

/// Base64 of 16 octets: 22 digits and two signs of padding. The bits left over in the last digit do not count.
fn is_key(value: &[u8]) -> bool {
    let digit = |octet: &u8| octet.is_ascii_alphanumeric() || matches!(octet, b'+' | b'/');
    value.len() == 24 && value[..22].iter().all(digit) && value.ends_with(b"==")
}

/// RFC 6455 §4.2.1, item by item.
fn request(first: &[u8], lines: &[Line<'_>]) {
    let mut words = first.split(|octet| *octet == b' ');
    let method = words
        .next()
        .and_then(|word| core::str::from_utf8(word).ok())
        .unwrap_or_default();
    let mut digit = || {
        words
            .next()
            .and_then(|word| word.first())
            .map_or(1, |octet| octet % 10)
    };
    let version = (digit() % 3, digit() % 3);
    let legal = method == "GET"
        && version.0 == 1
        && version.1 >= 1
        && all(lines, "host").len() == 1
        && lists(lines, "upgrade", "websocket")
        && lists(lines, "connection", "upgrade")
        && all(lines, "sec-websocket-version") == [b"13"]
        && matches!(all(lines, "sec-websocket-key")[..], [key] if is_key(key));
    let accepted = accept(method, version, lines.iter().copied(), &SUBPROTOCOLS);
    assert_eq!(
        accepted.is_ok(),
        legal,
        "{accepted:?}: {method} {version:?} {lines:?}"
    );
    let backwards = accept(method, version, lines.iter().rev().copied(), &SUBPROTOCOLS);
    assert_eq!(
        accepted.is_ok(),
        backwards.is_ok(),
        "the order of fields means nothing"
    );
    match accepted {
        Ok(accepted) => {
            let asked = members(lines, "sec-websocket-protocol");
            let chosen = SUBPROTOCOLS
                .into_iter()
                .find(|own| asked.contains(&own.as_bytes()));
            assert_eq!(accepted.subprotocol(), chosen);
            let key = all(lines, "sec-websocket-key")[0];
            let fields: Vec<_> = accepted.fields().collect();
            assert!(fields.contains(&("Sec-WebSocket-Accept", &accept_key(key)[..])));
        }
        Err(error) => {
            assert!(matches!(error.status(), 400 | 405 | 426 | 505));
            assert_eq!(
                error.status() == 426,
                error.fields().contains(&("Upgrade", "websocket"))
            );
            assert!(error.section().starts_with("RFC "));
        }
    }
}

/// RFC 6455 §4.1, the answer, item by item.
fn response(first: &[u8], lines: &[Line<'_>]) {
    let status = core::str::from_utf8(first)
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(101);
    let handshake = ClientHandshake::new(*b"the sample nonce", &SUBPROTOCOLS).expect("two tokens");
    let protocols = all(lines, "sec-websocket-protocol");
    let legal = status == 101
        && matches!(all(lines, "upgrade")[..], [value] if value.eq_ignore_ascii_case(b"websocket"))
        && lists(lines, "connection", "upgrade")
        && all(lines, "sec-websocket-accept") == [b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo="]
        && members(lines, "sec-websocket-extensions").is_empty()
        && match protocols[..] {
            [] => true,
            [one] => SUBPROTOCOLS.iter().any(|own| own.as_bytes() == one),
            _ => false,
        };
    let checked = handshake.check(status, lines.iter().copied());
    assert_eq!(checked.is_ok(), legal, "{checked:?}: {status} {lines:?}");
    if let Ok(chosen) = checked {
        assert_eq!(
            chosen.as_deref().map(str::as_bytes),
            protocols.first().copied()
        );
    }
}

/// What our client asks our server grants, and the client takes the answer.
fn there_and_back(data: &[u8]) {
    let mut nonce = [0; 16];
    nonce
        .iter_mut()
        .zip(data)
        .for_each(|(octet, from)| *octet = *from);
    let asked = match data.first() {
        Some(octet) if octet & 1 == 1 => &["chat", "tidings.v1"][..],
        Some(_) => &["other"][..],
        None => &[],
    };
    let client = ClientHandshake::new(nonce, asked).expect("tokens");
    let fields: Vec<Line<'_>> = core::iter::once(("Host", &b"a"[..]))
        .chain(client.fields())
        .collect();
    let accepted =
        accept("GET", (1, 1), fields.into_iter(), &SUBPROTOCOLS).expect("our own request");
    let answer: Vec<Line<'_>> = accepted
        .fields()
        .chain([("Connection", &b"Upgrade"[..])])
        .collect();
    let chosen = client
        .check(101, answer.into_iter())
        .expect("our own answer");
    assert_eq!(chosen.as_deref(), accepted.subprotocol());
    assert_eq!(chosen.is_some(), asked.contains(&"chat"));
}

/// Offers and answers of permessage-deflate: what a server grants it may grant, and a client takes no more than that.
fn compression(lines: &[Line<'_>], dice: &mut Dice) {
    let mut options = DeflateOptions::default();
    options.server_takeover = dice.below(2) == 1;
    options.client_takeover = dice.below(2) == 1;
    options.server_window_bits = 8 + dice.below(9) as u8;
    options.client_window_bits = 8 + dice.below(9) as u8;
    let (server_max, client_max) = (
        options.server_window_bits.clamp(9, 15),
        options.client_window_bits.clamp(9, 15),
    );
    let extensions = || {
        let named = |(name, _): &Line<'_>| name.eq_ignore_ascii_case("sec-websocket-extensions");
        lines.iter().copied().filter(named)
    };
    let client = ClientHandshake::new(*b"the sample nonce", &[]).expect("no subprotocol");
    let request: Vec<Line<'_>> = core::iter::once(("Host", &b"a"[..]))
        .chain(client.fields())
        .collect();
    let accepted = accept("GET", (1, 1), request.into_iter(), &[]).expect("our own request");
    let accepted = accepted.with_deflate(options, extensions());
    if let Some(agreed) = accepted.deflate() {
        let offered = extensions().any(|(_, value)| {
            let name = b"permessage-deflate";
            value.windows(name.len()).any(|window| window == name)
        });
        assert!(offered, "nothing is granted that was not offered");
        assert!((9..=server_max).contains(&agreed.server_window_bits()));
        assert!((8..=client_max).contains(&agreed.client_window_bits()));
        assert!(options.server_takeover || !agreed.server_takeover());
        assert!(options.client_takeover || !agreed.client_takeover());
    }
    let granted: Vec<_> = accepted
        .fields()
        .filter(|(name, _)| *name == "Sec-WebSocket-Extensions")
        .collect();
    assert_eq!(granted.len(), usize::from(accepted.deflate().is_some()));
    // The offers as an answer to ours.
    let client = client.offer_deflate(options);
    let head: [Line<'_>; 3] = [
        ("Upgrade", b"websocket"),
        ("Connection", b"Upgrade"),
        ("Sec-WebSocket-Accept", b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo="),
    ];
    let answer: Vec<Line<'_>> = head.into_iter().chain(extensions()).collect();
    if let Ok((_, Some(agreed))) = client.check_deflate(101, answer.into_iter()) {
        assert!((8..=server_max).contains(&agreed.server_window_bits()));
        assert!((9..=client_max).contains(&agreed.client_window_bits()));
        assert!(options.server_takeover || !agreed.server_takeover());
        assert!(options.client_takeover || !agreed.client_takeover());
    }
}
