//! The folding engine: a polynomial over the quadratic extension by a number, as FRI does it.
//!
//! ```text
//!  beats ─► element ─┬─► × 4 ─► two sums of products ─► sums of a chunk ─► mod p ─► four elements ─► beats
//!  powers ─► table ──┘
//! ```
//!
//! Coefficient i of the result is Σ c_(i·2^a + j) · β^j for j below 2^a. With X² = W, one element (x0, x1) times (b0, b1) is
//! (x0·b0 + x1·(W·b1), x0·b1 + x1·b0): four products, one element a cycle. The table has β^j and W·b1 of each, so that the
//! engine knows nothing of W.
//!
//! A job of n elements takes n cycles, and the way there and back. Products are canonical; those of a chunk are summed as
//! integers below 2^69 and reduced once.

use std::rc::Rc;

use crate::{
    config::Config,
    datapath::{Module, Sig},
    field::{multiplier, multiplier_leaf, reduce_goldilocks, Field},
};

/// Multiplier leaves in the engine.
pub const MULTIPLIERS: u64 = 4;
/// Base-2 logarithm of the largest arity.
pub const MAX_LOG: u32 = 4;

/// Bits of a sum of 2 · 2^MAX_LOG products below 2^64.
const SUM_BITS: u32 = 64 + 1 + MAX_LOG;
/// Output beats under way at a time: they take at least eight cycles each, more in all than the way through the engine.
const CREDITS: u64 = 16;

