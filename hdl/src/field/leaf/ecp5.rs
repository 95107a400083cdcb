//! The leaf of the ECP5: nine 18 × 18 multipliers instead of sixteen, and no product of 128 bits.
//!
//! An operand is a polynomial of degree 3 at z = 2^16, and p = 2^64 − 2^32 + 1 is z^4 − z^2 + 1 there: so the leaf multiplies
//! polynomials modulo z^4 − z^2 + 1, and leaves it to the reduction to put 2^16 in. With z^4 = z^2 − 1, z^5 = z^3 − z and
//! z^6 = −1 most of what Karatsuba's method adds to put its products together cancels.
//!
//! Its additive form, twice (x1y0 + x0y1 = (x1 + x0)(y1 + y0) − x1y1 − x0y0), keeps everything unsigned; sums of two quarters
//! have 17 bits, that of all four has 18: every product fits an unsigned MULT18X18D.
//!
//! A square takes seven. By t = z^2, modulo t^2 − t + 1, x = E + z·O with E = x0 + x2·t and O = x1 + x3·t, and
//! x² = E² + t·O² + 2z·EO: three products for EO by Karatsuba's method, and two for each of E² and O², as
//! (a + b·t)² = (a − b)(a + b) + b(2a + b)·t.

use std::rc::Rc;

use super::{MULTIPLIER_LEAF, SQUARE_LEAF};
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
        product(&mut m, &cell, name, x, y, Signs::None)
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

/// The leaf of a square: port `a`, outputs as those of a product, four stages.
///
/// - c0 = (x0 − x2)(x0 + x2) − x3(2·x1 + x3)
/// - c1 = 2·(x0·x1 − x2·x3)
/// - c2 = x2(2·x0 + x2) + x1(x1 + 2·x3)
/// - c3 = 2·((x0 + x2)(x1 + x3) − x0·x1)
///
/// Sums have 17 or 18 bits, and the difference is a signed operand, so every product fits a MULT18X18D. −2^34 < c0 < 2^32,
/// |c1| < 2^33, and 0 ≤ c2, c3 < 2^35, as c3 = 2·(x0·x3 + x1·x2 + x2·x3).
pub(super) fn ecp5_square() -> Rc<Module> {
    let mut m = Module::new(SQUARE_LEAF);
    let word = m.pipe_input("a", 64);
    let x = quarters(&mut m, word);
    let (even, odd) = (m.add_carry(x[0], x[2]), m.add_carry(x[1], x[3]));
    let less = {
        let [a, b] = [x[0], x[2]].map(|x| m.extend(x, 17));
        m.sub(a, b)
    };
    // a + 2b: the lowest bit is a's.
    let mut once_and_twice = |a: Sig, b| {
        let (lowest, rest) = (m.bit(a, 0), m.slice(a, 1, QUARTER - 1));
        let rest = m.extend(rest, QUARTER);
        let sum = m.add_carry(rest, b);
        m.cat(&[sum, lowest])
    };
    let [b, u, v] = [once_and_twice(x[2], x[0]), once_and_twice(x[1], x[3]), once_and_twice(x[3], x[1])];
    let cell = cell();
    let mut times = |name: &str, x, y, signs| product(&mut m, &cell, name, x, y, signs);
    let squares = times("difference", less, even, Signs::First);
    let (b, u, v) =
        (times("b", b, x[2], Signs::None), times("u", u, x[1], Signs::None), times("v", v, x[3], Signs::None));
    let (p01, p23) = (times("p01", x[0], x[1], Signs::None), times("p23", x[2], x[3], Signs::None));
    let all = times("all", even, odd, Signs::None);

    let [c0_bits, c1_bits, c2_bits, c3_bits] = C_BITS;
    let c0 = {
        let (squares, v) = (m.extend_signed(squares, c0_bits), m.extend(v, c0_bits));
        m.sub(squares, v)
    };
    let c2 = {
        let [b, u] = [b, u].map(|x| m.extend(x, c2_bits));
        m.add(b, u)
    };
    let mut twice = |a, b, width| {
        let [a, b] = [a, b].map(|x| m.extend(x, width - 1));
        let difference = m.sub(a, b);
        m.reg(difference)
    };
    let [c1, c3] = [twice(p01, p23, c1_bits), twice(all, p01, c3_bits)].map(|half| m.shl(half, 1));
    let (c0, c2) = (m.reg(c0), m.reg(c2));
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
        let quarters = quarters(m, word);
        let (even, odd) = (m.add_carry(quarters[0], quarters[2]), m.add_carry(quarters[1], quarters[3]));
        let (low, high) = (m.add_carry(quarters[0], quarters[1]), m.add_carry(quarters[2], quarters[3]));
        let (low, high) = (m.reg(low), m.reg(high));
        Operand { quarters, even, odd, low, high, all: m.add_carry(low, high) }
    }
}

/// The quarters of a word, the lowest first.
fn quarters(m: &mut Module, word: Sig) -> [Sig; 4] {
    [0, 1, 2, 3].map(|i| m.slice(word, i * QUARTER, QUARTER))
}

/// Which operands of a product have a sign.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Signs {
    None,
    /// The first one. The other has less than 18 bits.
    First,
}

/// One cell: the product of operands of at most 18 bits.
fn product(m: &mut Module, cell: &Rc<Module>, name: &str, x: Sig, y: Sig, signs: Signs) -> Sig {
    assert_eq!(x.stage(), y.stage(), "operands of a cell come at the same time");
    let stage = x.stage().map(|s| s + CELL_LATENCY);
    let width = x.width() + y.width();
    let signed = signs == Signs::First;
    let x = if signed { m.extend_signed(x, 18) } else { m.extend(x, 18) };
    let y = m.extend(y, 18);
    let sign = m.constant(signed.into(), 1);
    let (zero, one, unused) = (m.constant(0, 1), m.constant(1, 1), m.constant(0, 18));
    let mut inputs = vec![("A", x), ("B", y), ("C", unused), ("CE0", one)];
    // A cell has both signs or none; the other operand's is then always clear.
    inputs.extend([("SIGNEDA", sign), ("SIGNEDB", sign)]);
    inputs.extend(["SOURCEA", "SOURCEB", "RST0"].map(|port| (port, zero)));
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
