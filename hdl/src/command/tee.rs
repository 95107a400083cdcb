//! Where a commit job's two engines meet.

use std::rc::Rc;

use crate::{
    bus::{steps, Bus, BEAT_WORDS},
    datapath::{Module, Sig},
};

/// Beats of values that wait for the Poseidon engine, which takes one in twelve cycles (two units of four S-boxes):
/// enough for 6144 cycles, in which the transform engine goes on to the next panel and has no values to give. Those are
/// the 2^log_n cycles of its first forward block.
const VALUES: u64 = 512;
/// On a narrow bus, words: half as many beats, for block memories are few where engines are small.
const NARROW_VALUES: u64 = 2048;

/// Module `commit_tee`. From `start` on, `panels` panels of `panel_beats` beats pass from `in_*` to the writer
/// (`out_valid`, `out_ready`, `out_data`). All but the first `length` of each (its coefficients, where `coefficients` says
/// so) are values. With `merge` each value of the last panel waits for a beat of `salt_*`, of which it takes the words from
/// `columns` mod 8 on. With `hashes` values go to `values_*` too. When all have passed `done` is high, and with `extra`
/// what comes on `salt_*` then goes to `values_*` as it is.
pub(crate) fn tee(bus: Bus) -> Rc<Module> {
    let mut m = Module::new("commit_tee");
    let start = m.input("start", 1);
    let coefficients = m.input("coefficients", 1);
    let length = m.input("length", 32);
    let panel_beats = m.input("panel_beats", 32);
    let panels = m.input("panels", 32);
    let merge = m.input("merge", 1);
    let extra = m.input("extra", 1);
    let hashes = m.input("hashes", 1);
    let columns = m.input("columns", 16);
    let in_valid = m.input("in_valid", 1);
    let in_data = m.input("in_data", bus.bits());
    let salt_valid = m.input("salt_valid", 1);
    let salt_data = m.input("salt_data", bus.bits());
    let out_ready = m.input("out_ready", 1);
    let values_ready = m.input("values_ready", 1);

    // What the job is stands long before it begins.
    let [coefficients, merge, extra, hashes] = [coefficients, merge, extra, hashes].map(|flag| m.reg(flag));

    // The beat that is next, the first being 1. What is known of it was found with the one before.
    let position = m.state("position", 32, 1);
    let panels_left = m.state("panels_left", 32, 0);
    let all_done = m.state("all_done", 1, 1);
    let at_last_panel = m.state("at_last_panel", 1, 0);
    let at_last_beat = m.state("at_last_beat", 1, 0);
    let early = m.state("early", 1, 0);
    let (done, last_panel) = (*all_done, *at_last_panel);
    let coefficient = m.and(coefficients, *early);
    let value = m.not(coefficient);

    // Words of the last panel that have no column take the salts', and after it there is nothing else.
    let salted = m.all(&[merge, last_panel, value]);
    let odd = m.slice(columns, 0, 3);
    let (words, salts) = (m.split(in_data, 64), m.split(salt_data, 64));
    let moves = m.wire(1);
    let (part, beat_ends) = steps(&mut m, bus, "part", *moves);
    let merged: Vec<Sig> = (0..bus.words())
        .map(|i| {
            // A partial panel has at most seven columns.
            let column = match (part, i) {
                (Some(part), _) => m.lt(part, odd),
                (None, last) if last == BEAT_WORDS - 1 => m.constant(0, 1),
                (None, _) => {
                    let index = m.constant(i.into(), 3);
                    m.lt(index, odd)
                }
            };
            let salt = m.not(column);
            let salt = m.and(salted, salt);
            let salt = m.or(salt, done);
            m.mux(salt, salts[i as usize], words[i as usize])
        })
        .collect();
    let merged = m.pack(&merged);
    let unsalted = m.not(salted);
    let complete = m.or(unsalted, salt_valid);

    // That there is room is known a cycle before, and what is taken comes a cycle later: when there was room for three.
    let roomy = m.wire(1);
    let offered = m.all(&[in_valid, value, out_ready, complete, hashes, *roomy]);
    let alone = m.all(&[done, extra, salt_valid, *roomy]);
    let push = m.or(offered, alone);
    let fifo = match bus {
        Bus::Wide => Module::fifo(bus.bits(), VALUES),
        Bus::Narrow => Module::fifo(bus.bits(), NARROW_VALUES),
    };
    let (pushed, value_data) = (m.delay_valid(push, 1), m.reg(merged));
    let fifo =
        m.instance("values", &fifo, &[("in_valid", pushed), ("in_data", value_data), ("out_ready", values_ready)]);
    let [free, values_valid, values_data] = ["free", "out_valid", "out_data"].map(|port| m.output_of(&fifo, port));
    let room = m.room_behind_register(free);
    m.connect(roomy, room);
    let stays = m.not(hashes);
    let passes = m.any(&[coefficient, stays, room]);
    let passes = m.and(passes, complete);
    let out_valid = m.and(in_valid, passes);
    let in_ready = m.and(out_ready, passes);
    let step = m.and(in_valid, in_ready);
    m.connect(moves, step);
    let merges = m.and(step, salted);
    let goes_alone = m.all(&[done, extra, room]);
    let salt_ready = m.or(merges, goes_alone);
    let step = m.and(step, beat_ends);

    let panel_done = m.and(step, *at_last_beat);
    let (yes, no) = (m.constant(1, 1), m.constant(0, 1));
    let restarts = m.or(start, panel_done);
    let changes = m.or(restarts, step);
    let (first, plus) = (m.constant(1, 32), m.add_const(*position, 1));
    let next = m.mux(restarts, first, plus);
    m.drive_when(position, changes, next);
    // A panel has at least two beats.
    let last = m.eq(plus, panel_beats);
    let last = m.mux(restarts, no, last);
    m.drive_when(at_last_beat, changes, last);
    // A transform has at least two coefficients.
    let over = m.eq(*position, length);
    let over = m.and(step, over);
    let next = m.choose(&[(restarts, yes), (over, no)], *early);
    m.drive(early, next);
    let fewer = m.sub(*panels_left, first);
    let next = m.mux(start, panels, fewer);
    m.drive_when(panels_left, restarts, next);
    let [one_at_all, one_after] = [(panels, 1), (*panels_left, 2)].map(|(left, count)| m.eq_const(left, count));
    let next = m.mux(start, one_at_all, one_after);
    m.drive_when(at_last_panel, restarts, next);
    let next = m.mux(start, no, last_panel);
    m.drive_when(all_done, restarts, next);

    m.output("in_ready", in_ready);
    m.output("salt_ready", salt_ready);
    m.output("out_valid", out_valid);
    m.output("out_data", merged);
    m.output("values_valid", values_valid);
    m.output("values_data", values_data);
    m.output("done", done);
    Rc::new(m)
}
