//! Modular arithmetic units, generic over a field description.
//!
//! Values between units are canonical (below the modulus) unless a unit says that it takes any word.

mod arithmetic;
mod leaf;
mod units;

pub use arithmetic::Field;
pub use leaf::{multiplier_leaf, square_leaf, MultiplierLeaf, MULTIPLIER_LEAF, QUARTER_BITS, SQUARE_LEAF};
pub use units::{
    add_mod, canonical, multiplier, reduce_goldilocks, reduce_halves, sub_mod, weak_multiplier, weak_square, Weak,
};