/// Module `fold_engine`: `start` with `log_arity` (1 to [`MAX_LOG`]) and `rows` begins a job; these stay as they are while
/// `busy`. First come 2^(log_arity − 1) beats of the table, two powers each (words b0, b1, W·b1 and one that is ignored),
/// then rows·2^log_arity beats of four elements each; `rows` beats of four elements leave.
pub fn engine(config: &Config) -> Rc<Module> {
    assert_eq!(config.set.field, Field::GOLDILOCKS, "sums are reduced modulo this prime");
    let mut m = Module::new("fold_engine");
    let start = m.input("start", 1);
    let log_arity = m.input("log_arity", 3);
    let rows = m.input("rows", 32);
    let in_valid = m.input("in_valid", 1);
    let in_data = m.input("in_data", 512);
    let out_ready = m.input("out_ready", 1);

    // The table.
    let beats: Vec<Sig> = [1, 1, 2, 4, 8].map(|beats| m.constant(beats, 4)).to_vec();
    let beats = m.select(log_arity, &beats);
    let table_left = m.state("table_left", 4, 0);
    let full = m.eq_const(*table_left, 0);
    let loading = m.not(full);
    let store = m.and(loading, in_valid);
    let one = m.constant(1, 4);
    let fewer = m.sub(*table_left, one);
    let next = m.choose(&[(start, beats), (store, fewer)], *table_left);
    m.drive(table_left, next);
    let table_at = m.counter("table_at", MAX_LOG - 1, store, start);
    let input = m.split(in_data, 64);
    let powers = m.pack(&[0, 1, 2, 4, 5, 6].map(|word| input[word]));

    // One beat at a time is taken apart.
    let held = m.state("held", 512, 0);
    let held_valid = m.state("held_valid", 1, 0);
    let element = m.state("element", MAX_LOG + 2, 0);
    let (may_begin, issue) = (m.wire(1), m.wire(1));
    let masks: Vec<Sig> = [1, 1, 3, 7, 15].map(|mask| m.constant(mask, MAX_LOG)).to_vec();
    let mask = m.select(log_arity, &masks);
    let last_four = m.constant(3, 2);
    let beat_mask = m.cat(&[mask, last_four]);
    let in_beat = m.and(*element, beat_mask);
    let begins = m.eq_const(in_beat, 0);
    let position = m.slice(*element, 0, MAX_LOG);
    let position = m.and(position, mask);
    let goes_on = m.not(begins);
    let may_go = m.or(goes_on, *may_begin);
    let issues = m.and(*held_valid, may_go);
    m.connect(issue, issues);
    let index = m.slice(*element, 0, 2);
    let at_end = m.eq_const(index, 3);
    let emptied = m.and(*issue, at_end);
    let empty = m.not(*held_valid);
    let room = m.or(empty, emptied);
    let in_ready = m.or(loading, room);
    let takes = m.all(&[full, room, in_valid]);
    m.drive_when(held, takes, in_data);
    let (yes, no) = (m.constant(1, 1), m.constant(0, 1));
    let next = m.choose(&[(start, no), (takes, yes), (emptied, no)], *held_valid);
    m.drive(held_valid, next);
    let plus = m.add_const(*element, 1);
    let zero = m.constant(0, MAX_LOG + 2);
    let next = m.choose(&[(start, zero), (*issue, plus)], *element);
    m.drive(element, next);
    let words = m.split(*held, 64);
    let evens: Vec<Sig> = words.iter().copied().step_by(2).collect();
    let odds: Vec<Sig> = words.iter().copied().skip(1).step_by(2).collect();
    let (x0, x1) = (m.select(index, &evens), m.select(index, &odds));

    // Products.
    let [x0, x1] = [x0, x1].map(|x| m.at(x, Some(0)));
    let pair = m.slice(position, 1, MAX_LOG - 1);
    let pair = m.at(pair, Some(0));
    let which = m.bit(position, 0);
    let which = m.at(which, Some(0));
    let read = m.ram(1 << (MAX_LOG - 1), store, table_at, powers, pair);
    let read = m.split(read, 64);
    let power: Vec<Sig> = (0..3)
        .map(|i| {
            let word = m.mux(which, read[3 + i], read[i]);
            m.reg(word)
        })
        .collect();
    let unit = multiplier(&config.set.field, &multiplier_leaf(config.multiplier));
    let product = |m: &mut Module, name: &str, a: Sig, b: Sig| {
        let product = m.call(name, &unit, &[("a", a), ("b", b)]);
        m.output_of(&product, "y")
    };
    let products = [("x0_b0", x0, 0), ("x1_wb1", x1, 2), ("x0_b1", x0, 1), ("x1_b0", x1, 0)]
        .map(|(name, x, i)| product(&mut m, name, x, power[i]));
    let sums = [(0, 1), (2, 3)].map(|(a, b)| {
        let sum = m.add_carry(products[a], products[b]);
        m.reg(sum)
    });
    let way = sums[0].stage().unwrap_or(0);
    let valid = m.delay_valid(*issue, way);
    let first = m.eq_const(position, 0);
    let last = m.eq(position, mask);
    let [first, last] = [first, last].map(|mark| m.delay(mark, way));

    // Sums of a chunk.
    let chunk_ends = m.and(valid, last);
    let ended = m.delay_valid(chunk_ends, 1);
    let further = m.not(first);
    let results = [("sum_0", sums[0]), ("sum_1", sums[1])].map(|(name, sum)| {
        let state = m.state(name, SUM_BITS, 0);
        let before = m.gate(further, *state);
        let sum = m.at(sum, None);
        let sum = m.extend(sum, SUM_BITS);
        let total = m.add(before, sum);
        m.drive_when(state, valid, total);
        let (low, high) = (m.slice(*state, 0, 64), m.slice(*state, 64, SUM_BITS - 64));
        let high = m.extend(high, 64);
        let (low, high) = (m.at(low, Some(0)), m.at(high, Some(0)));
        reduce_goldilocks(&mut m, low, high)
    });
    let reduced = m.delay_valid(ended, results[0].stage().unwrap_or(0));
    let results = results.map(|result| m.at(result, None));

    // Four elements a beat.
    let kept = m.state("kept", 384, 0);
    let shifted = m.slice(*kept, 128, 256);
    let all = m.pack(&[*kept, results[0], results[1]]);
    let next = m.pack(&[shifted, results[0], results[1]]);
    m.drive_when(kept, reduced, next);
    let place = m.counter("place", 2, reduced, start);
    let fourth = m.eq_const(place, 3);
    let push = m.and(reduced, fourth);
    let fifo = Module::fifo(512, CREDITS);
    let fifo = m.instance("out", &fifo, &[("in_valid", push), ("in_data", all), ("out_ready", out_ready)]);
    let (out_valid, out_data) = (m.output_of(&fifo, "out_valid"), m.output_of(&fifo, "out_data"));
    let pop = m.and(out_valid, out_ready);

    // A beat begins when it has a place in the FIFO.
    let bits = CREDITS.ilog2() + 1;
    let under_way = m.state("under_way", bits, 0);
    let all_taken = m.bit(*under_way, bits - 1);
    let some_left = m.not(all_taken);
    m.connect(may_begin, some_left);
    let begun = m.and(*issue, begins);
    let (more, less) = (m.extend(begun, bits), m.extend(pop, bits));
    let next = m.add(*under_way, more);
    let next = m.sub(next, less);
    m.drive(under_way, next);

    let left = m.state("left", 32, 0);
    let one = m.constant(1, 32);
    let fewer = m.sub(*left, one);
    let next = m.choose(&[(start, rows), (pop, fewer)], *left);
    m.drive(left, next);
    let none = m.eq_const(*left, 0);
    let busy = m.not(none);

    m.output("in_ready", in_ready);
    m.output("out_valid", out_valid);
    m.output("out_data", out_data);
    m.output("busy", busy);
    Rc::new(m)
}
