//! One unit: a ring for full rounds and a ring for partial rounds.
//!
//! ```text
//!  new state ──┐ k words a cycle                                                    12 words a cycle
//!              ▼                                                                    ▼
//!          ┌─ entry → + constant → k S-boxes → collect → MDS, k rows ─┐    A   ┌─ entry → word 0: + constant, S-box ─┐
//!          │    ▲                                                     ├───────►│        → words 1..11: delayed       │
//!          └────┼──────────── passes 0..2 and 4..6 ───────────────────┤ pass 3 │            MDS, 12 rows             │
//!               │                                                     │        └─────────── passes 0..20 ────────────┤
//!               └────────────────────────── B ────────────────────────┼─────────────────────────────────── pass 21 ──┘
//!                                                                     └─ pass 7 → C → result
//! ```
//!
//! A state takes a slot of c = 12/k cycles of the full ring in each of its 8 passes, and one cycle of the partial ring
//! in each of 22: so a permutation costs 8·12/k cycles (24 with four S-boxes), as long as every slot is taken. Both
//! rings have a constant latency and the queues are in order, hence so are the results. What returns and must go on has
//! the first claim on a slot, then what waits in B, then a new state. A counter bounds the states inside, results in C
//! included, so no queue can overflow; see [`in_flight`].

use std::rc::Rc;

use super::{
    constants::UnitConstants,
    fifo::{counted, hold, index_bits, states, Push},
    internal::internal_layer,
    mds::{self, Term},
    pair::{self, pair},
    sbox::sbox,
    serial::{self, serial},
};
use crate::{
    config::Config,
    datapath::{Module, Sig},
    sets::{Hash, HALF_FULL_ROUNDS, PARTIAL_ROUNDS},
};

/// Latencies of a unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timing {
    /// Cycles of a slot in the full ring.
    pub slot: u32,
    /// Cycles of a pass through the full ring, a multiple of the slot.
    pub full: u32,
    /// Cycles of a pass through the partial ring.
    pub partial: u32,
}

/// Entry register and constant.
const BEFORE_SBOX: u32 = 2;

/// Latencies with this configuration.
pub fn timing(config: &Config) -> Timing {
    let sboxes = config.poseidon.full_sboxes;
    assert!((1..=4).contains(&sboxes), "a unit has 1 to 4 S-boxes for full rounds");
    let sbox = sbox(config).latency().unwrap_or_default();
    let slot = 12 / sboxes;
    let full = BEFORE_SBOX + sbox + slot + mds::LATENCY;
    Timing { slot, full: full.next_multiple_of(slot), partial: BEFORE_SBOX + sbox + mds::LATENCY }
}

/// Most states in a unit: what fills both rings and a third more, which the queues need so that neither ring waits for
/// the other, up to a power of two.
pub fn in_flight(config: &Config) -> u64 {
    match (config.poseidon.full_sboxes, config.poseidon.partial_sboxes) {
        (0, 1) => return serial::STATES,
        (0, _) => return pair::IN_FLIGHT,
        _ => {}
    }
    let t = timing(config);
    let rings = u64::from(t.full / t.slot + t.partial);
    (rings * 4 / 3).next_power_of_two()
}

/// The unit. Ports: `in_valid`, `in_0` … `in_11` (any words), `in_ready`; `out_valid`, `out_0` … `out_11` (weak words),
/// `out_ready`.
pub fn unit(config: &Config) -> Rc<Module> {
    match (config.poseidon.full_sboxes, config.poseidon.partial_sboxes) {
        (0, 1) => return serial(config),
        (0, 2) => return pair(config),
        (0, _) => panic!("rounds share one S-box or two"),
        (_, partial) => assert_eq!(partial, 1, "a ring of partial rounds has one S-box"),
    }
    let mut m = Module::new("poseidon_unit");
    let in_valid = m.input("in_valid", 1);
    let inputs: Vec<Sig> = (0..12).map(|i| m.input(&format!("in_{i}"), 64)).collect();
    let out_ready = m.input("out_ready", 1);
    let constants = UnitConstants::new(&config.set.field, &config.set.hash);
    let depth = in_flight(config);

    // Full → partial → full: the queues' other ends are wires until they exist.
    let (from_b, b_valid) = ((0..12).map(|_| m.wire(64)).collect::<Vec<_>>(), m.wire(1));
    let b_words: Vec<Sig> = from_b.iter().map(|w| **w).collect();
    let out_pop = m.wire(1);
    let full = full_ring(&mut m, config, &constants, &Ports { in_valid, inputs, b_valid: *b_valid, b_words }, *out_pop);
    let (c_valid, c_words) = states(&mut m, "c", depth, &full.results.as_push(), *out_pop);
    let popped = m.and(c_valid, out_ready);
    m.connect(out_pop, popped);

    let a_pop = m.wire(1);
    let (a_valid, a_words) = states(&mut m, "a", depth, &full.halfway.as_push(), *a_pop);
    let partial = partial_ring(&mut m, config, &constants, a_valid, &a_words);
    m.connect(a_pop, partial.take);
    let push = Push { groups: &[partial.leaves], words: &partial.words, last: partial.leaves };
    let (valid, words) = states(&mut m, "b", depth, &push, full.take_b);
    m.connect(b_valid, valid);
    for (wire, word) in from_b.into_iter().zip(words) {
        m.connect(wire, word);
    }

    m.output("in_ready", full.in_ready);
    m.output("out_valid", c_valid);
    for (i, word) in c_words.into_iter().enumerate() {
        m.output(&format!("out_{i}"), word);
    }
    Rc::new(m)
}

