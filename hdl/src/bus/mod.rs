//! Buses: the register interface (AXI4-Lite) and the data mover (AXI4).

mod axi_lite;
mod burst;
mod reader;
mod registers;
mod writer;

pub use axi_lite::slave;
pub use reader::reader;
pub use registers::{constants, register_file};
pub use writer::writer;

use crate::datapath::{Module, Sig};

/// Width of the data bus in bits.
pub const DATA_BITS: u32 = 512;
/// Beats of the longest burst: 4 KiB.
pub const BURST_BEATS: u128 = 64;

/// A segment as data movers take it: see [`segment_inputs`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct Segment {
    /// Byte address; bit 64 says that its computation overflowed.
    pub address: Sig,
    pub beats: Sig,
    /// Outside the job's window by intention: rings and parameter blocks.
    pub unchecked: Sig,
}

/// Byte addresses carry an overflow bit that sticks.
pub(crate) const ADDRESS_BITS: u32 = 65;

/// Ports of a data mover that describe a segment and the window it must lie in.
pub(crate) fn segment_inputs(m: &mut Module) -> Segment {
    Segment {
        address: m.input("seg_address", ADDRESS_BITS),
        beats: m.input("seg_beats", 32),
        unchecked: m.input("seg_unchecked", 1),
    }
}

/// `address + 64·beats`, the overflow bit sticking. `beats` has at most 58 bits.
pub(crate) fn advance(m: &mut Module, address: Sig, beats: Sig) -> Sig {
    let bytes = m.shl(beats, 6);
    let bytes = m.extend(bytes, ADDRESS_BITS);
    let low = m.slice(address, 0, ADDRESS_BITS - 1);
    let low = m.extend(low, ADDRESS_BITS);
    let sum = m.add(low, bytes);
    let over = m.bit(address, ADDRESS_BITS - 1);
    let over = m.shl(over, ADDRESS_BITS - 1);
    m.or(sum, over)
}
