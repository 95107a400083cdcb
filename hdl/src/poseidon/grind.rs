//! Grinding: nonces in, the smallest that fits out.

use std::rc::Rc;

use hotloop_regs::descriptor::GRIND_TRAILING_BIT;

use super::fifo::hold;
use crate::{
    datapath::{Module, Sig},
    field::canonical,
};

/// Nonces and results of a grinding job. Ports: `load` with `first`, `count`, `control` (words 12 to 14 of the
/// parameter block); `nonce`, `position`, `wanted` (a state with that nonce should enter), `issued` (it did);
/// `output_word` (which word of a result to show), `result_valid`, `result` (weak); `done` (nothing more to try, or
/// found), `settled` (every result given so far was looked at), `found`, `value` (the nonce, or the number tried).
pub fn grind() -> Rc<Module> {
    let mut m = Module::new("poseidon_grind");
    let load = m.input("load", 1);
    let [first, count, control] = ["first", "count", "control"].map(|name| m.input(name, 64));
    let issued = m.input("issued", 1);
    let result_valid = m.input("result_valid", 1);
    let result = m.input("result", 64);
    let first = hold(&mut m, load, first);
    let control = hold(&mut m, load, control);
    let position = m.slice(control, 0, 4);
    let output_word = m.slice(control, 8, 4);
    let bits = m.slice(control, 16, 7);
    let trailing = m.bit(control, GRIND_TRAILING_BIT);

    // Going in.
    let left = m.state("left", 64, 0);
    let entered = m.state("entered", 64, 0);
    let found = m.state("found", 1, 0);
    let one = m.constant(1, 64);
    let less = m.sub(*left, one);
    let next = m.choose(&[(load, count), (issued, less)], *left);
    m.drive(left, next);
    let plus = m.add_const(*entered, 1);
    let zero = m.constant(0, 64);
    let next = m.choose(&[(load, zero), (issued, plus)], *entered);
    m.drive(entered, next);
    let nonce = m.add(first, *entered);
    let none_left = m.eq_const(*left, 0);
    let done = m.or(*found, none_left);
    let wanted = m.not(done);

    // Coming out, in order: the first that fits is the smallest. A stage for the word, turned round if its last bits are
    // looked at, and a stage for its zeros.
    let word = canonical(&mut m, result);
    let turned: Vec<Sig> = (0..64).rev().map(|i| m.bit(word, i)).collect();
    let turned = m.pack(&turned);
    let word = m.mux(trailing, turned, word);
    let word = m.reg(word);
    let seven = m.extend(bits, 8);
    let sixty_four = m.constant(64, 8);
    let shift = m.sub(sixty_four, seven);
    let rest = m.shr_var(word, shift);
    let fits = m.eq_const(rest, 0);
    let looked = m.delay_valid(result_valid, 1);
    let hit = m.and(looked, fits);
    let not_yet = m.not(*found);
    let zero_bit = m.constant(0, 1);
    let set = m.or(*found, hit);
    let next = m.mux(load, zero_bit, set);
    m.drive(found, next);
    let tried = m.state("tried", 64, 0);
    let missed = m.not(fits);
    let counts = m.all(&[looked, not_yet, missed]);
    let plus = m.add_const(*tried, 1);
    let next = m.choose(&[(load, zero), (counts, plus)], *tried);
    m.drive(tried, next);
    let answer = m.add(first, *tried);
    let value = m.mux(*found, answer, *tried);
    let settled = m.not(looked);

    m.output("nonce", nonce);
    m.output("position", position);
    m.output("output_word", output_word);
    m.output("wanted", wanted);
    m.output("done", done);
    m.output("settled", settled);
    m.output("found", *found);
    m.output("value", value);
    Rc::new(m)
}
