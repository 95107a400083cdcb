//! The only Verilog written by hand: what a vendor's primitive does, as far as it is used here.
//!
//! A simulation needs these models; to synthesis a primitive is a black box from the vendor's library, so each file is
//! empty where `SYNTHESIS` is defined, as IEEE 1364.1 has every synthesis tool define it. A test of
//! [`crate::accelerator`] counts them.

/// A vendor's primitive and its model for simulation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Primitive {
    /// The vendor's name of it.
    pub name: &'static str,
    /// Verilog of the subset that is used here.
    pub model: &'static str,
}

/// ECP5: 18 × 18 multiplier.
pub const MULT18X18D: Primitive = Primitive { name: "MULT18X18D", model: include_str!("MULT18X18D.v") };

/// Xilinx 7 series: 25 × 18 multiplier with a 48-bit adder.
pub const DSP48E1: Primitive = Primitive { name: "DSP48E1", model: include_str!("DSP48E1.v") };

/// Xilinx UltraScale and UltraScale+: 27 × 18 multiplier with a 48-bit adder.
pub const DSP48E2: Primitive = Primitive { name: "DSP48E2", model: include_str!("DSP48E2.v") };

/// Every primitive there is.
pub const ALL: &[Primitive] = &[MULT18X18D, DSP48E1, DSP48E2];
