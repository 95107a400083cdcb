//! Modular arithmetic units, generic over a field description.
//!
//! Values between units are canonical (below the modulus) unless a unit says that it takes any word.

mod arithmetic;
mod units;

pub use arithmetic::Field;
pub use units::{add_mod, multiplier, multiplier_leaf, reduce_goldilocks, sub_mod, MULTIPLIER_LEAF};
