//! [`DriverError`]: everything that can go wrong between a caller and a board, each with a next step.

use std::time::Duration;

use hotloop_regs::{Error as JobCode, Fault};
use pcie_sys::SysError;

use crate::function::FunctionError;

/// Why the driver did not do as asked.
#[derive(Debug, thiserror::Error)]
pub enum DriverError {
    /// The PCI function refused or failed.
    #[error("the PCI function failed: {0}; see `hotloop devices` for what can be opened")]
    Function(#[from] FunctionError),
    /// Shared memory or an event could not be had or used.
    #[error("shared memory failed: {0}; check the memory and descriptor limits (ulimit -a)")]
    System(#[from] SysError),
    /// The board no longer answers: its registers read as all ones.
    #[error("{name} is gone: {register} reads as all ones; check that the board is in its slot (or its simulator runs), then open it again")]
    Gone {
        /// The function's name.
        name: String,
        /// What was read.
        register: &'static str,
    },
    /// A 64-bit register changed at every attempt to read it.
    #[error(
        "{register} changes faster than it can be read; the board is faulty: reset it, or report its build identity"
    )]
    Unstable {
        /// The register.
        register: &'static str,
    },
    /// The function is not a Hotloop board.
    #[error("{name} is not a Hotloop board: {what} is {found:#x}, not {wanted:#x}; choose another device (`hotloop devices`) or flash a Hotloop image")]
    NotHotloop {
        /// The function's name.
        name: String,
        /// What was looked at.
        what: &'static str,
        /// What it is.
        found: u64,
        /// What it should be.
        wanted: u64,
    },
    /// The board's ABI is not one that this driver speaks.
    #[error(
        "{name} speaks ABI {}.{}, this driver {}.{}; {}",
        board >> 16, board & 0xffff, driver >> 16, driver & 0xffff,
        if board < driver { "flash an image of this release" } else { "update this driver to the image's release" }
    )]
    Abi {
        /// The function's name.
        name: String,
        /// The board's version.
        board: u32,
        /// The driver's.
        driver: u32,
    },
    /// The board was built from another register map.
    #[error("{name} has register map {board:#018x}, this driver knows {driver:#018x}; flash the image of this release, or use the driver of the image's release")]
    MapHash {
        /// The function's name.
        name: String,
        /// The board's hash.
        board: u64,
        /// The driver's.
        driver: u64,
    },
    /// A capability register holds what no board can have.
    #[error("{name}: {register} is {value}, must be {rule}; the image is damaged: flash it again")]
    Capability {
        /// The function's name.
        name: String,
        /// The register.
        register: &'static str,
        /// What it holds.
        value: u64,
        /// What it may hold.
        rule: &'static str,
    },
    /// After a reset the board is another one.
    #[error("{name} came back from reset with another identity; somebody flashed it meanwhile: open it again")]
    IdentityChanged {
        /// The function's name.
        name: String,
    },
    /// An option of the driver is outside its range.
    #[error("option {name} is {value}, must be {rule}")]
    Options {
        /// The option.
        name: &'static str,
        /// What was given.
        value: u64,
        /// What it may be.
        rule: &'static str,
    },
    /// The pool may not grow so far.
    #[error("{asked} bytes of DMA memory asked for, {mapped} are mapped and the limit is {limit}; drop buffers, submit smaller jobs, or raise PoolOptions::limit_bytes")]
    PoolLimit {
        /// Bytes asked for.
        asked: u64,
        /// Bytes mapped already.
        mapped: u64,
        /// The limit in bytes.
        limit: u64,
    },
    /// No I/O virtual addresses are left for a region of this size.
    #[error("no I/O addresses left for {bytes} bytes below 2^{mask_bits}; drop buffers or submit smaller jobs")]
    NoAddresses {
        /// Bytes asked for.
        bytes: u64,
        /// Width of the board's addresses.
        mask_bits: u32,
    },
    /// A buffer of no bytes was asked for.
    #[error("a DMA buffer of no bytes was asked for; ask for at least one")]
    EmptyBuffer,
    /// An access lies outside its buffer.
    #[error(
        "access of {bytes} bytes at offset {offset:#x} lies outside a DMA buffer of {len} bytes; allocate a larger one"
    )]
    OutsideBuffer {
        /// Byte offset asked for.
        offset: u64,
        /// Bytes asked for.
        bytes: u64,
        /// Bytes of the buffer.
        len: u64,
    },
    /// The board was closed while a buffer of it lived on.
    #[error("the board of this pool is closed; open it again and allocate new buffers")]
    Closed,
    /// A descriptor cannot be right, and was not submitted; nor was any other of its batch.
    #[error(transparent)]
    Invalid(#[from] InvalidJob),
    /// A job ended with an error; the others of its batch ran.
    #[error(transparent)]
    Job(#[from] JobError),
    /// The completion ring holds what it must not.
    #[error("the completion ring is corrupt: {0}; reset the board (Board::reset) and submit again; if it happens again, replace the image or the board")]
    Completion(#[from] CompletionError),
    /// The rings stopped.
    #[error("the rings stopped with fault {}; reset the board (Board::reset) and submit again", fault_text(*code))]
    Fault {
        /// The code; see [`hotloop_regs::Fault`].
        code: u32,
    },
    /// Jobs took longer than their deadline. Their buffers stay out of use until the board is reset.
    #[error("{done} of {jobs} jobs done after {waited:?}; reset the board (Board::reset), then submit again with a longer deadline or fewer jobs")]
    Timeout {
        /// Jobs that completed.
        done: usize,
        /// Jobs submitted.
        jobs: usize,
        /// The deadline that passed.
        waited: Duration,
    },
    /// The board did not come to rest.
    #[error("{name}: {what} did not finish within {waited:?}; power-cycle the board, or restart its simulator")]
    Stuck {
        /// The function's name.
        name: String,
        /// What was waited for.
        what: &'static str,
        /// How long.
        waited: Duration,
    },
    /// An earlier failure left the rings undefined.
    #[error("the board needs a reset after an earlier failure ({reason}); call Board::reset, then submit again")]
    NeedsReset {
        /// The earlier failure.
        reason: String,
    },
}

impl DriverError {
    /// The fault that stopped the rings, where this is one that is known.
    pub fn fault(&self) -> Option<Fault> {
        match self {
            DriverError::Fault { code } => Fault::from_code(*code),
            _ => None,
        }
    }
}

fn fault_text(code: u32) -> String {
    match Fault::from_code(code) {
        Some(fault) => format!("{}: {}", fault.name(), fault.doc().trim_end_matches('.')),
        None => format!("{code}, which this driver does not know"),
    }
}

/// A descriptor that breaks a rule, found before the doorbell.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("job {index} was not submitted: {field} is {value:#x}, must be {rule}")]
pub struct InvalidJob {
    /// Position in the batch.
    pub index: usize,
    /// The descriptor's field, as in [`hotloop_regs::Descriptor`].
    pub field: &'static str,
    /// What it holds.
    pub value: u64,
    /// What it may hold.
    pub rule: String,
}

/// A job that the board ended without its result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("job {index} ended with {}: {} Correct the job and submit it again; the board takes further jobs", code.name(), code.doc())]
pub struct JobError {
    /// Position in the batch.
    pub index: usize,
    /// What the board says.
    pub code: JobCode,
}

/// What is wrong with a completion-ring entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CompletionError {
    /// The tag belongs to no job in flight, now or lately.
    #[error("entry {entry} has tag {tag:#x}, which no job has (next: {expected:#x})")]
    UnknownTag {
        /// Entry of the ring.
        entry: u32,
        /// Tag found.
        tag: u32,
        /// Tag of the oldest job in flight.
        expected: u32,
    },
    /// The job completed before.
    #[error("entry {entry} completes the job with tag {tag:#x} a second time")]
    Repeated {
        /// Entry of the ring.
        entry: u32,
        /// Tag found.
        tag: u32,
    },
    /// A later job completed first; the board answers in order.
    #[error("entry {entry} completes the job with tag {tag:#x} before that with {expected:#x}")]
    OutOfOrder {
        /// Entry of the ring.
        entry: u32,
        /// Tag found.
        tag: u32,
        /// Tag of the oldest job in flight.
        expected: u32,
    },
    /// The board says that it wrote the entry, but its phase bit is that of the last pass.
    #[error("entry {entry} was announced but has the phase bit of the last pass")]
    BadPhase {
        /// Entry of the ring.
        entry: u32,
    },
    /// The status is no known code, or reserved bits are set.
    #[error("entry {entry} is {word:#018x}, which is no status")]
    BadStatus {
        /// Entry of the ring.
        entry: u32,
        /// First word of the entry.
        word: u64,
    },
}
