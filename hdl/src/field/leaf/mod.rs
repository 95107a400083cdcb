//! The multiplier of words of 64 bits: what a product is made of on each family of parts.
//!
//! Every leaf is the module [`MULTIPLIER_LEAF`] with ports `a` and `b`, one product a cycle; the datapath layer takes the
//! number of stages from the module. What it gives is the words `low` and `high` of the product, or, where that is
//! cheaper, a remainder that is not finished: `c0` … `c3` ([`QUARTER_BITS`]). [`super::multiplier`] takes both.
//!
//! Where a square is cheaper than a product it has a leaf of its own, [`SQUARE_LEAF`] with the port `a`.

mod ecp5;
mod simulated;
mod xilinx;

pub use ecp5::C_BITS as QUARTER_BITS;

use std::rc::Rc;

use crate::{datapath::Module, primitives};

/// Name of the module that stands for one 64 × 64 hardware multiplier: what "multipliers in the netlist" counts.
pub const MULTIPLIER_LEAF: &str = "mul_leaf";
/// Name of the module that stands for a hardware multiplier which only squares.
pub const SQUARE_LEAF: &str = "square_leaf";

/// What a 64 × 64 product is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MultiplierLeaf {
    /// Four 32 × 32 products in `latency` ≥ 2 stages, fast in a simulation.
    Simulated {
        /// Stages from operands to product.
        latency: u32,
    },
    /// 9 MULT18X18D by Karatsuba's method, twice, modulo z^4 − z^2 + 1 with z = 2^16: 6 stages. 7 for a square: 4 stages.
    Ecp5,
    /// 12 DSP48E1 of the 7 series: 8 stages.
    Xilinx7,
    /// 12 DSP48E2 of UltraScale and UltraScale+: 8 stages.
    Xilinx,
}

/// The leaf as a module.
pub fn multiplier_leaf(leaf: MultiplierLeaf) -> Rc<Module> {
    match leaf {
        MultiplierLeaf::Simulated { latency } => simulated::simulated(latency),
        MultiplierLeaf::Ecp5 => ecp5::ecp5(),
        MultiplierLeaf::Xilinx7 => xilinx::xilinx(&primitives::DSP48E1),
        MultiplierLeaf::Xilinx => xilinx::xilinx(&primitives::DSP48E2),
    }
}

/// The leaf of a square, if it is not that of a product.
pub fn square_leaf(leaf: MultiplierLeaf) -> Option<Rc<Module>> {
    (leaf == MultiplierLeaf::Ecp5).then(ecp5::ecp5_square)
}
