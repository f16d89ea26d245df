//! See `tidings_fuzz::http1_round_trip`.
#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| tidings_fuzz::http1_round_trip(data));
