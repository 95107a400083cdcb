//! The engine of a narrow bus: a word a cycle in, a word a cycle out, and words on all ways between.
//!
//! ```text
//!            ┌── sponge queue ◄───────────────────────────┐
//!            ▼                                            │
//!  words ─► one of twelve ─► [register] ─► units in turn ─┴─► [register] ─► canonical ─► [register] ─► words
//!            ▲                                            │
//!  nonces ───┘                                            └─► leading zeros ─► answer
//! ```
//!
//! It does what [`super::engine`] does, with units whose rounds share one S-box ([`super::serial`]) or two
//! ([`super::pair`]), which take no more than a word a cycle: twelve times less is chosen, held and compared. Units take
//! states in turn and give results in turn. That loses nothing: they all take the same time, and have room for more
//! states than they need.
//!
//! Words of states wait in the sponge queue as they came. In a commit job a row's last ones are pushed too, and of each
//! record that is left when all input has come the first four are the digest. As the queue has room for all
//! rows, a result can always go there; what leaves the engine may be held back, and then the units keep it.

use std::rc::Rc;

use super::{
    engine::decode,
    entry::{held, word_entry},
    fifo::{counted, hold, index_bits},
    grind::grind,
    rows::{rows, Pace, Place, PANEL_BITS, SETTLES},
    step::{turns, Step, WORD_BITS},
    unit::{in_flight, unit},
    word_output::{output, Outgoing},
};
use crate::{
    config::Config,
    datapath::{Module, Sig},
    field::Weak,
};

/// Words of a state and of a digest.
const STATE: u128 = 12;
const DIGEST: u128 = 4;

