//! The read side of the data mover.

use std::rc::Rc;

use super::{
    burst::{axi_length, balance, bursts, sticky, Conditions},
    segment_inputs, steps, Bus, ADDRESS_BITS,
};
use crate::datapath::{Module, Sig};

/// What the data FIFO holds, in words of the bus: eight bursts of 64 beats can be outstanding on a wide one, two of 32 on a
/// narrow one.
const FIFO_WORDS: u64 = 512;

/// Module `dma_reader`. Segments (`seg_*`, ready/valid) of beats become AXI read bursts that end at 4 KiB; the data
/// leaves on `out_*` (ready/valid) in order. A burst is asked for only when the FIFO has room for all of it, so
/// `m_rready` is always high. Behind the FIFO a relay keeps what takes the data out of what asks for more. On a narrow bus a beat takes eight cycles on `m_rdata` and `out_data`.
///
/// Every segment gives exactly its number of beats: one outside `base .. limit` (unless `seg_unchecked`) or beyond
/// the address space gives zeros after everything before it has arrived, a beat with an error gives zero. `bad_window`
/// and `bad_response` say so until `clear`. `stop` takes no further segments; `idle`: no burst is outstanding and
/// no segment is under way; `empty`: nor is there data in FIFO or relay. `arrives`: a word of the bus does.
pub fn reader(bus: Bus) -> Rc<Module> {
    let mut m = Module::new("dma_reader");
    let seg_valid = m.input("seg_valid", 1);
    let segment = segment_inputs(&mut m);
    let base = m.input("base", ADDRESS_BITS);
    let limit = m.input("limit", ADDRESS_BITS);
    let clear = m.input("clear", 1);
    let stop = m.input("stop", 1);
    let arready = m.input("m_arready", 1);
    let rdata = m.input("m_rdata", bus.bits());
    let rresp = m.input("m_rresp", 2);
    let rvalid = m.input("m_rvalid", 1);
    let out_ready = m.input("out_ready", 1);

    // Words of the bus asked for and not yet taken from the FIFO; those asked for and not yet arrived.
    let bits = FIFO_WORDS.ilog2() + 1;
    let reserved = m.wire(bits);
    let outstanding = m.wire(bits);
    let none_outstanding = m.eq_const(*outstanding, 0);
    let zero_ready = {
        let full = m.bit(*reserved, bits - 1);
        let free = m.not(full);
        m.and(free, none_outstanding)
    };
    let zero_word = m.wire(1);
    let (_, last_zero) = steps(&mut m, bus, "zero_words", *zero_word);
    let fill_ready = m.and(zero_ready, last_zero);
    // Room for the longest burst: asking for a shorter one earlier would fill the FIFO no better.
    let most = m.constant((FIFO_WORDS - (u64::from(bus.burst_beats()) << bus.steps_log())).into(), bits);
    let over = m.lt(most, *reserved);
    let room = m.not(over);
    let conditions = Conditions { stop, room, ready: arready, fill_ready };
    let bursts = bursts(&mut m, bus, segment, seg_valid, (base, limit), Some(1), conditions);

    let zero = m.and(bursts.fill, zero_ready);
    m.connect(zero_word, zero);
    let error = m.bit(rresp, 1);
    let good = m.not(error);
    let good = m.and(good, rvalid);
    let data = m.gate(good, rdata);
    let push = m.or(rvalid, zero);
    // A word waits a cycle for the FIFO, in which it has its room.
    let arrived = m.state("arrived", 1, 0);
    m.drive(arrived, push);
    let data = m.reg(data);
    let fifo = Module::fifo(bus.bits(), FIFO_WORDS);
    let relays = m.wire(1);
    let fifo = m.instance("fifo", &fifo, &[("in_valid", *arrived), ("in_data", data), ("out_ready", *relays)]);
    let (held, head) = (m.output_of(&fifo, "out_valid"), m.output_of(&fifo, "out_data"));
    let relay = Module::relay(bus.bits());
    let relay = m.instance("relay", &relay, &[("in_valid", held), ("in_data", head), ("out_ready", out_ready)]);
    let [relay_ready, out_valid, out_data] =
        ["in_ready", "out_valid", "out_data"].map(|port| m.output_of(&relay, port));
    m.connect(relays, relay_ready);

    let pop = m.and(held, relay_ready);
    let asked = words(&mut m, bus, bursts.beats, bits);
    let asked = m.gate(bursts.taken, asked);
    let count = balance(&mut m, "outstanding_beats", bits, asked, rvalid);
    m.connect(outstanding, count);
    let one = m.constant(1, bits);
    let zeros = m.gate(zero, one);
    let more = m.or(asked, zeros);
    let count = balance(&mut m, "reserved_beats", bits, more, pop);
    m.connect(reserved, count);

    let failed = m.and(rvalid, error);
    let bad_response = sticky(&mut m, "bad_response", failed, clear);
    let bad_window = sticky(&mut m, "bad_window", bursts.refuse, clear);
    let idle = m.and(bursts.idle, none_outstanding);
    let none_reserved = m.eq_const(*reserved, 0);
    let none_held = m.not(out_valid);
    let empty = m.all(&[idle, none_reserved, none_held]);
    let length = axi_length(&mut m, bus, bursts.beats);

    m.output("seg_ready", bursts.seg_ready);
    m.output("m_araddr", bursts.address);
    m.output("m_arlen", length);
    m.output("m_arvalid", bursts.valid);
    m.output("out_valid", out_valid);
    m.output("out_data", out_data);
    m.output("bad_window", bad_window);
    m.output("bad_response", bad_response);
    m.output("idle", idle);
    m.output("empty", empty);
    m.output("arrives", rvalid);
    Rc::new(m)
}

/// So many beats in words of the bus.
fn words(m: &mut Module, bus: Bus, beats: Sig, bits: u32) -> Sig {
    let words = m.shl(beats, bus.steps_log());
    m.extend(words, bits)
}
