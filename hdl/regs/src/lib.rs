//! The one definition of what host and hardware say to each other.
//!
//! The RTL decode, the driver's accessors, `regs.json` and docs/registers.md all come from the tables of this
//! crate. [`MAP_HASH`] covers them; it sits in a register, and the driver refuses a board whose hash it does not
//! know.
//!
//! All values are little-endian. A *beat* is one bus word of [`BEAT_BYTES`] bytes: eight field elements, word `k`
//! in bits `64k .. 64k + 64`.
#![no_std]

pub mod descriptor;
mod hash;
pub mod link;
pub mod map;
mod sets;

pub use descriptor::{
    Completion, Descriptor, Error, Fault, FlashCommand, FlashState, Monitor, MonitorKind, Opcode, ParameterSet,
};
pub use map::{Access, Register, REGISTERS};
pub use sets::{LastBlock, LeafRule};

/// Value of the `MAGIC` register: "HOTL" in ASCII, first letter in the low byte.
pub const MAGIC: u32 = u32::from_le_bytes(*b"HOTL");

/// Value of the `ABI` register: major version in bits 31..16, minor in 15..0. A driver accepts its own major
/// version with a minor version at least its own.
pub const ABI: u32 = 0x0001_0003;

/// Size of BAR0 in bytes: registers in the first half, the MSI-X table and its pending bits in pages of their own.
pub const BAR0_BYTES: u64 = 0x1_0000;

/// Offset in BAR0 of the MSI-X table. It belongs to the shell around the accelerator, not to its register decode.
pub const MSIX_TABLE_OFFSET: u32 = 0x8000;

/// Offset in BAR0 of the MSI-X pending-bit array.
pub const MSIX_PBA_OFFSET: u32 = 0xc000;

/// Interrupt vectors: 0 = completions, 1 = faults.
pub const MSIX_VECTORS: u16 = 2;

/// PCI vendor ID. 0x1209 is pid.codes, the vendor ID shared by open hardware.
pub const PCI_VENDOR_ID: u16 = 0x1209;

/// PCI device ID within [`PCI_VENDOR_ID`] (a placeholder until pid.codes grants one).
pub const PCI_DEVICE_ID: u16 = 0x4854;

/// PCI class code: processing accelerator.
pub const PCI_CLASS: u32 = 0x12_00_00;

/// Bytes in a beat.
pub const BEAT_BYTES: usize = 64;

/// Field elements in a beat, and columns in a panel.
pub const BEAT_WORDS: usize = 8;

/// Rows of low-order factors in a scale table (see docs/jobs.md): factor of row i is `hi[i >> 6] · lo[i & 63]`.
pub const SCALE_LO_WORDS: usize = 64;

/// Beats of one scale table for transforms of length 2^`log_n`: [`SCALE_LO_WORDS`] low factors, then 2^(log_n − 6)
/// high factors (at least one), padded to whole beats.
pub const fn scale_table_beats(log_n: u32) -> u32 {
    let hi_words = if log_n > 6 { 1u32 << (log_n - 6) } else { 1 };
    (SCALE_LO_WORDS as u32) / 8 + hi_words.div_ceil(8)
}

/// FNV-1a (64 bits) over every register, descriptor field, opcode, parameter set and code of this crate.
pub const MAP_HASH: u64 = hash::map_hash();
