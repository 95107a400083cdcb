//! The leaf of the ECP5: nine 18 × 18 multipliers instead of sixteen, and no product of 128 bits.
//!
//! An operand is a polynomial of degree 3 at z = 2^16, and p = 2^64 − 2^32 + 1 is z^4 − z^2 + 1 there: so the leaf multiplies
//! polynomials modulo z^4 − z^2 + 1, and leaves it to the reduction to put 2^16 in. With z^4 = z^2 − 1, z^5 = z^3 − z and
//! z^6 = −1 most of what Karatsuba's method adds to put its products together cancels.
//!
//! Its additive form, twice (x1y0 + x0y1 = (x1 + x0)(y1 + y0) − x1y1 − x0y0), keeps everything unsigned; sums of two quarters
//! have 17 bits, that of all four has 18: every product fits an unsigned MULT18X18D.

use std::rc::Rc;

use super::MULTIPLIER_LEAF;
use crate::{
    datapath::{Cell, Module, Parameter, PortDirection, Sig},
    primitives::MULT18X18D,
};

/// Stages of a MULT18X18D with all its registers on.
const CELL_LATENCY: u32 = 3;

/// Bits of a quarter of a word.
const QUARTER: u32 = 16;

/// The leaf: ports `c0` … `c3`, six stages.
///
/// With p0 = x0·y0 and so on, p01 = (x0 + x1)·(y0 + y1) and so on:
///
/// - c0 = p0 + p1 − p2 − p13
/// - c1 = (p01 − p0 − p1) − (p23 − p2 − p3)
/// - c2 = p02 + p13 − p0 − p3
/// - c3 = (p0123 − p02 − p13) − (p01 − p0 − p1)
///
/// The brackets are two products of quarters, or of sums of two: below 2^33 and 2^35 and not negative. The last one has all
/// that is in the one before it. Likewise p02 has p0 and p13 has p3, so that 0 ≤ c2, c3 < 2^35; |c1| < 2^33; and as
/// p13 − p1 < 3·2^32, −2^34 < c0 < 2^32.
pub(super) fn ecp5() -> Rc<Module> {
    let mut m = Module::new(MULTIPLIER_LEAF);
    let operands = ["a", "b"].map(|port| {
        let word = m.pipe_input(port, 64);
        Operand::new(&mut m, word)
    });
    let cell = cell();
    let mut times = |name: &str, part: fn(&Operand) -> Sig| {
        let [x, y] = operands.each_ref().map(part);
        product(&mut m, &cell, name, x, y)
    };
    let [p0, p1, p2, p3] = [
        times("p0", |x| x.quarters[0]),
        times("p1", |x| x.quarters[1]),
        times("p2", |x| x.quarters[2]),
        times("p3", |x| x.quarters[3]),
    ];
    let (p02, p13) = (times("p02", |x| x.even), times("p13", |x| x.odd));
    let (p01, p23, all) = (times("p01", |x| x.low), times("p23", |x| x.high), times("p0123", |x| x.all));

    let mut plus = |a, b| {
        let sum = m.add_carry(a, b);
        m.reg(sum)
    };
    let (low, high, middle) = (plus(p0, p1), plus(p2, p3), plus(p02, p13));
    let (less0, less2) = (plus(p2, p13), plus(p0, p3));
    let mut minus = |a, b, width| {
        let [a, b] = [a, b].map(|x| m.resize(x, width));
        let difference = m.sub(a, b);
        m.reg(difference)
    };
    let c0 = minus(low, less0, C_BITS[0]);
    let c2 = minus(middle, less2, C_BITS[2]);
    let (low, high, middle) = (minus(p01, low, 33), minus(p23, high, 33), minus(all, middle, 35));
    let c1 = minus(low, high, C_BITS[1]);
    let c3 = minus(middle, low, C_BITS[3]);
    m.pipe_outputs(&[("c0", c0), ("c1", c1), ("c2", c2), ("c3", c3)]);
    Rc::new(m)
}

/// Bits of the remainder's coefficients, of which the first two are signed.
pub const C_BITS: [u32; 4] = [35, 34, 35, 35];

/// The quarters of an operand and their sums.
struct Operand {
    quarters: [Sig; 4],
    even: Sig,
    odd: Sig,
    low: Sig,
    high: Sig,
    all: Sig,
}

impl Operand {
    /// Sums of neighbours take a stage: their products are needed one later than others, and the sum of all goes
    /// through two additions.
    fn new(m: &mut Module, word: Sig) -> Operand {
        let quarters = [0, 1, 2, 3].map(|i| m.slice(word, i * QUARTER, QUARTER));
        let (even, odd) = (m.add_carry(quarters[0], quarters[2]), m.add_carry(quarters[1], quarters[3]));
        let (low, high) = (m.add_carry(quarters[0], quarters[1]), m.add_carry(quarters[2], quarters[3]));
        let (low, high) = (m.reg(low), m.reg(high));
        Operand { quarters, even, odd, low, high, all: m.add_carry(low, high) }
    }
}

/// One cell: the product of operands of at most 18 bits.
fn product(m: &mut Module, cell: &Rc<Module>, name: &str, x: Sig, y: Sig) -> Sig {
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
