//! Buses: the register interface (AXI4-Lite) and the data mover (AXI4).

mod axi_lite;
mod burst;
mod reader;
mod registers;
mod writer;

pub use axi_lite::{slave, FINDS};
pub use reader::reader;
pub use registers::{constants, register_file};
pub use writer::writer;

use crate::datapath::{Module, Sig};

/// Words of 64 bits in a beat.
pub const BEAT_WORDS: u32 = 8;

/// How wide the data bus is, and all that moves data behind it. Descriptors, layouts and counters are in beats of 64
/// bytes either way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bus {
    /// A beat in a cycle: 512 bits.
    Wide,
    /// A beat in eight cycles, its first word first: 64 bits, for engines that take no more than a word in a cycle.
    Narrow,
}

impl Bus {
    /// Words that move in a cycle.
    pub fn words(self) -> u32 {
        match self {
            Bus::Wide => BEAT_WORDS,
            Bus::Narrow => 1,
        }
    }

    /// Width in bits.
    pub fn bits(self) -> u32 {
        64 * self.words()
    }

    /// Base-2 logarithm of the cycles that a beat takes.
    pub fn steps_log(self) -> u32 {
        (BEAT_WORDS / self.words()).ilog2()
    }

    /// Bits that say which 16 bytes of what moves in a cycle are to be written, or that all of it is.
    pub fn keep_bits(self) -> u32 {
        self.words().div_ceil(2)
    }

    /// Beats of the longest burst: 4 KiB, and no more than the 256 transfers of an AXI4 burst.
    pub fn burst_beats(self) -> u32 {
        64.min(256 >> self.steps_log())
    }
}

/// Which part of a beat moves in this cycle, and whether it is the last, where beats take several; `step` moves on.
pub(crate) fn steps(m: &mut Module, bus: Bus, name: &str, step: Sig) -> (Option<Sig>, Sig) {
    let bits = bus.steps_log();
    if bits == 0 {
        return (None, m.constant(1, 1));
    }
    let part = m.state(name, bits, 0);
    let next = m.add_const(*part, 1);
    m.drive_when(part, step, next);
    let last = m.eq_const(*part, (1 << bits) - 1);
    (Some(*part), last)
}

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
    let high = m.slice(address, 6, ADDRESS_BITS - 7);
    let [high, beats] = [high, beats].map(|x| m.extend(x, ADDRESS_BITS - 6));
    let sum = m.add(high, beats);
    let low = m.slice(address, 0, 6);
    let sum = m.cat(&[sum, low]);
    let over = m.bit(address, ADDRESS_BITS - 1);
    let over = m.shl(over, ADDRESS_BITS - 1);
    m.or(sum, over)
}