struct Ports {
    in_valid: Sig,
    inputs: Vec<Sig>,
    b_valid: Sig,
    b_words: Vec<Sig>,
}

struct Leaving {
    groups: Vec<Sig>,
    words: Vec<Sig>,
    last: Sig,
}

impl Leaving {
    fn as_push(&self) -> Push<'_> {
        Push { groups: &self.groups, words: &self.words, last: self.last }
    }
}

struct FullRing {
    in_ready: Sig,
    take_b: Sig,
    halfway: Leaving,
    results: Leaving,
}

fn full_ring(m: &mut Module, config: &Config, constants: &UnitConstants, ports: &Ports, done: Sig) -> FullRing {
    let Timing { slot, full: latency, .. } = timing(config);
    let k = config.poseidon.full_sboxes as usize;
    let phase_bits = index_bits(slot.into());
    let phase = m.state("phase", phase_bits, 0);
    let next = {
        let last = m.eq_const(*phase, (slot - 1).into());
        let plus = m.add_const(*phase, 1);
        let zero = m.constant(0, phase_bits);
        m.mux(last, zero, plus)
    };
    m.drive(phase, next);
    // What enters in phase p is in phase p again `slot` cycles later, and at the ring's end.
    let phase = *phase;
    let phases: Vec<Sig> = (0..slot).map(|p| m.eq_const(phase, p.into())).collect();
    let (first, last) = (phases[0], phases[slot as usize - 1]);

    // Who gets the slot, decided in its first phase.
    let returned: Vec<_> = (0..k).map(|_| m.wire(64)).collect();
    let (returned_valid, returned_pass) = (m.wire(1), m.wire(3));
    let new_waits = m.state("new_waits", 1, 0);
    let inside_bits = index_bits(in_flight(config));
    let inside = m.state("inside", inside_bits + 1, 0);
    let pass_in_half = m.slice(*returned_pass, 0, 2);
    let at_end_of_half = m.eq_const(pass_in_half, HALF_FULL_ROUNDS as u128 - 1);
    let goes_on = m.not(at_end_of_half);
    let goes_on = m.and(*returned_valid, goes_on);
    let open = m.not(goes_on);
    let from_b = m.and(open, ports.b_valid);
    let no_b = m.not(ports.b_valid);
    let full_up = m.bit(*inside, inside_bits);
    let room = m.not(full_up);
    let from_new = m.all(&[open, no_b, *new_waits, room]);
    let fresh = m.pack(&[goes_on, from_b, from_new]);
    let kept = hold(m, first, fresh);
    let choice = m.mux(first, fresh, kept);
    let [goes_on, from_b, from_new] = [0, 1, 2].map(|i| m.bit(choice, i));
    let take_b = m.and(from_b, last);
    let new_taken = m.and(from_new, last);

    // New states wait in a register.
    let waits_on = m.not(*new_waits);
    let in_ready = m.or(waits_on, new_taken);
    let load = m.and(ports.in_valid, in_ready);
    let stays = m.not(in_ready);
    let next = m.or(load, stays);
    m.drive(new_waits, next);
    let new: Vec<Sig> = ports.inputs.iter().map(|&word| hold(m, load, word)).collect();
    counted(m, inside, new_taken, done);

    // Entry, constant, S-box.
    let valid = m.any(&[goes_on, from_b, from_new]);
    let plus = m.add_const(*returned_pass, 1);
    let (half, zero) = (m.constant(HALF_FULL_ROUNDS as u128, 3), m.constant(0, 3));
    let pass = m.choose(&[(goes_on, plus), (from_b, half)], zero);
    let address = m.cat(&[pass, phase]);
    let unit_sbox = sbox(config);
    let sboxed: Vec<Sig> = (0..k)
        .map(|j| {
            let group = |words: &[Sig]| words.iter().skip(j).step_by(k).copied().collect::<Vec<_>>();
            let b = m.select(phase, &group(&ports.b_words));
            let new = m.select(phase, &group(&new));
            let word = m.choose(&[(goes_on, *returned[j]), (from_b, b)], new);
            let word = m.reg(word);
            let table: Vec<u64> = (0..8usize << phase_bits)
                .map(|a| {
                    constants.full[a >> phase_bits].get((a & ((1 << phase_bits) - 1)) * k + j).copied().unwrap_or(0)
                })
                .collect();
            let constant = m.rom(&table, 64, address);
            let sum = mds::add_weak(m, word, constant);
            let sum = m.reg(sum);
            let instance = m.call(&format!("full_{j}"), &unit_sbox, &[("x", sum)]);
            m.output_of(&instance, "y")
        })
        .collect();

    // Collect twelve words with the last group, then turn them by k a cycle, so that the same k rows serve.
    let after_sbox = BEFORE_SBOX + unit_sbox.latency().unwrap_or_default();
    let load = phases[((after_sbox + slot - 1) % slot) as usize];
    let turning: Vec<_> = (0..12).map(|_| m.wire(64)).collect();
    let state: Vec<Sig> = (0..12)
        .map(|i| {
            let collected = m.delay(sboxed[i % k], slot - 1 - (i / k) as u32);
            let next = m.mux(load, collected, *turning[(i + k) % 12]);
            m.reg(next)
        })
        .collect();
    for (wire, &word) in turning.into_iter().zip(&state) {
        m.connect(wire, word);
    }
    let hash = &config.set.hash;
    let turned_at = after_sbox + slot;
    let passed = turned_at + mds::LATENCY;
    let turns: Vec<Sig> = (0..slot as usize).map(|t| phases[(turned_at as usize + t) % slot as usize]).collect();
    let words = match hash {
        Hash::Poseidon(tables) if k >= CIRCULANT_FROM => {
            // A circulant does not mind the turning; the diagonal does.
            let extras: Vec<Vec<Term>> = (0..k)
                .map(|j| {
                    let entries = turns.iter().enumerate().map(|(t, &when)| (tables.diagonal[j + k * t], when));
                    let entries = entries.filter(|(factor, _)| *factor > 0);
                    entries.map(|(factor, when)| Term { word: state[j], factor, when: Some(when) }).collect()
                })
                .collect();
            mds::circulant(m, &state, &tables.circulant, &extras)
        }
        _ => turned_rows(m, hash, k, &state, &turns),
    };
    let words: Vec<Sig> = words.into_iter().map(|word| m.delay(word, latency - passed)).collect();
    let valid = m.delay_valid(valid, latency);
    let pass = m.delay(pass, latency);
    m.connect(returned_valid, valid);
    m.connect(returned_pass, pass);
    for (wire, &word) in returned.into_iter().zip(&words) {
        m.connect(wire, word);
    }

    let mut leaving = |pass_number: usize| {
        let here = m.eq_const(pass, pass_number as u128);
        let leaves = m.and(valid, here);
        let groups: Vec<Sig> = phases.iter().map(|&phase| m.and(leaves, phase)).collect();
        Leaving { last: groups[slot as usize - 1], groups, words: words.clone() }
    };
    let halfway = leaving(HALF_FULL_ROUNDS - 1);
    let results = leaving(2 * HALF_FULL_ROUNDS - 1);
    FullRing { in_ready, take_b, halfway, results }
}

