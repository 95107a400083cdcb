//! Poseidon2's internal matrix: out[r] = Σ_i in[i] + diagonal[r] · in[r], without a hardware multiplier.
//!
//! The diagonal is ±n/2^k with n and k small. Half of x is ⌈x/2⌉ and, if x is odd, half of the p that made it even;
//! likewise for more halves. −x is the complement of x's bits and a constant. So every row is the sum that all rows
//! share and one term of its own, in two halves as in [`super::mds`].

use super::mds::{fold, multiple, LATENCY, PER_STAGE};
use crate::{
    datapath::{Module, Sig},
    field::Field,
};

/// Most halvings, and the largest numerator, of a diagonal's entry.
const MOST_HALVINGS: u32 = 3;
const LARGEST: u64 = 8;
/// Twelve words, [`LARGEST`] times one, a constant below 2^33: 22 halves at most.
const WIDTH: u32 = 37;

/// `±n / 2^halvings`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Ratio {
    negative: bool,
    n: u64,
    halvings: u32,
}

impl Ratio {
    /// The shortest form of a constant.
    fn of(field: &Field, value: u64) -> Ratio {
        (0..=MOST_HALVINGS)
            .find_map(|halvings| {
                let n = field.mul(value, 1 << halvings);
                let less = field.neg(n);
                let (negative, n) = if less < n { (true, less) } else { (false, n) };
                (n <= LARGEST).then_some(Ratio { negative, n, halvings })
            })
            .unwrap_or_else(|| panic!("diagonal entry {value:#x} is no small ratio: it would need a multiplier"))
    }
}

/// Rows of the internal matrix, weak: [`LATENCY`] stages.
pub fn internal_layer(m: &mut Module, field: &Field, diagonal: &[u64; 12], state: &[Sig]) -> Vec<Sig> {
    const { assert!(LATENCY == 7, "four stages here, three in fold()") };
    assert_eq!(*field, Field::GOLDILOCKS, "halves and complements are worked out for this field");
    let sums = [0, 32].map(|lo| {
        let partial: Vec<Sig> = state
            .chunks(PER_STAGE)
            .map(|some| {
                let halves: Vec<Sig> = some
                    .iter()
                    .map(|&word| {
                        let half = m.slice(word, lo, 32);
                        m.extend(half, WIDTH)
                    })
                    .collect();
                let sum = m.sum(&halves);
                m.reg(sum)
            })
            .collect();
        let pairs: Vec<Sig> = partial
            .chunks(2)
            .map(|some| {
                let sum = m.sum(some);
                m.reg(sum)
            })
            .collect();
        let sum = m.sum(&pairs);
        m.reg(sum)
    });
    state
        .iter()
        .zip(diagonal)
        .map(|(&word, &entry)| {
            let ratio = Ratio::of(field, entry);
            let own = term(m, ratio, word);
            let [low, high] = [0, 1].map(|i| {
                let own = m.delay(own[i], 3);
                let sum = m.add(sums[i], own);
                m.reg(sum)
            });
            fold(m, low, high)
        })
        .collect()
}

/// `ratio · word` as halves of [`WIDTH`] bits. No stage.
fn term(m: &mut Module, ratio: Ratio, word: Sig) -> [Sig; 2] {
    if ratio.n == 0 {
        return [m.constant(0, WIDTH), m.constant(0, WIDTH)];
    }
    let divided = halved(m, word, ratio.halvings);
    // With ~x for 2^64 − 1 − x: −n·x = n·~x − n·(2^64 − 1), and −n·(2^64 − 1) ≡ −n·(2^32 − 2), to which p is added:
    // (2^32 − 1 − n)·2^32 + 1 + 2n.
    let signed = if ratio.negative { m.not(divided) } else { divided };
    let n = u128::from(ratio.n);
    let constants = if ratio.negative { [1 + 2 * n, 0xffff_ffff - n] } else { [0, 0] };
    [(0, constants[0]), (32, constants[1])].map(|(lo, constant)| {
        let half = m.slice(signed, lo, 32);
        let product = multiple(m, half, ratio.n, WIDTH);
        if constant == 0 {
            product
        } else {
            m.add_const(product, constant)
        }
    })
}

/// `word / 2^k`, weak. No stage.
///
/// p ≡ 1 modulo 2^k, so with t = −word mod 2^k the sum word + t·p is a multiple of 2^k; its quotient is
/// ⌈word/2^k⌉ + t·(2^(64−k) − 2^(32−k)), below 2^64.
fn halved(m: &mut Module, word: Sig, k: u32) -> Sig {
    if k == 0 {
        return word;
    }
    let (above, below) = (m.slice(word, k, 64 - k), m.slice(word, 0, k));
    let zero = m.constant(0, k);
    let t = m.sub(zero, below);
    let whole = m.eq_const(below, 0);
    let some = m.not(whole);
    let quotient = m.cat(&[t, above]);
    let up = m.extend(some, 64);
    let quotient = m.add(quotient, up);
    let less = m.shl(t, 32 - k);
    let less = m.extend(less, 64);
    m.sub(quotient, less)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sets::{Hash, SetTables};

    #[test]
    fn midens_diagonal_is_small() {
        let SetTables { field, hash, .. } = SetTables::of(hotloop_regs::ParameterSet::Miden);
        let Hash::Poseidon2(tables) = hash else { panic!("Miden has Poseidon2") };
        let ratios = tables.diagonal.map(|entry| {
            let Ratio { negative, n, halvings } = Ratio::of(&field, entry);
            (if negative { -(n as i64) } else { n as i64 }, 1 << halvings)
        });
        // The comments of p3-goldilocks 0.5.4, `src/poseidon2.rs:422`.
        let comments: [(i64, i32); 12] =
            [(-2, 1), (1, 1), (2, 1), (1, 2), (3, 1), (4, 1), (-1, 2), (-3, 1), (-4, 1), (1, 4), (-1, 4), (1, 8)];
        assert_eq!(ratios, comments);
    }

    #[test]
    #[should_panic(expected = "would need a multiplier")]
    fn a_large_constant_is_refused() {
        Ratio::of(&Field::GOLDILOCKS, 0xc3b6_c08e_23ba_9300);
    }
}
