//! Multiplication by roots of small order, without multipliers.
//!
//! Modulo p = 2^64 − 2^32 + 1 the number 2 has order 192 and 2^96 ≡ −1, so every root of order 64 is ±2^a with
//! a < 96, and every root of order 128 is ±(2^a ± 2^b), as sqrt(2) ≡ 2^24 − 2^72. Which a, b and signs belong to a
//! root depends on the set's generator: [`Factor::of`] finds them when the hardware is generated.

use crate::{
    datapath::{Module, Sig},
    field::Field,
};

/// ε = 2^32 − 1 ≡ 2^64.
const EPSILON: u128 = 0xffff_ffff;
/// Stages of [`rotate`].
pub const ROTATE_STAGES: u32 = 4;
/// Stages of [`add`] and [`subtract`].
pub const ADD_STAGES: u32 = 2;
/// Stages of [`negate`].
pub const NEGATE_STAGES: u32 = 2;

/// A constant as at most two powers of two: (−1)^`negative` · (2^`shift` [± 2^b]), all exponents below 96.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Factor {
    /// Whether the sum stands for its negative.
    pub negative: bool,
    /// First exponent.
    pub shift: u32,
    /// The second power of two, if there is one: whether it is subtracted, and its exponent.
    pub second: Option<(bool, u32)>,
}

impl Factor {
    /// Writes `value` in this form, with one power of two where that is possible.
    pub fn of(field: &Field, value: u64) -> Option<Factor> {
        let powers: Vec<u64> = (0..96).map(|e| field.pow(2, e)).collect();
        let signs = [(false, value), (true, field.neg(value))];
        for (negative, value) in signs {
            if let Some(shift) = powers.iter().position(|&p| p == value) {
                return Some(Factor { negative, shift: shift as u32, second: None });
            }
        }
        for (negative, value) in signs {
            for (shift, &a) in powers.iter().enumerate() {
                let rest = field.add(value, field.neg(a));
                for (minus, rest) in [(true, field.neg(rest)), (false, rest)] {
                    if let Some(b) = powers.iter().position(|&p| p == rest) {
                        return Some(Factor { negative, shift: shift as u32, second: Some((minus, b as u32)) });
                    }
                }
            }
        }
        None
    }

    /// The control word of a rotation: bits 4..0 and 6..5 remainder and quotient of the shift by 32, bit 7 the sign,
    /// then the same for the second power: bits 12..8, 14..13, bit 15 = it is subtracted, bit 16 = there is one.
    pub fn control(&self) -> u64 {
        let amount = |shift: u32| u64::from(shift % 32) | u64::from(shift / 32) << 5;
        let second = match self.second {
            Some((minus, shift)) => amount(shift) | u64::from(minus) << 7 | 1 << 8,
            None => 0,
        };
        amount(self.shift) | u64::from(self.negative) << 7 | second << 8
    }

    /// Bits of [`Factor::control`].
    pub const CONTROL_BITS: u32 = 17;
}

/// x · 2^(32·`quotient` + `remainder`) of a canonical x, for quotients 0 to 2, canonical. `remainder` comes with x,
/// `quotient` too.
///
/// With B = 2^32 and x·2^remainder = y0 + y1·B + y2·B², from B² ≡ B − 1 and B³ ≡ −1 the product is lo + hl·(B − 1) − hh:
///
/// | quotient | lo | hl | hh |
/// |---|---|---|---|
/// | 0 | y1·B + y0 | y2 | 0 |
/// | 1 | y0·B | y1 | y2 |
/// | 2 | 0 | y0 | y2·B + y1 |
pub fn rotate(m: &mut Module, x: Sig, quotient: Sig, remainder: Sig) -> Sig {
    let words = m.split(x, 32);
    let [low, high] = [0, 1].map(|i| {
        let word = m.extend(words[i], 64);
        m.shl_var(word, remainder)
    });
    let (low, high) = (m.split(low, 32), m.split(high, 32));
    let y1 = m.or(low[1], high[0]);
    let [y0, y1, y2] = [low[0], y1, high[1]].map(|y| m.reg(y));
    let quotient = m.reg(quotient);

    let (one, two) = (m.bit(quotient, 0), m.bit(quotient, 1));
    let some = m.or(one, two);
    let zero = m.constant(0, 32);
    let high = m.choose(&[(two, zero), (one, y0)], y1);
    let low = m.mux(some, zero, y0);
    let lo = m.cat(&[high, low]);
    let hl = m.choose(&[(two, y0), (one, y1)], y2);
    let high = m.gate(two, y2);
    let low = m.choose(&[(two, y1), (one, y2)], zero);
    let hh = m.cat(&[high, low]);
    let t0 = m.sub(lo, hh);
    let borrow = m.lt(lo, hh);
    let shifted = m.cat(&[hl, zero]);
    let hl = m.extend(hl, 64);
    let t1 = m.sub(shifted, hl);
    let [t0, borrow, t1] = [t0, borrow, t1].map(|y| m.reg(y));

    // hh < 2^63, so that a borrow leaves a word far above ε. As hl·(B − 1) ≤ (B − 1)², a carry leaves one below 2^64 − ε.
    let epsilon = m.constant(EPSILON, 64);
    let correction = m.gate(borrow, epsilon);
    let word = m.sub(t0, correction);
    let sum = m.add(word, t1);
    let carry = m.lt(sum, t1);
    let (sum, carry) = (m.reg(sum), m.reg(carry));

    let correction = m.gate(carry, epsilon);
    let weak = m.add(sum, correction);
    let y = canonical(m, weak);
    m.reg(y)
}

/// Any word modulo p, without a register: subtracting p is adding ε modulo 2^64.
pub fn canonical(m: &mut Module, x: Sig) -> Sig {
    let p = prime(m);
    let epsilon = m.constant(EPSILON, 64);
    let below = m.lt(x, p);
    let less = m.add(x, epsilon);
    m.mux(below, x, less)
}

/// a + b of canonical operands, two stages, in 64-bit steps (a + b − p = a − (p − b)): wider ones are slow to simulate.
pub fn add(m: &mut Module, a: Sig, b: Sig) -> Sig {
    let p = prime(m);
    let negative = m.sub(p, b);
    subtract(m, a, negative)
}

/// a − b for canonical a and b ≤ p, two stages.
pub fn subtract(m: &mut Module, a: Sig, b: Sig) -> Sig {
    let difference = m.sub(a, b);
    let borrow = m.lt(a, b);
    let (difference, borrow) = (m.reg(difference), m.reg(borrow));
    let p = prime(m);
    let correction = m.gate(borrow, p);
    let y = m.add(difference, correction);
    m.reg(y)
}

/// −x mod p of any word, two stages.
pub fn negate(m: &mut Module, x: Sig) -> Sig {
    let p = prime(m);
    let difference = m.sub(p, x);
    let borrow = m.lt(p, x);
    let nothing = m.eq_const(x, 0);
    let [difference, borrow, nothing] = [difference, borrow, nothing].map(|y| m.reg(y));
    let correction = m.gate(borrow, p);
    let y = m.add(difference, correction);
    let zero = m.constant(0, 64);
    let y = m.mux(nothing, zero, y);
    m.reg(y)
}

fn prime(m: &mut Module) -> Sig {
    m.constant(Field::GOLDILOCKS.modulus.into(), 64)
}
