//! The engine: beats in, states to the units, results from them in the same order, beats out.
//!
//! A state goes to the next unit in turn, or to another one that is free (units that wait for each other would lose
//! slots); a queue notes which, and results are taken in that order.
//!
//! A state's sponge between two panels waits in a queue of one tile; because everything keeps its order, the queue's
//! head always belongs to the row that comes next. Back-pressure ends at the units' result queues: a result is taken
//! when it can go on, and the units take no more states than those queues hold.
//!
//! In a commit job all rows are one tile, and the digests go through that queue too: what feeds the engine cannot take a
//! digest before it has given its last panel, so digests leave when the last state has entered. The queue has room for
//! all rows; nothing waits for anything.

use std::rc::Rc;

use super::{
    cluster::{inside, place, slots},
    entry::{entry, held},
    fifo::{hold, index_bits, states, Push},
    grind::grind,
    narrow,
    output::{output, Outgoing},
    rows::{rows, Pace, Place, PANEL_BITS},
};
use crate::{
    bus::Bus,
    config::Config,
    datapath::{Instance, Module, Sig},
    field::canonical,
};

/// Values of the port `mode`.
pub const MODE_PERMUTE: u128 = 0;
/// One level of a tree.
pub const MODE_HASH: u128 = 1;
/// Search for a nonce.
pub const MODE_GRIND: u128 = 2;
/// Leaves of a commit: panel after panel for all rows, the digests after the last of them.
pub const MODE_COMMIT: u128 = 3;

/// The job's configuration, decoded.
pub(super) struct Job {
    pub start: Sig,
    pub busy: Sig,
    pub permute: Sig,
    pub grind: Sig,
    /// Hash with permutations.
    pub sponge: Sig,
    /// Hash of at most four elements, in sets where these are their own digest.
    pub copy: Sig,
    /// Hash whose digests wait for the last state.
    pub commit: Sig,
    pub width: Sig,
    pub rows: Sig,
    pub panels: Sig,
}

impl Job {
    /// The job with a register behind what it is made of, but for `start`, `busy` and `rows`.
    pub fn settled(self, m: &mut Module) -> Job {
        let Job { start, busy, permute, grind, sponge, copy, commit, width, rows, panels } = self;
        let [permute, grind, sponge, copy, commit, width, panels] =
            [permute, grind, sponge, copy, commit, width, panels].map(|x| m.reg(x));
        Job { start, busy, permute, grind, sponge, copy, commit, width, rows, panels }
    }
}

