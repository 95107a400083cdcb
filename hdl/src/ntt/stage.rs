//! One butterfly stage of one lane.
//!
//! A stage of distance D pairs row i with row i + D of every 2·D rows (decimation in frequency): in its *phase* 0 rows
//! arrive that have to wait, in phase 1 their partners. It gives a + x in phase 1, and D tokens later, in phase 0 of
//! the next block, (a − x)·w. The twiddle w is a power of two or the sum of two ([`Factor`]); its sign is settled
//! when the difference is taken, its shifts when the difference leaves.
//!
//! Cycles are counted from the token's arrival at the stage. Control comes from outside, once for all lanes:
//!
//! With fewer lanes than columns a row is several tokens, one after the other, and D counts rows: all that a stage holds
//! is as many times deeper. A stage whose `phase` stays 0 without `bypass` only holds its rows back.
//!
//! | port | cycle | meaning |
//! |---|---|---|
//! | `x` | 0 | row, canonical |
//! | `address` | 0 | token mod D rows (stages with a memory) |
//! | `phase`, `bypass` | 1 | bypass: the stage is longer than the transform, rows pass |
//! | `swap` | 1 | the twiddle is negative |
//! | `token` | 1 | there is a token (stages without a memory) |
//! | `holds` | 1 | the stage only holds rows back (stages without a memory) |
//! | `write`, `write_address` | 3 | the token and its row, as they were |
//! | `shift`, `second` | 3 | control bits of the twiddle, zero in phase 1 |
//! | `y` | latency | row |

use std::rc::Rc;

use super::shift::{add, rotate, subtract, Factor, ADD_STAGES, ROTATE_STAGES};
use crate::{
    datapath::{Module, Sig},
    sets::SetTables,
};

/// Rows of the second group: within it, and between it and the first, twiddles split.
pub const GROUP_LOG: u32 = 6;
/// Cycle of the butterfly's operands.
pub const OPERANDS: u32 = 1;
/// Cycle of its results.
pub const RESULTS: u32 = OPERANDS + ADD_STAGES;
/// From this depth on, a stage's only memory is written with differences that were read from it four cycles before.
pub const FEEDBACK_LOG: u32 = 2;

/// A stage as generated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stage {
    /// Base-2 logarithm of its distance in rows.
    pub log: u32,
    /// Base-2 logarithm of the tokens in a row.
    pub tokens_log: u32,
    /// Its twiddles, by the row's position in the first half of the block; empty if all are 1.
    pub factors: Vec<Factor>,
}

impl Stage {
    /// The stage of distance 2^`log`. Its twiddle for row i < D is w_2D^i, of which the part of i below 64 is left to
    /// the multiplier between the groups when D ≥ 64.
    pub fn new(set: &SetTables, log: u32) -> Stage {
        let order_log = if log >= GROUP_LOG { log + 1 - GROUP_LOG } else { log + 1 };
        let root = set.root(order_log);
        let factors = (0..1u64 << (order_log - 1)).map(|e| {
            let value = set.field.pow(root, e);
            Factor::of(&set.field, value).unwrap_or_else(|| panic!("{value:#x} is no sum of two powers of two"))
        });
        let factors: Vec<Factor> = factors.collect();
        Stage { log, tokens_log: 0, factors: if factors.len() > 1 { factors } else { Vec::new() } }
    }

    /// The same stage for rows of 2^`tokens_log` tokens.
    pub fn with_tokens(self, tokens_log: u32) -> Stage {
        Stage { tokens_log, ..self }
    }

    /// Base-2 logarithm of the tokens that it holds back.
    pub fn depth_log(&self) -> u32 {
        self.log + self.tokens_log
    }

    /// Whether any twiddle is negative.
    pub fn signed(&self) -> bool {
        self.factors.iter().any(|f| f.negative)
    }

    /// Whether any twiddle has two powers of two.
    pub fn double(&self) -> bool {
        self.factors.iter().any(|f| f.second.is_some())
    }

    /// Whether the stage has a memory, or registers.
    pub fn feedback(&self) -> bool {
        self.depth_log() >= FEEDBACK_LOG
    }

    /// Cycles from `x` to `y`.
    pub fn latency(&self) -> u32 {
        let rotation = if self.factors.is_empty() { 0 } else { ROTATE_STAGES };
        let second = if self.double() { ADD_STAGES } else { 0 };
        RESULTS + rotation + second
    }

