//! The 64 × 64 → 128 multiplier: what a product is made of on each family of parts.
//!
//! Every leaf is the module [`MULTIPLIER_LEAF`] with ports `a`, `b`, `low`, `high`, one product a cycle; only the
//! number of stages differs, and the datapath layer takes that from the module. All pass the same unit tests.

mod ecp5;
mod simulated;
mod xilinx;

use std::rc::Rc;

use crate::{datapath::Module, primitives};

/// Name of the module that stands for one 64 × 64 hardware multiplier: what "multipliers in the netlist" counts.
pub const MULTIPLIER_LEAF: &str = "mul_leaf";

/// What a 64 × 64 product is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MultiplierLeaf {
    /// Four 32 × 32 products in `latency` ≥ 2 stages, fast in a simulation.
    Simulated {
        /// Stages from operands to product.
        latency: u32,
    },
    /// 9 MULT18X18D by Karatsuba's method, twice: 10 stages.
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
