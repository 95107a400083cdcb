//! Results: in the order in which states came, a word whenever nobody else reads the memory.

use super::{memory::GROUP, ID};
use crate::{
    datapath::{Module, Sig},
    poseidon::fifo::counted,
};

/// Words that may be on their way or wait to leave.
const WORDS: u64 = 16;

/// What results are made of.
pub struct Ports<'a> {
    /// The memory may be asked for a row: it comes two cycles later.
    pub free: Sig,
    /// A state is done, and will be in the memory.
    pub completes: Sig,
    /// Low halves of words 0 to 5 of the row that comes, and high ones of the row before.
    pub rows: [&'a [Sig]; 2],
    /// The next module takes a word.
    pub out_ready: Sig,
}

/// The way out.
pub struct Results {
    /// The row that is asked for in a free phase.
    pub row: Sig,
    /// The last word of a state is asked for.
    pub fetched: Sig,
    pub valid: Sig,
    pub word: Sig,
}

impl Results {
    pub fn new(m: &mut Module, ports: &Ports) -> Results {
        let completed = m.state("completed", ID + 1, 0);
        let id = m.state("result_id", ID, 0);
        let second = m.state("result_half", 1, 0);
        let place = m.state("result_word", 3, 0);
        let out = WORDS.ilog2();
        let on_the_way = m.state("results_out", out + 1, 0);
        let (none, full) = (m.eq_const(*completed, 0), m.bit(*on_the_way, out));
        let (some, room) = (m.not(none), m.not(full));
        let asks = m.all(&[ports.free, some, room]);
        let last = m.eq_const(*place, GROUP as u128 - 1);
        let (plus, zero) = (m.add_const(*place, 1), m.constant(0, 3));
        let next = m.mux(last, zero, plus);
        m.drive_when(place, asks, next);
        let half_ends = m.and(asks, last);
        let other = m.not(*second);
        m.drive_when(second, half_ends, other);
        let fetched = m.and(half_ends, *second);
        let plus = m.add_const(*id, 1);
        m.drive_when(id, fetched, plus);

        // The high half follows a cycle later.
        let place = m.delay(*place, 2);
        let [low, high] = [0, 1].map(|half| {
            let place = m.delay(place, half);
            let half = m.select(place, ports.rows[half as usize]);
            m.reg(half)
        });
        let low = m.reg(low);
        let word = m.cat(&[high, low]);
        let arrives = m.delay_valid(asks, 4);
        let fifo = Module::fifo(64, WORDS);
        let inputs = [("in_valid", arrives), ("in_data", word), ("out_ready", ports.out_ready)];
        let fifo = m.instance("results", &fifo, &inputs);
        let [valid, word] = ["out_valid", "out_data"].map(|port| m.output_of(&fifo, port));
        // Who takes it is far: that there is room again is heard of a cycle later.
        let popped = m.and(valid, ports.out_ready);
        let popped = m.delay_valid(popped, 1);
        counted(m, completed, ports.completes, fetched);
        counted(m, on_the_way, asks, popped);
        Results { row: m.cat(&[*second, *id]), fetched, valid, word }
    }
}