    /// One lane of the stage.
    pub fn lane(&self) -> Rc<Module> {
        let mut m = Module::new(format!("ntt_stage_{}", 1u32 << self.log));
        let x = m.pipe_input("x", 64);
        let phase = input_at(&mut m, "phase", 1, OPERANDS);
        let bypass = input_at(&mut m, "bypass", 1, OPERANDS);
        let swap = self.signed().then(|| input_at(&mut m, "swap", 1, OPERANDS));
        let write = input_at(&mut m, "write", 1, RESULTS);
        let x = m.delay(x, OPERANDS);
        let sum_or_waiting = if self.feedback() {
            let address = input_at(&mut m, "address", self.depth_log(), 0);
            let write_address = input_at(&mut m, "write_address", self.depth_log(), RESULTS);
            let memory = Butterfly { depth_log: self.depth_log(), shared: false, address, write, write_address };
            let signs = signs(&mut m, phase, swap);
            memory.describe(&mut m, x, phase, bypass, signs)
        } else {
            let token = input_at(&mut m, "token", 1, OPERANDS);
            let holds = input_at(&mut m, "holds", 1, OPERANDS);
            let waiting = (0..1 << self.depth_log()).fold(x, |x, _| hold(&mut m, token, x));
            let partner = m.gate(phase, x);
            let first = m.mux(bypass, x, waiting);
            let sum = add(&mut m, first, partner);
            // What is stored in phase 0 leaves in phase 1, when it is not asked for.
            let any_phase = m.constant(1, 1);
            let signs = signs(&mut m, any_phase, swap);
            let stored = difference(&mut m, waiting, x, signs);
            let stored = (0..1 << self.depth_log()).fold(stored, |x, _| hold(&mut m, write, x));
            // Without a partner the sum is the row that waited.
            let now = m.any(&[phase, bypass, holds]);
            m.mux(now, sum, stored)
        };
        let y = self.twiddle(&mut m, sum_or_waiting);
        assert_eq!(y.stage(), Some(self.latency()));
        m.pipe_outputs(&[("y", y)]);
        Rc::new(m)
    }

    fn twiddle(&self, m: &mut Module, x: Sig) -> Sig {
        if self.factors.is_empty() {
            return x;
        }
        let rotated = |m: &mut Module, control: Sig| {
            let (remainder, quotient) = (m.slice(control, 0, 5), m.slice(control, 5, 2));
            rotate(m, x, quotient, remainder)
        };
        let control = input_at(m, "shift", 7, RESULTS);
        let first = rotated(m, control);
        if !self.double() {
            return first;
        }
        let control = input_at(m, "second", 9, RESULTS);
        let second = rotated(m, control);
        let (minus, present) = (m.bit(control, 7), m.bit(control, 8));
        let p = m.constant(crate::field::Field::GOLDILOCKS.modulus.into(), 64);
        let negative = m.sub(p, second);
        let zero = m.constant(0, 64);
        let absent = m.not(present);
        let subtrahend = m.choose(&[(absent, zero), (minus, second)], negative);
        subtract(m, first, subtrahend)
    }
}

/// Addition and subtraction around a memory, in which rows wait for their partners and then differences for their turn.
pub struct Butterfly {
    /// Base-2 logarithm of its words.
    pub depth_log: u32,
    /// Several stages use it: no word is read and written in the same cycle, and there is a cycle for what was read.
    pub shared: bool,
    /// Where it is read, in cycle 0.
    pub address: Sig,
    /// Whether it is written, with the results.
    pub write: Sig,
    /// Where.
    pub write_address: Sig,
}

impl Butterfly {
    /// The sum or the difference that waited, [`ADD_STAGES`] cycles later; `x` and control ([`signs`]) are there with what
    /// was read.
    pub fn describe(&self, m: &mut Module, x: Sig, phase: Sig, bypass: Sig, signs: [Sig; 2]) -> Sig {
        let data = m.wire(64);
        let place = if self.shared { Module::ram_apart } else { Module::ram };
        let mut memory = place(m, 1 << self.depth_log, self.write, self.write_address, *data, self.address);
        if self.shared {
            memory = m.reg(memory);
        }
        // x + 0 and memory + 0 pass through the adder, x − 0 through the subtractor.
        let partner = m.gate(phase, x);
        let first = m.mux(bypass, x, memory);
        let sum = add(m, first, partner);
        let stored = difference(m, memory, x, signs);
        assert_eq!(stored.stage(), self.write.stage());
        m.connect(data, stored);
        sum
    }
}

/// Whether the partner is subtracted from the row that waited, and whether, as the twiddle is negative, that is subtracted from
/// the partner. The sign belongs to the row whose difference is being taken: there is none in phase 0.
pub fn signs(m: &mut Module, phase: Sig, swap: Option<Sig>) -> [Sig; 2] {
    let swap = swap.unwrap_or_else(|| m.constant(0, 1));
    let straight = m.not(swap);
    [m.and(phase, straight), m.and(phase, swap)]
}

/// `memory` − x, x − `memory`, or in phase 0, in which neither of the [`signs`] holds, x.
fn difference(m: &mut Module, memory: Sig, x: Sig, signs: [Sig; 2]) -> Sig {
    let [straight, swapped] = signs;
    let zero = m.constant(0, 64);
    let a = m.mux(straight, memory, x);
    let b = m.choose(&[(straight, x), (swapped, memory)], zero);
    subtract(m, a, b)
}

/// An input that comes with cycle `cycle` of the token.
pub fn input_at(m: &mut Module, name: &str, width: u32, cycle: u32) -> Sig {
    let sig = m.input(name, width);
    m.at(sig, Some(cycle))
}

/// What `x` was when the last token before this one came.
pub fn hold(m: &mut Module, token: Sig, x: Sig) -> Sig {
    let next = m.wire(x.width());
    let held = m.reg(*next);
    let held = m.at(held, x.stage());
    let value = m.mux(token, x, held);
    assert_eq!(value.stage(), x.stage(), "a token and its data come together");
    m.connect(next, value);
    held
}
