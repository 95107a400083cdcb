//! Hardware described in Rust.
