//! The Verilated accelerator as a PCI function.

mod clocked;
mod error;
mod ffi;

pub use clocked::Clocked;
pub use error::SimError;
pub use ffi::{models, Model, Port};
