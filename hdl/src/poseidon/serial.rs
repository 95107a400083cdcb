//! The unit with one S-box, which full and partial rounds share: four multipliers, 120 cycles a permutation.
//!
//! ```text
//!                 ┌──────────────────── passes that are due: full, and partial with its word 0 ◄─────────────┐
//!                 ▼                                                                                          │
//!  new state ─► memory ─► a word a cycle ─┐                              ┌─ collect twelve ─┐                │
//!               (N states,                ├─► + constant ─► S-box ─► pad ┤                  ├─► matrices ────┤
//!               4 words a cycle)   word 0 ┘                              └─ word 0 ─────────┤                │
//!                 │ ▲ └──────────────────────────────────────────── words 1 … 11, late ─────┘                │
//!                 │ └────────────────────────────────────────────────── four words a cycle ◄─────────────────┘
//!                 └─► result
//! ```
//!
//! Time is cut into *frames* of 15 cycles: twelve words of one full pass, then word 0 of three partial passes. A
//! permutation has 8 full and 22 partial passes, so eight frames serve it, with 118 of 120 slots used. A state has a
//! place in the memory for as long as it is inside; what moves are its number and, for a partial pass, word 0. The
//! other words of a partial pass are read when word 0 leaves the S-box, so nothing has to be delayed.
//!
//! The way through the S-box is padded to [`PASS`] modulo the frame, hence every event has its phase, and the memory's two ports
//! are used like this:
//!
//! | phase | read | written |
//! |---|---|---|
//! | 0, 4, 8 | the full pass: four words each | |
//! | 1 … 3, 5 … 7, 9 … 11 | the first, second, third partial pass | |
//! | 12 | four words of a result | |
//! | 9 … 11 | | the full pass |
//! | 13 … 0; 2 … 4; 6 … 8 | | the first, second, third partial pass |
//! | 1, 5, 12 | | four words of a new state |
//!
//! Both queues of due passes and the ways between are in order, hence so are the results.
//!
//! States come and go a word at a time, so that the ways between many units and one engine are 64 bits wide.

use std::rc::Rc;

use super::{
    constants::UnitConstants,
    fifo::{counted, hold, index_bits},
    halves,
    internal::internal_layer,
    mds,
    sbox::sbox,
    tag::{Queue, Tag, PASS_BITS},
    unit::full_layer,
};
use crate::{
    config::Config,
    datapath::{Module, Sig},
    sets::{Hash, HALF_FULL_ROUNDS, PARTIAL_ROUNDS},
};

/// Cycles of a frame: the words of a full pass, and [`PARTIALS`].
const FRAME: u32 = 12 + PARTIALS;
/// Partial passes in a frame.
const PARTIALS: u32 = 3;
/// States inside: a permutation takes about 2100 cycles at a multiplier latency of 10 or 14, so 18 fill the unit.
pub const STATES: u64 = 32;
/// From the choice of a word to its power, with the pad, modulo the frame: the table above follows from it.
const PASS: u32 = 1;
/// Entry register, one for what the constants' memory gives, sum, its carry.
const BEFORE_SBOX: u32 = 4;
/// From a whole state to the first words of its mixed one: the matrices.
const MIX: u32 = halves::LATENCY;
/// Bits of a state's number.
const ID: u32 = STATES.ilog2();

/// The unit: `in_valid`, `in_word`, `in_ready`, and `out_valid`, `out_word`, `out_ready`: states, twelve words each, in
/// order, word 0 first.
pub fn serial(config: &Config) -> Rc<Module> {
    let mut m = Module::new("poseidon_unit");
    describe(&mut m, config);
    Rc::new(m)
}

