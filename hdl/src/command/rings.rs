//! Submission and completion ring.

use std::rc::Rc;

use hotloop_regs::{map::RING_LOG_MAX, Fault};
use rust_hdl_core::prelude::*;
use rust_hdl_widgets::{dff::DFF, dff_setup};

use crate::{
    bus::{advance, ADDRESS_BITS},
    control,
    datapath::{Module, Sig},
};

/// `Off` waits for ENABLE; `Check` judges the rings. `Ready` waits for a descriptor and for room for its completion.
/// `Fetch` offers the read of the descriptor, `Receive` takes it and starts the job, `Run` waits for it. `Offer` offers
/// the write of the completion, `Send` its data, `Settle` waits for the response, `Advance` tells the host. `Fault`
/// ends all until an internal reset.
///
/// `Receive` and `Send`, in which data moves, have a register each, `receiving` and `sending`: what moves waits for no decoder.
#[derive(Copy, Clone, Debug, PartialEq, LogicState)]
enum RingState {
    Off,
    Check,
    Ready,
    Fetch,
    Receive,
    Run,
    Offer,
    Send,
    Settle,
    Advance,
    Fault,
}

#[derive(LogicBlock, Default)]
struct RingControl {
    clk: Signal<In, Clock>,
    rst: Signal<In, Bit>,
    enable: Signal<In, Bit>,
    bad_ring: Signal<In, Bit>,
    overflow: Signal<In, Bit>,
    pending: Signal<In, Bit>,
    read_taken: Signal<In, Bit>,
    arrived: Signal<In, Bit>,
    read_failed: Signal<In, Bit>,
    job_done: Signal<In, Bit>,
    write_taken: Signal<In, Bit>,
    data_taken: Signal<In, Bit>,
    written: Signal<In, Bit>,
    write_failed: Signal<In, Bit>,
    fetch: Signal<Out, Bit>,
    receive: Signal<Out, Bit>,
    go: Signal<Out, Bit>,
    offer: Signal<Out, Bit>,
    send: Signal<Out, Bit>,
    advance: Signal<Out, Bit>,
    fault_bad_ring: Signal<Out, Bit>,
    fault_overflow: Signal<Out, Bit>,
    fault_read: Signal<Out, Bit>,
    fault_write: Signal<Out, Bit>,
    working: Signal<Out, Bit>,
    wakes: Signal<Out, Bit>,
    state: DFF<RingState>,
    receiving: DFF<Bit>,
    sending: DFF<Bit>,
}

impl Logic for RingControl {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clk, state, receiving, sending);
        self.fetch.next = false;
        self.receive.next = self.receiving.q.val();
        self.go.next = false;
        self.offer.next = false;
        self.send.next = self.sending.q.val();
        self.advance.next = false;
        self.fault_bad_ring.next = false;
        self.fault_overflow.next = false;
        self.fault_read.next = false;
        self.fault_write.next = false;
        self.working.next = true;
        self.wakes.next = false;
        match self.state.q.val() {
            RingState::Off => {
                self.working.next = false;
                self.wakes.next = self.enable.val();
                if self.enable.val() {
                    self.state.d.next = RingState::Check;
                }
            }
            RingState::Check => {
                self.state.d.next = RingState::Ready;
                if self.bad_ring.val() {
                    self.fault_bad_ring.next = true;
                    self.state.d.next = RingState::Fault;
                }
            }
            RingState::Ready => {
                self.working.next = false;
                self.wakes.next = !self.enable.val() | self.overflow.val() | self.pending.val();
                if !self.enable.val() {
                    self.state.d.next = RingState::Off;
                } else if self.overflow.val() {
                    self.fault_overflow.next = true;
                    self.state.d.next = RingState::Fault;
                } else if self.pending.val() {
                    self.state.d.next = RingState::Fetch;
                }
            }
            RingState::Fetch => {
                self.fetch.next = true;
                if self.read_taken.val() {
                    self.state.d.next = RingState::Receive;
                    self.receiving.d.next = true;
                }
            }
            RingState::Receive => {
                if self.arrived.val() {
                    self.receiving.d.next = false;
                    if self.read_failed.val() {
                        self.fault_read.next = true;
                        self.state.d.next = RingState::Fault;
                    } else {
                        self.go.next = true;
                        self.state.d.next = RingState::Run;
                    }
                }
            }
            RingState::Run => {
                if self.job_done.val() {
                    self.state.d.next = RingState::Offer;
                }
            }
            RingState::Offer => {
                self.offer.next = true;
                if self.write_taken.val() {
                    self.state.d.next = RingState::Send;
                    self.sending.d.next = true;
                }
            }
            RingState::Send => {
                if self.data_taken.val() {
                    self.sending.d.next = false;
                    self.state.d.next = RingState::Settle;
                }
            }
            RingState::Settle => {
                if self.written.val() {
                    if self.write_failed.val() {
                        self.fault_write.next = true;
                        self.state.d.next = RingState::Fault;
                    } else {
                        self.state.d.next = RingState::Advance;
                    }
                }
            }
            RingState::Advance => {
                self.advance.next = true;
                self.state.d.next = RingState::Ready;
            }
            RingState::Fault => {
                self.working.next = false;
            }
            _ => {
                self.state.d.next = RingState::Off;
            }
        }
        if self.rst.val() {
            self.state.d.next = RingState::Off;
            self.receiving.d.next = false;
            self.sending.d.next = false;
        }
    }
}

/// The ring registers' counts are free-running and this wide.
const COUNT_BITS: u32 = 16;

