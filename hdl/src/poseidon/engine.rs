//! The engine: beats in, states to the units in turn, results from them in turn, beats out.
//!
//! A state's sponge between two panels waits in a queue of one tile; because everything keeps its order, the queue's
//! head always belongs to the row that comes next. Back-pressure ends at the units' result queues: a result is taken
//! when it can go on, and the units take no more states than those queues hold.

use std::rc::Rc;

use super::{
    fifo::{hold, index_bits, states, Push},
    grind::grind,
    mds::canonical,
    rows::{rows, Place, PANEL_BITS},
    unit::{in_flight, unit},
};
use crate::{
    config::Config,
    datapath::{Instance, Module, Sig},
};

/// Values of the port `mode`.
pub const MODE_PERMUTE: u128 = 0;
/// One level of a tree.
pub const MODE_HASH: u128 = 1;
/// Search for a nonce.
pub const MODE_GRIND: u128 = 2;

/// The job's configuration, decoded.
struct Job {
    start: Sig,
    busy: Sig,
    permute: Sig,
    grind: Sig,
    /// Hash with permutations.
    sponge: Sig,
    /// Hash of at most four elements.
    copy: Sig,
    width: Sig,
    rows: Sig,
    panels: Sig,
}

/// The engine. Besides clock and reset: inputs `start` (one pulse; configuration stable from then until `busy` falls),
/// `mode`, `rows`, `width`, `in_valid`, `in_data`, `out_ready`; outputs `in_ready`, `out_valid`, `out_data`, `out_half`
/// (only the lower 32 bytes of this beat are valid), `busy` (from the cycle after `start` until the last beat left),
/// `perms` (permutations that left the units in this cycle).
pub fn engine(config: &Config) -> Rc<Module> {
    let mut m = Module::new("poseidon_engine");
    let start = m.input("start", 1);
    let mode = m.input("mode", 2);
    let row_count = m.input("rows", 32);
    let width = m.input("width", 16);
    let in_valid = m.input("in_valid", 1);
    let in_data = m.input("in_data", 512);
    let out_ready = m.input("out_ready", 1);
    let input = m.split(in_data, 64);
    let busy = m.state("busy", 1, 0);
    let job = decode(&mut m, start, *busy, mode, row_count, width);

    // Units and their results.
    let unit_module = unit(config);
    let count = config.poseidon.units as usize;
    let entering: Vec<_> = (0..12).map(|_| m.wire(64)).collect();
    let (enter, collect) = (m.wire(1), m.wire(1));
    let fired = m.wire(1);
    let turn_in = turn(&mut m, "turn_in", count, *fired);
    let turn_out = turn(&mut m, "turn_out", count, *collect);
    let units: Vec<Instance> = (0..count)
        .map(|u| {
            let (mine_in, mine_out) = (m.eq_const(turn_in, u as u128), m.eq_const(turn_out, u as u128));
            let valid = m.and(*enter, mine_in);
            let ready = m.and(*collect, mine_out);
            let names: Vec<String> = (0..12).map(|i| format!("in_{i}")).collect();
            let mut ports = vec![("in_valid", valid), ("out_ready", ready)];
            ports.extend(names.iter().zip(&entering).map(|(name, wire)| (name.as_str(), **wire)));
            m.instance(&format!("unit_{u}"), &unit_module, &ports)
        })
        .collect();
    let in_turn = |m: &mut Module, turn: Sig, port: &str| {
        let choices: Vec<Sig> = units.iter().map(|u| m.output_of(u, port)).collect();
        m.select(turn, &choices)
    };
    let unit_ready = in_turn(&mut m, turn_in, "in_ready");
    let result_valid = in_turn(&mut m, turn_out, "out_valid");
    let result: Vec<Sig> = (0..12).map(|i| in_turn(&mut m, turn_out, &format!("out_{i}"))).collect();
    let fire = m.and(*enter, unit_ready);
    m.connect(fired, fire);

    let outstanding = {
        let bits = index_bits(count as u64 * (in_flight(config) + 1) + 1);
        let outstanding = m.state("outstanding", bits, 0);
        let (more, less) = (m.extend(fire, bits), m.extend(*collect, bits));
        let next = m.add(*outstanding, more);
        let next = m.sub(next, less);
        m.drive(outstanding, next);
        m.eq_const(*outstanding, 0)
    };

    // The way in.
    let step_in = m.wire(1);
    let ports = |step: Sig| [("start", job.start), ("rows", job.rows), ("panels", job.panels), ("step", step)];
    let way_in = m.instance("way_in", &rows(config.poseidon.tile_rows, Place::In), &ports(*step_in));
    let [active, first, last] = ["active", "first", "last"].map(|port| m.output_of(&way_in, port));
    let (queue_valid, queue_pop) = (m.wire(1), m.wire(1));
    let queue: Vec<_> = (0..12).map(|_| m.wire(64)).collect();
    let queue_words: Vec<Sig> = queue.iter().map(|w| **w).collect();

    // Permute: first and second beat of a state. Grind: two beats of parameters, then none.
    let beat = m.state("beat", 2, 0);
    let [first_beat, second_beat] = [0, 1].map(|n| m.eq_const(*beat, n));
    let digest_ready = m.wire(1);
    let can_sponge = m.or(first, *queue_valid);
    let sponge_ready = m.all(&[active, can_sponge, unit_ready]);
    let copy_ready = m.and(active, *digest_ready);
    let second_ready = m.or(first_beat, unit_ready);
    let permute_ready = m.and(active, second_ready);
    let grind_ready = m.or(first_beat, second_beat);
    let ready =
        m.choose(&[(job.sponge, sponge_ready), (job.copy, copy_ready), (job.permute, permute_ready)], grind_ready);
    let in_ready = m.and(job.busy, ready);
    let accept = m.and(in_valid, in_ready);

    let not_hash = m.or(job.permute, job.grind);
    let take_first = m.all(&[accept, not_hash, first_beat]);
    let take_second = m.all(&[accept, not_hash, second_beat]);
    let (zero, two) = (m.constant(0, 2), m.constant(2, 2));
    let after_second = m.mux(job.grind, two, zero);
    let one = m.constant(1, 2);
    let next = m.choose(&[(job.start, zero), (take_first, one), (take_second, after_second)], *beat);
    m.drive(beat, next);
    let held_low: Vec<Sig> = (0..8).map(|i| hold(&mut m, take_first, input[i])).collect();
    let held_high: Vec<Sig> = (0..4).map(|i| hold(&mut m, take_second, input[i])).collect();

    // Grinding.
    let load = m.and(take_second, job.grind);
    let shown = m.wire(64);
    let issued = m.and(fire, job.grind);
    let looked_at = m.and(*collect, job.grind);
    let grinder = m.instance(
        "grind",
        &grind(),
        &[
            ("load", load),
            ("first", input[4]),
            ("count", input[5]),
            ("control", input[6]),
            ("issued", issued),
            ("result_valid", looked_at),
            ("result", *shown),
        ],
    );
    let [nonce, position, output_word, wanted, grind_done, settled, found, value] =
        ["nonce", "position", "output_word", "wanted", "done", "settled", "found", "value"]
            .map(|port| m.output_of(&grinder, port));
    let word = m.select(output_word, &result);
    m.connect(shown, word);
    let loaded = m.eq_const(*beat, 2);
    let grind_enter = m.and(loaded, wanted);

    // States.
    let sponge_enter = m.all(&[in_valid, active, can_sponge]);
    let permute_enter = m.all(&[in_valid, active, second_beat]);
    let nothing = m.constant(0, 1);
    let enters =
        m.choose(&[(job.sponge, sponge_enter), (job.permute, permute_enter), (job.grind, grind_enter)], nothing);
    let enters = m.and(job.busy, enters);
    m.connect(enter, enters);
    let odd = m.slice(job.width, 0, 3);
    let whole = m.eq_const(odd, 0);
    let not_whole = m.not(whole);
    let partial = m.and(last, not_whole);
    let not_first = m.not(first);
    for (i, wire) in entering.into_iter().enumerate() {
        let before = m.gate(not_first, queue_words[i]);
        let (sponge, other) = if i < 8 {
            let index = m.constant(i as u128 + 1, 4);
            let length = m.extend(odd, 4);
            let beyond = m.lt(length, index);
            let keep = m.and(partial, beyond);
            let sponge = m.mux(keep, before, input[i]);
            (sponge, held_low[i])
        } else {
            (before, m.mux(job.permute, input[i - 8], held_high[i - 8]))
        };
        let here = m.eq_const(position, i as u128);
        let here = m.and(here, job.grind);
        let other = m.mux(here, nonce, other);
        let word = m.mux(job.sponge, sponge, other);
        m.connect(wire, word);
    }
    let sponge_step = m.and(accept, job.sponge);
    let copy_step = m.and(accept, job.copy);
    let permute_step = m.and(take_second, job.permute);
    let step = m.any(&[sponge_step, copy_step, permute_step]);
    m.connect(step_in, step);
    let pop = m.and(sponge_step, not_first);
    m.connect(queue_pop, pop);

    // The way out.
    let step_out = m.wire(1);
    let way_out = m.instance("way_out", &rows(config.poseidon.tile_rows, Place::Out), &ports(*step_out));
    let [still_active, row_ends] = ["active", "last"].map(|port| m.output_of(&way_out, port));
    let digested = m.and(result_valid, row_ends);
    let digest_valid = m.mux(job.copy, copy_step, digested);
    let hashes = m.or(job.copy, job.sponge);
    let digest_valid = m.and(hashes, digest_valid);
    let digest: Vec<Sig> = (0..4)
        .map(|i| {
            let index = m.constant(i as u128, 16);
            let there = m.lt(index, job.width);
            let element = m.gate(there, input[i]);
            m.mux(job.copy, element, result[i])
        })
        .collect();
    let drained = m.all(&[loaded, grind_done, outstanding, settled]);
    let out = output(
        &mut m,
        &Outgoing {
            job: &job,
            still_active,
            out_ready,
            digest_valid,
            digest,
            result_valid,
            result: result.clone(),
            answer: (drained, found, value),
        },
    );
    m.connect(digest_ready, out.digest_ready);
    let next = m.or(job.start, out.stays_busy);
    m.drive(busy, next);

    let between = m.not(row_ends);
    let sponge_collect = m.or(between, out.digest_ready);
    let yes = m.constant(1, 1);
    let can_collect = m.choose(&[(job.sponge, sponge_collect), (job.permute, out.state_done)], yes);
    let taken = m.and(result_valid, can_collect);
    m.connect(collect, taken);
    let not_grind = m.not(job.grind);
    let result_step = m.and(taken, not_grind);
    let step = m.or(result_step, copy_step);
    m.connect(step_out, step);
    let push = m.all(&[taken, job.sponge, between]);
    let depth = u64::from(config.poseidon.tile_rows).next_power_of_two().max(2);
    let (valid, words) =
        states(&mut m, "queue", depth, &Push { groups: &[push], words: &result, last: push }, *queue_pop);
    m.connect(queue_valid, valid);
    for (wire, word) in queue.into_iter().zip(words) {
        m.connect(wire, word);
    }

    m.output("in_ready", in_ready);
    m.output("busy", *busy);
    let perms = m.extend(taken, 2);
    m.output("perms", perms);
    Rc::new(m)
}

