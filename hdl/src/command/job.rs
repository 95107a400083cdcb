//! The sequence of one job.

use std::rc::Rc;

use rust_hdl_core::prelude::*;
use rust_hdl_widgets::{dff::DFF, dff_setup};

use super::plan::SETTLES;
use crate::{control, datapath::Module};

/// `Idle` waits for `go`. `Look` has the descriptor in registers and waits until it is understood; `Decode` (one cycle) knows
/// whether it is valid. `Plan` waits until the plan of the job, or of a tree's next level, stands. `Begin` starts the engine and
/// both segment walks, `Settle` lets them leave rest and `Hear` lets that be heard of; `Run` waits until all of them rest again,
/// every write being answered. `Next` moves a tree up by a level; `Done` ends the job.
#[derive(Copy, Clone, Debug, PartialEq, LogicState)]
enum JobState {
    Idle,
    Look,
    Decode,
    Plan,
    Begin,
    Settle,
    Hear,
    Run,
    Next,
    Done,
}

#[derive(LogicBlock, Default)]
struct JobControl {
    clk: Signal<In, Clock>,
    rst: Signal<In, Bit>,
    go: Signal<In, Bit>,
    settled: Signal<In, Bit>,
    invalid: Signal<In, Bit>,
    quiet: Signal<In, Bit>,
    more: Signal<In, Bit>,
    settling: Signal<Out, Bit>,
    decode: Signal<Out, Bit>,
    start: Signal<Out, Bit>,
    next_level: Signal<Out, Bit>,
    done: Signal<Out, Bit>,
    active: Signal<Out, Bit>,
    state: DFF<JobState>,
}

impl Logic for JobControl {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clk, state);
        self.settling.next = false;
        self.decode.next = false;
        self.start.next = false;
        self.next_level.next = false;
        self.done.next = false;
        self.active.next = true;
        match self.state.q.val() {
            JobState::Idle => {
                self.active.next = false;
                if self.go.val() {
                    self.state.d.next = JobState::Look;
                }
            }
            JobState::Look => {
                self.settling.next = true;
                if self.settled.val() {
                    self.state.d.next = JobState::Decode;
                }
            }
            JobState::Decode => {
                self.decode.next = true;
                self.state.d.next = JobState::Plan;
                if self.invalid.val() {
                    self.state.d.next = JobState::Done;
                }
            }
            JobState::Plan => {
                self.settling.next = true;
                if self.settled.val() {
                    self.state.d.next = JobState::Begin;
                }
            }
            JobState::Begin => {
                self.start.next = true;
                self.state.d.next = JobState::Settle;
            }
            JobState::Settle => {
                self.state.d.next = JobState::Hear;
            }
            JobState::Hear => {
                self.state.d.next = JobState::Run;
            }
            JobState::Run => {
                if self.quiet.val() {
                    self.state.d.next = JobState::Done;
                    if self.more.val() {
                        self.state.d.next = JobState::Next;
                    }
                }
            }
            JobState::Next => {
                self.next_level.next = true;
                self.state.d.next = JobState::Plan;
            }
            JobState::Done => {
                self.done.next = true;
                self.state.d.next = JobState::Idle;
            }
            _ => {
                self.state.d.next = JobState::Idle;
            }
        }
        if self.rst.val() {
            self.state.d.next = JobState::Idle;
        }
    }
}

/// Module `job`: the machine, which waits for [`SETTLES`] cycles where it waits. Inputs `go`, `invalid`, `quiet` (engine, walks
/// and data movers rested a cycle ago), `more`; outputs `preparing` (neither engine nor walk has begun), `decode`, `start`, `next_level`, `done`, `active`.
pub(crate) fn job_control() -> Rc<Module> {
    let mut m = Module::new("job");
    let inputs = ["go", "invalid", "quiet", "more"].map(|port| (port, m.input(port, 1)));
    let settled = m.wire(1);
    let control = control::module("job", JobControl::default());
    let control = m.instance("control", &control, &[&inputs[..], &[("settled", *settled)]].concat());
    let [settling, decode] = ["settling", "decode"].map(|port| m.output_of(&control, port));
    // With `go` the descriptor has been there for a cycle.
    let (_, go) = inputs[0];
    let counts = m.or(settling, go);
    let other = m.not(counts);
    let count = m.counter("settles", SETTLES.ilog2(), counts, other);
    let last = m.eq_const(count, u128::from(SETTLES) - 1);
    m.connect(settled, last);
    let preparing = m.or(settling, decode);
    m.output("preparing", preparing);
    for port in ["decode", "start", "next_level", "done", "active"] {
        let sig = m.output_of(&control, port);
        m.output(port, sig);
    }
    Rc::new(m)
}
