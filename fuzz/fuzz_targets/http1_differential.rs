//! See `tidings_fuzz::http1_differential`.
#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| tidings_fuzz::http1_differential(data));
