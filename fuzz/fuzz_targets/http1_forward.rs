//! See `tidings_fuzz::http1_forward`.
#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| tidings_fuzz::http1_forward(data));
