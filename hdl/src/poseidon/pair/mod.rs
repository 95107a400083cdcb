//! The unit with two S-boxes, which full and partial rounds share: eight multipliers, 60 cycles a permutation.
//!
//! ```text
//!                 ┌──────────────────── passes that are due: full, and partial with its word 0 ◄──────────────┐
//!                 ▼                                                                                           │
//!  new state ─► two queues ─► two words a cycle ─┐                                 ┌─ collect twelve ─┐       │
//!               memory ─► row ──────►            ├─► + constants ─► two S-boxes ──┤                  ├─► matrix
//!               (N states,             words 0 ──┘                                 └─ words 0 ────────┤       │
//!                │ a row a cycle)                                                                     │       │
//!                │ ▲ └──────────────────────────────────────────── words 1 … 11, late ────────────────┘       │
//!                │ └──────────────────────────────────────────────── six words a cycle ◄──────────────────────┘
//!                └─► a word of a result
//! ```
//!
//! As in the unit with one S-box ([`super::serial`]) a state has a place in the memory for as long as it is inside, and what
//! moves are its number and, for a partial pass, word 0. Two S-boxes share one matrix, and both are always busy: 30 passes are
//! twice 30 cycles of the matrix, which takes a state's low halves and then its high ones, and 8 · 12 + 22 words are
//! 118 of 120 that two S-boxes take in 60 cycles. [`schedule`] has the phases.
//!
//! A row of the memory is read at once: into two registers of six words for a full pass, which move on by a word; or to
//! the matrix, when word 0 of a partial pass has come. Results are read in the phases that are left, a word at a time. High
//! halves are read, moved and collected a cycle later than low ones, as the matrix wants them.
//!
//! New states do not go through the memory: their words wait in two short queues for a full pass that no other state
//! needs.

mod memory;
mod results;
mod schedule;

use std::{ops::Range, rc::Rc};

use super::{
    constants::UnitConstants,
    fifo::{counted, hold},
    halves::{in_groups, matrix_of_halves, LATENCY as MIX},
    internal::internal_layer,
    mds,
    sbox::sbox,
    tag::{Queue, Tag, PASS_BITS},
    unit::full_layer,
};
use crate::{
    config::Config,
    datapath::{Module, Sig, Wire},
    sets::{Hash, HALF_FULL_ROUNDS, PARTIAL_ROUNDS},
};
use memory::{memory, NewStates, Write, GROUP};
use results::{Ports, Results};
use schedule::{Schedule, FULLS_MIXED, PARTIALS, SECOND_MIXED};

/// States inside: a permutation takes about 2000 cycles at a multiplier latency of 14, so 34 fill the unit.
const STATES: u64 = 64;
/// States that wait for a place, and results that wait to leave, at most.
const OUTSIDE: u64 = 5;
/// States in the unit, at most.
pub const IN_FLIGHT: u64 = STATES + OUTSIDE;
/// Bits of a state's number.
const ID: u32 = STATES.ilog2();
/// Entry register, one for what the constants' memory gives, sum, its carry.
const BEFORE_SBOX: u32 = 4;

/// The unit: ports as those of [`super::serial::serial`].
pub fn pair(config: &Config) -> Rc<Module> {
    let mut m = Module::new("poseidon_unit");
    describe(&mut m, config);
    Rc::new(m)
}

/// The words of a state that an S-box takes in full passes.
fn six_of(sbox: u32) -> Range<usize> {
    let first = GROUP * sbox as usize;
    first..first + GROUP
}

/// A phase of low halves and that of the high ones.
fn late(m: &mut Module, low: Sig) -> [Sig; 2] {
    [low, m.reg(low)]
}

