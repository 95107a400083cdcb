//! The shell's own logic: interrupts and the reset across the two clocks. Everything else in it is wires.

use std::rc::Rc;

use hotloop_hdl::datapath::{Module, Sig};

use super::bridge::Interrupts;

/// Label of the first register behind a wire from another clock: constraints find it by this name.
pub const FIRST: &str = "crossing";

/// Two registers behind a wire from another clock.
fn synchronised(m: &mut Module, wire: Sig) -> Sig {
    let (first, second) = (m.state(FIRST, wire.width(), 0), m.state("crossed", wire.width(), 0));
    m.drive(first, wire);
    m.drive(second, *first);
    *second
}

/// Module `irq_events`, in the accelerator's clock: pulses on `irq` become edges of `toggles`, one for each vector. An
/// edge waits until `seen` has followed the last one, so that none is lost; pulses in between are one.
pub fn irq_events(vectors: u32) -> Rc<Module> {
    let mut m = Module::new("irq_events");
    let (irq, seen) = (m.input("irq", vectors), m.input("seen", vectors));
    let seen = synchronised(&mut m, seen);
    let (toggles, wanted) = (m.state("toggles", vectors, 0), m.state("wanted", vectors, 0));
    let waiting = m.xor(*toggles, seen);
    let free = m.not(waiting);
    let send = m.and(*wanted, free);
    let next = m.xor(*toggles, send);
    m.drive(toggles, next);
    let stay = m.not(send);
    let kept = m.and(*wanted, stay);
    let next = m.or(irq, kept);
    m.drive(wanted, next);
    m.output("toggles", *toggles);
    Rc::new(m)
}

/// Module `irq_sender`, in the bridge's clock: edges of `toggles` become requests. Nothing is kept while `enable` is low:
/// without messages there is nobody to send one to.
pub fn irq_sender(vectors: u32, interrupts: Interrupts) -> Rc<Module> {
    let mut m = Module::new("irq_sender");
    let (toggles, enable) = (m.input("toggles", vectors), m.input("enable", 1));
    let toggles = synchronised(&mut m, toggles);
    m.output("seen", toggles);
    let last = m.state("last", vectors, 0);
    m.drive(last, toggles);
    let events = m.xor(toggles, *last);
    let pending = m.state("pending", vectors, 0);
    // What begins is no longer pending: an event that comes while its message is under way has a message of its own,
    // since nobody knows when the block sends.
    let begun = match interrupts {
        Interrupts::Each => {
            let sent = m.input("sent", vectors);
            let request = m.state("request", vectors, 0);
            let idle = m.not(*request);
            let begin = m.and(*pending, idle);
            let stay = m.not(sent);
            let kept = m.and(*request, stay);
            let next = m.or(begin, kept);
            let next = m.gate(enable, next);
            m.drive(request, next);
            m.output("request", *request);
            begin
        }
        Interrupts::OneByOne => {
            let granted = m.input("granted", 1);
            let (request, vector) = (m.state("request", 1, 0), m.state("vector", 5, 0));
            // The lowest vector that is pending.
            let mut lowest = m.constant(0, 5);
            for v in (0..vectors).rev() {
                let (is, number) = (m.bit(*pending, v), m.constant(v.into(), 5));
                lowest = m.mux(is, number, lowest);
            }
            let none = m.eq_const(*pending, 0);
            let some = m.not(none);
            // The request falls with the grant, and rises again a cycle later at the earliest: the block counts edges.
            let idle = m.not(*request);
            let begin = m.all(&[idle, some, enable]);
            let waiting = m.not(granted);
            let stay = m.all(&[*request, waiting, enable]);
            let next = m.or(begin, stay);
            m.drive(request, next);
            m.drive_when(vector, begin, lowest);
            m.output("request", *request);
            m.output("vector", *vector);
            let bits: Vec<Sig> = (0..vectors)
                .map(|v| {
                    let this = m.eq_const(lowest, v.into());
                    m.and(this, begin)
                })
                .collect();
            m.pack(&bits)
        }
    };
    let stay = m.not(begun);
    let kept = m.and(*pending, stay);
    let next = m.or(events, kept);
    let next = m.gate(enable, next);
    m.drive(pending, next);
    Rc::new(m)
}

/// Module `reset_sync`, in the accelerator's clock: `reset` until `good` has been high for some cycles. Its own `rst` is
/// tied low.
pub fn reset_sync() -> Rc<Module> {
    let mut m = Module::new("reset_sync");
    let good = m.input("good", 1);
    let mut stages = vec![synchronised(&mut m, good)];
    for i in 0..4 {
        let stage = m.state(&format!("stage{i}"), 1, 0);
        m.drive(stage, stages[i]);
        stages.push(*stage);
    }
    let good = m.all(&stages);
    let reset = m.not(good);
    let reset = {
        let register = m.state("reset", 1, 1);
        m.drive(register, reset);
        *register
    };
    let resetn = m.not(reset);
    m.output("reset", reset);
    m.output("resetn", resetn);
    Rc::new(m)
}
