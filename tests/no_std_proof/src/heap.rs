//! An allocator that only grows. The codecs hold no `unsafe`; an allocator cannot be without.

use core::alloc::{GlobalAlloc, Layout};
use core::cell::UnsafeCell;
use core::sync::atomic::{AtomicUsize, Ordering};

const HEAP: usize = 1 << 20;

#[repr(align(16))]
struct Bump {
    octets: UnsafeCell<[u8; HEAP]>,
    used: AtomicUsize,
}

// SAFETY: the counter hands out each octet once.
unsafe impl Sync for Bump {}

// SAFETY: blocks are aligned, lie in `octets`, and never overlap.
unsafe impl GlobalAlloc for Bump {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let room = layout.size() + layout.align();
        let at = self.used.fetch_add(room, Ordering::Relaxed);
        if at + room > HEAP || layout.align() > 16 {
            return core::ptr::null_mut();
        }
        let at = at.next_multiple_of(layout.align());
        self.octets.get().cast::<u8>().wrapping_add(at)
    }

    unsafe fn dealloc(&self, _: *mut u8, _: Layout) {}
}

#[global_allocator]
static BUMP: Bump = Bump {
    octets: UnsafeCell::new([0; HEAP]),
    used: AtomicUsize::new(0),
};
