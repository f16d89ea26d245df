//! See `tidings_fuzz::polling_fields`.
#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| tidings_fuzz::polling_fields(data));
