//! The write side of the data mover.

use std::rc::Rc;

use super::{
    burst::{axi_length, balance, bursts, sticky, Conditions},
    segment_inputs, steps, Bus, ADDRESS_BITS,
};
use crate::datapath::Module;

/// Bursts whose data is still to come.
const QUEUE: u64 = 16;

/// Module `dma_writer`. Segments (`seg_*`, ready/valid) become AXI write bursts that end at 4 KiB; addresses go ahead
/// of the data, which is taken from `in_*` (ready/valid) in order: `in_keep` has a bit for each 16 bytes of the beat
/// that are to be written. On a narrow bus a beat comes and goes in eight cycles, and one bit is for what moves in a cycle.
///
/// Data for a segment outside `base .. limit` (unless `seg_unchecked`) or beyond the address space is taken and
/// dropped. `bad_window` and `bad_response` say so until `clear`. `stop` takes no further segments and ends bursts
/// that are promised with beats that write nothing. `idle`: every response has come. `bytes`: written in this cycle.
pub fn writer(bus: Bus) -> Rc<Module> {
    let mut m = Module::new("dma_writer");
    let seg_valid = m.input("seg_valid", 1);
    let segment = segment_inputs(&mut m);
    let base = m.input("base", ADDRESS_BITS);
    let limit = m.input("limit", ADDRESS_BITS);
    let clear = m.input("clear", 1);
    let stop = m.input("stop", 1);
    let awready = m.input("m_awready", 1);
    let wready = m.input("m_wready", 1);
    let bresp = m.input("m_bresp", 2);
    let bvalid = m.input("m_bvalid", 1);
    let in_valid = m.input("in_valid", 1);
    let in_data = m.input("in_data", bus.bits());
    let in_keep = m.input("in_keep", bus.keep_bits());

    // Bursts: at most 64 without a response, and no more than the queue holds without their data.
    let outstanding = m.wire(8);
    let queue_ready = m.wire(1);
    let many = m.bit(*outstanding, 6);
    let few = m.not(many);
    let room = m.and(few, *queue_ready);
    let conditions = Conditions { stop, room, ready: awready, fill_ready: *queue_ready };
    let bursts = bursts(&mut m, bus, segment, seg_valid, (base, limit), None, conditions);
    let count = balance(&mut m, "outstanding_bursts", 8, bursts.taken, bvalid);
    m.connect(outstanding, count);

    let promise = m.cat(&[bursts.fill, bursts.beats]);
    let filled = m.and(bursts.fill, *queue_ready);
    let push = m.or(bursts.taken, filled);
    let queue = Module::fifo(8, QUEUE);
    // The one that is next stands before the queue.
    let next_full = m.state("next_full", 1, 0);
    let next_drop = m.state("next_drop", 1, 0);
    let next_beats = m.state("next_beats", 7, 0);
    let fetches = m.not(*next_full);
    let queue = m.instance("queue", &queue, &[("in_valid", push), ("in_data", promise), ("out_ready", fetches)]);
    let [ready, queued, promised, queue_empty] =
        ["in_ready", "out_valid", "out_data", "empty"].map(|port| m.output_of(&queue, port));
    m.connect(queue_ready, ready);
    let fetched = m.and(queued, fetches);
    let (drops, beats) = (m.bit(promised, 7), m.slice(promised, 0, 7));
    m.drive_when(next_drop, fetched, drops);
    m.drive_when(next_beats, fetched, beats);

    // The burst whose data is moving.
    let active = m.state("active", 1, 0);
    let drop = m.state("drop", 1, 0);
    let left = m.state("beats_left", 7, 0);
    let stopping = m.state("stopping", 1, 0);
    let keep_bus = m.not(*drop);
    let offered = m.or(in_valid, *stopping);
    let wvalid = m.all(&[*active, keep_bus, offered]);
    let written = m.and(wvalid, wready);
    let dropped = m.all(&[*active, *drop, offered]);
    let moved = m.or(written, dropped);
    let (_, beat_ends) = steps(&mut m, bus, "part", moved);
    let beat = m.and(moved, beat_ends);
    let last = m.eq_const(*left, 1);
    let last = m.and(last, beat_ends);
    let ends = m.and(beat, last);
    let resting = m.not(*active);
    let next_wanted = m.or(resting, ends);
    let loading = m.and(*next_full, next_wanted);

    let (one, zero) = (m.constant(1, 1), m.constant(0, 1));
    let next = m.choose(&[(loading, one), (ends, zero)], *active);
    m.drive(active, next);
    let next = m.choose(&[(fetched, one), (loading, zero)], *next_full);
    m.drive(next_full, next);
    m.drive_when(drop, loading, *next_drop);
    let fewer = {
        let one = m.constant(1, 7);
        m.sub(*left, one)
    };
    let next = m.choose(&[(loading, *next_beats), (beat, fewer)], *left);
    m.drive(left, next);
    // A beat that is offered stays as it is until it is taken: stopping begins behind it.
    let waits = {
        let not_taken = m.not(wready);
        m.and(wvalid, not_taken)
    };
    let moving = m.not(waits);
    let begins = m.or(*stopping, moving);
    let next = m.and(stop, begins);
    m.drive(stopping, next);

    let flowing = m.not(*stopping);
    let takes = m.or(*drop, wready);
    let in_ready = m.all(&[*active, takes, flowing]);
    let data = m.gate(flowing, in_data);
    let keep = m.gate(flowing, in_keep);
    let each = bus.bits() / 8 / bus.keep_bits();
    let strobes: Vec<_> = (0..bus.bits() / 8).map(|byte| m.bit(keep, byte / each)).collect();
    let strobes = m.pack(&strobes);
    let parts: Vec<_> = (0..bus.keep_bits())
        .map(|i| {
            let bit = m.bit(keep, i);
            m.extend(bit, 3)
        })
        .collect();
    let parts = m.sum(&parts);
    let parts = m.gate(written, parts);
    let bytes = m.shl(parts, each.ilog2());

    let error = m.bit(bresp, 1);
    let failed = m.and(bvalid, error);
    let bad_response = sticky(&mut m, "bad_response", failed, clear);
    let bad_window = sticky(&mut m, "bad_window", bursts.refuse, clear);
    let answered = m.eq_const(*outstanding, 0);
    let idle = m.all(&[bursts.idle, answered, queue_empty, fetches, resting]);
    let length = axi_length(&mut m, bus, bursts.beats);

    m.output("seg_ready", bursts.seg_ready);
    m.output("m_awaddr", bursts.address);
    m.output("m_awlen", length);
    m.output("m_awvalid", bursts.valid);
    m.output("m_wdata", data);
    m.output("m_wstrb", strobes);
    m.output("m_wlast", last);
    m.output("m_wvalid", wvalid);
    m.output("in_ready", in_ready);
    m.output("bad_window", bad_window);
    m.output("bad_response", bad_response);
    m.output("idle", idle);
    m.output("bytes", bytes);
    Rc::new(m)
}
