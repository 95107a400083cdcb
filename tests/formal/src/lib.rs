//! Proofs about the emitted Verilog, for SymbiYosys.
//!
//! Properties (`properties/*.sv`) are put into copies of the modules that `hotloop-hdl` emits, or stand in a wrapper
//! around them. Every proof has broken copies, made from the same text, that must fail: a property that nothing can
//! violate proves nothing.

pub mod design;
pub mod proof;
pub mod report;
pub mod run;
pub mod text;
