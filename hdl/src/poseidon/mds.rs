//! Matrices with small constants by shift and add, and the additions around them.
//!
//! The constants are small, so each word is taken as two 32-bit halves: a row is two sums below 2^44, `low` and `high`,
//! and `high·2^32 + low` is reduced. Multiples of a word are shared by all rows that need them. Nothing here uses a
//! hardware multiplier.
//!
//! Inside a unit words are *weak*: any 64-bit value of the right residue. Multipliers and this matrix take them as they
//! are.

use crate::{
    datapath::{Module, Sig},
    field::reduce_halves,
};

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

impl Term {
    /// The product with the half of the word that begins at bit `lo`.
    fn product(&self, m: &mut Module, lo: u32, width: u32) -> Sig {
        let half = m.slice(self.word, lo, 32);
        let product = multiple(m, half, self.factor, width);
        self.when.map_or(product, |when| m.gate(when, product))
    }
}

/// Stages of a matrix.
pub const LATENCY: u32 = 4 + FOLDS;

/// `Σ factor · word`, weak: [`LATENCY`] stages.
pub fn row(m: &mut Module, terms: &[Term]) -> Sig {
    let total: u64 = terms.iter().map(|t| t.factor).sum();
    assert!(total < 1 << 12, "the matrix has small constants");
    let width = 32 + (64 - total.leading_zeros());
    let [low, high] = [0, 32].map(|lo| {
        let mut terms: Vec<Sig> = terms.iter().filter(|t| t.factor > 0).map(|t| t.product(m, lo, width)).collect();
        for addends in [PER_STAGE, 2, 2, usize::MAX] {
            terms = terms
                .chunks(addends)
                .map(|some| {
                    let sum = m.sum(some);
                    m.reg(sum)
                })
                .collect();
        }
        terms[0]
    });
    fold(m, low, high)
}

/// Stages of [`fold`].
const FOLDS: u32 = 3;

