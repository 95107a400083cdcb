//! The matrix of units whose rounds share their S-boxes: of one S-box, a state every four cycles and four words of the
//! result a cycle; of two, a state every other cycle and six words.
//!
//! ```text
//!  low halves ──┐
//!               or ─► [register] ─► convolution ─┬─► keep ─┐
//!  high halves ─┘                 (four cycles)   └─────────┴─► twelve pairs ─► four a cycle ─► fold (three) ─► y
//! ```
//!
//! The sums of a matrix of small constants are the same for the low and the high halves of the words ([`mds`]), so one
//! set of adders does for both, one after the other, and what folds a row's two sums for a third of the rows. With six words
//! a cycle the last addition is that for half of the rows, too: rows r and r + 6 are the sum and the difference of the same two
//! parts, which are kept for two cycles.

use std::rc::Rc;

use super::{fifo::hold, mds, unit::diagonal};
use crate::{
    datapath::{Module, Sig},
    sets::PoseidonTables,
};

/// Cycles from a state to its first words.
pub const LATENCY: u32 = mds::LATENCY + 2;
/// The same of [`matrix_of_halves`].
pub const LATENCY_OF_HALVES: u32 = mds::ROWS_LATENCY + mds::FOLDS + 4;

/// Module `poseidon_matrix`: `x_0` … `x_11` with `first`, at most every fourth cycle; `y_0` … `y_3` after [`LATENCY`]
/// cycles are words 0 to 3, weak, then words 4 to 7, then 8 to 11.
pub fn matrix(tables: &PoseidonTables) -> Rc<Module> {
    let mut m = Module::new("poseidon_matrix");
    let first = m.input("first", 1);
    let halves: Vec<Sig> = (0..12)
        .map(|i| {
            let word = m.input(&format!("x_{i}"), 64);
            let (low, high) = (m.slice(word, 0, 32), m.slice(word, 32, 32));
            let high = m.reg(high);
            let half = m.mux(first, low, high);
            // Words come from a memory, through what chooses them: sums begin after a register.
            m.reg(half)
        })
        .collect();
    const PER_CYCLE: usize = 4;
    let extras = diagonal(&halves, &tables.diagonal);
    let sums = mds::convolution(&mut m, &halves, 0, &tables.circulant, &extras);
    // The sums of the high halves come when those of the low ones have just been kept.
    let pairs: Vec<Sig> = sums
        .iter()
        .map(|&high| {
            let low = m.reg(high);
            m.cat(&[high, low])
        })
        .collect();
    let both = m.delay_valid(first, mds::SUM_LATENCY + 2);
    let last: Vec<Sig> = pairs[12 - PER_CYCLE..].iter().map(|&pair| m.reg(pair)).collect();
    for (i, last) in last.into_iter().enumerate() {
        let pair = in_turn(&mut m, both, &pairs[i..12 - PER_CYCLE], PER_CYCLE, last);
        let width = pair.width() / 2;
        let (low, high) = (m.slice(pair, 0, width), m.slice(pair, width, width));
        let y = mds::fold(&mut m, low, high);
        m.output(&format!("y_{i}"), y);
    }
    Rc::new(m)
}

/// The same with halves that are chosen and registered outside, for a state every other cycle: `x_0` … `x_11` are the low
/// halves the cycle after `first`, then the high ones; `y_0` … `y_5` [`LATENCY_OF_HALVES`] cycles after `first` are words
/// 0 to 5, then 6 to 11.
pub fn matrix_of_halves(tables: &PoseidonTables) -> Rc<Module> {
    let mut m = Module::new("poseidon_matrix");
    let first = m.input("first", 1);
    let halves: Vec<Sig> = (0..12).map(|i| m.input(&format!("x_{i}"), 32)).collect();
    let extras = diagonal(&halves, &tables.diagonal);
    let rows = mds::rows(&mut m, &halves, &tables.circulant, &extras);
    // The parts of the low halves are kept until those of the high ones are there, and both for two cycles: first for rows 0
    // to 5, then for the others.
    let high_comes = m.delay_valid(first, 2 + mds::ROWS_LATENCY);
    let others = m.delay_valid(first, 4 + mds::ROWS_LATENCY);
    let not_others = m.not(others);
    for (r, row) in rows.iter().enumerate() {
        let kept = [row.outer, row.inner].map(|part| {
            let before = m.reg(part);
            [before, part].map(|half| hold(&mut m, high_comes, half))
        });
        let minus = if row.is_sum { others } else { not_others };
        let [low, high] = [0, 1].map(|half| {
            let sum = plus_or_minus(&mut m, kept[0][half], kept[1][half], minus);
            let sum = m.slice(sum, row.shift, sum.width() - row.shift);
            m.reg(sum)
        });
        let y = mds::fold(&mut m, low, high);
        m.output(&format!("y_{r}"), y);
    }
    Rc::new(m)
}

/// `a − b` if `minus`, else `a + b`: one carry chain, whose first bit makes the carry in.
fn plus_or_minus(m: &mut Module, a: Sig, b: Sig, minus: Sig) -> Sig {
    let bits = m.pack(&vec![minus; b.width() as usize]);
    let b = m.xor(b, bits);
    let one = m.constant(1, 1);
    let (a, b) = (m.cat(&[a, one]), m.cat(&[b, minus]));
    let sum = m.add(a, b);
    m.slice(sum, 1, sum.width() - 1)
}

/// Words that are there in the cycle of `starts`, `per_cycle` of them a cycle from then on.
pub fn in_groups(m: &mut Module, starts: Sig, words: &[Sig], per_cycle: usize) -> Vec<Sig> {
    let last = words.len() - per_cycle;
    (0..per_cycle)
        .map(|i| {
            let after = m.reg(words[last + i]);
            in_turn(m, starts, &words[i..last], per_cycle, after)
        })
        .collect()
}

/// The first of `words` and every `per_cycle`-th after it, one a cycle from `starts` on, and then the last one, which comes
/// from a register.
fn in_turn(m: &mut Module, starts: Sig, words: &[Sig], per_cycle: usize, last: Sig) -> Sig {
    let mut after = last;
    for (nth, &word) in words.iter().step_by(per_cycle).rev().enumerate() {
        if nth > 0 {
            after = m.reg(after);
        }
        after = m.mux(starts, word, after);
    }
    after
}
