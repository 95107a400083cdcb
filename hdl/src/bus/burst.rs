//! From segments to bursts: the handshake that reader and writer share.

use rust_hdl_core::prelude::*;
use rust_hdl_widgets::{dff::DFF, dff_setup};

use crate::{
    bus::{advance, Bus, Segment, ADDRESS_BITS},
    control,
    datapath::{Module, Sig},
};

/// `Idle` takes a segment. `Check` has it in registers and knows whether it may be moved. `Wait` holds a burst back
/// until there is room for it; `Issue` offers it on the address channel until it is taken. `Fill` stands for bursts of
/// a segment that may not be moved: one after the other is accounted for without the bus.
///
/// A first burst that finds room is issued without `Wait`, and a segment's last one makes way for the next segment's
/// `Check`: a segment of one burst takes two cycles.
///
/// `stop` ends work at the next point at which AXI allows it: an address that is offered stays until it is taken.
#[derive(Copy, Clone, Debug, PartialEq, LogicState)]
enum BurstState {
    Idle,
    Check,
    Wait,
    Issue,
    Fill,
}

#[derive(LogicBlock, Default)]
struct BurstControl {
    clk: Signal<In, Clock>,
    rst: Signal<In, Bit>,
    stop: Signal<In, Bit>,
    seg_valid: Signal<In, Bit>,
    empty: Signal<In, Bit>,
    bad: Signal<In, Bit>,
    room: Signal<In, Bit>,
    taken: Signal<In, Bit>,
    fill_ready: Signal<In, Bit>,
    last: Signal<In, Bit>,
    seg_ready: Signal<Out, Bit>,
    refuse: Signal<Out, Bit>,
    issue: Signal<Out, Bit>,
    fill: Signal<Out, Bit>,
    idle: Signal<Out, Bit>,
    state: DFF<BurstState>,
}

impl Logic for BurstControl {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clk, state);
        self.seg_ready.next = false;
        self.refuse.next = false;
        self.issue.next = false;
        self.fill.next = false;
        self.idle.next = false;
        match self.state.q.val() {
            BurstState::Idle => {
                self.idle.next = true;
                self.seg_ready.next = !self.stop.val();
                if self.seg_valid.val() & !self.stop.val() {
                    self.state.d.next = BurstState::Check;
                }
            }
            BurstState::Check => {
                if self.empty.val() | self.stop.val() {
                    self.state.d.next = BurstState::Idle;
                } else if self.bad.val() {
                    self.refuse.next = true;
                    self.state.d.next = BurstState::Fill;
                } else if self.room.val() {
                    self.state.d.next = BurstState::Issue;
                } else {
                    self.state.d.next = BurstState::Wait;
                }
            }
            BurstState::Wait => {
                if self.stop.val() {
                    self.state.d.next = BurstState::Idle;
                } else if self.room.val() {
                    self.state.d.next = BurstState::Issue;
                }
            }
            BurstState::Issue => {
                self.issue.next = true;
                if self.taken.val() {
                    self.state.d.next = BurstState::Wait;
                    if self.stop.val() {
                        self.state.d.next = BurstState::Idle;
                    } else if self.last.val() {
                        // The data mover takes a segment now too: outside, for this is no function of the state alone.
                        self.state.d.next = BurstState::Idle;
                        if self.seg_valid.val() {
                            self.state.d.next = BurstState::Check;
                        }
                    }
                }
            }
            BurstState::Fill => {
                self.fill.next = !self.stop.val();
                if (self.fill_ready.val() & self.last.val()) | self.stop.val() {
                    self.state.d.next = BurstState::Idle;
                }
            }
            _ => {
                self.state.d.next = BurstState::Idle;
            }
        }
        if self.rst.val() {
            self.state.d.next = BurstState::Idle;
        }
    }
}

/// Conditions from the data mover.
pub(super) struct Conditions {
    /// No new bursts.
    pub stop: Sig,
    /// A burst of this many beats finds room: given the burst length, 7 bits.
    pub room: Sig,
    /// The address channel's ready.
    pub ready: Sig,
    /// A part of a refused segment can be accounted for.
    pub fill_ready: Sig,
}

/// What the data mover sees.
pub(super) struct Bursts {
    /// Segments are taken.
    pub seg_ready: Sig,
    /// Address channel: valid, byte address, beats (1 to 64).
    pub valid: Sig,
    pub address: Sig,
    pub beats: Sig,
    /// A burst was taken on the address channel.
    pub taken: Sig,
    /// A part of a refused segment is offered (handshake with `fill_ready`).
    pub fill: Sig,
    /// A segment was refused.
    pub refuse: Sig,
    /// Nothing under way.
    pub idle: Sig,
}

