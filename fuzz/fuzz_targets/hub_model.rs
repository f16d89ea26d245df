//! See `tidings_fuzz::hub_model`.
#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| tidings_fuzz::hub_model(data));