fn describe(m: &mut Module, config: &Config) {
    const { assert!(MIX == 9, "the table of phases follows from it") };
    let in_valid = m.input("in_valid", 1);
    let in_word = m.input("in_word", 64);
    let out_ready = m.input("out_ready", 1);

    let phase_bits = index_bits(FRAME.into());
    let phase = m.state("phase", phase_bits, 0);
    let ends = m.eq_const(*phase, (FRAME - 1).into());
    let (plus, zero) = (m.add_const(*phase, 1), m.constant(0, phase_bits));
    let next = m.mux(ends, zero, plus);
    m.drive(phase, next);
    let at: Vec<Sig> = (0..FRAME).map(|p| m.eq_const(*phase, p.into())).collect();

    // The memory and the queues, their other ends wires until these exist.
    let (write, write_address, write_data) = (m.wire(1), m.wire(ID + 2), m.wire(256));
    let read_address = m.wire(ID + 2);
    let read = m.ram_apart(4 * STATES, *write, *write_address, *write_data, *read_address);
    let read = m.split(read, 64);
    let full_queue = Queue::new(m, "full_passes", ID + 3, STATES);
    let partial_queue = Queue::new(m, "partial_passes", 64 + ID + PASS_BITS, STATES);

    // The full pass of the next frame, and its words, one a cycle from phase 2 on.
    let full = {
        m.connect(full_queue.pop, at[14]);
        let pass = m.slice(full_queue.data, 0, 3);
        let pass = m.extend(pass, PASS_BITS);
        let head = Tag { valid: full_queue.valid, id: m.slice(full_queue.data, 3, ID), pass };
        head.kept(m, at[14])
    };
    let full_word = {
        let load = m.any(&[at[1], at[5], at[9]]);
        let mut after = m.constant(0, 64);
        for &word in read.iter().rev() {
            let next = m.mux(load, word, after);
            after = m.reg(next);
        }
        after
    };
    let is_partial = m.any(&[at[14], at[0], at[1]]);
    m.connect(partial_queue.pop, is_partial);
    let partial = {
        let pass = m.slice(partial_queue.data, 0, PASS_BITS);
        Tag { valid: partial_queue.valid, id: m.slice(partial_queue.data, PASS_BITS, ID), pass }
    };
    let partial_word = m.slice(partial_queue.data, PASS_BITS + ID, 64);

    // Constant and S-box.
    let operand = m.mux(is_partial, partial_word, full_word);
    let operand = m.reg(operand);
    let constant = {
        let index = m.state("word", 4, 0);
        let plus = m.add_const(*index, 1);
        let zero = m.constant(0, 4);
        let next = m.mux(at[1], zero, plus);
        m.drive(index, next);
        let pass = m.slice(full.pass, 0, 3);
        let of_full = m.cat(&[pass, *index]);
        // Twelve of sixteen places of a line belong to a full pass, the other four to partial ones.
        let (line, place, rest) = (m.slice(partial.pass, 2, 3), m.slice(partial.pass, 0, 2), m.constant(3, 2));
        let of_partial = m.cat(&[line, rest, place]);
        let address = m.mux(is_partial, of_partial, of_full);
        let address = m.extend(address, CONSTANTS.ilog2());
        m.rom(&constants(config), 64, address)
    };
    let (operand, constant) = (m.reg(operand), m.reg(constant));
    let sum = mds::add_weak_apart(m, operand, constant);
    let unit_sbox = sbox(config);
    let latency = unit_sbox.latency().unwrap_or_default();
    let instance = m.call("sbox", &unit_sbox, &[("x", sum)]);
    let y = m.output_of(&instance, "y");
    let pad = (PASS + FRAME - (BEFORE_SBOX + latency) % FRAME) % FRAME;
    let y = m.delay(y, pad);
    let tag = Tag::choose(m, &[(is_partial, partial)], full);
    let tag = tag.later(m, BEFORE_SBOX + latency + pad);

    // A full pass leaves in phases 3 to 14 and is whole in phase 0.
    let mut collected = vec![m.reg(y)];
    while collected.len() < 12 {
        let next = m.reg(collected[collected.len() - 1]);
        collected.push(next);
    }
    collected.reverse();
    let full_out = tag.later(m, 1);

    // Partial passes leave in phases 0, 1, 2 and meet their other words in 4, 8, 12.
    let waiting: Vec<(Tag, Sig)> = (0..PARTIALS as usize).map(|j| (tag.kept(m, at[j]), hold(m, at[j], y))).collect();
    let at_phases = |m: &mut Module, first: usize| {
        let phases: Vec<Sig> = (0..PARTIALS as usize).map(|j| at[first + 4 * j]).collect();
        m.any(&phases)
    };
    let turn: Vec<Sig> = (0..PARTIALS as usize).map(|j| m.any(&at[1 + 4 * j..=4 + 4 * j])).collect();
    let tags: Vec<(Sig, Tag)> = turn.iter().zip(&waiting).map(|(&when, &(tag, _))| (when, tag)).collect();
    let partial_out = Tag::choose(m, &tags[..2], tags[2].1);
    let words: Vec<(Sig, Sig)> = turn.iter().zip(&waiting).map(|(&when, &(_, y))| (when, y)).collect();
    let word_0 = m.choose(&words[..2], words[2].1);
    let gathered: Vec<Sig> = (0..12)
        .map(|i| match i {
            0 => word_0,
            _ => m.delay(read[i % 4], 2 - i as u32 / 4),
        })
        .collect();

    // The matrices.
    let is_whole = at_phases(m, 4);
    let state: Vec<Sig> = (0..12).map(|i| m.mux(at[0], collected[i], gathered[i])).collect();
    let any_whole = m.or(at[0], is_whole);
    let mixed = match &config.set.hash {
        Hash::Poseidon(tables) => {
            let names: Vec<String> = (0..12).map(|i| format!("x_{i}")).collect();
            let mut inputs: Vec<(&str, Sig)> = names.iter().map(String::as_str).zip(state).collect();
            inputs.push(("first", any_whole));
            let matrix = m.instance("matrix", &halves::matrix(tables), &inputs);
            (0..4).map(|i| m.output_of(&matrix, &format!("y_{i}"))).collect()
        }
        Hash::Poseidon2(tables) => {
            let state: Vec<Sig> = state.iter().map(|&word| m.reg(word)).collect();
            let of_full = full_layer(m, config, &state);
            let of_partial = internal_layer(m, &config.set.field, &tables.diagonal, &state);
            let was_full = at[1 + mds::LATENCY as usize];
            let mixed = of_full.iter().zip(of_partial).map(|(&full, partial)| {
                let mixed = m.mux(was_full, full, partial);
                m.reg(mixed)
            });
            let mixed: Vec<Sig> = mixed.collect();
            let starts = m.delay_valid(any_whole, MIX);
            halves::in_groups(m, starts, &mixed, 4)
        }
    };
    let partial_out = {
        let valid = m.and(partial_out.valid, is_whole);
        Tag { valid, ..partial_out }
    };
    let full_out = Tag { valid: m.and(full_out.valid, at[0]), ..full_out };
    let full_done = full_out.later(m, MIX);
    let partial_done = partial_out.later(m, MIX);

    // Back. What is due next goes into a queue at once.
    let starts = m.or(full_done.valid, partial_done.valid);
    let id = m.mux(full_done.valid, full_done.id, partial_done.id);
    let (second, third) = (m.delay_valid(starts, 1), m.delay_valid(starts, 2));
    let kept_id = hold(m, starts, id);

    let half_passes = HALF_FULL_ROUNDS as u128;
    let [first_half_ends, all_ends] =
        [half_passes - 1, 2 * half_passes - 1].map(|pass| m.eq_const(full_done.pass, pass));
    let partial_ends = m.eq_const(partial_done.pass, PARTIAL_ROUNDS as u128 - 1);
    let completes = m.and(full_done.valid, all_ends);
    let to_partial = m.and(full_done.valid, first_half_ends);
    let any_end = m.or(first_half_ends, all_ends);
    let goes_on = m.not(any_end);
    let goes_on = m.and(full_done.valid, goes_on);
    let to_full = m.and(partial_done.valid, partial_ends);
    let not_through = m.not(partial_ends);
    let stays = m.and(partial_done.valid, not_through);
    {
        let push = m.or(to_partial, stays);
        let plus = m.add_const(partial_done.pass, 1);
        let pass = m.gate(stays, plus);
        let entry = m.cat(&[mixed[0], id, pass]);
        m.connect(partial_queue.push, push);
        m.connect(partial_queue.entry, entry);
    }

    // New states come a word at a time; four are written where the port is free and there is a place for the state.
    let counter_bits = ID + 1;
    let inside = m.state("inside", counter_bits, 0);
    let new_words = m.state("new_words", 3, 0);
    let new_group = m.state("new_group", 2, 0);
    let new_id = m.state("new_id", ID, 0);
    let full_up = m.bit(*inside, ID);
    let room = m.not(full_up);
    let four = m.bit(*new_words, 2);
    let in_ready = m.not(four);
    let load = m.and(in_valid, in_ready);
    let shifts = m.any(&[at[1], at[5], at[12]]);
    let new_written = m.all(&[four, room, shifts]);
    let last_group = m.eq_const(*new_group, 2);
    let new_taken = m.and(new_written, last_group);
    let (plus, zero) = (m.add_const(*new_words, 1), m.constant(0, 3));
    let next = m.choose(&[(new_written, zero), (load, plus)], *new_words);
    m.drive(new_words, next);
    let (plus, zero) = (m.add_const(*new_group, 1), m.constant(0, 2));
    let next = m.mux(last_group, zero, plus);
    m.drive_when(new_group, new_written, next);
    let plus = m.add_const(*new_id, 1);
    m.drive_when(new_id, new_taken, plus);
    let mut new = vec![hold(m, load, in_word)];
    while new.len() < 4 {
        new.push(hold(m, load, new[new.len() - 1]));
    }
    new.reverse();
    {
        let push = m.any(&[goes_on, to_full, new_taken]);
        let pass = m.slice(full_done.pass, 0, 3);
        let plus = m.add_const(pass, 1);
        let (half, none) = (m.constant(half_passes, 3), m.constant(0, 3));
        let pass = m.choose(&[(goes_on, plus), (to_full, half)], none);
        let id = m.mux(new_taken, *new_id, id);
        let entry = m.cat(&[id, pass]);
        m.connect(full_queue.push, push);
        m.connect(full_queue.entry, entry);
    }

    // The write port.
    {
        let any = m.any(&[starts, second, third, new_written]);
        m.connect(write, any);
        let group = m.cat(&[third, second]);
        let id = m.mux(starts, id, kept_id);
        let back = m.cat(&[id, group]);
        let of_new = m.cat(&[*new_id, *new_group]);
        let address = m.mux(new_written, of_new, back);
        m.connect(write_address, address);
        let words: Vec<Sig> = (0..4).map(|i| m.mux(new_written, new[i], mixed[i])).collect();
        let data = m.pack(&words);
        m.connect(write_data, data);
    }

    // Results, in the order in which states came: four words leave, four wait behind them.
    let completed = m.state("completed", counter_bits, 0);
    let fetching = m.state("fetching", 1, 0);
    let result_id = m.state("result_id", ID, 0);
    let result_group = m.state("result_group", 2, 0);
    let waits = m.state("result_waits", 1, 0);
    let leaving = m.state("leaving", 3, 0);
    let none = m.eq_const(*completed, 0);
    let (some, free) = (m.not(none), m.not(*waits));
    let fetches = m.and(some, free);
    m.drive_when(fetching, at[11], fetches);
    let arrives = m.and(*fetching, at[13]);
    let last_group = m.eq_const(*result_group, 2);
    let fetched = m.and(arrives, last_group);
    let (plus, zero) = (m.add_const(*result_group, 1), m.constant(0, 2));
    let next = m.mux(last_group, zero, plus);
    m.drive_when(result_group, arrives, next);
    let plus = m.add_const(*result_id, 1);
    m.drive_when(result_id, fetched, plus);
    let nothing_leaves = m.eq_const(*leaving, 0);
    let out_valid = m.not(nothing_leaves);
    let popped = m.and(out_valid, out_ready);
    let one_leaves = m.eq_const(*leaving, 1);
    let last_leaves = m.and(one_leaves, popped);
    let next_ones = m.or(nothing_leaves, last_leaves);
    let follow = m.and(*waits, next_ones);
    let (no, yes) = (m.constant(0, 1), m.constant(1, 1));
    let next = m.choose(&[(arrives, yes), (follow, no)], *waits);
    m.drive(waits, next);
    let (less, all) = (m.add_const(*leaving, 7), m.constant(4, 3));
    let next = m.choose(&[(follow, all), (popped, less)], *leaving);
    m.drive(leaving, next);
    let moves = m.or(follow, popped);
    let mut out_word = None;
    for &word in read.iter().rev() {
        let word = hold(m, arrives, word);
        let next = out_word.map_or(word, |after| m.mux(follow, word, after));
        out_word = Some(hold(m, moves, next));
    }
    counted(m, completed, completes, fetched);
    counted(m, inside, new_taken, fetched);

    // The read port.
    {
        let of_full = {
            let group = m.cat(&[at[8], at[4]]);
            m.cat(&[full.id, group])
        };
        let group = |m: &mut Module, firsts: &[usize]| {
            let ones: Vec<Sig> = firsts.iter().map(|p| at[p + 1]).collect();
            let twos: Vec<Sig> = firsts.iter().map(|p| at[p + 2]).collect();
            let (one, two) = (m.any(&ones), m.any(&twos));
            m.cat(&[two, one])
        };
        let of_partial = {
            let group = group(m, &[1, 5, 9]);
            let tag = Tag::choose(m, &tags[..2], tags[2].1);
            m.cat(&[tag.id, group])
        };
        let of_result = m.cat(&[*result_id, *result_group]);
        let for_full = m.any(&[at[0], at[4], at[8]]);
        let for_result = m.any(&at[12..=14]);
        let address = m.choose(&[(for_full, of_full), (for_result, of_result)], of_partial);
        m.connect(read_address, address);
    }

    m.output("in_ready", in_ready);
    m.output("out_valid", out_valid);
    if let Some(word) = out_word {
        m.output("out_word", word);
    }
}

/// Words of the table of constants: 128 are used, and with 512 it is a block memory instead of 512 LUT4.
const CONSTANTS: usize = 512;

/// Round constants where the unit looks for them: word w of full pass p at 16·p + w, partial pass r at
/// 16·⌊r/4⌋ + 12 + r mod 4.
fn constants(config: &Config) -> Vec<u64> {
    let constants = UnitConstants::new(&config.set.field, &config.set.hash);
    let mut table = vec![0; CONSTANTS];
    for (line, words) in table.chunks_mut(16).zip(&constants.full) {
        line[..12].copy_from_slice(words);
    }
    for (r, &constant) in constants.partial.iter().enumerate() {
        table[16 * (r / 4) + 12 + r % 4] = constant;
    }
    table
}
