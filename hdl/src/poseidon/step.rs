//! What moves words one by one: relays and counters.

use crate::datapath::{Module, Sig, Wire};

/// Bits that count a state's words and those that fill it up to two beats.
pub(super) const WORD_BITS: u32 = 4;

/// A word on its way, in a relay: neither whether there is one nor whether there is room waits for the other side.
pub(super) struct Step {
    /// There is a word.
    pub valid: Sig,
    pub word: Sig,
    /// There is room for one more.
    pub free: Sig,
    /// To be driven: the word goes, if there is one.
    pub goes: Wire,
}

impl Step {
    /// Takes `word` when `valid` is high and `free` is.
    pub fn new(m: &mut Module, name: &str, valid: Sig, word: Sig) -> Step {
        let goes = m.wire(1);
        let relay = Module::relay(word.width());
        let relay = m.instance(name, &relay, &[("in_valid", valid), ("in_data", word), ("out_ready", *goes)]);
        let [free, valid, word] = ["in_ready", "out_valid", "out_data"].map(|port| m.output_of(&relay, port));
        Step { valid, word, free, goes }
    }
}

/// A counter of `count` items: which one it is, and whether it is the last, after which it begins again.
pub(super) fn turns(m: &mut Module, name: &str, count: u128, bits: u32, step: Sig) -> (Sig, Sig) {
    let at = m.state(name, bits, 0);
    let last = m.eq_const(*at, count - 1);
    let (plus, zero) = (m.add_const(*at, 1), m.constant(0, bits));
    let next = m.mux(last, zero, plus);
    m.drive_when(at, step, next);
    (*at, last)
}
