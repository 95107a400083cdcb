//! Grinding: nonces in, the smallest that fits out.

use std::rc::Rc;

use hotloop_regs::descriptor::GRIND_TRAILING_BIT;

use super::fifo::hold;
use crate::datapath::{Module, Sig};

/// Bits of a word that are looked at together.
const GROUP: u32 = 8;
/// Stages that look at a result; `value` has one more.
const LOOKS: usize = 3;

/// Nonces and results of a grinding job. Ports: `first`, `count`, `control` (words 12 to 14 of the parameter block), each
/// with its `load_` (together or in this order); `nonce`, `position`, `wanted` (a state with that nonce should enter; not
/// in the cycle after a load), `issued` (it did); `output_word` (which word of a result to show), `result_valid`, `result`
/// (canonical); `done` (nothing more to try, or found; as `wanted`), `settled` (every result given so far was looked at),
/// `found`, `value` (the nonce, or the number tried).
pub fn grind() -> Rc<Module> {
    let mut m = Module::new("poseidon_grind");
    let [load_first, load_count, load] = ["load_first", "load_count", "load_control"].map(|name| m.input(name, 1));
    let [first, count, control] = ["first", "count", "control"].map(|name| m.input(name, 64));
    let issued = m.input("issued", 1);
    let result_valid = m.input("result_valid", 1);
    let result = m.input("result", 64);
    let start = hold(&mut m, load_first, first);
    let control = hold(&mut m, load, control);
    let position = m.slice(control, 0, 4);
    let output_word = m.slice(control, 8, 4);
    let bits = m.slice(control, 16, 7);
    let trailing = m.bit(control, GRIND_TRAILING_BIT);

    // Going in.
    let nonce = m.state("nonce", 64, 0);
    let plus = m.add_const(*nonce, 1);
    let next = m.choose(&[(load_first, first), (issued, plus)], *nonce);
    m.drive(nonce, next);
    let left = m.state("left", 64, 0);
    let one = m.constant(1, 64);
    let less = m.sub(*left, one);
    let next = m.choose(&[(load_count, count), (issued, less)], *left);
    m.drive(left, next);
    // The high bits are compared a cycle late: when they have changed, the low ones are not zero yet.
    let (low, high) = (m.slice(*left, 0, 2), m.slice(*left, 2, 62));
    let none_above = m.eq_const(high, 0);
    let none_above = m.reg(none_above);
    let none_below = m.eq_const(low, 0);
    let none_left = m.and(none_above, none_below);
    let found = m.state("found", 1, 0);
    let done = m.or(*found, none_left);
    let wanted = m.not(done);

    // Coming out, in order: the first that fits is the smallest. The word, turned round if its last bits are looked at;
    // what is in its groups of bits, all of them and those that count if the group is the last one; whether it fits.
    let turned: Vec<Sig> = (0..64).rev().map(|i| m.bit(result, i)).collect();
    let turned = m.pack(&turned);
    let word = m.mux(trailing, result, turned);
    let word = m.reg(word);
    let (whole, rest) = (m.slice(bits, GROUP.ilog2(), 4), m.slice(bits, 0, GROUP.ilog2()));
    let counts: Vec<Sig> = (0..GROUP - 1)
        .map(|i| {
            let index = m.constant(i.into(), GROUP.ilog2());
            m.lt(index, rest)
        })
        .collect();
    let counts = m.pack(&counts);
    let missing: Vec<Sig> = (0..64 / GROUP)
        .map(|group| {
            let ones = m.slice(word, group * GROUP, GROUP);
            let some = m.eq_const(ones, 0);
            let some = m.not(some);
            let ones = m.slice(ones, 0, GROUP - 1);
            let ones = m.and(ones, counts);
            let some_count = m.eq_const(ones, 0);
            let some_count = m.not(some_count);
            let [some, some_count] = [some, some_count].map(|x| m.reg(x));
            let index = m.constant(group.into(), 4);
            let (is_whole, is_last) = (m.lt(index, whole), m.eq(index, whole));
            let (all, part) = (m.and(is_whole, some), m.and(is_last, some_count));
            m.or(all, part)
        })
        .collect();
    let misses = m.any(&missing);
    let misses = m.reg(misses);
    let mut under_way = vec![m.delay_valid(result_valid, 1)];
    while under_way.len() < LOOKS + 1 {
        under_way.push(m.delay_valid(under_way[under_way.len() - 1], 1));
    }
    let looked = under_way[LOOKS - 1];
    let none_found = m.not(*found);
    let fits = m.not(misses);
    let hit = m.and(looked, fits);
    let set = m.or(*found, hit);
    let none_loaded = m.not(load);
    let next = m.and(none_loaded, set);
    m.drive(found, next);
    let missed = m.all(&[looked, none_found, misses]);
    let tried = m.counter("tried", 64, missed, load);
    let answer = m.add(start, tried);
    let value = m.mux(*found, answer, tried);
    let value = m.reg(value);
    let under_way = m.any(&under_way);
    let settled = m.not(under_way);

    m.output("nonce", *nonce);
    m.output("position", position);
    m.output("output_word", output_word);
    m.output("wanted", wanted);
    m.output("done", done);
    m.output("settled", settled);
    m.output("found", *found);
    m.output("value", value);
    Rc::new(m)
}
