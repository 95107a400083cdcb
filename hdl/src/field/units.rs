//! Adders, subtractors, multipliers as graphs.

use std::rc::Rc;

use super::Field;
use crate::datapath::{Module, Sig};

/// `a + b mod p` of canonical operands: two stages.
pub fn add_mod(m: &mut Module, field: &Field, a: Sig, b: Sig) -> Sig {
    let sum = m.add_carry(a, b);
    let sum = m.reg(sum);
    let p = m.constant(field.modulus.into(), field.bits + 1);
    let less = m.sub(sum, p);
    let borrow = m.lt(sum, p);
    let (sum, less) = (m.slice(sum, 0, field.bits), m.slice(less, 0, field.bits));
    let y = m.mux(borrow, sum, less);
    m.reg(y)
}

/// `a − b mod p` of canonical operands: two stages.
pub fn sub_mod(m: &mut Module, field: &Field, a: Sig, b: Sig) -> Sig {
    let (a, b) = (m.extend(a, field.bits + 1), m.extend(b, field.bits + 1));
    let difference = m.sub(a, b);
    let difference = m.reg(difference);
    let borrow = m.bit(difference, field.bits);
    let low = m.slice(difference, 0, field.bits);
    let p = m.constant(field.modulus.into(), field.bits);
    let more = m.add(low, p);
    let y = m.mux(borrow, more, low);
    m.reg(y)
}

/// A value of 128 bits, as two words, modulo the Goldilocks prime, canonical: four stages.
pub fn reduce_goldilocks(m: &mut Module, low: Sig, high: Sig) -> Sig {
    let weak = reduce_weakly(m, low, high);
    let p = m.constant(Field::GOLDILOCKS.modulus.into(), 64);
    let below = m.lt(weak, p);
    let less = m.sub(weak, p);
    let y = m.mux(below, weak, less);
    m.reg(y)
}

/// The same as any word of the right residue, three stages and an addition without a register.
///
/// With ε = 2^32 − 1, `high` = hh·2^32 + hl: 2^64 ≡ ε and 2^96 ≡ −1, so x ≡ low − hh + hl·ε.
fn reduce_weakly(m: &mut Module, low: Sig, high: Sig) -> Sig {
    const EPSILON: u128 = 0xffff_ffff;
    let hl = m.slice(high, 0, 32);
    let hh = m.slice(high, 32, 32);
    // t0 = low − hh, a borrow of 2^64 being worth −ε; t1 = hl·2^32 − hl.
    let (low65, hh65) = (m.extend(low, 65), m.extend(hh, 65));
    let t0 = m.sub(low65, hh65);
    let shifted = m.shl(hl, 32);
    let hl64 = m.extend(hl, 64);
    let t1 = m.sub(shifted, hl64);
    let (t0, t1) = (m.reg(t0), m.reg(t1));
    let borrow = m.bit(t0, 64);
    let word = m.slice(t0, 0, 64);
    let epsilon = m.constant(EPSILON, 64);
    let correction = m.gate(borrow, epsilon);
    let word = m.sub(word, correction);
    let (word, t1) = (m.reg(word), m.reg(t1));
    // One carry of 2^64 is worth ε; the sum's low word is then below 2^64 − ε, so no second carry.
    let sum = m.add_carry(word, t1);
    let sum = m.reg(sum);
    let carry = m.bit(sum, 64);
    let word = m.slice(sum, 0, 64);
    let correction = m.gate(carry, epsilon);
    m.add(word, correction)
}

/// A modular multiplier, one product a cycle: ports `a`, `b` (any words), `y` (canonical).
pub fn multiplier(field: &Field, leaf: &Rc<Module>) -> Rc<Module> {
    let mut m = Module::new(format!("{}_mul", field.name));
    let (a, b) = (m.pipe_input("a", field.bits), m.pipe_input("b", field.bits));
    let product = m.call("leaf", leaf, &[("a", a), ("b", b)]);
    let (low, high) = (m.output_of(&product, "low"), m.output_of(&product, "high"));
    let y = reduce_goldilocks(&mut m, low, high);
    m.pipe_outputs(&[("y", y)]);
    Rc::new(m)
}

/// The same with `y` any word of the right residue, for products that only go on into sums and products: it saves a
/// comparison, a subtraction and a choice of 64 bits.
pub fn weak_multiplier(field: &Field, leaf: &Rc<Module>) -> Rc<Module> {
    let mut m = Module::new(format!("{}_mul_weak", field.name));
    let (a, b) = (m.pipe_input("a", field.bits), m.pipe_input("b", field.bits));
    let product = m.call("leaf", leaf, &[("a", a), ("b", b)]);
    let (low, high) = (m.output_of(&product, "low"), m.output_of(&product, "high"));
    let y = reduce_weakly(&mut m, low, high);
    let y = m.reg(y);
    m.pipe_outputs(&[("y", y)]);
    Rc::new(m)
}