fn describe(m: &mut Module, config: &Config) {
    let in_valid = m.input("in_valid", 1);
    let in_word = m.input("in_word", 64);
    let out_ready = m.input("out_ready", 1);
    let unit_sbox = sbox(config);
    let schedule = Schedule::new(m, BEFORE_SBOX + unit_sbox.latency().unwrap_or_default());

    // The memory and the queues, their other ends wires until these exist.
    let writes = [ID + 1, ID].map(|bits| (m.wire(1), m.wire(bits)));
    let mixed: Vec<Wire> = (0..GROUP).map(|_| m.wire(64)).collect();
    let mixed_words: Vec<Sig> = mixed.iter().map(|wire| **wire).collect();
    let row_address = m.wire(ID + 1);
    let written = writes.each_ref().map(|(enable, row)| Write { enable: **enable, row: **row });
    let rows = memory(m, &written, &mixed_words, *row_address);
    let full_queue = Queue::new(m, "full_passes", ID + 3, STATES);
    let partial_queue = Queue::new(m, "partial_passes", 64 + ID + PASS_BITS, STATES);
    let new_taken = m.wire(1);
    let new = NewStates::new(m, in_valid, in_word, *new_taken);

    // Full passes. One is chosen when its row is asked for, and its words follow: a state that is inside, or a new one if there
    // is a place.
    let inside = m.state("inside", ID + 1, 0);
    let new_id = m.state("new_id", ID, 0);
    let decides = schedule.at(m, schedule.loads().map(|load| load - 3));
    m.connect(full_queue.pop, decides);
    let room = {
        let full_up = m.bit(*inside, ID);
        m.not(full_up)
    };
    let enters = {
        let none_inside = m.not(full_queue.valid);
        m.all(&[none_inside, new.waits, room])
    };
    let taken = m.and(decides, enters);
    m.connect(new_taken, taken);
    let plus = m.add_const(*new_id, 1);
    m.drive_when(new_id, taken, plus);
    let asked = {
        let pass = m.slice(full_queue.data, 0, 3);
        let pass = m.gate(full_queue.valid, pass);
        let pass = m.extend(pass, PASS_BITS);
        let id = m.slice(full_queue.data, 3, ID);
        let id = m.mux(full_queue.valid, id, *new_id);
        let valid = m.or(full_queue.valid, enters);
        Tag { valid, id, pass }.kept(m, decides)
    };
    let asked_new = hold(m, decides, enters);
    // The words of the pass before go for a few cycles more.
    let follows = schedule.at(m, schedule.loads().map(|load| load + 1));
    let full = asked.kept(m, follows);
    let full_new = hold(m, follows, asked_new);

    let moves = schedule::fulls().map(|x| schedule.chosen(x) - 1);
    let loads_or_moves: Vec<i64> = moves.chain(schedule.loads()).collect();
    let of_rows: Vec<Sig> = (0..2)
        .map(|sbox| {
            let loads = schedule.copy(m, schedule.loads(), sbox);
            let enables = schedule.copy(m, loads_or_moves.iter().copied(), sbox);
            let [loads, enables] = [loads, enables].map(|low| late(m, low));
            let [low, high] = [0, 1].map(|half| {
                let words = rows[half][six_of(sbox)].iter().rev();
                let mut after = None;
                for &word in words {
                    let next = after.map_or(word, |after| m.mux(loads[half], word, after));
                    after = Some(hold(m, enables[half], next));
                }
                after.expect("six words")
            });
            let low = m.reg(low);
            m.cat(&[high, low])
        })
        .collect();

    // Partial passes: the first S-box's is taken from the queue, then the second's.
    let partials: Vec<(Tag, Sig)> = {
        let firsts = schedule.at(m, PARTIALS.map(|x| schedule.chosen(x) - 2));
        let seconds = schedule.at(m, schedule::seconds().map(|x| schedule.chosen(x) - 1));
        let pop = m.or(firsts, seconds);
        m.connect(partial_queue.pop, pop);
        let pass = m.slice(partial_queue.data, 0, PASS_BITS);
        let head = Tag { valid: partial_queue.valid, id: m.slice(partial_queue.data, PASS_BITS, ID), pass };
        let word = m.slice(partial_queue.data, PASS_BITS + ID, 64);
        [firsts, seconds].map(|load| (head.kept(m, load), hold(m, load, word))).to_vec()
    };
    let is_partial = schedule.at(m, PARTIALS.map(|x| schedule.chosen(x)));
    let is_full = m.not(is_partial);
    let new_moves = m.and(is_full, full_new);
    m.connect(new.moves, new_moves);

    // Constants and S-boxes.
    let index = m.state("word", 3, 0);
    let begins = schedule.at(m, schedule::firsts().map(|x| schedule.chosen(x) - 1));
    let (plus, zero) = (m.add_const(*index, 1), m.constant(0, 3));
    let next = m.choose(&[(begins, zero), (is_full, plus)], *index);
    m.drive(index, next);
    let mut powers = Vec::new();
    for (sbox, name) in ["first", "second"].into_iter().enumerate() {
        let (tag, word_0) = partials[sbox];
        let of_full = m.mux(full_new, new.words[sbox], of_rows[sbox]);
        let operand = m.mux(is_partial, word_0, of_full);
        let operand = m.reg(operand);
        let constant = {
            let pass = m.slice(full.pass, 0, 3);
            let of_full = m.cat(&[pass, *index]);
            let of_partial = m.extend(tag.pass, 6);
            let address = m.mux(is_partial, of_partial, of_full);
            let address = m.cat(&[is_partial, address]);
            let address = m.extend(address, CONSTANTS.ilog2());
            m.rom(&constants(config, sbox), 64, address)
        };
        let (operand, constant) = (m.reg(operand), m.reg(constant));
        let sum = mds::add_weak_apart(m, operand, constant);
        let instance = m.call(name, &unit_sbox, &[("x", sum)]);
        let y = m.output_of(&instance, "y");
        let pad = schedule.way - BEFORE_SBOX - unit_sbox.latency().unwrap_or_default();
        let y = m.delay(y, pad);
        let (low, high) = (m.slice(y, 0, 32), m.slice(y, 32, 32));
        powers.push([low, m.reg(high)]);
    }
    // Tags go with them: a full pass's with its words in the first S-box. They are known a cycle before the powers.
    let with_first = Tag::choose(m, &[(is_partial, partials[0].0)], full).later(m, schedule.way - 1);
    let with_second = partials[1].0.later(m, schedule.way - 1);

    // What leaves is collected or held, high halves a cycle after the low ones, and chosen for the matrix.
    let mixes = schedule.at(m, schedule::mixed());
    let held = [schedule.at(m, PARTIALS), schedule.at(m, schedule::seconds())].map(|held| late(m, held));
    let of_second = schedule.at(m, SECOND_MIXED);
    let of_second = late(m, of_second);
    let word_0 = [0, 1].map(|half| {
        let [first, second] = [0, 1].map(|sbox| hold(m, held[sbox][half], powers[sbox][half]));
        m.mux(of_second[half], second, first)
    });
    let mut halves = Vec::new();
    for sbox in 0..2 {
        let collects = schedule.copy(m, schedule::fulls(), sbox);
        let of_full = schedule.copy(m, FULLS_MIXED, sbox);
        // The first copy beside `mixes`, and the second.
        let low_halves = schedule.copy(m, schedule::mixed(), 1 + sbox);
        let [collects, of_full] = [collects, of_full].map(|when| late(m, when));
        let [low, high] = [0, 1].map(|half| {
            let mut words = vec![hold(m, collects[half], powers[sbox as usize][half])];
            while words.len() < GROUP {
                words.push(hold(m, collects[half], words[words.len() - 1]));
            }
            words.reverse();
            let mut others = rows[half][six_of(sbox)].to_vec();
            if sbox == 0 {
                others[0] = word_0[half];
            }
            let chosen = words.into_iter().zip(others);
            chosen.map(|(full, other)| m.mux(of_full[half], full, other)).collect::<Vec<Sig>>()
        });
        for (low, high) in low.into_iter().zip(high) {
            let half = m.mux(low_halves, low, high);
            halves.push(m.reg(half));
        }
    }

    // The matrices.
    let results = mix(m, config, &schedule, mixes, &halves);
    for (wire, word) in mixed.into_iter().zip(results) {
        m.connect(wire, word);
    }

    // Whose state that is, two cycles before the matrix takes it: when its row is asked for.
    let before_first = schedule.at(m, PARTIALS.map(|x| x - 1));
    let before_second = schedule.at(m, schedule::seconds().map(|x| x - 1));
    let of_full_tag = with_first.later(m, 1);
    let (first, second) = (with_first.kept(m, before_first), with_second.kept(m, before_second));
    let [tag_of_full, tag_of_second] =
        [schedule.at(m, FULLS_MIXED.map(|g| g - 2)), schedule.at(m, SECOND_MIXED.map(|g| g - 2))];
    let mixing = Tag::choose(m, &[(tag_of_full, of_full_tag), (tag_of_second, second)], first);

    // Back. What is due next goes into a queue at once.
    let done = {
        let valid = m.and(mixing.valid, mixes);
        Tag { valid, ..mixing }.later(m, MIX + 1)
    };
    let was_full = schedule.at(m, FULLS_MIXED.map(|g| g + i64::from(MIX) - 1));
    let was_partial = m.not(was_full);
    let half_passes = HALF_FULL_ROUNDS as u128;
    let [first_half_ends, all_ends, partial_ends] =
        [half_passes - 1, 2 * half_passes - 1, PARTIAL_ROUNDS as u128 - 1].map(|pass| m.eq_const(done.pass, pass));
    let completes = m.all(&[done.valid, was_full, all_ends]);
    let to_partial = m.and(was_full, first_half_ends);
    let stays = {
        let goes_on = m.not(partial_ends);
        m.and(was_partial, goes_on)
    };
    let to_full = m.and(was_partial, partial_ends);
    let goes_on = {
        let any_end = m.or(first_half_ends, all_ends);
        let goes_on = m.not(any_end);
        m.and(was_full, goes_on)
    };
    let [partial_push, full_push] = [(to_partial, stays), (to_full, goes_on)].map(|(a, b)| {
        let any = m.or(a, b);
        let any = m.and(any, done.valid);
        m.delay_valid(any, 1)
    });
    let plus = m.add_const(done.pass, 1);
    let partial_pass = m.gate(stays, plus);
    let half = m.constant(half_passes, PASS_BITS);
    let full_pass = m.mux(to_full, half, plus);
    let next = m.cat(&[done.id, partial_pass, full_pass]);
    let next = m.reg(next);
    let (id, partial_pass) = (m.slice(next, 2 * PASS_BITS, ID), m.slice(next, PASS_BITS, PASS_BITS));
    let full_pass = m.slice(next, 0, 3);
    let entry = m.cat(&[mixed_words[0], id, partial_pass]);
    m.connect(partial_queue.push, partial_push);
    m.connect(partial_queue.entry, entry);
    let entry = m.cat(&[id, full_pass]);
    m.connect(full_queue.push, full_push);
    m.connect(full_queue.entry, entry);

    // Words 0 to 5 are written when they come, the others a cycle later; those of results to both parts.
    let lower = m.delay_valid(done.valid, 1);
    let upper = m.delay_valid(done.valid, 2);
    let upper_of_result = m.delay_valid(completes, 2);
    let later_id = m.reg(id);
    let lower_or_result = m.or(lower, upper_of_result);
    let lower_id = m.mux(upper_of_result, later_id, id);
    let lower_row = m.cat(&[upper_of_result, lower_id]);
    for ((write, row), (when, at)) in writes.into_iter().zip([(lower_or_result, lower_row), (upper, later_id)]) {
        m.connect(write, when);
        m.connect(row, at);
    }

    // A row is there two cycles after its address is chosen: for a partial pass in even phases, else for a full one or a result.
    let asks_full = schedule.at(m, schedule.loads().map(|load| load - 2));
    let free = schedule.at(m, schedule.free());
    let first_six = [0, 1].map(|half| &rows[half][..GROUP]);
    let results = Results::new(m, &Ports { free, completes, rows: first_six, out_ready });
    let [of_partial, of_full] = [mixing.id, asked.id].map(|id| m.extend(id, ID + 1));
    let address = m.choose(&[(mixes, of_partial), (asks_full, of_full)], results.row);
    let address = m.reg(address);
    m.connect(row_address, address);
    counted(m, inside, taken, results.fetched);
    m.output("in_ready", new.ready);
    m.output("out_valid", results.valid);
    m.output("out_word", results.word);
}

