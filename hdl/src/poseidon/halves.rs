//! The matrix of the unit with one S-box: a state every four cycles, four words of the result a cycle.
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

/// Cycles from a state to its first four words.
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
    let third: Vec<Sig> = pairs[8..].iter().map(|&pair| m.reg(pair)).collect();
    for i in 0..4 {
        let second = m.mux(both, pairs[4 + i], third[i]);
        let second = m.reg(second);
        let pair = m.mux(both, pairs[i], second);
        let width = pair.width() / 2;
        let (low, high) = (m.slice(pair, 0, width), m.slice(pair, width, width));
        let y = mds::fold(&mut m, low, high);
        m.output(&format!("y_{i}"), y);
    }
    Rc::new(m)
}
