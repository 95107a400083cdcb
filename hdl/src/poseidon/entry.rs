//! What a state passes before a unit: nothing, or Poseidon2's external matrix.
//!
//! One matrix serves all units, a state a cycle; a queue behind it takes what is under way, counted by credits.

use std::rc::Rc;

use super::{
    fifo::{hold, index_bits, states, Push},
    mds,
    step::turns,
    unit::full_layer,
};
use crate::{
    config::Config,
    datapath::{Module, Sig},
    sets::Hash,
};

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

/// The entry where states come and go a word at a time: twelve are gathered for it, and what it gives leaves one by one.
/// Ports as those of [`super::serial::serial`].
pub fn word_entry(config: &Config) -> Option<Rc<Module>> {
    let entry = entry(config)?;
    let mut m = Module::new("poseidon_word_entry");
    let in_valid = m.input("in_valid", 1);
    let in_word = m.input("in_word", 64);
    let out_ready = m.input("out_ready", 1);

    let whole = m.state("whole", 1, 0);
    let in_ready = m.not(*whole);
    let load = m.and(in_valid, in_ready);
    let (_, last) = turns(&mut m, "gathered", 12, 4, load);
    let mut gathered = vec![hold(&mut m, load, in_word)];
    while gathered.len() < 12 {
        gathered.push(hold(&mut m, load, gathered[gathered.len() - 1]));
    }
    gathered.reverse();

    let left = m.state("left", 4, 0);
    let none_left = m.eq_const(*left, 0);
    let names: Vec<String> = (0..12).map(|i| format!("in_{i}")).collect();
    let mut inputs: Vec<(&str, Sig)> = names.iter().map(String::as_str).zip(gathered).collect();
    inputs.extend([("in_valid", *whole), ("out_ready", none_left)]);
    let entry = m.instance("entry", &entry, &inputs);
    let [takes, offers] = ["in_ready", "out_valid"].map(|port| m.output_of(&entry, port));
    let becomes = m.and(load, last);
    let kept = m.not(takes);
    let stays = m.and(*whole, kept);
    let next = m.or(becomes, stays);
    m.drive(whole, next);

    let out_valid = m.not(none_left);
    let popped = m.and(out_valid, out_ready);
    let follows = m.and(none_left, offers);
    let (less, all) = (m.add_const(*left, 15), m.constant(12, 4));
    let next = m.choose(&[(follows, all), (popped, less)], *left);
    m.drive(left, next);
    let moves = m.or(follows, popped);
    let mut word: Option<Sig> = None;
    for i in (0..12).rev() {
        let mixed = m.output_of(&entry, &format!("out_{i}"));
        let next = word.map_or(mixed, |after| m.mux(follows, mixed, after));
        word = Some(hold(&mut m, moves, next));
    }
    m.output("in_ready", in_ready);
    m.output("out_valid", out_valid);
    if let Some(word) = word {
        m.output("out_word", word);
    }
    Some(Rc::new(m))
}
