//! What moves words one by one: registers and counters.

use super::fifo::hold;
use crate::datapath::{Module, Sig, Wire};

/// Bits that count a state's words and those that fill it up to two beats.
pub(super) const WORD_BITS: u32 = 4;

/// A word on its way, in a register that takes the next one when this one goes.
pub(super) struct Step {
    /// There is a word.
    pub valid: Sig,
    pub word: Sig,
    /// The register is empty, or its word goes.
    pub free: Sig,
    /// To be driven: the word goes.
    pub goes: Wire,
}

impl Step {
    /// Takes `word` when `valid` is high and `free` is.
    pub fn new(m: &mut Module, name: &str, valid: Sig, word: Sig) -> Step {
        let goes = m.wire(1);
        let full = m.state(name, 1, 0);
        let empty = m.not(*full);
        let free = m.or(empty, *goes);
        let stays = m.not(free);
        let next = m.or(valid, stays);
        m.drive(full, next);
        Step { valid: *full, word: hold(m, free, word), free, goes }
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
