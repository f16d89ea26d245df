//! See `tidings_fuzz::sse_decode`.
#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| tidings_fuzz::sse_decode(data));
