//! A width-checked layer for datapaths: ordinary Rust builds a graph, which is printed as Verilog.
//!
//! [`Module`] is the graph of one Verilog module; [`Sig`] a signal in it. Every operation checks widths when the
//! hardware is generated and panics at the caller's line: a mismatch is a mistake in the generator, never in data.
//!
//! Signals carry the *stage* at which they are valid, counted in clock cycles from the module's inputs. Operands of
//! different stages are aligned by shared delays; signals without a stage (constants, configuration, control state)
//! combine with any. So a pipeline is written as plain arithmetic, with [`Module::reg`] where a register belongs.
//!
//! Control with feedback uses [`Module::state`], memories [`Module::ram`] and [`Module::rom`], hierarchy
//! [`Module::instance`] (explicit) or [`Module::call`] (a pipelined unit of known latency), vendors' cells
//! [`Module::primitive`].

mod area;
mod cell;
mod emit;
mod graph;
mod memory;
mod ops;
mod stream;

pub use area::{Area, Family};
pub use cell::{Cell, Parameter};
pub use emit::{Design, VerilogFile, WAIVERS};
pub use graph::{Instance, Module, PortDirection, Sig, State, Wire};
pub use stream::Stream;
