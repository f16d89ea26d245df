//! How an input is cut. It follows from the input's own hash, so that a corpus file holds wire octets and nothing else,
//! and every mutation tries other cuts.

/// Numbers that follow from the input.
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn of(data: &[u8]) -> Self {
        // FNV-1a.
        Self(data.iter().fold(0xcbf2_9ce4_8422_2325, |hash, octet| {
            (hash ^ u64::from(*octet)).wrapping_mul(0x0100_0000_01b3)
        }))
    }

    pub(crate) fn next(&mut self) -> u64 {
        // SplitMix64.
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `end`.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        (self.next() % end.max(1) as u64) as usize
    }
}

/// Two cuttings: small equal pieces, of one octet where the input is short, and pieces of any length, empty ones too.
/// Both end with an empty piece, so that an empty input is asked about as well.
pub(crate) fn cuttings<'a>(data: &'a [u8], dice: &mut Dice) -> [Vec<&'a [u8]>; 2] {
    let equal = data.chunks(1 + data.len() / 300).chain([&[][..]]).collect();
    let most = 1 + dice.below(data.len() + 2);
    let (mut any, mut rest) = (Vec::new(), data);
    while !rest.is_empty() {
        let (piece, behind) = rest.split_at(dice.below(most + 1).min(rest.len()));
        any.push(piece);
        rest = behind;
    }
    any.push(&[]);
    [equal, any]
}

/// A beginning of the input.
pub(crate) fn beginning<'a>(data: &'a [u8], dice: &mut Dice) -> &'a [u8] {
    &data[..dice.below(data.len() + 1)]
}
