//! Matrices with small constants by shift and add, and the additions around them.
//!
//! The constants are small, so each word is taken as two 32-bit halves: a row is two sums below 2^44, `low` and `high`,
//! and `high·2^32 + low` is reduced. Multiples of a word are shared by all rows that need them. Nothing here uses a
//! hardware multiplier.
//!
//! Inside a unit words are *weak*: any 64-bit value of the right residue. Multipliers and this matrix take them as they
//! are.

use crate::datapath::{Module, Sig};

const EPSILON: u128 = 0xffff_ffff;
/// Addends that are summed in one stage.
pub const PER_STAGE: usize = 3;

/// One product of a row's sum.
pub struct Term {
    /// Which word.
    pub word: Sig,
    /// Its factor.
    pub factor: u64,
    /// When it counts; always, if there is none.
    pub when: Option<Sig>,
}

/// Stages of [`row`].
pub const LATENCY: u32 = 4;

/// `Σ factor · word`, weak: four stages.
pub fn row(m: &mut Module, terms: &[Term]) -> Sig {
    let total: u64 = terms.iter().map(|t| t.factor).sum();
    assert!(total < 1 << 12, "the matrix has small constants");
    let width = 32 + (64 - total.leading_zeros());
    let [low, high] = [0, 32].map(|lo| {
        let products: Vec<Sig> = terms
            .iter()
            .filter(|t| t.factor > 0)
            .map(|t| {
                let half = m.slice(t.word, lo, 32);
                let product = multiple(m, half, t.factor, width);
                t.when.map_or(product, |when| m.gate(when, product))
            })
            .collect();
        let partial: Vec<Sig> = products
            .chunks(PER_STAGE)
            .map(|some| {
                let sum = m.sum(some);
                m.reg(sum)
            })
            .collect();
        let sum = m.sum(&partial);
        m.reg(sum)
    });
    fold(m, low, high)
}

/// `high·2^32 + low`, weak: two stages. Both are sums of some 32-bit halves, `width` bits each, at most 44.
pub fn fold(m: &mut Module, low: Sig, high: Sig) -> Sig {
    let width = high.width();
    // high = h1·2^32 + h0 and 2^64 ≡ ε: the value is h0·2^32 + (low + h1·ε), and the bracket is below 2^46.
    let (h0, h1) = (m.slice(high, 0, 32), m.slice(high, 32, width - 32));
    let rest = {
        let shifted = m.shl(h1, 32);
        let (shifted, h1) = (m.extend(shifted, width + 1), m.extend(h1, width + 1));
        let low = m.extend(low, width + 1);
        let folded = m.sub(shifted, h1);
        m.add(folded, low)
    };
    let (h0, rest) = (m.reg(h0), m.reg(rest));
    let (h0, rest) = (m.shl(h0, 32), m.extend(rest, 64));
    let y = add_weak(m, h0, rest);
    m.reg(y)
}

/// `n · half` for `n` ≥ 1, by additions and subtractions of shared smaller multiples.
pub fn multiple(m: &mut Module, half: Sig, n: u64, width: u32) -> Sig {
    if n == 1 {
        return m.extend(half, width);
    }
    let zeros = n.trailing_zeros();
    if zeros > 0 {
        let odd = multiple(m, half, n >> zeros, width);
        let odd = m.slice(odd, 0, width - zeros);
        return m.shl(odd, zeros);
    }
    let one = m.extend(half, width);
    if n % 4 == 1 {
        let less = multiple(m, half, n - 1, width);
        m.add(less, one)
    } else {
        let more = multiple(m, half, n + 1, width);
        m.sub(more, one)
    }
}

/// `a + b`, weak, where the sum's excess over 2^64 is at most 2^64 − 2^32: so if one of them is below p, the other any
/// word. No stage.
pub fn add_weak(m: &mut Module, a: Sig, b: Sig) -> Sig {
    let sum = m.add(a, b);
    // The carry from the top bits: cheaper for the simulator than a 65-bit sum, and one look-up table.
    let [at, bt, st] = [a, b, sum].map(|x| m.bit(x, 63));
    let (both, either, none) = (m.and(at, bt), m.or(at, bt), m.not(st));
    let passed = m.and(either, none);
    let carry = m.or(both, passed);
    let epsilon = m.constant(EPSILON, 64);
    let correction = m.gate(carry, epsilon);
    m.add(sum, correction)
}

/// A weak word below p. No stage.
pub fn canonical(m: &mut Module, x: Sig) -> Sig {
    let (low, high) = (m.slice(x, 0, 32), m.slice(x, 32, 32));
    // x ≥ p = 2^64 − 2^32 + 1: all ones above, not all zeros below.
    let ones = m.eq_const(high, EPSILON);
    let none = m.eq_const(low, 0);
    let some = m.not(none);
    let above = m.and(ones, some);
    let one = m.constant(1, 32);
    let less = m.sub(low, one);
    let less = m.extend(less, 64);
    m.mux(above, less, x)
}
