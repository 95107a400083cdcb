//! Hotloop's hardware, described in Rust.
//!
//! [`datapath`] is the layer everything is written in: a width-checked graph that prints Verilog. Control blocks with
//! handshakes are rust-hdl, placed into the graph as modules.

pub mod accelerator;
pub mod bus;
pub mod check;
pub mod command;
pub mod config;
pub mod control;
pub mod datapath;
pub mod field;
pub mod flash;
pub mod fold;
pub mod link;
pub mod ntt;
pub mod poseidon;
pub mod presets;
pub mod primitives;
pub mod registers;
pub mod sets;

pub use config::Config;
