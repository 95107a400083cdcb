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
//! set of adders does for both, one after the other, and what folds a row's two sums for a third of the rows.

use std::rc::Rc;

use super::{mds, unit::diagonal};
use crate::{
    datapath::{Module, Sig},
    sets::PoseidonTables,
};

/// Cycles from a state to its first words.
pub const LATENCY: u32 = mds::LATENCY + 2;

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
    rows(&mut m, tables, first, &halves, 4);
    Rc::new(m)
}

/// The same with halves that are chosen and registered outside, for a state every other cycle: `x_0` … `x_11` are the low
/// halves the cycle after `first`, then the high ones; `y_0` … `y_5` [`LATENCY`] cycles after `first` are words 0 to 5, then
/// 6 to 11.
pub fn matrix_of_halves(tables: &PoseidonTables) -> Rc<Module> {
    let mut m = Module::new("poseidon_matrix");
    let first = m.input("first", 1);
    let halves: Vec<Sig> = (0..12).map(|i| m.input(&format!("x_{i}"), 32)).collect();
    rows(&mut m, tables, first, &halves, 6);
    Rc::new(m)
}

/// The outputs, `per_cycle` of them.
fn rows(m: &mut Module, tables: &PoseidonTables, first: Sig, halves: &[Sig], per_cycle: usize) {
    let extras = diagonal(halves, &tables.diagonal);
    let sums = mds::convolution(m, halves, 0, &tables.circulant, &extras);
    // The sums of the high halves come when those of the low ones have just been kept.
    let pairs: Vec<Sig> = sums
        .iter()
        .map(|&high| {
            let low = m.reg(high);
            m.cat(&[high, low])
        })
        .collect();
    let both = m.delay_valid(first, mds::SUM_LATENCY + 2);
    let last: Vec<Sig> = pairs[12 - per_cycle..].iter().map(|&pair| m.reg(pair)).collect();
    for (i, last) in last.into_iter().enumerate() {
        let pair = in_turn(m, both, &pairs[i..12 - per_cycle], per_cycle, last);
        let width = pair.width() / 2;
        let (low, high) = (m.slice(pair, 0, width), m.slice(pair, width, width));
        let y = mds::fold(m, low, high);
        m.output(&format!("y_{i}"), y);
    }
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
