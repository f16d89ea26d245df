//! See `tidings_fuzz::sse_round_trip`.
#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| tidings_fuzz::sse_round_trip(data));
