//! The leaf of the ECP5: nine 18 × 18 multipliers instead of sixteen.
//!
//! Karatsuba's method in its additive form: with x = x1·2^h + x0 and y likewise,
//! x·y = x1y1·2^2h + ((x1 + x0)(y1 + y0) − x1y1 − x0y0)·2^h + x0y0. The sums of 32-bit halves have 33 bits, their
//! halves 17 and 16, and the sums of those 18: every product fits an unsigned MULT18X18D.

use std::rc::Rc;

use super::MULTIPLIER_LEAF;
use crate::{
    datapath::{Cell, Module, Parameter, PortDirection, Sig},
    primitives::MULT18X18D,
};

/// Stages of a MULT18X18D with all its registers on.
const CELL_LATENCY: u32 = 3;

/// Bits of the last addition's lower part: a carry chain of 96 bits in one stage would set the clock.
const SPLIT: u32 = 48;

/// The leaf: the products of halves at stage 6, that of the sums at 7, the whole at 10.
pub(super) fn ecp5() -> Rc<Module> {
    let mut m = Module::new(MULTIPLIER_LEAF);
    let (a, b) = (m.pipe_input("a", 64), m.pipe_input("b", 64));
    let cell = cell();
    let (low, high, both) = parts(&mut m, a, b, |m, name, x, y| product(m, &cell, name, x, y));
    let middle = middle(&mut m, low, high, both);
    // The lowest half word is finished; the rest is one addition of 96 bits, its carry cut by a register.
    let rest = m.slice(low, 32, 32);
    let rest = m.cat(&[high, rest]);
    let middle = m.extend(middle, 96);
    let (rest0, rest1) = (m.slice(rest, 0, SPLIT), m.slice(rest, SPLIT, 96 - SPLIT));
    let (middle0, middle1) = (m.slice(middle, 0, SPLIT), m.slice(middle, SPLIT, 96 - SPLIT));
    let sum0 = m.add_carry(rest0, middle0);
    let sum0 = m.reg(sum0);
    // The carry enters as one more bit below, so that it costs no second chain.
    let carry = m.bit(sum0, SPLIT);
    let one = m.constant(1, 1);
    let (rest1, middle1) = (m.cat(&[rest1, one]), m.delay(middle1, 1));
    let middle1 = m.cat(&[middle1, carry]);
    let sum1 = m.add(rest1, middle1);
    let sum1 = m.slice(sum1, 1, 96 - SPLIT);
    let sum1 = m.reg(sum1);
    let sum0 = m.slice(sum0, 0, SPLIT);
    let lowest = m.slice(low, 0, 32);
    let whole = m.cat(&[sum1, sum0, lowest]);
    let (low, high) = (m.slice(whole, 0, 64), m.slice(whole, 64, 64));
    m.pipe_outputs(&[("low", low), ("high", high)]);
    Rc::new(m)
}

/// x0·y0, x1·y1 and (x0 + x1)·(y0 + y1); the sums take a stage.
fn parts(m: &mut Module, x: Sig, y: Sig, mut times: impl FnMut(&mut Module, &str, Sig, Sig) -> Sig) -> (Sig, Sig, Sig) {
    let half = x.width().div_ceil(2);
    let mut halves = |x: Sig| {
        let (x0, x1) = (m.slice(x, 0, half), m.slice(x, half, x.width() - half));
        let sum = m.add_carry(x0, x1);
        (x0, x1, m.reg(sum))
    };
    let ((x0, x1, xs), (y0, y1, ys)) = (halves(x), halves(y));
    let low = times(m, "low", x0, y0);
    let high = times(m, "high", x1, y1);
    let both = times(m, "both", xs, ys);
    (low, high, both)
}

/// `both − low − high`, which is x0y1 + x1y0: two stages after the later of `low` and `high`.
fn middle(m: &mut Module, low: Sig, high: Sig, both: Sig) -> Sig {
    let sum = m.add_carry(low, high);
    let sum = m.reg(sum);
    let sum = m.extend(sum, both.width());
    let middle = m.sub(both, sum);
    // Two products of half words: the top bit of `both` is gone.
    let middle = m.slice(middle, 0, both.width() - 1);
    m.reg(middle)
}

/// The product of two words of 32 or 33 bits from three cells: 6 stages.
fn product(m: &mut Module, cell: &Rc<Module>, name: &str, x: Sig, y: Sig) -> Sig {
    let half = x.width().div_ceil(2);
    let (low, high, both) = parts(m, x, y, |m, part, x, y| times(m, cell, &format!("{name}_{part}"), x, y));
    let middle = middle(m, low, high, both);
    let rest = m.slice(low, half, half);
    let rest = m.cat(&[high, rest]);
    let middle = m.extend(middle, rest.width());
    let sum = m.add(rest, middle);
    let sum = m.reg(sum);
    let lowest = m.slice(low, 0, half);
    let whole = m.cat(&[sum, lowest]);
    // By this name the proof finds it (tests/formal).
    m.label(whole, &format!("product_{name}"))
}

/// One cell: the product of operands of at most 18 bits.
fn times(m: &mut Module, cell: &Rc<Module>, name: &str, x: Sig, y: Sig) -> Sig {
    assert_eq!(x.stage(), y.stage(), "operands of a cell come at the same time");
    let stage = x.stage().map(|s| s + CELL_LATENCY);
    let width = x.width() + y.width();
    let (x, y) = (m.extend(x, 18), m.extend(y, 18));
    let (zero, one, unused) = (m.constant(0, 1), m.constant(1, 1), m.constant(0, 18));
    let mut inputs = vec![("A", x), ("B", y), ("C", unused), ("CE0", one)];
    inputs.extend(["SIGNEDA", "SIGNEDB", "SOURCEA", "SOURCEB", "RST0"].map(|port| (port, zero)));
    let placed = m.instance(name, cell, &inputs);
    let p = m.output_of(&placed, "P");
    let p = m.at(p, stage);
    m.slice(p, 0, width)
}

/// A MULT18X18D with registers at its inputs, in the middle and at its output.
fn cell() -> Rc<Module> {
    use PortDirection::{In, Out};
    let registers = ["REG_INPUTA_CLK", "REG_INPUTB_CLK", "REG_PIPELINE_CLK", "REG_OUTPUT_CLK"];
    let parameters = registers.map(|register| (register, Parameter::Text("CLK0"))).to_vec();
    let mut ports = vec![("A", In, 18), ("B", In, 18), ("C", In, 18), ("P", Out, 36)];
    ports.extend(["SIGNEDA", "SIGNEDB", "SOURCEA", "SOURCEB", "CE0", "RST0"].map(|port| (port, In, 1)));
    Module::primitive(&MULT18X18D, Cell { clock: "CLK0", parameters, bitwise: true }, &ports)
}
