//! The core: everything that an internal reset clears.

use std::rc::Rc;

use hotloop_regs::{
    descriptor::{Completion, Descriptor},
    map, Error, Register,
};

use super::{
    compose,
    counters::{counters, Events},
    decode::{validate, Operation},
    engines::{engines, Parts},
    field,
    job::job_control,
    plan::plan,
    rings::rings,
    segments::segment_walk,
};
use crate::{
    bus::{self, steps, Bus, ADDRESS_BITS},
    datapath::{Instance, Module, Sig},
    Config,
};

/// Ports of the AXI4 master: name, width.
pub(crate) fn master_inputs(bus: Bus) -> [(&'static str, u32); 8] {
    [
        ("m_arready", 1),
        ("m_rdata", bus.bits()),
        ("m_rresp", 2),
        ("m_rvalid", 1),
        ("m_awready", 1),
        ("m_wready", 1),
        ("m_bresp", 2),
        ("m_bvalid", 1),
    ]
}
/// Its outputs, `m_rready` and `m_bready`, which are always high, excepted.
pub(crate) const MASTER_OUTPUTS: &[&str] = &[
    "m_araddr",
    "m_arlen",
    "m_arvalid",
    "m_awaddr",
    "m_awlen",
    "m_awvalid",
    "m_wdata",
    "m_wstrb",
    "m_wlast",
    "m_wvalid",
];
/// Words of the bus between engines and writer.
const OUT_QUEUE: u64 = 16;
/// Bits of a descriptor.
const DESCRIPTOR_BITS: u32 = 8 * Descriptor::BYTES as u32;
/// Registers that the core needs.
pub(crate) const SETTINGS: &[Register] =
    &[map::CONTROL, map::SQ_BASE, map::CQ_BASE, map::RING_LOG, map::SQ_TAIL, map::CQ_HEAD];
/// Registers that the core is the source of.
pub(crate) const REPORTS: &[Register] = &[
    map::FAULT_CODE,
    map::SQ_HEAD,
    map::CQ_TAIL,
    map::CYCLES,
    map::BUSY_CYCLES,
    map::JOBS,
    map::BYTES_READ,
    map::BYTES_WRITTEN,
    map::PERMUTATIONS,
    map::POSEIDON_CYCLES,
    map::NTT_BEATS,
    map::NTT_CYCLES,
];

/// A register's port.
pub(crate) fn port(register: &Register) -> String {
    register.name.to_lowercase()
}

/// Module `core`. Inputs: the registers of [`SETTINGS`], `stop`, the AXI4 master's. Outputs: the registers of
/// [`REPORTS`], the AXI4 master's, `quiet` (after `stop`, no bus transaction is under way), `working` (STATUS.BUSY), `wakes` (it will
/// be), `completed` and `faulted` (one cycle each).
pub(crate) fn core(config: &Config, parts: &Parts) -> Rc<Module> {
    let mut m = Module::new("core");
    let settings: Vec<Sig> = SETTINGS.iter().map(|r| m.input(&port(r), r.width)).collect();
    let [control, sq_base, cq_base, ring_log, sq_tail, cq_head] = settings[..] else { unreachable!("six settings") };
    let stop = m.input("stop", 1);
    let bus = config.bus;
    let bus_in = master_inputs(bus).map(|(name, width)| (name, m.input(name, width)));

    // What is read before it is built.
    let descriptor_part = m.wire(1);
    let [read_taken, arrived, read_failed, write_taken, data_taken, written, write_failed] = [(); 7].map(|_| m.wire(1));
    let [read_seg_ready, write_seg_ready, quiet] = [(); 3].map(|_| m.wire(1));
    let reader_data = m.wire(bus.bits());
    let last_written = m.wire(ADDRESS_BITS);

    // The job and the rings.
    let job = job_control();
    let (go, invalid, more) = (m.wire(1), m.wire(1), m.wire(1));
    let job = m.instance("job", &job, &[("go", *go), ("invalid", *invalid), ("quiet", *quiet), ("more", *more)]);
    let [preparing, decode, start, next_level, done, active] =
        ["preparing", "decode", "start", "next_level", "done", "active"].map(|port| m.output_of(&job, port));
    // The rings hear of it a cycle later, when the completion is there.
    let job_done = m.delay_valid(done, 1);
    let enable = m.bit(control, map::CONTROL_ENABLE.trailing_zeros());
    let ring_log = m.slice(ring_log, 0, 16);
    // A doorbell comes from far.
    let [sq_tail, cq_head] = [sq_tail, cq_head].map(|count| {
        let count = m.slice(count, 0, 16);
        m.reg(count)
    });
    let rings = rings();
    let rings = m.instance(
        "rings",
        &rings,
        &[
            ("enable", enable),
            ("sq_base", sq_base),
            ("cq_base", cq_base),
            ("ring_log", ring_log),
            ("sq_tail", sq_tail),
            ("cq_head", cq_head),
            ("read_taken", *read_taken),
            ("arrived", *arrived),
            ("read_failed", *read_failed),
            ("job_done", job_done),
            ("write_taken", *write_taken),
            ("data_taken", *data_taken),
            ("written", *written),
            ("write_failed", *write_failed),
        ],
    );
    let [ring_go, fetch, receive, offer, send, completed] =
        ["go", "fetch", "receive", "offer", "send", "advance"].map(|port| m.output_of(&rings, port));
    // From the reader's queue to the job it is far: the job hears of it a cycle later.
    let job_go = m.delay_valid(ring_go, 1);
    m.connect(go, job_go);

    // The descriptor.
    let descriptor = m.state("descriptor", DESCRIPTOR_BITS, 0);
    match bus {
        Bus::Wide => m.drive_when(descriptor, ring_go, *reader_data),
        Bus::Narrow => {
            let later = m.slice(*descriptor, bus.bits(), DESCRIPTOR_BITS - bus.bits());
            let next = m.cat(&[*reader_data, later]);
            m.drive_when(descriptor, *descriptor_part, next);
        }
    }
    let op = Operation::of(&mut m, config, *descriptor);
    let error = validate(&mut m, config, *descriptor, op);
    let valid = m.eq_const(error, 0);
    let not_valid = m.not(valid);
    m.connect(invalid, not_valid);
    let plan = plan(&mut m, config, *descriptor, op, decode, next_level, *last_written);
    m.connect(more, plan.more);

    // Data movers and what they are told.
    let walk = segment_walk();
    let walks = [("read_walk", &plan.read, &read_seg_ready), ("write_walk", &plan.write, &write_seg_ready)].map(
        |(name, ports, ready)| {
            let mut inputs = ports.ports();
            inputs.extend([("start", start), ("seg_ready", **ready)]);
            m.instance(name, &walk, &inputs)
        },
    );
    let [read_segment, write_segment] =
        [(&walks[0], fetch, "fetch_address"), (&walks[1], offer, "offer_address")].map(|(walk, ring, address)| {
            let ring_address = m.output_of(&rings, address);
            segment(&mut m, walk, ring, ring_address)
        });
    let address = m.output_of(&walks[1], "last_address");
    m.connect(last_written, address);
    let clear = m.or(decode, fetch);
    let from_bus = |names: &[&str]| bus_in.iter().copied().filter(|(n, _)| names.contains(n)).collect::<Vec<_>>();
    let reader = bus::reader(bus);
    let reader_taken = m.wire(1);
    let mut inputs = read_segment;
    inputs.extend([("base", plan.read_window.0), ("limit", plan.read_window.1), ("clear", clear), ("stop", stop)]);
    inputs.extend([("out_ready", *reader_taken)]);
    inputs.extend(from_bus(&["m_arready", "m_rdata", "m_rresp", "m_rvalid"]));
    let reader = m.instance("reader", &reader, &inputs);
    let [in_valid, in_data] = ["out_valid", "out_data"].map(|port| m.output_of(&reader, port));
    m.connect(reader_data, in_data);
    // A descriptor is here with its last part.
    let received = m.and(receive, in_valid);
    m.connect(descriptor_part, received);
    let (_, whole) = steps(&mut m, bus, "descriptor_part", received);
    let arrives = m.and(in_valid, whole);
    m.connect(arrived, arrives);

    // Engines.
    // Data moves from the job's second cycle on, when there is none yet, to the cycle behind its last, when there is none
    // any more.
    let moving = m.delay_valid(active, 1);
    // What they give waits in a queue, so that nothing in one cycle goes through the writer and an engine.
    let (writer_ready, queue_ready) = (m.wire(1), m.wire(1));
    let engines = engines(
        &mut m,
        &plan,
        op,
        (preparing, decode, active, moving),
        start,
        (in_valid, in_data),
        *queue_ready,
        (bus, parts),
    );
    let engine_takes = m.and(engines.in_ready, moving);
    let taken = m.or(receive, engine_takes);
    let gives = m.all(&[engines.out_valid, moving, *queue_ready]);
    let (data, keep) = (engines.out_data, engines.out_keep);
    // Where parts are small and far apart, by way of a register, for which there is room.
    let (gives, data, keep) = match bus {
        Bus::Wide => (gives, data, keep),
        Bus::Narrow => (m.delay_valid(gives, 1), m.reg(data), m.reg(keep)),
    };
    m.connect(reader_taken, taken);

    // Completions go into one of four slots of a beat.
    let cycles = {
        let idle = m.not(active);
        m.counter("job_cycles", 64, active, idle)
    };
    let completion = m.state("completion", 128, 0);
    let [reader_window, reader_response] = ["bad_window", "bad_response"].map(|port| m.output_of(&reader, port));
    let (writer_window, writer_response) = (m.wire(1), m.wire(1));
    let window = m.or(reader_window, *writer_window);
    let cases = [
        (not_valid, error),
        (window, m.constant(Error::OutOfWindow.code().into(), 16)),
        // What could not be written cannot be read back: the write is the cause.
        (*writer_response, m.constant(Error::WriteError.code().into(), 16)),
        (reader_response, m.constant(Error::ReadError.code().into(), 16)),
    ];
    let none = m.constant(0, 16);
    let status = m.choose(&cases, none);
    let tag = field(&mut m, *descriptor, Descriptor::tag);
    let phase = m.output_of(&rings, "phase");
    let entry = compose(
        &mut m,
        128,
        &[
            (Completion::tag, tag),
            (Completion::status, status),
            (Completion::phase, phase),
            (Completion::cycles, cycles),
        ],
    );
    m.drive_when(completion, done, entry);
    let slot = m.output_of(&rings, "slot");
    let sent = m.and(send, *queue_ready);
    let (part, beat_sent) = steps(&mut m, bus, "completion_part", sent);
    let (entries, slot) = match part {
        None => {
            let one = m.constant(1, 4);
            (m.pack(&[*completion; 4]), m.shl_var(one, slot))
        }
        Some(part) => {
            let (word, here) = (m.bit(part, 0), m.slice(part, 1, 2));
            let words = m.split(*completion, 64);
            (m.select(word, &words), m.eq(here, slot))
        }
    };

    // The job's last word has left the queue when its completion comes there.
    let queue = {
        let valid = m.or(gives, sent);
        let data = m.mux(send, entries, data);
        let keep = m.mux(send, slot, keep);
        let data = m.cat(&[keep, data]);
        let queue = Module::fifo(bus.bits() + bus.keep_bits(), OUT_QUEUE);
        m.instance("out_queue", &queue, &[("in_valid", valid), ("in_data", data), ("out_ready", *writer_ready)])
    };
    let [ready, free, queued, out] =
        ["in_ready", "free", "out_valid", "out_data"].map(|port| m.output_of(&queue, port));
    let ready = match bus {
        Bus::Wide => ready,
        Bus::Narrow => m.room_behind_register(free),
    };
    m.connect(queue_ready, ready);
    let (out_data, out_keep) = (m.slice(out, 0, bus.bits()), m.slice(out, bus.bits(), bus.keep_bits()));
    let clear = m.or(decode, offer);
    let writer = bus::writer(bus);
    let mut inputs = write_segment;
    inputs.extend([("base", plan.write_window.0), ("limit", plan.write_window.1), ("clear", clear), ("stop", stop)]);
    inputs.extend([("in_valid", queued), ("in_data", out_data), ("in_keep", out_keep)]);
    inputs.extend(from_bus(&["m_awready", "m_wready", "m_bresp", "m_bvalid"]));
    let writer = m.instance("writer", &writer, &inputs);
    for (wire, port) in [(writer_window, "bad_window"), (writer_response, "bad_response"), (writer_ready, "in_ready")] {
        let sig = m.output_of(&writer, port);
        m.connect(wire, sig);
    }

    // Answers to rings and walks.
    let [read_ready, read_empty, reader_idle] = ["seg_ready", "empty", "idle"].map(|port| m.output_of(&reader, port));
    let data_ready = m.and(sent, beat_sent);
    let [write_ready, writer_idle] = ["seg_ready", "idle"].map(|port| m.output_of(&writer, port));
    // Idle comes from far. The rings, which ask behind a completion's last word, may hear of it a cycle later.
    let answered = m.delay_valid(writer_idle, 1);
    let read_bad = m.or(reader_window, reader_response);
    let write_bad = m.or(*writer_window, *writer_response);
    for (wire, sig) in [
        (read_taken, read_ready),
        (read_seg_ready, read_ready),
        (read_failed, read_bad),
        (write_taken, write_ready),
        (write_seg_ready, write_ready),
        (data_taken, data_ready),
        (written, answered),
        (write_failed, write_bad),
    ] {
        m.connect(wire, sig);
    }
    let [walked_in, walked_out] = [0, 1].map(|i| m.output_of(&walks[i], "idle"));
    let resting = m.not(engines.busy);
    // That all rest comes from far: the job hears of it a cycle later.
    let all_quiet = m.all(&[walked_in, walked_out, read_empty, writer_idle, resting]);
    let all_quiet = m.delay_valid(all_quiet, 1);
    m.connect(quiet, all_quiet);

    // What the outside sees.
    for name in MASTER_OUTPUTS {
        let mover = if name.starts_with("m_ar") { &reader } else { &writer };
        let sig = m.output_of(mover, name);
        m.output(name, sig);
    }
    // Who waits for it is far. From a register, it holds while nothing new can begin: when `stop` is heard.
    let bus_quiet = m.all(&[reader_idle, writer_idle, stop]);
    let bus_quiet = m.delay_valid(bus_quiet, 1);
    m.output("quiet", bus_quiet);
    let working = m.output_of(&rings, "working");
    m.output("working", working);
    m.output("completed", completed);
    for name in ["wakes", "fault_code"] {
        let sig = m.output_of(&rings, name);
        m.output(name, sig);
    }
    // So is who is interrupted: the code is there a cycle before.
    let faulted = m.output_of(&rings, "faulted");
    let faulted = m.delay_valid(faulted, 1);
    m.output("faulted", faulted);
    for name in ["sq_head", "cq_tail"] {
        let sig = m.output_of(&rings, name);
        let sig = m.extend(sig, 32);
        m.output(name, sig);
    }
    let arrives = m.output_of(&reader, "arrives");
    let bytes = m.output_of(&writer, "bytes");
    counters(
        &mut m,
        bus,
        op,
        &Events { working, active, completed, arrives, bytes, perms: engines.perms, ntt_beat: engines.beat },
    );
    Rc::new(m)
}

/// Ports of a data mover's segment: the ring's single beat, or the walk's.
fn segment(m: &mut Module, walk: &Instance, ring: Sig, ring_address: Sig) -> Vec<(&'static str, Sig)> {
    let [valid, address, beats, unchecked] =
        ["seg_valid", "seg_address", "seg_beats", "seg_unchecked"].map(|port| m.output_of(walk, port));
    let one = m.constant(1, 32);
    vec![
        ("seg_valid", m.or(ring, valid)),
        ("seg_address", m.mux(ring, ring_address, address)),
        ("seg_beats", m.mux(ring, one, beats)),
        ("seg_unchecked", m.or(ring, unchecked)),
    ]
}