/// The engine: ports as those of [`super::engine::engine`], `in_data` and `out_data` being 64 bits wide. `out_half` is
/// high with each word of a half beat that is not valid.
pub fn engine(config: &Config) -> Rc<Module> {
    assert_eq!(config.poseidon.full_sboxes, 0, "on a narrow bus rounds share S-boxes");
    let mut m = Module::new("poseidon_engine");
    let start = m.input("start", 1);
    let mode = m.input("mode", 2);
    let row_count = m.input("rows", 32);
    let width = m.input("width", 16);
    let zeroed = m.input("zeroed", 1);
    let in_valid = m.input("in_valid", 1);
    let in_data = m.input("in_data", 64);
    let out_ready = m.input("out_ready", 1);
    // What comes, comes from far: ways from the core and back to it end here.
    let input = Step::new(&mut m, "input", in_valid, in_data);
    let (in_valid, in_data) = (input.valid, input.word);
    let busy = m.state("busy", 1, 0);
    // What the job is settles in registers before it begins.
    let begins = m.delay_valid(start, SETTLES);
    let runs = m.state("runs", 1, 0);
    let job = decode(&mut m, config, begins, *runs, mode, row_count, width).settled(&mut m);

    // The sponge queue.
    let depth = u64::from(config.poseidon.kept_rows()).next_power_of_two() * 16;
    let queue = Module::fifo(64, depth);
    let (queue_push, queue_word, queue_pop) = (m.wire(1), m.wire(64), m.wire(1));
    let ports = [("in_valid", *queue_push), ("in_data", *queue_word), ("out_ready", *queue_pop)];
    let queue = m.instance("queue", &queue, &ports);
    let [head_valid, head] = ["out_valid", "out_data"].map(|port| m.output_of(&queue, port));
    let recall = Step::new(&mut m, "recalled", head_valid, head);
    let (queue_valid, queued) = (recall.valid, recall.word);
    m.connect(queue_pop, recall.free);

    // Units, each in its turn: where states go, and where results come from.
    let unit = unit(config);
    let count = u128::from(config.poseidon.units);
    let bits = index_bits(count as u64);
    let (arriving, arriving_word, takes) = (m.wire(1), m.wire(64), m.wire(1));
    // Behind a whole item its row's counter steps, and for that cycle nothing moves there.
    let turned_out = m.wire(1);
    let no_turn_out = m.not(*turned_out);
    let [passes, collects] = [(); 2].map(|_| m.wire(1));
    let [(goes_to, _), (comes_from, collected)] =
        [("goes_to", "gone", *passes), ("comes_from", "collected", *collects)].map(|(turn, words, step)| {
            let (word, last) = turns(&mut m, words, STATE, WORD_BITS, step);
            let whole = m.and(step, last);
            let (turn, _) = turns(&mut m, turn, count, bits, whole);
            (turn, (word, whole))
        });
    // A unit is far: its reset comes from a register of its own, and its words wait beside it, new ones and results.
    let mut reset = m.own_reset();
    let (mut free, mut results) = (Vec::new(), Vec::new());
    for u in 0..count {
        let (mine_in, mine_out) = (m.eq_const(goes_to, u), m.eq_const(comes_from, u));
        let valid = m.and(*arriving, mine_in);
        let new = Step::new(&mut m, &format!("to_unit_{u}"), valid, *arriving_word);
        let ready = m.wire(1);
        let inputs = [("in_valid", new.valid), ("in_word", new.word), ("out_ready", *ready)];
        let unit = m.instance(&format!("unit_{u}"), &unit, &inputs);
        let [takes_new, valid, word] = ["in_ready", "out_valid", "out_word"].map(|port| m.output_of(&unit, port));
        let result = Step::new(&mut m, &format!("from_unit_{u}"), valid, word);
        let goes = m.and(*takes, mine_out);
        for (wire, sig) in [(new.goes, takes_new), (ready, result.free), (result.goes, goes)] {
            m.connect(wire, sig);
        }
        reset = m.reg(reset);
        m.reset_by(&unit, reset);
        free.push(new.free);
        results.push((result.valid, result.word));
    }
    let unit_ready = m.select(goes_to, &free);
    let (valid, words): (Vec<Sig>, Vec<Sig>) = results.into_iter().unzip();
    let [result_valid, result] = [valid, words].map(|all| m.select(comes_from, &all));
    let [no_result, result_valid] = {
        let none = m.not(result_valid);
        [none, result_valid].map(|state| m.and(state, no_turn_out))
    };

    // The way in. `place` counts the words of a state, of a copied beat, or of the beats that a state is in.
    let loaded = m.state("loaded", 1, 0);
    let loaded_next = m.wire(1);
    let [grinds, loads] = {
        let not_yet = m.not(*loaded_next);
        let [grinds, loads] = [*loaded_next, not_yet].map(|state| m.and(job.grind, state));
        [grinds, loads].map(|mode| m.delay_valid(mode, 1))
    };
    let step = m.wire(1);
    let place = m.state("place", WORD_BITS, 0);
    // Whether it is at the last of them. No turn is shorter than eight, so what is counted stands long before.
    let ends = m.state("ends", 1, 0);
    let ends_next = {
        let states = m.or(job.sponge, grinds);
        let [state, beat, two_beats] = [STATE - 2, 6, 14].map(|before| m.eq_const(*place, before));
        m.choose(&[(states, state), (job.copy, beat)], two_beats)
    };
    let no = m.constant(0, 1);
    let next = m.choose(&[(begins, no), (*step, ends_next)], *ends);
    m.drive(ends, next);
    let ends = *ends;
    // And whether it has begun.
    let begun = m.state("begun", 1, 0);
    let inside = m.not(ends);
    let next = m.choose(&[(begins, no), (*step, inside)], *begun);
    m.drive(begun, next);
    let begun = *begun;
    let (plus, zero) = (m.add_const(*place, 1), m.constant(0, WORD_BITS));
    let follower = m.mux(ends, zero, plus);
    let next = m.choose(&[(begins, zero), (*step, follower)], *place);
    m.drive(place, next);
    let item = m.and(*step, ends);
    let hashes = m.or(job.sponge, job.copy);
    let rows_in = m.or(hashes, job.permute);
    let step_in = m.and(item, rows_in);
    let turned_in = m.delay_valid(step_in, 1);
    let ports = |panels: Sig, step: Sig| {
        [("start", job.start), ("rows", job.rows), ("panels", panels), ("whole", job.commit), ("step", step)]
    };
    let way_in = m.instance("way_in", &rows(&config.poseidon, Place::In, Pace::Apart), &ports(job.panels, turned_in));
    let [active, first, last] = ["active", "first", "last"].map(|port| m.output_of(&way_in, port));
    let not_first = m.not(first);

    // Grinding: the parameter block, then nonces as long as they are wanted.
    let loading = m.and(*step, loads);
    let [at_first, at_count, at_control] = [12, 13, 14].map(|place_| {
        let here = m.eq_const(*place, place_);
        m.and(loading, here)
    });
    let whole_block = m.and(loading, ends);
    let next = m.or(*loaded, whole_block);
    let next = {
        let goes_on = m.not(begins);
        m.and(goes_on, next)
    };
    m.connect(loaded_next, next);
    m.drive(loaded, next);
    let block_place = m.wire(WORD_BITS);
    let block_word = m.ram_apart(16, loading, *place, in_data, *block_place);
    let issued = m.and(item, grinds);
    // The grinder hears a cycle later of what it counts, and of its parameters, which stand when the block is whole.
    let gone = m.delay_valid(issued, 1);
    let [load_first, load_count, load_control] = [at_first, at_count, at_control].map(|here| m.delay_valid(here, 1));
    let parameter = m.reg(in_data);
    let (looked_at, shown) = (m.wire(1), m.wire(64));
    let grinder = m.instance(
        "grind",
        &grind(),
        &[
            ("load_first", load_first),
            ("load_count", load_count),
            ("load_control", load_control),
            ("first", parameter),
            ("count", parameter),
            ("control", parameter),
            ("issued", gone),
            ("result_valid", *looked_at),
            ("result", *shown),
        ],
    );
    let [nonce, position, output_word, wanted, grind_done, settled, found, value] =
        ["nonce", "position", "output_word", "wanted", "done", "settled", "found", "value"]
            .map(|port| m.output_of(&grinder, port));
    let at_rest = m.not(begun);
    // A nonce begins a cycle after it was wanted, and whether it is, is known when the one before was counted.
    let no_step = m.not(*step);
    let nothing_gone = m.not(gone);
    let follows = m.all(&[grinds, wanted, at_rest, no_step, nothing_gone]);
    let follows = m.delay_valid(follows, 1);
    let goes_on = m.or(follows, begun);

    // What a word needs: input, the queue, a unit, or the way out.
    let in_block = m.slice(*place, 3, 1);
    let first_block = m.not(in_block);
    // What hangs on the job alone is in registers.
    let all_input = m.or(job.copy, job.permute);
    let all_input = m.delay_valid(all_input, 1);
    let of_input = {
        let sponge = m.and(job.sponge, first_block);
        m.any(&[sponge, all_input, loads])
    };
    let of_queue = m.and(job.sponge, not_first);
    let to_unit = {
        let twelve = m.constant(STATE, WORD_BITS);
        let inside = m.lt(*place, twelve);
        let permute = m.and(job.permute, inside);
        m.any(&[job.sponge, permute, grinds])
    };
    let (entry_free, out_free) = (m.wire(1), m.wire(1));
    let [no_input, no_queue, no_unit, no_copy] = [of_input, of_queue, to_unit, job.copy].map(|needed| m.not(needed));
    let given = m.or(no_input, in_valid);
    let recalled = m.or(no_queue, queue_valid);
    let entered = m.or(no_unit, *entry_free);
    let copied = m.or(no_copy, *out_free);
    let works = {
        let nonces = m.and(grinds, goes_on);
        let no_grind = m.not(job.grind);
        let no_turn = m.not(turned_in);
        let rows = m.all(&[no_grind, active, no_turn]);
        m.any(&[nonces, loads, rows])
    };
    let possible = m.all(&[job.busy, works, recalled, entered, copied]);
    let steps = m.and(possible, given);
    m.connect(step, steps);
    // The block's word comes a cycle behind its place. Of what a step waits for, a nonce's words wait for less.
    let asks = {
        let nonces = m.all(&[job.busy, grinds, goes_on, *entry_free]);
        m.mux(nonces, follower, *place)
    };
    m.connect(block_place, asks);
    let taken_in = m.and(possible, of_input);
    m.connect(input.goes, taken_in);

    // The word.
    let odd = m.slice(job.width, 0, 3);
    let partial = {
        let whole = m.eq_const(odd, 0);
        let not_whole = m.not(whole);
        m.and(last, not_whole)
    };
    let before = m.gate(not_first, queued);
    let beyond = {
        let (length, index) = (m.extend(odd, WORD_BITS), *place);
        let within = m.lt(index, length);
        let beyond = m.not(within);
        m.all(&[partial, beyond, first_block])
    };
    let kept = {
        let stays = m.not(zeroed);
        let stays = m.or(stays, in_block);
        m.gate(stays, before)
    };
    let keeps = m.or(beyond, in_block);
    let sponge = m.mux(keeps, kept, in_data);
    let here = m.eq(*place, position);
    let ground = m.mux(here, nonce, block_word);
    let word = m.choose(&[(job.sponge, sponge), (grinds, ground)], in_data);
    let enters = m.and(steps, to_unit);
    let entry = Step::new(&mut m, "entering", enters, word);
    m.connect(entry_free, entry.free);
    // What the units see: the words that enter, or those that left the entry.
    let (at_units, at_units_word) = match word_entry(config) {
        None => {
            let goes = m.and(entry.valid, unit_ready);
            m.connect(entry.goes, goes);
            (entry.valid, entry.word)
        }
        Some(module) => {
            let ports = [("in_valid", entry.valid), ("in_word", entry.word), ("out_ready", unit_ready)];
            let mixed = m.instance("entry", &module, &ports);
            let [takes, valid, word] = ["in_ready", "out_valid", "out_word"].map(|port| m.output_of(&mixed, port));
            let goes = m.and(entry.valid, takes);
            m.connect(entry.goes, goes);
            (valid, word)
        }
    };
    m.connect(arriving, at_units);
    m.connect(arriving_word, at_units_word);
    let passed = m.and(at_units, unit_ready);
    m.connect(passes, passed);

    // The way out: permutations, but for a commit job the records that leave the queue.
    let one = m.constant(1, PANEL_BITS);
    let panels = m.mux(job.commit, one, job.panels);
    let way_out = m.instance("way_out", &rows(&config.poseidon, Place::Out, Pace::Apart), &ports(panels, *turned_out));
    let [still_active, row_ends] = ["active", "last"].map(|port| m.output_of(&way_out, port));
    let (result_word, result_whole) = collected;
    let between = m.not(row_ends);
    let keeps = m.or(job.commit, between);
    let result_to_queue = m.and(job.sponge, keeps);
    let in_digest = {
        let four = m.constant(DIGEST, WORD_BITS);
        m.lt(result_word, four)
    };
    let digest = {
        let leaves = m.not(keeps);
        m.all(&[job.sponge, leaves, in_digest])
    };
    let result_out = m.or(digest, job.permute);
    let looks = {
        let here = m.eq(result_word, output_word);
        m.and(job.grind, here)
    };

    // Copied words of short leaves; records that leave the queue when all input has come.
    let copy = m.and(steps, job.copy);
    let copied_out = {
        let at_once = m.not(job.commit);
        let there = m.slice(*place, 2, 2);
        let there = m.eq_const(there, 0);
        m.all(&[copy, at_once, there])
    };
    let copied_in = m.and(copy, job.commit);
    let element = {
        // Whether a leaf has the word is found with the one before.
        let within = m.state("within", 1, 0);
        let follower = m.extend(follower, 16);
        let none = m.constant(0, 16);
        let [first, next] = [none, follower].map(|index| m.lt(index, job.width));
        let next = m.choose(&[(begins, first), (steps, next)], *within);
        m.drive(within, next);
        m.gate(*within, in_data)
    };
    let all_in = m.not(active);
    let unload = m.wire(1);
    let record_place = m.state("record_place", WORD_BITS, 0);
    let record_ends = {
        let [copy, state] = [7, STATE - 1].map(|last| m.eq_const(*record_place, last));
        m.mux(job.copy, copy, state)
    };
    let (plus, zero) = (m.add_const(*record_place, 1), m.constant(0, WORD_BITS));
    let next = m.mux(record_ends, zero, plus);
    m.drive_when(record_place, *unload, next);
    let record_digest = {
        let there = m.slice(*record_place, 2, 2);
        m.eq_const(there, 0)
    };

    // A register for what was collected, and where it goes.
    let unloads = m.all(&[job.commit, all_in, still_active, queue_valid, no_result]);
    let unloaded_out = m.and(unloads, record_digest);
    let arrives = m.any(&[result_valid, copy, unloads]);
    let word = m.choose(&[(unloads, queued), (job.copy, element)], result);
    let to_queue = {
        let result = m.and(result_valid, result_to_queue);
        m.or(result, copied_in)
    };
    let to_show = {
        let result = m.or(result_out, looks);
        let result = m.and(result_valid, result);
        m.any(&[result, copied_out, unloaded_out])
    };
    let got_word = m.cat(&[to_queue, to_show, word]);
    let got = Step::new(&mut m, "got", arrives, got_word);
    m.connect(out_free, got.free);
    let [queue_next, show_next] = [65, 64].map(|destination| m.bit(got.word, destination));
    let got_word = m.slice(got.word, 0, 64);
    let taken = m.and(result_valid, got.free);
    let takes_any = m.and(got.free, no_turn_out);
    m.connect(takes, takes_any);
    m.connect(collects, taken);
    let unloading = m.and(unloads, got.free);
    m.connect(unload, unloading);
    let sponge_pop = m.and(steps, of_queue);
    let pop = m.or(sponge_pop, unloading);
    m.connect(recall.goes, pop);
    let push = m.and(got.valid, queue_next);
    m.connect(queue_push, push);
    m.connect(queue_word, got_word);
    let result_step = {
        let rows = m.or(job.sponge, job.permute);
        m.and(result_whole, rows)
    };
    let copy_step = m.and(item, job.copy);
    let record_step = m.and(unloading, record_ends);
    let step = m.or(result_step, copy_step);
    let step = m.mux(job.commit, record_step, step);
    let turns = m.delay_valid(step, 1);
    m.connect(turned_out, turns);

    // What leaves or is looked at has a register before it is made canonical, and one behind.
    let taken_out = m.wire(1);
    let next_shown = m.and(got.valid, show_next);
    let shows = m.state("shows", 1, 0);
    let room = {
        let empty = m.not(*shows);
        m.any(&[empty, job.grind, *taken_out])
    };
    m.drive_when(shows, room, next_shown);
    let word = {
        let Weak { word, above } = Weak::new(&mut m, got_word);
        let [word, above] = [word, above].map(|x| hold(&mut m, room, x));
        Weak { word, above }.canonical(&mut m)
    };
    m.connect(shown, word);
    let looked = m.and(*shows, job.grind);
    m.connect(looked_at, looked);
    let passes_by = m.not(show_next);
    let goes = m.or(passes_by, room);
    m.connect(got.goes, goes);
    let no_grind = m.not(job.grind);
    let waiting = m.and(*shows, no_grind);
    let under_way = m.or(got.valid, *shows);

    // Nonces under way.
    let outstanding = {
        // In units and beside them, at their entry, one in each of the registers between.
        let most = count as u64 * (in_flight(config) + 2) + held(config) + 7;
        let bits = index_bits(most + 1);
        let outstanding = m.state("outstanding", bits, 0);
        let back = m.and(result_whole, job.grind);
        let back = m.delay_valid(back, 1);
        counted(&mut m, outstanding, issued, back);
        m.eq_const(*outstanding, 0)
    };
    let nothing_got = m.not(under_way);
    let none_follows = m.not(follows);
    let goes_on = m.not(begins);
    let drained = m.all(&[goes_on, grinds, grind_done, at_rest, none_follows, outstanding, nothing_got, settled]);
    let drained = m.delay_valid(drained, 1);

    let out =
        Outgoing { job: &job, still_active, waiting, under_way, word, out_ready, answer: (drained, found, value) };
    let (taken, stays) = output(&mut m, &out);
    m.connect(taken_out, taken);
    let next = m.or(begins, stays);
    m.drive(runs, next);
    let waits = m.not(*runs);
    let stays = m.or(waits, stays);
    let stays = m.and(*busy, stays);
    let next = m.or(start, stays);
    m.drive(busy, next);

    m.output("in_ready", input.free);
    m.output("busy", *busy);
    let perms = m.extend(result_whole, 2);
    m.output("perms", perms);
    Rc::new(m)
}
