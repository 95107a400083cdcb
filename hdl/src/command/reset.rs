//! The internal reset.

use std::rc::Rc;

use rust_hdl_core::prelude::*;
use rust_hdl_widgets::{dff::DFF, dff_setup};

use crate::{control, datapath::Module};

/// Cycles for which the core is held: longer than any of its pipelines, so that nothing old comes out of them.
const HOLD_CYCLES: u64 = 2048;

/// `Hold` resets the core (also after power-on); `Clear` is its last cycle, in which the register CONTROL clears
/// itself. `Run` lets the core work until `request`; `Drain` then waits until no bus transaction is under way; it
/// has the register `stopping`, for the data movers wait for no decoder.
#[derive(Copy, Clone, Debug, PartialEq, LogicState)]
enum ResetState {
    Hold,
    Clear,
    Run,
    Drain,
}

#[derive(LogicBlock, Default)]
struct ResetControl {
    clk: Signal<In, Clock>,
    rst: Signal<In, Bit>,
    request: Signal<In, Bit>,
    quiet: Signal<In, Bit>,
    held: Signal<In, Bit>,
    reset: Signal<Out, Bit>,
    clear: Signal<Out, Bit>,
    stop: Signal<Out, Bit>,
    busy: Signal<Out, Bit>,
    state: DFF<ResetState>,
    stopping: DFF<Bit>,
}

impl Logic for ResetControl {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clk, state, stopping);
        self.reset.next = false;
        self.clear.next = false;
        self.stop.next = self.stopping.q.val();
        self.busy.next = true;
        match self.state.q.val() {
            ResetState::Hold => {
                self.reset.next = true;
                if self.held.val() {
                    self.state.d.next = ResetState::Clear;
                }
            }
            ResetState::Clear => {
                self.reset.next = true;
                self.clear.next = true;
                self.state.d.next = ResetState::Run;
            }
            ResetState::Run => {
                self.busy.next = self.request.val();
                if self.request.val() {
                    self.state.d.next = ResetState::Drain;
                    self.stopping.d.next = true;
                }
            }
            ResetState::Drain => {
                if self.quiet.val() {
                    self.stopping.d.next = false;
                    self.state.d.next = ResetState::Hold;
                }
            }
            _ => {
                self.state.d.next = ResetState::Hold;
            }
        }
        if self.rst.val() {
            self.state.d.next = ResetState::Hold;
            self.stopping.d.next = false;
        }
    }
}

/// Module `reset_control`: inputs `request`, `quiet` (the data movers rest); outputs `reset` for the core, `clear` for
/// the registers, `stop` for the data movers, `busy`.
pub(crate) fn reset_control() -> Rc<Module> {
    let mut m = Module::new("reset_control");
    let request = m.input("request", 1);
    let quiet = m.input("quiet", 1);
    let held = m.wire(1);
    let control = control::module("reset", ResetControl::default());
    let control = m.instance("control", &control, &[("request", request), ("quiet", quiet), ("held", *held)]);
    let reset = m.output_of(&control, "reset");
    let bits = HOLD_CYCLES.ilog2();
    let running = m.not(reset);
    let count = m.counter("count", bits, reset, running);
    let last = m.eq_const(count, u128::from(HOLD_CYCLES) - 1);
    m.connect(held, last);
    for port in ["reset", "clear", "stop", "busy"] {
        let sig = m.output_of(&control, port);
        m.output(port, sig);
    }
    Rc::new(m)
}
