//! The line ends of a chunk, one after the other.
//!
//! Lines are short as a rule, and to look for each line end anew costs more than the look itself: so 64 octets are looked at
//! together where the processor has an instruction for it.

#[cfg(all(target_arch = "x86_64", target_feature = "sse2"))]
pub(crate) use masks::Ends;
#[cfg(not(all(target_arch = "x86_64", target_feature = "sse2")))]
pub(crate) use searches::Ends;

#[cfg(all(target_arch = "x86_64", target_feature = "sse2"))]
mod masks {
    use memchr::memchr2;
    use safe_arch::{
        bitor_m128i, cmp_eq_mask_i8_m128i, load_unaligned_m128i, move_mask_i8_m128i,
        set_splat_i8_m128i,
    };

    const LANE: usize = 16;
    /// Octets that one mask stands for.
    const STRIDE: usize = 4 * LANE;
    /// Strides without a line end behind which the line is a long one.
    const SHORT: usize = 4;

    /// Gives the places of LF and CR in ascending order.
    #[derive(Clone, Debug)]
    pub(crate) struct Ends<'a> {
        /// What was not looked at, and where it begins.
        rest: &'a [u8],
        next: usize,
        /// Where the stride begins that was looked at last, and its line ends that were not given, one bit for each.
        base: usize,
        mask: u64,
    }

    impl<'a> Ends<'a> {
        #[inline]
        pub(crate) const fn new(octets: &'a [u8]) -> Self {
            Self {
                rest: octets,
                next: 0,
                base: 0,
                mask: 0,
            }
        }

        /// Looks at the next stride.
        #[inline]
        fn look(&mut self) {
            self.base = self.next;
            if let Some((stride, rest)) = self.rest.split_first_chunk::<STRIDE>() {
                self.mask = lanes(stride);
                self.next += STRIDE;
                self.rest = rest;
            } else {
                self.mask = lanes(self.rest);
                self.next += self.rest.len();
                self.rest = &[];
            }
        }

        /// Passes over the octets up to the next line end.
        #[inline(never)]
        fn pass(&mut self) {
            let len = memchr2(b'\n', b'\r', self.rest).unwrap_or(self.rest.len());
            self.next += len;
            self.rest = self.rest.get(len..).unwrap_or_default();
        }
    }

    impl Iterator for Ends<'_> {
        type Item = usize;

        #[inline(always)]
        fn next(&mut self) -> Option<usize> {
            let mut looks = 0;
            while self.mask == 0 {
                if looks == SHORT {
                    self.pass();
                }
                if self.rest.is_empty() {
                    return None;
                }
                looks += 1;
                self.look();
            }
            let at = self.base + self.mask.trailing_zeros() as usize;
            self.mask &= self.mask - 1;
            Some(at)
        }
    }

    /// Gives a bit for each octet, at most [`STRIDE`] of them.
    #[inline]
    fn lanes(octets: &[u8]) -> u64 {
        let (lanes, rest) = octets.as_chunks::<LANE>();
        let mut mask = 0;
        for (at, octets) in lanes.iter().enumerate() {
            mask |= lane(octets) << (at * LANE);
        }
        let base = octets.len() - rest.len();
        for (at, octet) in rest.iter().enumerate() {
            mask |= u64::from(matches!(octet, b'\n' | b'\r')) << (base + at);
        }
        mask
    }

    /// Gives a bit for each octet: whether it is LF or CR.
    #[inline]
    fn lane(octets: &[u8; LANE]) -> u64 {
        let octets = load_unaligned_m128i(octets);
        let lf = cmp_eq_mask_i8_m128i(octets, set_splat_i8_m128i(0x0A));
        let cr = cmp_eq_mask_i8_m128i(octets, set_splat_i8_m128i(0x0D));
        u64::from(move_mask_i8_m128i(bitor_m128i(lf, cr)).cast_unsigned())
    }
}

#[cfg(any(test, not(all(target_arch = "x86_64", target_feature = "sse2"))))]
mod searches {
    use memchr::memchr2;

    /// Gives the places of LF and CR in ascending order.
    #[derive(Clone, Debug)]
    pub(crate) struct Ends<'a> {
        rest: &'a [u8],
        next: usize,
    }

    impl<'a> Ends<'a> {
        #[inline]
        pub(crate) const fn new(octets: &'a [u8]) -> Self {
            Self {
                rest: octets,
                next: 0,
            }
        }
    }

    impl Iterator for Ends<'_> {
        type Item = usize;

        #[inline]
        fn next(&mut self) -> Option<usize> {
            let len = memchr2(b'\n', b'\r', self.rest)?;
            let at = self.next + len;
            self.next = at + 1;
            self.rest = self.rest.get(len + 1..).unwrap_or_default();
            Some(at)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Ends, searches};
    use alloc::vec;
    use alloc::vec::Vec;

    /// Octets that differ from a line end by a carry, a borrow or the highest bit.
    const OTHERS: [u8; 9] = [b'x', 0x00, 0x09, 0x0B, 0x0C, 0x0E, 0x8A, 0x8D, 0xFF];

    #[test]
    fn each_line_end_is_found_once_wherever_it_is() {
        for other in OTHERS {
            for len in (0..150).chain([255, 256, 257, 300, 400, 1_000]) {
                for gap in [1, 2, 7, 63, 64, 65, 127, 255, 256, 257, 320, 700] {
                    let mut octets = vec![other; len];
                    let want: Vec<_> = (gap - 1..len).step_by(gap).collect();
                    for (count, at) in want.iter().enumerate() {
                        octets[*at] = [b'\n', b'\r'][count % 2];
                    }
                    let found: Vec<_> = Ends::new(&octets).collect();
                    assert_eq!(found, want, "{len} of {other}, each {gap}");
                    let found: Vec<_> = searches::Ends::new(&octets).collect();
                    assert_eq!(found, want, "{len} of {other}, each {gap}, by searches");
                }
            }
        }
    }
}