/// Builds the burst machine into `m`. `window` is (base, limit), `fill_beats` the beats that a step of `fill` stands
/// for, or the burst's if `None`. `conditions` may depend on the burst's length, which it is given.
pub(super) fn bursts(
    m: &mut Module,
    bus: Bus,
    segment: Segment,
    seg_valid: Sig,
    window: (Sig, Sig),
    fill_beats: Option<u128>,
    conditions: impl FnOnce(&mut Module, Sig) -> Conditions,
) -> Bursts {
    let address = m.state("address", ADDRESS_BITS, 0);
    let left = m.state("left", 32, 0);
    let unchecked = m.state("unchecked", 1, 0);

    // Beats up to the boundary of the longest burst, or what is left.
    let row = m.slice(*address, 6, bus.burst_beats().ilog2());
    let row = m.extend(row, 7);
    let total = m.constant(bus.burst_beats().into(), 7);
    let boundary = m.sub(total, row);
    let left_high = m.slice(*left, 7, 25);
    let left_low = m.slice(*left, 0, 7);
    let none_high = m.eq_const(left_high, 0);
    let shorter = m.lt(left_low, boundary);
    let ends_here = m.and(none_high, shorter);
    let burst = m.mux(ends_here, left_low, boundary);
    let burst = m.label(burst, "burst");

    // The window, and the top of the address space.
    let end = advance(m, *address, *left);
    let end = m.label(end, "segment_end");
    let over = m.bit(end, ADDRESS_BITS - 1);
    let before = m.lt(*address, window.0);
    let behind = m.lt(window.1, end);
    let outside = m.or(before, behind);
    let checked = m.not(*unchecked);
    let outside = m.and(outside, checked);
    let bad = m.or(over, outside);
    let empty = m.eq_const(*left, 0);

    let Conditions { stop, room, ready, fill_ready } = conditions(m, burst);
    let burst32 = m.extend(burst, 32);
    let control = control::module("bursts", BurstControl::default());
    let fill = m.wire(1);
    let step = match fill_beats {
        None => burst32,
        Some(beats) => {
            let beats = m.constant(beats, 32);
            m.mux(*fill, beats, burst32)
        }
    };
    let last = m.eq(*left, step);
    let control = m.instance(
        "control",
        &control,
        &[
            ("stop", stop),
            ("seg_valid", seg_valid),
            ("empty", empty),
            ("bad", bad),
            ("room", room),
            ("taken", ready),
            ("fill_ready", fill_ready),
            ("last", last),
        ],
    );
    let [rests, refuse, issue, filling, idle] =
        ["seg_ready", "refuse", "issue", "fill", "idle"].map(|port| m.output_of(&control, port));
    m.connect(fill, filling);
    let going_on = m.not(stop);
    let ends = m.all(&[issue, ready, last, going_on]);
    let seg_ready = m.or(rests, ends);

    let load = m.and(seg_valid, seg_ready);
    let taken = m.and(issue, ready);
    let filled = m.and(filling, fill_ready);
    let moved = m.or(taken, filled);
    let after = advance(m, *address, step);
    let left_after = m.sub(*left, step);
    let next = m.choose(&[(load, segment.address), (moved, after)], *address);
    m.drive(address, next);
    let next = m.choose(&[(load, segment.beats), (moved, left_after)], *left);
    m.drive(left, next);
    m.drive_when(unchecked, load, segment.unchecked);

    let address = m.slice(*address, 0, 64);
    Bursts { seg_ready, valid: issue, address, beats: burst, taken, fill: filling, refuse, idle }
}

/// The length field of an AXI address channel: transfers − 1.
pub(super) fn axi_length(m: &mut Module, bus: Bus, beats: Sig) -> Sig {
    let one = m.constant(1, 7);
    let length = m.sub(beats, one);
    match bus.steps_log() {
        0 => m.extend(length, 8),
        steps => {
            let (length, all) = (m.slice(length, 0, 8 - steps), m.constant((1 << steps) - 1, steps));
            m.cat(&[length, all])
        }
    }
}

/// A bit that `set` sets and `clear` clears, `set` winning.
pub(super) fn sticky(m: &mut Module, name: &str, set: Sig, clear: Sig) -> Sig {
    let state = m.state(name, 1, 0);
    let (one, zero) = (m.constant(1, 1), m.constant(0, 1));
    let next = m.choose(&[(set, one), (clear, zero)], *state);
    m.drive(state, next);
    *state
}

/// `state + plus − minus` each cycle.
pub(super) fn balance(m: &mut Module, name: &str, width: u32, plus: Sig, minus: Sig) -> Sig {
    let state = m.state(name, width, 0);
    let (plus, minus) = (m.extend(plus, width), m.extend(minus, width));
    let more = m.add(*state, plus);
    let next = m.sub(more, minus);
    m.drive(state, next);
    *state
}
