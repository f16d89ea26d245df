//! Subscribe over any of four transports, resume after a cut, publish.
#![forbid(unsafe_code)]
