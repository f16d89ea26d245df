use alloc::vec;
use alloc::vec::Vec;

use super::*;

fn gathered(pieces: &[(usize, u64, bool)]) -> Vec<usize> {
    let mut buffer = Vec::new();
    let mut capacities = Vec::new();
    for (len, frame_left, fin) in pieces {
        let piece = Piece {
            len: *len,
            offset: 0,
            frame_left: *frame_left,
            fin: *fin,
        };
        gather(&mut buffer, &vec![0; *len], piece);
        capacities.push(buffer.capacity());
    }
    capacities
}

#[test]
fn memory_grows_with_what_arrived_fr_14() {
    type Row = (
        &'static str,
        &'static [(usize, u64, bool)],
        &'static [usize],
    );
    let rows: [Row; 6] = [
        (
            "1 GiB announced, 1 octet there",
            &[(1, 1 << 30, true)],
            &[1],
        ),
        (
            "doubling while more comes",
            &[(10, 1000, true), (1, 999, true)],
            &[10, 20],
        ),
        (
            "never beyond the message",
            &[(10, 2, true), (2, 0, true)],
            &[10, 12],
        ),
        (
            "a fragment says nothing of the next",
            &[(10, 1, false), (1, 0, false)],
            &[10, 20],
        ),
        (
            "an empty fragment takes no more room",
            &[(10, 0, false), (0, 0, false)],
            &[10, 10],
        ),
        (
            "a big piece is taken as it is",
            &[(1, 100, true), (100, 0, true)],
            &[1, 101],
        ),
    ];
    for (name, pieces, want) in rows {
        assert_eq!(gathered(pieces), want, "{name}");
    }
}

#[test]
fn many_small_fragments_cost_few_copies() {
    let pieces = vec![(1, 1, false); 10_000];
    let mut capacities = gathered(&pieces);
    capacities.dedup();
    assert!(capacities.len() <= 15, "{}", capacities.len());
}
