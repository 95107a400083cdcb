//! PCI functions, DMA buffers, rings and faults of a Hotloop board.

pub mod function;

pub use function::{FunctionError, PciFunction};
pub use pcie_sys::{DmaMemory, EventFd};