/// Rows from which on sharing between them is worth a transform.
const CIRCULANT_FROM: usize = 3;

/// k rows of the matrix, of a state that turns: row j + k·t in cycle t, when word i + j + k·t is where word i + j was
/// collected.
fn turned_rows(m: &mut Module, hash: &Hash, k: usize, state: &[Sig], turns: &[Sig]) -> Vec<Sig> {
    (0..k)
        .map(|j| {
            let mut always = Vec::new();
            let mut sometimes = Vec::new();
            for i in 0..12 {
                let word = state[(i + j) % 12];
                let factors: Vec<u64> =
                    (0..turns.len()).map(|t| hash.full_row(j + k * t)[(i + j + k * t) % 12]).collect();
                let common = factors.iter().copied().min().unwrap_or(0);
                always.push(Term { word, factor: common, when: None });
                let mut more: Vec<u64> = factors.iter().map(|f| f - common).filter(|&f| f > 0).collect();
                more.sort_unstable();
                more.dedup();
                for factor in more {
                    let here = factors.iter().zip(turns).filter(|(f, _)| **f - common == factor);
                    let when: Vec<Sig> = here.map(|(_, &turn)| turn).collect();
                    let when = m.any(&when);
                    sometimes.push(Term { word, factor, when: Some(when) });
                }
            }
            let terms: Vec<Term> = always.into_iter().chain(sometimes).collect();
            mds::row(m, &terms)
        })
        .collect()
}

