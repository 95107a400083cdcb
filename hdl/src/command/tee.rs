//! Where a commit job's two engines meet.

use std::rc::Rc;

use crate::{
    bus::DATA_BITS,
    datapath::{Module, Sig},
};

/// Beats of values that wait for the Poseidon engine, which takes one in twelve cycles (two units of four S-boxes):
/// enough for 6144 cycles, in which the transform engine goes on to the next panel and has no values to give. Those are
/// the 2^log_n cycles of its first forward block.
const VALUES: u64 = 512;

/// Module `commit_tee`. From `start` on, `panels` panels of `panel_beats` beats pass from `in_*` to the writer
/// (`out_valid`, `out_ready`; the data is the same); all but the first `length` of each (its coefficients, where
/// `coefficients` says so) go to `values_*` too. Then `done` is high.
pub(crate) fn tee() -> Rc<Module> {
    let mut m = Module::new("commit_tee");
    let start = m.input("start", 1);
    let coefficients = m.input("coefficients", 1);
    let length = m.input("length", 32);
    let panel_beats = m.input("panel_beats", 32);
    let panels = m.input("panels", 32);
    let in_valid = m.input("in_valid", 1);
    let in_data = m.input("in_data", DATA_BITS);
    let out_ready = m.input("out_ready", 1);
    let values_ready = m.input("values_ready", 1);

    let position = m.state("position", 32, 0);
    let panels_left = m.state("panels_left", 32, 0);
    let early = m.lt(*position, length);
    let coefficient = m.and(coefficients, early);
    let value = m.not(coefficient);

    let offered = m.all(&[in_valid, value, out_ready]);
    let fifo = Module::fifo(DATA_BITS, VALUES);
    let fifo = m.instance("values", &fifo, &[("in_valid", offered), ("in_data", in_data), ("out_ready", values_ready)]);
    let [room, values_valid, values_data] = ["in_ready", "out_valid", "out_data"].map(|port| m.output_of(&fifo, port));
    let passes = m.or(coefficient, room);
    let out_valid = m.and(in_valid, passes);
    let in_ready = m.and(out_ready, passes);
    let step = m.and(in_valid, in_ready);

    let plus = m.add_const(*position, 1);
    let last = m.eq(plus, panel_beats);
    let panel_done = m.and(step, last);
    let zero = m.constant(0, 32);
    let next = m.choose(&[(start, zero), (panel_done, zero), (step, plus)], *position);
    m.drive(position, next);
    let one: Sig = m.constant(1, 32);
    let fewer = m.sub(*panels_left, one);
    let next = m.choose(&[(start, panels), (panel_done, fewer)], *panels_left);
    m.drive(panels_left, next);
    let done = m.eq_const(*panels_left, 0);

    m.output("in_ready", in_ready);
    m.output("out_valid", out_valid);
    m.output("values_valid", values_valid);
    m.output("values_data", values_data);
    m.output("done", done);
    Rc::new(m)
}