fn decode(m: &mut Module, start: Sig, busy: Sig, mode: Sig, rows: Sig, width: Sig) -> Job {
    let [permute, hash, grind] = [MODE_PERMUTE, MODE_HASH, MODE_GRIND].map(|value| m.eq_const(mode, value));
    let five = m.constant(5, 16);
    let short = m.lt(width, five);
    let long = m.not(short);
    let (sponge, copy) = (m.and(hash, long), m.and(hash, short));
    let rounded = m.extend(width, 17);
    let rounded = m.add_const(rounded, 7);
    let panels = m.slice(rounded, 3, PANEL_BITS);
    let one = m.constant(1, PANEL_BITS);
    let panels = m.mux(sponge, panels, one);
    Job { start, busy, permute, grind, sponge, copy, width, rows, panels }
}

/// Whose turn it is: counts to `count` and round again.
fn turn(m: &mut Module, name: &str, count: usize, step: Sig) -> Sig {
    if count == 1 {
        return m.constant(0, 1);
    }
    let bits = index_bits(count as u64);
    let turn = m.state(name, bits, 0);
    let last = m.eq_const(*turn, count as u128 - 1);
    let zero = m.constant(0, bits);
    let plus = m.add_const(*turn, 1);
    let next = m.mux(last, zero, plus);
    m.drive_when(turn, step, next);
    *turn
}

