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
pub const ROTATE_STAGES: u32 = 5;
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

/// x · 2^(32·`quotient` + `remainder`) of any word x, for quotients 0 to 2, canonical. `remainder` comes with x,
/// `quotient` too.
///
/// With B = 2^32 and x·2^remainder = y0 + y1·B + y2·B², from B² ≡ B − 1 and B³ ≡ −1 the product is h·B − n:
///
/// | quotient | h | n |
/// |---|---|---|
/// | 0 | y1 + y2 | y2 − y0 |
/// | 1 | y0 + y1 | y2 + y1 |
/// | 2 | y0 − y2 | y1 + y0 |
///
/// As y2 < 2^31, it is above −2^63, and below (B − 1)·(2·B − 1) < 2·p. No stage has more than one carry chain.
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
    let none = m.not(some);
    let [minus_y0, minus_y2] = [y0, y2].map(|y| m.not(y));
    let a = m.mux(some, y0, y1);
    let b = m.choose(&[(two, minus_y2), (one, y1)], y2);
    let h = plus_or_minus(m, a, b, two);
    let a = m.mux(two, y1, y2);
    let b = m.choose(&[(two, y0), (one, y1)], minus_y0);
    let n = plus_or_minus(m, a, b, none);
    let (h, n) = (m.reg(h), m.reg(n));

    let (low, zero) = (m.slice(h, 0, 32), m.constant(0, 32));
    let minuend = m.cat(&[low, zero]);
    let subtrahend = m.extend_signed(n, 64);
    let (word, borrow) = difference(m, minuend, subtrahend);
    // What is above 2^64, but for the borrow.
    let (above, sign) = (m.slice(h, 32, 2), m.bit(n, 33));
    let sign = m.extend(sign, 2);
    let above = m.add(above, sign);
    let above = m.reg(above);
    let borrow = m.extend(borrow, 2);
    let above = m.sub(above, borrow);
    canonical(m, word, above)
}

/// a + b of 32 bits, or with `minus` and a complemented b a − b: 34 bits with their sign. One more bit below them is the
/// carry that comes in.
fn plus_or_minus(m: &mut Module, a: Sig, b: Sig, minus: Sig) -> Sig {
    let (zeros, one) = (m.constant(0, 2), m.constant(1, 1));
    let a = m.cat(&[zeros, a, one]);
    let b = m.cat(&[minus, minus, b, minus]);
    let sum = m.add(a, b);
    m.slice(sum, 1, 34)
}

/// `word` + 2^64·`above` from −p to 2·p − 1 modulo p, `above` being −1, 0 or 1: two stages, one to see what is to be
/// added, one to add it. Subtracting p is adding ε modulo 2^64.
pub fn canonical(m: &mut Module, word: Sig, above: Sig) -> Sig {
    let (low, high) = (m.slice(word, 0, 32), m.slice(word, 32, 32));
    let (carry, negative) = (m.bit(above, 0), m.bit(above, 1));
    let (ones, none) = (m.eq_const(high, EPSILON), m.eq_const(low, 0));
    let some = m.not(none);
    let beyond = m.and(ones, some);
    let beyond = m.or(beyond, carry);
    let not_negative = m.not(negative);
    let less = m.and(beyond, not_negative);
    correct(m, word, less, negative)
}

/// `word`, minus p or plus p, modulo 2^64: two stages, the first of which is for what says so.
fn correct(m: &mut Module, word: Sig, less: Sig, more: Sig) -> Sig {
    let either = m.or(less, more);
    let [word, less, more, either] = [word, less, more, either].map(|y| m.reg(y));
    // ε is 32 ones, p a one below 31 zeros and 32 ones: each bit is one of the registers.
    let mut bits = vec![either];
    bits.extend([less; 31]);
    bits.extend([more; 32]);
    let correction = m.pack(&bits);
    let y = m.add(word, correction);
    m.reg(y)
}

/// a + b of canonical operands, two stages, in 64-bit steps: wider ones are slow to simulate.
///
/// a + b + ε has a carry of 2^64 where a + b ≥ p, and then is a + b − p. The three are made two, bit by bit, which costs no
/// more than the choices that stand in front of a and b; their sum is a difference, as that tells of a borrow. It adds one
/// of ε's.
pub fn add(m: &mut Module, a: Sig, b: Sig) -> Sig {
    let rest = m.constant(EPSILON - 1, 64);
    let sum = m.xor(a, b);
    let sum = m.xor(sum, rest);
    let (both, either) = (m.and(a, b), m.or(a, b));
    let (high, middle, low) = (m.slice(both, 32, 31), m.slice(either, 1, 31), m.bit(both, 0));
    let zero = m.constant(0, 1);
    let carries = m.cat(&[high, middle, low, zero]);
    let minus = m.not(carries);
    let (word, borrow) = difference(m, sum, minus);
    let carry = m.bit(both, 63);
    let carry = m.reg(carry);
    let no_carry = m.not(carry);
    let below = m.and(borrow, no_carry);
    plus_prime(m, word, below)
}

/// a − b for canonical a and b ≤ p, two stages.
pub fn subtract(m: &mut Module, a: Sig, b: Sig) -> Sig {
    let (difference, borrow) = difference(m, a, b);
    plus_prime(m, difference, borrow)
}

/// a − b modulo 2^64 and whether it borrows, a stage. Its register holds what leaves the carry chain, no borrow: the complement
/// is taken where there is more time.
fn difference(m: &mut Module, a: Sig, b: Sig) -> (Sig, Sig) {
    let difference = m.sub(a, b);
    let borrow = m.lt(a, b);
    let enough = m.not(borrow);
    let (difference, enough) = (m.reg(difference), m.reg(enough));
    (difference, m.not(enough))
}

fn plus_prime(m: &mut Module, word: Sig, plus: Sig) -> Sig {
    let p = m.constant(Field::GOLDILOCKS.modulus.into(), 64);
    let correction = m.gate(plus, p);
    let y = m.add(word, correction);
    m.reg(y)
}

/// −x mod p of any word where `minus` says so, elsewhere x as it is: two stages.
pub fn negate(m: &mut Module, x: Sig, minus: Sig) -> Sig {
    // p − x = ~x + (p + 1).
    let complement = m.pack(&[minus; 64]);
    let word = m.xor(x, complement);
    let (zero, minus_high) = (m.constant(0, 1), m.pack(&[minus; 32]));
    let zeros = m.constant(0, 30);
    let constant = m.cat(&[minus_high, zeros, minus, zero]);
    let word = m.add(word, constant);
    // It lacks p if x > p, and is p if x is 0.
    let (low, high) = (m.slice(x, 1, 31), m.slice(x, 32, 32));
    let (ones, none) = (m.eq_const(high, EPSILON), m.eq_const(low, 0));
    let some = m.not(none);
    let more = m.all(&[minus, ones, some]);
    let nothing = m.eq_const(x, 0);
    let less = m.and(minus, nothing);
    correct(m, word, less, more)
}
