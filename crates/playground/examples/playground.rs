//! The module that the page loads: three functions over its memory, and no import.
//!
//! `playground_input(len)` gives the address where the page writes `len` octets; `playground_tell(protocol, cut)` reads
//! them and gives the length of the answer, whose address is `playground_output()`. An answer stands until the next one.
#![expect(
    unsafe_code,
    reason = "the attribute that exports a function by its name; there is no unsafe block"
)]

use std::sync::Mutex;

use tidings_playground::{Guess, told};

/// The octets that the page gives.
static INPUT: Mutex<Vec<u8>> = Mutex::new(Vec::new());
/// What was told of them.
static OUTPUT: Mutex<String> = Mutex::new(String::new());

/// Makes room for `len` octets and gives its address.
// SAFETY: no other function of the module has this name; so it is below.
#[unsafe(no_mangle)]
pub extern "C" fn playground_input(len: usize) -> *mut u8 {
    let Ok(mut input) = INPUT.lock() else {
        return core::ptr::null_mut();
    };
    *input = vec![0; len];
    input.as_mut_ptr()
}

/// Tells the octets of the input, cut in two pieces behind octet `cut`, and gives the length of the answer.
#[unsafe(no_mangle)]
pub extern "C" fn playground_tell(protocol: usize, cut: usize) -> usize {
    let (Ok(input), Ok(mut output)) = (INPUT.lock(), OUTPUT.lock()) else {
        return 0;
    };
    *output = told(Guess::from_number(protocol), &input, cut);
    output.len()
}

/// Gives the address of the answer, as UTF-8.
#[unsafe(no_mangle)]
pub extern "C" fn playground_output() -> *const u8 {
    OUTPUT
        .lock()
        .map_or(core::ptr::null(), |output| output.as_ptr())
}
