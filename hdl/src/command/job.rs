//! The sequence of one job.

use std::rc::Rc;

use rust_hdl_core::prelude::*;
use rust_hdl_widgets::{dff::DFF, dff_setup};

use crate::{control, datapath::Module};

/// `Idle` waits for `go`. `Decode` (one cycle) has the descriptor in registers and knows whether it is valid. `Begin`
/// starts the engine and both segment walks, `Settle` lets them leave rest, `Run` waits until all of them rest again,
/// every write being answered. `Next` moves a tree up by a level; `Done` ends the job.
#[derive(Copy, Clone, Debug, PartialEq, LogicState)]
enum JobState {
    Idle,
    Decode,
    Begin,
    Settle,
    Run,
    Next,
    Done,
}

#[derive(LogicBlock, Default)]
struct JobControl {
    clk: Signal<In, Clock>,
    rst: Signal<In, Bit>,
    go: Signal<In, Bit>,
    invalid: Signal<In, Bit>,
    quiet: Signal<In, Bit>,
    more: Signal<In, Bit>,
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
        self.decode.next = false;
        self.start.next = false;
        self.next_level.next = false;
        self.done.next = false;
        self.active.next = true;
        match self.state.q.val() {
            JobState::Idle => {
                self.active.next = false;
                if self.go.val() {
                    self.state.d.next = JobState::Decode;
                }
            }
            JobState::Decode => {
                self.decode.next = true;
                self.state.d.next = JobState::Begin;
                if self.invalid.val() {
                    self.state.d.next = JobState::Done;
                }
            }
            JobState::Begin => {
                self.start.next = true;
                self.state.d.next = JobState::Settle;
            }
            JobState::Settle => {
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
                self.state.d.next = JobState::Begin;
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

/// The machine as a module: see [`JobState`].
pub(crate) fn job_control() -> Rc<Module> {
    control::module("job", JobControl::default())
}