/// `high·2^32 + low`, weak: [`FOLDS`] stages. Both are sums of some 32-bit halves, `width` bits each, at most 44.
pub fn fold(m: &mut Module, low: Sig, high: Sig) -> Sig {
    let width = high.width();
    // high = h1·2^32 + h0 and 2^64 ≡ 2^32 − 1: the value is (h0 + h1)·2^32 + (low − h1).
    let (h0, h1) = (m.slice(high, 0, 32), m.slice(high, 32, width - 32));
    let odd = m.add_carry(h0, h1);
    let [low, h1] = [low, h1].map(|x| m.extend(x, width + 1));
    let even = m.sub(low, h1);
    let (even, odd) = (m.reg(even), m.reg(odd));
    let y = reduce_halves(m, even, odd);
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

/// The same, two stages: the sum, and what its carry is worth.
pub fn add_weak_apart(m: &mut Module, a: Sig, b: Sig) -> Sig {
    let sum = m.add_carry(a, b);
    let sum = m.reg(sum);
    let (word, carry) = (m.slice(sum, 0, 64), m.bit(sum, 64));
    let epsilon = m.constant(EPSILON, 64);
    let correction = m.gate(carry, epsilon);
    let sum = m.add(word, correction);
    m.reg(sum)
}

/// Stages of the sums that [`fold`] takes.
pub const SUM_LATENCY: u32 = LATENCY - FOLDS;

/// Rows of the product of a circulant of twelve words with a state, and a multiple of some words beside: rows
/// `0 .. extras.len()`, weak, [`LATENCY`] stages. Row r is Σ_i circulant\[i\] · state\[(i + r) mod 12\] + extras\[r\].
///
/// Twelve rows of twelve products are a cyclic convolution. With indices taken modulo 3 and modulo 4 it is one of
/// length 3 by length 4, and the latter is done by Fourier transforms over 1, i, −1, −i, which only add: for each of
/// their frequencies a convolution of length 3 remains, that at −i being the conjugate of that at i. What the
/// constants become there is small too (plonky2 took its matrix so that these are powers of two: its
/// `mds_multiply_freq` is the same idea on a processor). All is modulo a power of two above the results, so signs need
/// no care; the final division by four is exact.
pub fn circulant(m: &mut Module, state: &[Sig], circulant: &[u64; 12], extras: &[Vec<Term>]) -> Vec<Sig> {
    let [low, high] = [0, 32].map(|lo| convolution(m, state, lo, circulant, extras));
    low.into_iter().zip(high).map(|(low, high)| fold(m, low, high)).collect()
}

/// The sums of [`circulant`] for one half of each word, which begins at bit `lo`, or for words of 32 bits:
/// [`SUM_LATENCY`] stages.
pub fn convolution(m: &mut Module, state: &[Sig], lo: u32, circulant: &[u64; 12], extras: &[Vec<Term>]) -> Vec<Sig> {
    const { assert!(SUM_LATENCY == 4, "transform, convolution (2), transform back") };
    let most = circulant.iter().sum::<u64>() + extras.iter().flatten().map(|t| t.factor).sum::<u64>();
    assert!(most < 1 << 12, "the matrix has small constants");
    let width = 32 + (64 - most.leading_zeros());
    let frequencies = Frequencies::new(circulant);
    let wide = width + frequencies.shift;
    // n ↔ (n mod 3, n mod 4).
    let word = |m: &mut Module, a: usize, b: usize| {
        let half = m.slice(state[(4 * a + 9 * b) % 12], lo, 32);
        m.extend(half, wide)
    };
    let spectra: Vec<[Sig; 4]> = (0..3)
        .map(|a| {
            let [x0, x1, x2, x3] = [0, 1, 2, 3].map(|b| word(m, a, b));
            let (even, odd) = (m.add(x0, x2), m.add(x1, x3));
            let (sum, alternating) = (m.add(even, odd), m.sub(even, odd));
            let (re, im) = (m.sub(x0, x2), m.sub(x1, x3));
            [sum, alternating, re, im].map(|x| m.reg(x))
        })
        .collect();
    // Of x: sum, alternating sum, and the value at i, re + i·im; likewise the constants'.
    let products: Vec<[Sig; 4]> = (0..3)
        .map(|a| {
            let mut terms: [Vec<(Sig, i64)>; 4] = Default::default();
            for (b, &[sum, alternating, re, im]) in spectra.iter().enumerate() {
                let [c_sum, c_alternating, c_re, c_im] = frequencies.values[(a + 3 - b) % 3];
                terms[0].push((sum, c_sum));
                terms[1].push((alternating, c_alternating));
                terms[2].extend([(re, c_re), (im, -c_im)]);
                terms[3].extend([(re, c_im), (im, c_re)]);
            }
            terms.map(|terms| combination(m, &terms, wide))
        })
        .collect();
    extras
        .iter()
        .enumerate()
        .map(|(r, extra)| {
            let [sum, alternating, re, im] = products[r % 3];
            let y = match r % 4 {
                0 | 2 => m.add(sum, alternating),
                _ => m.sub(sum, alternating),
            };
            let y = match r % 4 {
                0 => m.add(y, re),
                1 => m.add(y, im),
                2 => m.sub(y, re),
                _ => m.sub(y, im),
            };
            let mut y = m.slice(y, frequencies.shift, width);
            for term in extra {
                let product = term.product(m, lo, width);
                let product = m.delay(product, SUM_LATENCY - 1);
                y = m.add(y, product);
            }
            m.reg(y)
        })
        .collect()
}

/// A circulant's constants where the convolution takes them.
struct Frequencies {
    /// For each index modulo 3: at 1, at −1, real and imaginary part at i, so that the rows are 2^shift times
    /// (first ± second ± third or fourth).
    values: [[i64; 4]; 3],
    shift: u32,
}

impl Frequencies {
    fn new(circulant: &[u64; 12]) -> Frequencies {
        // As a convolution: row r = Σ_j kernel[(r − j) mod 12] · state[j].
        let kernel: [i64; 12] = std::array::from_fn(|n| circulant[(12 - n) % 12] as i64);
        let mut values = [0, 1, 2].map(|a| {
            let [k0, k1, k2, k3] = [0, 1, 2, 3].map(|b| kernel[(4 * a + 9 * b) % 12]);
            [k0 + k1 + k2 + k3, k0 - k1 + k2 - k3, 2 * (k0 - k2), 2 * (k1 - k3)]
        });
        let mut shift = 2;
        while shift > 0 && values.iter().flatten().all(|v| v % 2 == 0) {
            values.iter_mut().flatten().for_each(|v| *v /= 2);
            shift -= 1;
        }
        Frequencies { values, shift }
    }
}

/// `Σ factor · term` modulo 2^width: two stages, pairs and their sum. A register between them, for Yosys makes one large
/// sum of what is added at once, which takes twice the look-up tables of single additions.
fn combination(m: &mut Module, terms: &[(Sig, i64)], width: u32) -> Sig {
    let terms: Vec<(Sig, bool)> = terms
        .iter()
        .filter(|(_, factor)| *factor != 0)
        .map(|&(term, factor)| (product(m, term, factor.unsigned_abs(), width), factor < 0))
        .collect();
    let plus = |m: &mut Module, (a, less_a): (Sig, bool), (b, less_b): (Sig, bool)| match (less_a, less_b) {
        (false, true) => (m.sub(a, b), false),
        (true, false) => (m.sub(b, a), false),
        _ => (m.add(a, b), less_a),
    };
    let pairs: Vec<(Sig, bool)> = terms
        .chunks(2)
        .map(|pair| {
            let (sum, less) = if let [a, b] = *pair { plus(m, a, b) } else { pair[0] };
            (m.reg(sum), less)
        })
        .collect();
    let zero = m.constant(0, width);
    let (sum, less) = pairs.into_iter().reduce(|a, b| plus(m, a, b)).unwrap_or((zero, false));
    let sum = if less { m.sub(zero, sum) } else { sum };
    m.reg(sum)
}

/// `n · x` modulo 2^width of a word that has that width.
fn product(m: &mut Module, x: Sig, n: u64, width: u32) -> Sig {
    let zeros = n.trailing_zeros();
    if zeros > 0 {
        let odd = product(m, x, n >> zeros, width);
        let odd = m.slice(odd, 0, width - zeros);
        return m.shl(odd, zeros);
    }
    match n {
        1 => x,
        _ if n % 4 == 1 => {
            let less = product(m, x, n - 1, width);
            m.add(less, x)
        }
        _ => {
            let more = product(m, x, n + 1, width);
            m.sub(more, x)
        }
    }
}
