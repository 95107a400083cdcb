//! Results: they wait as they come from the matrix, six words at a time, and leave a word a cycle.

use super::STATES;
use crate::{
    datapath::{Module, Sig},
    poseidon::fifo::hold,
};

/// Words that come at a time.
const GROUP: usize = 6;

/// The way out.
pub struct Results {
    /// The last word of a state leaves.
    pub left: Sig,
    pub valid: Sig,
    pub word: Sig,
}

impl Results {
    /// `comes` is high with the first and with the last six words of a result; there is always room. Words leave when
    /// `out_ready` is high.
    pub fn new(m: &mut Module, comes: Sig, words: &[Sig], out_ready: Sig) -> Results {
        assert_eq!(words.len(), GROUP, "half of a state");
        let data = m.pack(words);
        let fifo = Module::fifo(data.width(), 2 * STATES);
        let next = m.wire(1);
        let fifo = m.instance("results", &fifo, &[("in_valid", comes), ("in_data", data), ("out_ready", *next)]);
        let [waits, group] = ["out_valid", "out_data"].map(|port| m.output_of(&fifo, port));

        let valid = m.state("result_valid", 1, 0);
        let place = m.state("result_word", 3, 0);
        let second = m.state("result_half", 1, 0);
        let free = {
            let empty = m.not(*valid);
            m.or(empty, out_ready)
        };
        let moves = m.and(free, waits);
        let last = m.eq_const(*place, GROUP as u128 - 1);
        let (plus, zero) = (m.add_const(*place, 1), m.constant(0, 3));
        let following = m.mux(last, zero, plus);
        m.drive_when(place, moves, following);
        let group_ends = m.and(moves, last);
        m.connect(next, group_ends);
        let other = m.not(*second);
        m.drive_when(second, group_ends, other);
        let left = m.and(group_ends, *second);
        m.drive_when(valid, free, waits);
        let words = m.split(group, 64);
        let word = m.select(*place, &words);
        let word = hold(m, free, word);
        Results { left, valid: *valid, word }
    }
}