struct PartialRing {
    take: Sig,
    leaves: Sig,
    words: Vec<Sig>,
}

fn partial_ring(
    m: &mut Module,
    config: &Config,
    constants: &UnitConstants,
    waits: Sig,
    waiting: &[Sig],
) -> PartialRing {
    let latency = timing(config).partial;
    let returned: Vec<_> = (0..12).map(|_| m.wire(64)).collect();
    let (returned_valid, returned_pass) = (m.wire(1), m.wire(5));
    let through = m.eq_const(*returned_pass, PARTIAL_ROUNDS as u128 - 1);
    let leaves = m.and(*returned_valid, through);
    let more = m.not(through);
    let goes_on = m.and(*returned_valid, more);
    let open = m.not(goes_on);
    let take = m.and(open, waits);
    let valid = m.or(goes_on, take);
    let plus = m.add_const(*returned_pass, 1);
    let pass = m.gate(goes_on, plus);
    let entry: Vec<Sig> = (0..12).map(|i| m.mux(goes_on, *returned[i], waiting[i])).collect();

    let mut table = constants.partial.clone();
    table.resize(32, 0);
    let constant = m.rom(&table, 64, pass);
    let word = m.reg(entry[0]);
    let sum = mds::add_weak(m, word, constant);
    let sum = m.reg(sum);
    let instance = m.call("partial", &sbox(config), &[("x", sum)]);
    let mut state = vec![m.output_of(&instance, "y")];
    state.extend(entry[1..].iter().map(|&word| m.delay(word, latency - mds::LATENCY)));
    let words: Vec<Sig> = match &config.set.hash {
        Hash::Poseidon(_) => full_layer(m, config, &state),
        Hash::Poseidon2(tables) => internal_layer(m, &config.set.field, &tables.diagonal, &state),
    };
    let valid = m.delay_valid(valid, latency);
    let pass = m.delay(pass, latency);
    m.connect(returned_valid, valid);
    m.connect(returned_pass, pass);
    for (wire, &word) in returned.into_iter().zip(&words) {
        m.connect(wire, word);
    }
    PartialRing { take, leaves, words }
}

/// All twelve rows of the matrix of full rounds, of a state: [`mds::LATENCY`] stages.
pub(super) fn full_layer(m: &mut Module, config: &Config, state: &[Sig]) -> Vec<Sig> {
    let names: Vec<String> = (0..12).map(|i| format!("x_{i}")).collect();
    let inputs: Vec<(&str, Sig)> = names.iter().map(String::as_str).zip(state.iter().copied()).collect();
    let placed = m.instance("matrix", &matrix(config), &inputs);
    (0..12).map(|i| m.output_of(&placed, &format!("y_{i}"))).collect()
}

/// What a matrix has on its diagonal beside a circulant one.
pub(super) fn diagonal(state: &[Sig], factors: &[u64]) -> Vec<Vec<Term>> {
    let extra = |(&word, &factor)| Vec::from_iter((factor > 0).then_some(Term { word, factor, when: None }));
    state.iter().zip(factors).map(extra).collect()
}

/// The matrix of full rounds as a unit: `x_0` … `x_11` (any words), `y_0` … `y_11` (weak), a state a cycle.
pub fn matrix(config: &Config) -> Rc<Module> {
    let mut m = Module::new("poseidon_matrix");
    let state: Vec<Sig> = (0..12).map(|i| m.input(&format!("x_{i}"), 64)).collect();
    let rows = match &config.set.hash {
        Hash::Poseidon(tables) => {
            mds::circulant(&mut m, &state, &tables.circulant, &diagonal(&state, &tables.diagonal))
        }
        Hash::Poseidon2(_) => (0..12)
            .map(|r| {
                let row = config.set.hash.full_row(r);
                let terms = state.iter().zip(row).map(|(&word, factor)| Term { word, factor, when: None });
                let terms: Vec<Term> = terms.collect();
                mds::row(&mut m, &terms)
            })
            .collect(),
    };
    for (i, row) in rows.into_iter().enumerate() {
        m.output(&format!("y_{i}"), row);
    }
    Rc::new(m)
}