/// Entries and a mask for indices, both a cycle behind, and whether the size is allowed.
fn size(m: &mut Module, name: &str, log: Sig) -> (Sig, Sig, Sig) {
    let one = m.constant(1, COUNT_BITS);
    let entries = m.shl_var(one, log);
    let mask = m.sub(entries, one);
    let (entries, mask) = (m.reg(entries), m.reg(mask));
    let (entries, mask) = (m.label(entries, &format!("{name}_entries")), m.label(mask, &format!("{name}_mask")));
    let none = m.eq_const(log, 0);
    let most = m.constant(RING_LOG_MAX.into(), 8);
    let many = m.lt(most, log);
    let bad = m.or(none, many);
    (entries, mask, bad)
}

/// Module `rings`: the machine and its counts. Sizes and bases, which stay while the rings are on, are looked at a cycle
/// before they are used, and addresses are found a cycle before they are offered.
///
/// Registers come in (`control`, `sq_base`, …) and go out (`sq_head`, `cq_tail`, `fault_code`). Towards the data
/// movers: `fetch` with `fetch_address` and `read_taken`; `receive` with `arrived` and `read_failed`; `offer` with
/// `offer_address` and `write_taken`; `send` with `slot` (16-byte slot of the beat), `phase` and `data_taken`; then
/// `written` and `write_failed`. Towards the job: `go` and `job_done`. `working`: not at rest; `wakes`: about to
/// leave rest; `advance` and `faults`: a completion was written, the rings stopped.
pub(crate) fn rings() -> Rc<Module> {
    let mut m = Module::new("rings");
    let enable = m.input("enable", 1);
    let sq_base = m.input("sq_base", 64);
    let cq_base = m.input("cq_base", 64);
    let ring_log = m.input("ring_log", 16);
    let sq_tail = m.input("sq_tail", COUNT_BITS);
    let cq_head = m.input("cq_head", COUNT_BITS);
    let passed =
        ["read_taken", "arrived", "read_failed", "job_done", "write_taken", "data_taken", "written", "write_failed"]
            .map(|port| (port, m.input(port, 1)));

    let sq_head = m.state("sq_head", COUNT_BITS, 0);
    let cq_tail = m.state("cq_tail", COUNT_BITS, 0);
    let (sq_log, cq_log) = (m.slice(ring_log, 0, 8), m.slice(ring_log, 8, 8));
    let (sq_entries, sq_mask, sq_bad) = size(&mut m, "sq", sq_log);
    let (cq_entries, cq_mask, cq_bad) = size(&mut m, "cq", cq_log);
    let (sq_low, cq_low) = (m.slice(sq_base, 0, 12), m.slice(cq_base, 0, 12));
    let low = m.or(sq_low, cq_low);
    let aligned = m.eq_const(low, 0);
    let misaligned = m.not(aligned);
    let bad_ring = m.any(&[sq_bad, cq_bad, misaligned]);
    let bad_ring = m.reg(bad_ring);
    m.label(bad_ring, "bad_ring");

    let waiting = m.sub(sq_tail, *sq_head);
    let unread = m.sub(*cq_tail, cq_head);
    let too_many = m.lt(sq_entries, waiting);
    let over_read = m.lt(cq_entries, unread);
    let overflow = m.or(too_many, over_read);
    let none = m.eq_const(waiting, 0);
    let some = m.not(none);
    let full = m.eq(unread, cq_entries);
    let space = m.not(full);
    let pending = m.and(some, space);

    let control = control::module("rings", RingControl::default());
    let mut inputs = vec![("enable", enable), ("bad_ring", bad_ring), ("overflow", overflow), ("pending", pending)];
    inputs.extend(passed);
    let control = m.instance("control", &control, &inputs);
    for port in ["fetch", "receive", "go", "offer", "send", "advance", "working", "wakes"] {
        let sig = m.output_of(&control, port);
        m.output(port, sig);
    }

    let go = m.output_of(&control, "go");
    let plus = m.add_const(*sq_head, 1);
    m.drive_when(sq_head, go, plus);
    let advanced = m.output_of(&control, "advance");
    let plus = m.add_const(*cq_tail, 1);
    m.drive_when(cq_tail, advanced, plus);

    let index = m.and(*sq_head, sq_mask);
    let base = m.extend(sq_base, ADDRESS_BITS);
    let fetch_address = advance(&mut m, base, index);
    let fetch_address = m.reg(fetch_address);
    let index = m.and(*cq_tail, cq_mask);
    // Four completions in a beat.
    let beat = m.slice(index, 2, COUNT_BITS - 2);
    let slot = m.slice(index, 0, 2);
    let base = m.extend(cq_base, ADDRESS_BITS);
    let offer_address = advance(&mut m, base, beat);
    let offer_address = m.reg(offer_address);
    let pass = m.and(*cq_tail, cq_entries);
    let phase = m.eq_const(pass, 0);

    let faults = [
        ("fault_bad_ring", Fault::BadRing),
        ("fault_overflow", Fault::RingOverflow),
        ("fault_read", Fault::RingRead),
        ("fault_write", Fault::RingWrite),
    ]
    .map(|(port, fault)| {
        let hit = m.output_of(&control, port);
        (hit, m.constant(fault.code().into(), 32))
    });
    let fault_code = m.state("fault_code", 32, 0);
    let next = m.choose(&faults, *fault_code);
    m.drive(fault_code, next);
    let hits = faults.map(|(hit, _)| hit);
    let faulted = m.any(&hits);

    m.output("fetch_address", fetch_address);
    m.output("offer_address", offer_address);
    m.output("slot", slot);
    m.output("phase", phase);
    m.output("sq_head", *sq_head);
    m.output("cq_tail", *cq_tail);
    m.output("fault_code", *fault_code);
    m.output("faulted", faulted);
    Rc::new(m)
}
