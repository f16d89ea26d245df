//! Spare buffers of a thread, which its connections pass around: who waits owns none.

use core::cell::RefCell;

use bytes::BytesMut;

/// First size of a read buffer.
pub(super) const MIN_READ_LEN: usize = 16 << 10;
/// Largest size of a read buffer.
pub(super) const MAX_READ_LEN: usize = 256 << 10;
/// Spare buffers of up to [`SMALL_LEN`] that a thread keeps, which makes 1 MiB at most.
const MAX_SMALL: usize = 32;
const SMALL_LEN: usize = 32 << 10;
/// Spare buffers above that, which makes 2 MiB at most.
const MAX_LARGE: usize = 4;
const LARGE_LEN: usize = 2 * MAX_READ_LEN;

thread_local! {
    static SMALL: RefCell<Vec<BytesMut>> = const { RefCell::new(Vec::new()) };
    static LARGE: RefCell<Vec<BytesMut>> = const { RefCell::new(Vec::new()) };
}

/// A buffer for about `len` octets.
pub(super) fn take(len: usize) -> BytesMut {
    let spare = if len <= SMALL_LEN { &SMALL } else { &LARGE };
    let spare = spare.with_borrow_mut(Vec::pop);
    spare.unwrap_or_else(|| BytesMut::with_capacity(len))
}

/// Keeps an emptied buffer for the next connection of this thread.
pub(super) fn give_back(mut buffer: BytesMut) {
    // `try_reclaim` tells whether the whole of it is free: parts may be in use elsewhere.
    if buffer.capacity() == 0 || !buffer.try_reclaim(MIN_READ_LEN) {
        return;
    }
    let capacity = buffer.capacity();
    let (spare, max) = if capacity <= SMALL_LEN {
        (&SMALL, MAX_SMALL)
    } else if capacity <= LARGE_LEN {
        (&LARGE, MAX_LARGE)
    } else {
        return;
    };
    spare.with_borrow_mut(|spare| {
        if spare.len() < max {
            spare.push(buffer);
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_buffer_that_was_given_back_serves_again_unless_a_part_of_it_is_in_use() {
        let mut buffer = BytesMut::with_capacity(MIN_READ_LEN);
        buffer.extend_from_slice(b"in use");
        let address = buffer.as_ptr();
        let part = buffer.split();
        give_back(buffer);
        assert_ne!(take(MIN_READ_LEN).as_ptr(), address);
        drop(part);
        let whole = BytesMut::with_capacity(MIN_READ_LEN);
        let address = whole.as_ptr();
        give_back(whole);
        assert_eq!(take(MIN_READ_LEN).as_ptr(), address);
    }

    #[test]
    fn a_thread_keeps_no_more_than_its_allowance() {
        for _ in 0..2 * MAX_SMALL {
            give_back(BytesMut::with_capacity(MIN_READ_LEN));
        }
        for _ in 0..2 * MAX_LARGE {
            give_back(BytesMut::with_capacity(MAX_READ_LEN));
        }
        give_back(BytesMut::with_capacity(2 * LARGE_LEN));
        assert_eq!(SMALL.with_borrow(Vec::len), MAX_SMALL);
        assert_eq!(LARGE.with_borrow(Vec::len), MAX_LARGE);
        assert!(LARGE.with_borrow(|spare| spare.iter().all(|one| one.capacity() <= LARGE_LEN)));
    }
}
