//! The Verilated accelerator as a PCI function.
//!
//! [`open_sim`] gives the board of a preset: a [`hotloop_driver::PciFunction`] with the IDs, the BAR, the capabilities
//! and the interrupts of a real one, so that everything above is the same code. Beneath are [`Clocked`] and [`Model`],
//! for tests of single units.
//!
//! A board's clock runs only while there is work or an access, so its cycle counters repeat exactly from run to run.

mod board;
mod clocked;
mod config;
mod error;
mod ffi;
mod flash;
mod function;
mod host_memory;
mod iotlb;
mod link;
mod lite;
mod msix;
mod options;
mod random;
mod traffic;
mod worker;

pub use clocked::Clocked;
pub use error::SimError;
pub use ffi::{models, Model, Port};
pub use flash::{FlashChip, FlashPins};
pub use function::{open_sim, presets, SimFunction};
pub use link::PcieLink;
pub use options::{LinkOptions, SimOptions, TraceOptions};

#[cfg(all(test, not(verilated)))]
#[test]
#[ignore = "built without Verilator: no test of a simulated board runs"]
fn simulated_boards() {}
