//! Where states are kept: the memory of those inside, and the queues of new ones.

use super::STATES;
use crate::{
    datapath::{Module, Sig, Wire},
    poseidon::fifo::counted,
};

/// Words of a row that are written at a time.
pub const GROUP: usize = 6;

/// A write of one [`GROUP`] of a row.
#[derive(Clone, Copy)]
pub struct Write {
    pub enable: Sig,
    pub row: Sig,
}

/// The memory: a state a row, low and high halves of words 0 to 5 and 6 to 11 in parts of their own. Behind the states the part
/// of words 0 to 5 has as many rows for words 6 to 11 of results, which leave from there, too.
///
/// `writes` are those of words 0 to 5 and of words 6 to 11, which take the same `words`. `row` is a state's, or has the bit
/// above it set. Low halves come the cycle after it, high ones a cycle later.
pub fn memory(m: &mut Module, writes: &[Write; 2], words: &[Sig], row: Sig) -> [Vec<Sig>; 2] {
    assert_eq!(words.len(), GROUP, "half of a state");
    let rows = [row, m.reg(row)];
    [0, 1].map(|half| {
        let halves: Vec<Sig> = words.iter().map(|&word| m.slice(word, 32 * half, 32)).collect();
        let data = m.pack(&halves);
        writes
            .iter()
            .zip([2 * STATES, STATES])
            .flat_map(|(write, depth)| {
                let asked = m.slice(rows[half as usize], 0, depth.ilog2());
                let read = m.ram_apart(depth, write.enable, write.row, data, asked);
                m.split(read, 32)
            })
            .collect()
    })
}

/// Words of a queue of new states, one for each S-box: two states, and room for what is on its way.
const WORDS: u64 = 16;

/// New states, whose first six words wait for one S-box, and the others for the other.
pub struct NewStates {
    /// There is room for a word.
    pub ready: Sig,
    /// A state is whole.
    pub waits: Sig,
    /// The next word for each S-box.
    pub words: [Sig; 2],
    /// To be driven: these words go.
    pub moves: Wire,
}

impl NewStates {
    /// Takes words when they are valid and there is room; `taken` is high when a whole state begins to go.
    pub fn new(m: &mut Module, in_valid: Sig, in_word: Sig, taken: Sig) -> NewStates {
        let moves = m.wire(1);
        let place = m.state("new_word", 4, 0);
        let six = m.constant(6, 4);
        let of_first = m.lt(*place, six);
        let of_second = m.not(of_first);
        let fifo = Module::fifo(64, WORDS);
        // From where words are taken to the queues it is far: there is a register on the way.
        let arrives = m.wire(1);
        let word = m.reg(in_word);
        let queues = [("new_first", of_first), ("new_second", of_second)].map(|(name, mine)| {
            let valid = m.and(*arrives, mine);
            let valid = m.delay_valid(valid, 1);
            let queue = m.instance(name, &fifo, &[("in_valid", valid), ("in_data", word), ("out_ready", *moves)]);
            let [free, head] = ["free", "out_data"].map(|port| m.output_of(&queue, port));
            [m.room_behind_register(free), head]
        });
        let ready = m.mux(of_first, queues[0][0], queues[1][0]);
        let comes = m.and(in_valid, ready);
        m.connect(arrives, comes);
        let last = m.eq_const(*place, 11);
        let (plus, zero) = (m.add_const(*place, 1), m.constant(0, 4));
        let next = m.mux(last, zero, plus);
        m.drive_when(place, comes, next);
        let whole = m.and(comes, last);
        let whole = m.delay_valid(whole, 1);
        let count = m.state("new_states", 2, 0);
        let none = m.eq_const(*count, 0);
        let waits = m.not(none);
        counted(m, count, whole, taken);
        NewStates { ready, waits, words: queues.map(|[_, word]| word), moves }
    }
}