/// The engine. Besides clock and reset: inputs `start` (one pulse; configuration stable from then until `busy` falls),
/// `mode`, `rows`, `width`, `zeroed` (a last block of fewer than eight elements is filled with zeros; otherwise the other
/// words stay), `in_valid`, `in_data`, `out_ready`; outputs `in_ready`, `out_valid`, `out_data`, `out_half`
/// (only the lower 32 bytes of this beat are valid), `busy` (from the cycle after `start` until the last beat left),
/// `perms` (permutations that left the units in this cycle).
pub fn engine(config: &Config) -> Rc<Module> {
    if config.bus == Bus::Narrow {
        return narrow::engine(config);
    }
    assert!(
        config.poseidon.full_sboxes > 0,
        "units whose rounds share S-boxes take a word at a time, as a narrow bus brings them"
    );
    let mut m = Module::new("poseidon_engine");
    let start = m.input("start", 1);
    let mode = m.input("mode", 2);
    let row_count = m.input("rows", 32);
    let width = m.input("width", 16);
    let zeroed = m.input("zeroed", 1);
    let in_valid = m.input("in_valid", 1);
    let in_data = m.input("in_data", 512);
    let out_ready = m.input("out_ready", 1);
    let input = m.split(in_data, 64);
    let busy = m.state("busy", 1, 0);
    let job = decode(&mut m, config, start, *busy, mode, row_count, width);

    // Units and their results.
    let slots = slots(config);
    let count = slots.len();
    let entering: Vec<_> = (0..12).map(|_| m.wire(64)).collect();
    let (enter, collect) = (m.wire(1), m.wire(1));
    let (fired, room) = (m.wire(1), m.wire(1));
    // What the units see: the states that enter, or those that left the entry.
    let (entry_ready, waits, at_units) = match entry(config) {
        None => (*room, *enter, entering.iter().map(|wire| **wire).collect::<Vec<Sig>>()),
        Some(entry) => {
            let states: Vec<Sig> = entering.iter().map(|wire| **wire).collect();
            let entry = place(&mut m, "entry", &entry, *enter, *room, &states);
            let words = (0..12).map(|i| m.output_of(&entry, &format!("out_{i}"))).collect();
            (m.output_of(&entry, "in_ready"), m.output_of(&entry, "out_valid"), words)
        }
    };
    let (goes_to, comes_from) = (m.wire(index_bits(count as u64)), m.wire(index_bits(count as u64)));
    let units: Vec<Instance> = (0..count)
        .map(|u| {
            let (mine_in, mine_out) = (m.eq_const(*goes_to, u as u128), m.eq_const(*comes_from, u as u128));
            let valid = m.and(waits, mine_in);
            let ready = m.and(*collect, mine_out);
            place(&mut m, &format!("unit_{u}"), &slots[u], valid, ready, &at_units)
        })
        .collect();
    let from_units = |m: &mut Module, port: &str| units.iter().map(|u| m.output_of(u, port)).collect::<Vec<Sig>>();
    let readies = from_units(&mut m, "in_ready");
    let target = next_free(&mut m, &readies, *fired);
    m.connect(goes_to, target);
    let unit_ready = m.any(&readies);
    m.connect(room, unit_ready);
    let into_unit = m.and(waits, unit_ready);
    m.connect(fired, into_unit);
    let most_in_units = inside(config);
    let source = order(&mut m, most_in_units, target, into_unit, *collect);
    let fire = m.and(*enter, entry_ready);
    let most_inside = most_in_units + held(config);
    m.connect(comes_from, source);
    let from_source = |m: &mut Module, port: &str| {
        let choices = from_units(m, port);
        m.select(source, &choices)
    };
    let result_valid = from_source(&mut m, "out_valid");
    let result: Vec<Sig> = (0..12).map(|i| from_source(&mut m, &format!("out_{i}"))).collect();

    let outstanding = {
        let bits = index_bits(most_inside + 1);
        let outstanding = m.state("outstanding", bits, 0);
        let (more, less) = (m.extend(fire, bits), m.extend(*collect, bits));
        let next = m.add(*outstanding, more);
        let next = m.sub(next, less);
        m.drive(outstanding, next);
        m.eq_const(*outstanding, 0)
    };

    // The way in.
    let step_in = m.wire(1);
    let ports = |panels: Sig, step: Sig| {
        [("start", job.start), ("rows", job.rows), ("panels", panels), ("whole", job.commit), ("step", step)]
    };
    let way_in = m.instance("way_in", &rows(&config.poseidon, Place::In, Pace::Steady), &ports(job.panels, *step_in));
    let [active, first, last] = ["active", "first", "last"].map(|port| m.output_of(&way_in, port));
    let (queue_valid, queue_pop) = (m.wire(1), m.wire(1));
    let queue: Vec<_> = (0..12).map(|_| m.wire(64)).collect();
    let queue_words: Vec<Sig> = queue.iter().map(|w| **w).collect();

    // Permute: first and second beat of a state. Grind: two beats of parameters, then none.
    let beat = m.state("beat", 2, 0);
    let [first_beat, second_beat] = [0, 1].map(|n| m.eq_const(*beat, n));
    let digest_ready = m.wire(1);
    let can_sponge = m.or(first, *queue_valid);
    let sponge_ready = m.all(&[active, can_sponge, entry_ready]);
    let copies = m.or(job.commit, *digest_ready);
    let copy_ready = m.and(active, copies);
    let second_ready = m.or(first_beat, entry_ready);
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
            ("load_first", load),
            ("load_count", load),
            ("load_control", load),
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
    let word = canonical(&mut m, word);
    m.connect(shown, word);
    // The grinder does not know how many are left in the cycle after a load.
    let loaded = m.eq_const(*beat, 2);
    let was_loaded = m.delay_valid(loaded, 1);
    let loaded = m.and(loaded, was_loaded);
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
    // A word of the rate that is not overwritten stays, if the set has it so and there is something that can.
    let kept = m.not(zeroed);
    let stays = m.and(not_first, kept);
    for (i, wire) in entering.into_iter().enumerate() {
        let before = m.gate(if i < 8 { stays } else { not_first }, queue_words[i]);
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
    let all_in = m.not(active);
    let unloads = m.all(&[job.commit, all_in, *queue_valid]);
    let unload = m.and(unloads, *digest_ready);
    let pop = m.and(sponge_step, not_first);
    let pop = m.or(pop, unload);
    m.connect(queue_pop, pop);

    // The way out: permutations, but for a commit job the digests that leave the queue.
    let step_out = m.wire(1);
    let one = m.constant(1, PANEL_BITS);
    let panels = m.mux(job.commit, one, job.panels);
    let way_out = m.instance("way_out", &rows(&config.poseidon, Place::Out, Pace::Steady), &ports(panels, *step_out));
    let [still_active, row_ends] = ["active", "last"].map(|port| m.output_of(&way_out, port));
    let digested = m.and(result_valid, row_ends);
    let digest_valid = m.choose(&[(job.commit, unloads), (job.copy, copy_step)], digested);
    let hashes = m.or(job.copy, job.sponge);
    let digest_valid = m.and(hashes, digest_valid);
    let fresh: Vec<Sig> = (0..4)
        .map(|i| {
            let index = m.constant(i as u128, 16);
            let there = m.lt(index, job.width);
            let element = m.gate(there, input[i]);
            m.mux(job.copy, element, result[i])
        })
        .collect();
    let digest = (0..4).map(|i| m.mux(job.commit, queue_words[i], fresh[i])).collect();
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
    let sponge_collect = m.any(&[job.commit, between, out.digest_ready]);
    let yes = m.constant(1, 1);
    let can_collect = m.choose(&[(job.sponge, sponge_collect), (job.permute, out.state_done)], yes);
    let taken = m.and(result_valid, can_collect);
    m.connect(collect, taken);
    let not_grind = m.not(job.grind);
    let result_step = m.and(taken, not_grind);
    let step = m.or(result_step, copy_step);
    let step = m.mux(job.commit, unload, step);
    m.connect(step_out, step);
    let keeps = m.or(job.commit, between);
    let push = m.all(&[taken, job.sponge, keeps]);
    let copied = m.and(job.commit, copy_step);
    let push = m.or(push, copied);
    let kept = [&fresh[..], &result[4..]].concat();
    let depth = u64::from(config.poseidon.kept_rows()).next_power_of_two().max(2);
    let (valid, words) =
        states(&mut m, "queue", depth, &Push { groups: &[push], words: &kept, last: push }, *queue_pop);
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

pub(super) fn decode(m: &mut Module, config: &Config, start: Sig, busy: Sig, mode: Sig, rows: Sig, width: Sig) -> Job {
    let [permute, hash, grind, commit] =
        [MODE_PERMUTE, MODE_HASH, MODE_GRIND, MODE_COMMIT].map(|value| m.eq_const(mode, value));
    let hash = m.or(hash, commit);
    let five = m.constant(5, 16);
    let short = if config.set.leaves.short_is_digest { m.lt(width, five) } else { m.constant(0, 1) };
    let long = m.not(short);
    let (sponge, copy) = (m.and(hash, long), m.and(hash, short));
    let rounded = m.extend(width, 17);
    let rounded = m.add_const(rounded, 7);
    let panels = m.slice(rounded, 3, PANEL_BITS);
    let one = m.constant(1, PANEL_BITS);
    let panels = m.mux(sponge, panels, one);
    Job { start, busy, permute, grind, sponge, copy, commit, width, rows, panels }
}

/// The unit whose turn it is, or if it is not ready the first that is. The turn moves on with each `step`.
pub(super) fn next_free(m: &mut Module, ready: &[Sig], step: Sig) -> Sig {
    let bits = index_bits(ready.len() as u64);
    if ready.len() == 1 {
        return m.constant(0, bits);
    }
    let turn = m.state("turn", bits, 0);
    let last = m.eq_const(*turn, ready.len() as u128 - 1);
    let zero = m.constant(0, bits);
    let plus = m.add_const(*turn, 1);
    let next = m.mux(last, zero, plus);
    m.drive_when(turn, step, next);
    let numbers: Vec<(Sig, Sig)> =
        ready.iter().enumerate().map(|(u, &ready)| (ready, m.constant(u as u128, bits))).collect();
    let first = m.choose(&numbers, zero);
    let in_turn = m.select(*turn, ready);
    m.mux(in_turn, *turn, first)
}

/// A queue of the units in which states are. Its head needs no valid bit: a result comes long after its entry is at the
/// head, and while the queue is empty there is none.
pub(super) fn order(m: &mut Module, most: u64, unit: Sig, push: Sig, pop: Sig) -> Sig {
    let depth = most.next_power_of_two();
    let bits = index_bits(depth);
    let no = m.constant(0, 1);
    let write = m.counter("order_write", bits, push, no);
    let read = m.state("order_read", bits, 0);
    let plus = m.add_const(*read, 1);
    let next = m.mux(pop, plus, *read);
    m.drive(read, next);
    m.ram_apart(depth, push, write, unit, next)
}

/// The engine's choice of a unit and the queue that keeps its order, alone, so that they can be proved (`tests/formal`).
/// Inputs `ready` (a bit for each unit), `enter` (a state is offered), `collect` (a result is taken; only while there is
/// one); outputs `target` and `fire` (the state goes to this unit), `source` (the unit whose result is next).
pub fn dispatcher(units: u32, most_inside: u64) -> Rc<Module> {
    let mut m = Module::new("poseidon_dispatcher");
    let ready = m.input("ready", units);
    let enter = m.input("enter", 1);
    let collect = m.input("collect", 1);
    let readies = m.split(ready, 1);
    let fired = m.wire(1);
    let target = next_free(&mut m, &readies, *fired);
    let any = m.any(&readies);
    let fire = m.and(enter, any);
    m.connect(fired, fire);
    let source = order(&mut m, most_inside, target, fire, collect);
    m.output("target", target);
    m.output("fire", fire);
    m.output("source", source);
    Rc::new(m)
}
