//! Adders, subtractors, multipliers as graphs.

use std::rc::Rc;

use super::{leaf::QUARTER_BITS, Field};
use crate::datapath::{Module, Sig};

/// ε = 2^32 − 1 ≡ 2^64.
const EPSILON: u128 = 0xffff_ffff;

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
/// With `high` = hh·2^32 + hl, 2^64 ≡ ε and 2^96 ≡ −1, so x ≡ low − hh + hl·ε.
fn reduce_weakly(m: &mut Module, low: Sig, high: Sig) -> Sig {
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

/// c0 + c1·z + c2·z² + c3·z³ at z = 2^16 as any word of the right residue, from what an ECP5's leaf gives: three stages
/// and an addition without a register.
fn reduce_quarters(m: &mut Module, quarters: [Sig; 4]) -> Sig {
    const QUARTER: u32 = 16;
    assert_eq!(quarters.map(Sig::width), QUARTER_BITS, "coefficients of a leaf");
    let [c0, c1, c2, c3] = quarters;
    // even = c0 + c1·z, |even| < 2^50; odd = c2 + c3·z, 0 ≤ odd < 2^52; the value is even + odd·2^32.
    let [even, odd] = [(c0, c1, 51), (c2, c3, 52)].map(|(x, y, width)| {
        let low = m.slice(x, 0, QUARTER);
        let rest = m.slice(x, QUARTER, x.width() - QUARTER);
        let extended = |m: &mut Module, x| match width {
            51 => m.extend_signed(x, width - QUARTER),
            _ => m.extend(x, width - QUARTER),
        };
        let (rest, y) = (extended(m, rest), extended(m, y));
        let sum = m.add(rest, y);
        let sum = m.reg(sum);
        m.cat(&[sum, low])
    });
    // odd = o1·2^32 + o0: the value is (even − o1) + (o0 + o1)·2^32, |even − o1| < 2^50 and o0 + o1 < 2^32 + 2^20.
    let (o0, o1) = (m.slice(odd, 0, 32), m.slice(odd, 32, 20));
    let wide = m.extend(o1, 51);
    let even = m.sub(even, wide);
    let odd = m.add_carry(o0, o1);
    let (even, odd) = (m.reg(even), m.reg(odd));
    reduce_halves(m, even, odd)
}

/// even + odd·2^32 as any word of the right residue, for even from −2^50 to 2^51, two's complement, and odd up to
/// 2^32 + 2^20: one stage and an addition without a register.
pub fn reduce_halves(m: &mut Module, even: Sig, odd: Sig) -> Sig {
    // From −2^50 to 2^64 + 2^52 + 2^51: a word and at most one carry or one borrow of 2^64 ≡ ε.
    let low = m.slice(even, 0, 32);
    let (rest, odd) = (m.slice(even, 32, even.width() - 32), m.extend(odd, 34));
    let rest = m.extend_signed(rest, 34);
    let high = m.add(rest, odd);
    // A borrow sets both bits above the word. What the correction is made of comes from registers, for it goes far.
    let (either, borrow) = (m.bit(high, 32), m.bit(high, 33));
    let no_borrow = m.not(borrow);
    let carry = m.and(either, no_borrow);
    let high = m.slice(high, 0, 32);
    let all = m.cat(&[carry, borrow, either, high, low]);
    let all = m.reg(all);
    let word = m.slice(all, 0, 64);
    let [either, borrow, carry] = [64, 65, 66].map(|i| m.bit(all, i));
    // By this name the proof breaks it (tests/formal), and by theirs it finds the coefficients.
    let borrow = m.label(borrow, "borrow");
    // With a carry the word is below 2^53, with a borrow at least 2^64 − 2^50: adding ε, or −ε, has no carry of its own. In
    // bits ε is 32 ones, and −ε a one after 31 zeros and 32 ones before them.
    let mut bits = vec![either];
    bits.extend([carry; 31]);
    bits.extend([borrow; 32]);
    let correction = m.pack(&bits);
    m.add(word, correction)
}

/// Any word, and whether it is p or more.
pub struct Weak {
    /// The word.
    pub word: Sig,
    /// It is p or more.
    pub above: Sig,
}

impl Weak {
    /// A word, compared. No stage.
    pub fn new(m: &mut Module, word: Sig) -> Weak {
        let (low, high) = (m.slice(word, 0, 32), m.slice(word, 32, 32));
        // p = 2^64 − 2^32 + 1: all ones above, not all zeros below.
        let ones = m.eq_const(high, EPSILON);
        let none = m.eq_const(low, 0);
        let some = m.not(none);
        Weak { word, above: m.and(ones, some) }
    }

    /// The word modulo p. No stage.
    pub fn canonical(self, m: &mut Module) -> Sig {
        let (low, one) = (m.slice(self.word, 0, 32), m.constant(1, 32));
        let less = m.sub(low, one);
        let less = m.extend(less, 64);
        m.mux(self.above, less, self.word)
    }
}

/// Any word modulo p. No stage.
pub fn canonical(m: &mut Module, x: Sig) -> Sig {
    Weak::new(m, x).canonical(m)
}

/// What a leaf gives.
enum Product {
    /// A product's words, the low one first.
    Words([Sig; 2]),
    /// Coefficients for [`reduce_quarters`].
    Quarters([Sig; 4]),
}

/// Places a leaf.
fn product(m: &mut Module, leaf: &Rc<Module>, operands: &[(&str, Sig)]) -> Product {
    let placed = m.call("leaf", leaf, operands);
    match leaf.ports().any(|(name, ..)| name == "c0") {
        true => Product::Quarters(["c0", "c1", "c2", "c3"].map(|port| {
            let coefficient = m.output_of(&placed, port);
            m.label(coefficient, port)
        })),
        false => Product::Words(["low", "high"].map(|port| m.output_of(&placed, port))),
    }
}

/// A modular multiplier, one product a cycle: ports `a`, `b` (any words), `y` (canonical).
pub fn multiplier(field: &Field, leaf: &Rc<Module>) -> Rc<Module> {
    let mut m = Module::new(format!("{}_mul", field.name));
    let (a, b) = (m.pipe_input("a", field.bits), m.pipe_input("b", field.bits));
    let y = match product(&mut m, leaf, &[("a", a), ("b", b)]) {
        Product::Words([low, high]) => reduce_goldilocks(&mut m, low, high),
        Product::Quarters(quarters) => {
            let weak = reduce_quarters(&mut m, quarters);
            let weak = m.reg(weak);
            let y = canonical(&mut m, weak);
            m.reg(y)
        }
    };
    m.pipe_outputs(&[("y", y)]);
    Rc::new(m)
}

/// The same with `y` any word of the right residue, for products that only go on into sums and products: it saves a
/// comparison, a subtraction and a choice of 64 bits.
pub fn weak_multiplier(field: &Field, leaf: &Rc<Module>) -> Rc<Module> {
    weak(field, "mul", leaf, &["a", "b"])
}

/// The square of `a` as a weak multiplier gives it, where squares have a leaf.
pub fn weak_square(field: &Field, leaf: &Rc<Module>) -> Rc<Module> {
    weak(field, "square", leaf, &["a"])
}

fn weak(field: &Field, name: &str, leaf: &Rc<Module>, operands: &[&str]) -> Rc<Module> {
    let mut m = Module::new(format!("{}_{name}_weak", field.name));
    let operands: Vec<(&str, Sig)> = operands.iter().map(|&port| (port, m.pipe_input(port, field.bits))).collect();
    let y = match product(&mut m, leaf, &operands) {
        Product::Words([low, high]) => reduce_weakly(&mut m, low, high),
        Product::Quarters(quarters) => reduce_quarters(&mut m, quarters),
    };
    let y = m.reg(y);
    m.pipe_outputs(&[("y", y)]);
    Rc::new(m)
}
