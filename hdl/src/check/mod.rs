//! Design rules for rust-hdl blocks: what rust-hdl 0.46 accepts and then prints as Verilog of another meaning.
//!
//! rust-hdl types every expression by its operands; Verilog widens every operand to the widest in its context, and
//! rust-hdl prints neither parentheses nor widths of its own. So expressions are kept to a form in which both readings
//! agree: casts, comparisons, right shifts, reductions and selects take bare signals, operators are parenthesised,
//! nothing is signed, and every output has a default. [`crate::control`] emits no block that breaks a rule.

mod rules;
mod scope;
#[cfg(test)]
mod tests;

use std::fmt;

use rust_hdl_core::prelude::Block;

/// A rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Rule {
    /// `bit_cast` of an expression: Verilog computes it in the wider width.
    Cast,
    /// Operators side by side without parentheses: Verilog's precedence is not Rust's.
    Precedence,
    /// An expression in a comparison, a right shift, a reduction or a `match`: its carry is kept in Verilog.
    Width,
    /// Signed values and products mis-generate.
    Signed,
    /// A name that the emitted module does not define, such as a const generic.
    UnknownName,
    /// An array index in an array index.
    NestedIndex,
    /// A bit or slice of something that is not a signal.
    Select,
    /// `replace_bit` shifts a 32-bit one.
    ReplaceBit,
    /// A signal that keeps its value on some path: give it a value first.
    Latch,
    /// A name that is a word of Verilog's.
    Keyword,
}

/// A broken rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Which.
    pub rule: Rule,
    /// Path of the block.
    pub block: String,
    /// What was found there and what to write instead.
    pub message: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} ({:?})", self.block, self.message, self.rule)
    }
}

/// Checks a block and everything in it.
pub fn check(name: &str, block: &dyn Block) -> Vec<Violation> {
    let scopes = scope::Scopes::of(name, block);
    scopes.iter().flat_map(rules::check).collect()
}