struct Outgoing<'a> {
    job: &'a Job,
    /// Rows are still to leave the units.
    still_active: Sig,
    out_ready: Sig,
    digest_valid: Sig,
    digest: Vec<Sig>,
    result_valid: Sig,
    result: Vec<Sig>,
    /// Grinding: ready, found, value.
    answer: (Sig, Sig, Sig),
}

struct Output {
    digest_ready: Sig,
    /// The second beat of a state leaves now.
    state_done: Sig,
    stays_busy: Sig,
}

/// Digests in pairs, states in two beats, the answer in one; canonical, through one register.
fn output(m: &mut Module, o: &Outgoing<'_>) -> Output {
    let job = o.job;
    let valid = m.state("out_valid", 1, 0);
    let empty = m.not(*valid);
    let free = m.or(empty, o.out_ready);
    let none_active = m.not(o.still_active);
    let hashes = m.or(job.sponge, job.copy);

    let waiting = m.state("digest_waits", 1, 0);
    let alone = m.not(*waiting);
    let digest_ready = m.or(alone, free);
    let digest = m.and(o.digest_valid, digest_ready);
    let keeps = m.and(digest, alone);
    let pairs = m.and(digest, *waiting);
    let odd = m.all(&[job.busy, hashes, none_active, *waiting, free]);
    let held: Vec<Sig> = o.digest.iter().map(|&word| hold(m, keeps, word)).collect();
    let ends = m.or(pairs, odd);
    let (no, yes) = (m.constant(0, 1), m.constant(1, 1));
    let next = m.choose(&[(keeps, yes), (ends, no)], *waiting);
    m.drive(waiting, next);

    let second = m.state("second_half", 1, 0);
    let state = m.all(&[job.busy, job.permute, o.result_valid, free]);
    let state_done = m.and(state, *second);
    let other = m.not(*second);
    m.drive_when(second, state, other);

    let answered = m.state("answered", 1, 0);
    let not_yet = m.not(*answered);
    let (drained, found, value) = o.answer;
    let answer = m.all(&[job.busy, job.grind, drained, not_yet, free]);
    let next = m.or(*answered, answer);
    let next = m.mux(job.start, no, next);
    m.drive(answered, next);

    let load = m.any(&[pairs, odd, state, answer]);
    let waits = m.not(free);
    let next = m.or(load, waits);
    m.drive(valid, next);
    let zero = m.constant(0, 64);
    let words: Vec<Sig> = (0..8)
        .map(|i| {
            let upper = o.result.get(8 + i).copied().unwrap_or(zero);
            let from_state = m.mux(*second, upper, o.result[i]);
            let from_digest = if i < 4 { held[i] } else { m.gate(pairs, o.digest[i - 4]) };
            let from_state = m.mux(job.permute, from_state, from_digest);
            let from_state = canonical(m, from_state);
            let from_grind = match i {
                0 => m.extend(found, 64),
                1 => value,
                _ => zero,
            };
            let word = m.mux(job.grind, from_grind, from_state);
            hold(m, load, word)
        })
        .collect();
    let data = m.pack(&words);
    let half = hold(m, load, odd);
    m.output("out_valid", *valid);
    m.output("out_data", data);
    m.output("out_half", half);

    let all_left = m.and(none_active, alone);
    let complete = m.mux(job.grind, *answered, all_left);
    let finished = m.and(complete, free);
    let unfinished = m.not(finished);
    let stays_busy = m.and(job.busy, unfinished);
    Output { digest_ready, state_done, stays_busy }
}
