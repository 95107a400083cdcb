//! One test suite for every way to a board, and what runs in a guest that boots Linux.
#![forbid(unsafe_code)]

pub mod edu;
pub mod leaks;
pub mod machine;
pub mod suite;
