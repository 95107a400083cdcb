//! PCI functions, DMA buffers, rings and faults of a Hotloop board.
//!
//! [`Board`] is where to start: it opens any [`PciFunction`], whether a board in a slot or a simulated one, and runs
//! batches of [`Descriptor`]s on buffers of its pool. A board in a slot is a [`VfioFunction`], one in another process a
//! [`vfio_user::VfioUserFunction`], one at the end of a serial line a [`SerialFunction`].
//! [`flash::BoardFlash`] is the way to a board's configuration flash. This crate holds no `unsafe`; `pcie_sys` does.
#![forbid(unsafe_code)]

mod bar;
mod board;
mod buffer;
mod config;
mod descriptor;
mod error;
pub mod flash;
pub mod function;
mod identity;
mod monitor;
mod obstacle;
mod pool;
mod rings;
pub mod serial;
mod space;
mod sysfs;
mod timeouts;
mod validate;
mod vfio;
pub mod vfio_user;

pub use bar::Bar;
pub use board::{Board, BoardOptions, JobResult};
pub use buffer::DmaBuf;
pub use config::LinkState;
pub use descriptor::{hash_digests, CommitShape, Completion, Descriptor, HashShape, TransformShape, Window};
pub use error::{CompletionError, DriverError, InvalidJob, JobError};
pub use function::{FunctionError, PciFunction};
pub use identity::{Counters, Identity};
pub use monitor::{MonitorState, Reading};
pub use obstacle::Obstacle;
pub use pcie_sys::{DmaMemory, EventFd, SysError};
pub use pool::{DmaPool, PoolOptions};
pub use serial::SerialFunction;
pub use sysfs::{PciAddress, Slot, Sysfs};
pub use timeouts::Timeouts;
pub use vfio::VfioFunction;
