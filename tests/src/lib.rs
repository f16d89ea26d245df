//! What the whole-system tests share.
#![forbid(unsafe_code)]
