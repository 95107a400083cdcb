//! What a state passes before a unit: nothing, or Poseidon2's external matrix.
//!
//! One matrix serves all units, a state a cycle; a queue behind it takes what is under way, counted by credits.

use std::rc::Rc;

use super::{
    fifo::{index_bits, states, Push},
    mds,
    unit::full_layer,
};
use crate::{config::Config, datapath::Module, sets::Hash};

/// States between the entry and the units: those in the matrix and those that wait for a unit, so that neither side's
/// pace shows on the other.
const DEPTH: u64 = 8;

/// States that the entry holds.
pub fn held(config: &Config) -> u64 {
    match config.set.hash {
        Hash::Poseidon(_) => 0,
        Hash::Poseidon2(_) => DEPTH,
    }
}

/// The entry of sets that have one. Ports as a unit's: `in_valid`, `in_0` … `in_11`, `in_ready`; `out_valid`, `out_0` …
/// `out_11`, `out_ready`.
pub fn entry(config: &Config) -> Option<Rc<Module>> {
    if held(config) == 0 {
        return None;
    }
    let mut m = Module::new("poseidon_entry");
    let in_valid = m.input("in_valid", 1);
    let words: Vec<_> = (0..12).map(|i| m.input(&format!("in_{i}"), 64)).collect();
    let out_ready = m.input("out_ready", 1);

    let bits = index_bits(DEPTH);
    let inside = m.state("inside", bits + 1, 0);
    let full = m.bit(*inside, bits);
    let in_ready = m.not(full);
    let accept = m.and(in_valid, in_ready);
    let mixed = full_layer(&mut m, config, &words);
    let arrives = m.delay_valid(accept, mds::LATENCY);
    let pop = m.wire(1);
    let push = Push { groups: &[arrives], words: &mixed, last: arrives };
    let (out_valid, out_words) = states(&mut m, "queue", DEPTH, &push, *pop);
    let popped = m.and(out_valid, out_ready);
    m.connect(pop, popped);
    let (more, less) = (m.extend(accept, bits + 1), m.extend(popped, bits + 1));
    let next = m.add(*inside, more);
    let next = m.sub(next, less);
    m.drive(inside, next);

    m.output("in_ready", in_ready);
    m.output("out_valid", out_valid);
    for (i, word) in out_words.into_iter().enumerate() {
        m.output(&format!("out_{i}"), word);
    }
    Some(Rc::new(m))
}
