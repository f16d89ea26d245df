use super::*;
use crate::DataKind;
use proptest::prelude::*;

/// Data that shrinks, and data that does not.
fn data() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        prop::collection::vec(any::<u8>(), 0..600),
        ("[a-d]{1,12}", 0..400_usize).prop_map(|(word, times)| word.repeat(times).into_bytes()),
    ]
}

fn parameters() -> impl Strategy<Value = DeflateOptions> {
    (
        any::<(bool, bool)>(),
        9..=15_u8,
        9..=15_u8,
        1..=9_u8,
        0..300_usize,
    )
        .prop_map(
            |(
                (server_takeover, client_takeover),
                server_window_bits,
                client_window_bits,
                level,
                min_len,
            )| {
                DeflateOptions {
                    server_takeover,
                    client_takeover,
                    server_window_bits,
                    client_window_bits,
                    level,
                    min_len,
                }
            },
        )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn what_one_side_sends_the_other_receives_over_all_parameters_and_cuttings(
        options in parameters(),
        messages in prop::collection::vec((data(), prop::option::of(1..500_usize)), 0..6),
        step in 1..900_usize,
    ) {
        let config = Config::default();
        let agreed = agreed(options);
        let mut server = Connection::<Server>::with_deflate(config, Some(&agreed), T0);
        let mut client = Connection::<Client>::with_deflate(config, Some(&agreed), T0);
        let (mut down, mut up) = (BytesMut::new(), BytesMut::new());
        let mut want = Vec::new();
        for (data, cut) in &messages {
            match cut {
                None => {
                    server.send_binary(data, (), &mut down).unwrap();
                    client.send_binary(data, [1, 2, 3, 4], &mut up).unwrap();
                }
                Some(cut) => {
                    for piece in data.chunks(*cut) {
                        server.send_fragment(DataKind::Binary, piece, false, (), &mut down).unwrap();
                        client.send_fragment(DataKind::Binary, piece, false, [4, 3, 2, 1], &mut up).unwrap();
                    }
                    server.send_fragment(DataKind::Binary, b"", true, (), &mut down).unwrap();
                    client.send_fragment(DataKind::Binary, b"", true, [4, 3, 2, 1], &mut up).unwrap();
                }
            }
            want.push(Event::Message(Message::Binary(data.clone().into())));
        }
        prop_assert_eq!(&feed(&mut client, &down, step), &want);
        prop_assert_eq!(&feed(&mut server, &up, step), &want);
    }

    #[test]
    fn any_cutting_of_any_octets_gives_the_same_end(
        payload in prop_oneof![
            prop::collection::vec(any::<u8>(), 0..200),
            (data(), any::<(prop::sample::Index, u8)>()).prop_map(|(data, (at, octet))| {
                let mut payload = compress_alone(&data, 6, 15).unwrap();
                let at = at.index(payload.len());
                payload[at] ^= octet;
                payload
            }),
        ],
        first in prop::sample::select(alloc::vec![0xC1_u8, 0xC2]),
        step in 1..50_usize,
        max in 0..3000_usize,
    ) {
        let input = frame(first, &payload);
        let limit = |config: &mut Config| config.max_message_len = max;
        let whole = feed(&mut client_with(limit, options(|_| {})), &input, input.len());
        let cut = feed(&mut client_with(limit, options(|_| {})), &input, step);
        prop_assert_eq!(whole, cut);
    }
}