/// The states' first and last six mixed words from `MIX` cycles after `first` on, of halves that come the cycle after it.
fn mix(m: &mut Module, config: &Config, schedule: &Schedule, first: Sig, halves: &[Sig]) -> Vec<Sig> {
    match &config.set.hash {
        Hash::Poseidon(tables) => {
            let names: Vec<String> = (0..12).map(|i| format!("x_{i}")).collect();
            let mut inputs: Vec<(&str, Sig)> = names.iter().map(String::as_str).zip(halves.iter().copied()).collect();
            inputs.push(("first", first));
            let matrix = m.instance("matrix", &matrix_of_halves(tables), &inputs);
            (0..6).map(|i| m.output_of(&matrix, &format!("y_{i}"))).collect()
        }
        Hash::Poseidon2(tables) => {
            const { assert!(MIX == 2 + mds::LATENCY, "words are whole two cycles after `first`") };
            let words = halves.iter().map(|&high| {
                let low = m.reg(high);
                m.cat(&[high, low])
            });
            let state: Vec<Sig> = words.collect();
            let of_full = full_layer(m, config, &state);
            let of_partial = internal_layer(m, &config.set.field, &tables.diagonal, &state);
            let was_full = schedule.at(m, FULLS_MIXED.map(|g| g + i64::from(MIX)));
            let mixed = of_full.iter().zip(of_partial).map(|(&full, partial)| m.mux(was_full, full, partial));
            let mixed: Vec<Sig> = mixed.collect();
            let starts = m.delay_valid(first, MIX);
            in_groups(m, starts, &mixed, 6)
        }
    }
}

/// Words of a table of constants: 96 are used, and with 512 it is a block memory instead of 512 LUT4.
const CONSTANTS: usize = 512;

/// Round constants where an S-box looks for them: its word w of full pass p at 8·p + w, partial pass r at 64 + r.
fn constants(config: &Config, sbox: usize) -> Vec<u64> {
    let constants = UnitConstants::new(&config.set.field, &config.set.hash);
    let mut table = vec![0; CONSTANTS];
    for (line, words) in table.chunks_mut(8).zip(&constants.full) {
        line[..6].copy_from_slice(&words[6 * sbox..6 * sbox + 6]);
    }
    table[64..64 + PARTIAL_ROUNDS].copy_from_slice(&constants.partial);
    table
}
