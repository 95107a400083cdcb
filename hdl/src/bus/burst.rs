//! From segments to bursts: the handshake that reader and writer share.

use rust_hdl_core::prelude::*;
use rust_hdl_widgets::{dff::DFF, dff_setup};

use crate::{
    bus::{advance, Bus, Segment, ADDRESS_BITS},
    control,
    datapath::{Module, Sig},
};

/// `Idle` waits for a segment that was judged. `Plan` has it, or what is left of it, in registers: whether it may be moved
/// is known, and the length of its next burst is found. `Wait` holds a burst back until there is room for it; `Issue`
/// offers it on the address channel until it is taken. `Fill` stands for bursts of a segment that may not be moved: one
/// after the other is planned and accounted for without the bus.
///
/// A burst that finds room is issued without `Wait`, and a segment's last one makes way for the next segment's `Plan`: a
/// segment of one burst takes two cycles, in which the next one is judged.
///
/// `stop` ends work at the next point at which AXI allows it: an address that is offered stays until it is taken.
#[derive(Copy, Clone, Debug, PartialEq, LogicState)]
enum BurstState {
    Idle,
    Plan,
    Wait,
    Issue,
    Fill,
}

#[derive(LogicBlock, Default)]
struct BurstControl {
    clk: Signal<In, Clock>,
    rst: Signal<In, Bit>,
    stop: Signal<In, Bit>,
    judged: Signal<In, Bit>,
    empty: Signal<In, Bit>,
    bad: Signal<In, Bit>,
    room: Signal<In, Bit>,
    taken: Signal<In, Bit>,
    fill_ready: Signal<In, Bit>,
    last: Signal<In, Bit>,
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
        self.refuse.next = false;
        self.issue.next = false;
        self.fill.next = false;
        self.idle.next = false;
        match self.state.q.val() {
            BurstState::Idle => {
                self.idle.next = true;
                if self.judged.val() & !self.stop.val() {
                    self.state.d.next = BurstState::Plan;
                }
            }
            BurstState::Plan => {
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
                    self.state.d.next = BurstState::Plan;
                    if self.stop.val() | (self.last.val() & !self.judged.val()) {
                        self.state.d.next = BurstState::Idle;
                    }
                }
            }
            BurstState::Fill => {
                self.fill.next = !self.stop.val();
                if self.stop.val() {
                    self.state.d.next = BurstState::Idle;
                } else if self.fill_ready.val() {
                    self.state.d.next = BurstState::Plan;
                    if self.last.val() {
                        self.state.d.next = BurstState::Idle;
                    }
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
    /// A burst of any length finds room.
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

/// A segment on its way to the burst machine, and what it was found to be.
struct Judged {
    /// It is there.
    ready: Sig,
    address: Sig,
    beats: Sig,
    empty: Sig,
    unchecked: Sig,
    /// Beyond the address space, or before its window.
    wrong: Sig,
    /// Behind its window: by the high half of its end, or, if that is the limit's, by the low one.
    high_behind: Sig,
    high_same: Sig,
    low_behind: Sig,
}

/// Takes a segment and judges it in two cycles: in the first its end is found, on the way from the registers `ahead_*` to
/// `judged_*`; in the second that is compared with the window. `takes` takes it. Registers alone say whether a segment moves
/// on, so that nothing goes from the bus to the walks; each place is free in every other cycle. Also gives `seg_ready` and
/// whether nothing is here.
fn judge(
    m: &mut Module,
    segment: Segment,
    seg_valid: Sig,
    (base, limit): (Sig, Sig),
    stop: Sig,
    takes: Sig,
) -> (Judged, Sig, Sig) {
    let full = m.state("ahead_full", 1, 0);
    let ready = m.state("judged", 1, 0);
    let address = m.state("ahead_address", ADDRESS_BITS, 0);
    let beats = m.state("ahead_beats", 32, 0);
    let unchecked = m.state("ahead_unchecked", 1, 0);
    let (going_on, empty, none_judged) = (m.not(stop), m.not(*full), m.not(*ready));
    let seg_ready = m.and(empty, going_on);
    let load = m.and(seg_valid, seg_ready);
    let passes = m.and(*full, none_judged);
    let gives = m.and(*ready, takes);
    for (state, value) in [(address, segment.address), (beats, segment.beats), (unchecked, segment.unchecked)] {
        m.drive_when(state, load, value);
    }
    let (one, zero) = (m.constant(1, 1), m.constant(0, 1));
    let next = m.choose(&[(load, one), (passes, zero), (stop, zero)], *full);
    m.drive(full, next);
    let next = m.choose(&[(stop, zero), (passes, one), (gives, zero)], *ready);
    m.drive(ready, next);

    let (end, below) = (advance(m, *address, *beats), m.lt(*address, base));
    let [address, beats, unchecked, end, before] =
        [("address", *address), ("beats", *beats), ("unchecked", *unchecked), ("end", end), ("before", below)].map(
            |(name, value)| {
                let state = m.state(&format!("judged_{name}"), value.width(), 0);
                m.drive_when(state, passes, value);
                *state
            },
        );
    let none = m.and(empty, none_judged);

    let checked = m.not(unchecked);
    let early = m.and(before, checked);
    let over = m.bit(end, ADDRESS_BITS - 1);
    let [(end_low, end_high), (limit_low, limit_high)] =
        [end, limit].map(|x| (m.slice(x, 0, HALF), m.slice(x, HALF, ADDRESS_BITS - HALF)));
    let judged = Judged {
        ready: *ready,
        address,
        beats,
        empty: m.eq_const(beats, 0),
        unchecked,
        wrong: m.or(over, early),
        high_behind: m.lt(limit_high, end_high),
        high_same: m.eq(limit_high, end_high),
        low_behind: m.lt(limit_low, end_low),
    };
    (judged, seg_ready, none)
}

/// Bits in the low half of an address, for comparing: addition of beats begins above the sixth.
const HALF: u32 = 36;

/// Builds the burst machine into `m`. `window` is (base, limit), `fill_beats` the beats that a step of `fill` stands
/// for, or the burst's if `None`.
pub(super) fn bursts(
    m: &mut Module,
    bus: Bus,
    segment: Segment,
    seg_valid: Sig,
    window: (Sig, Sig),
    fill_beats: Option<u128>,
    conditions: Conditions,
) -> Bursts {
    let Conditions { stop, room, ready, fill_ready } = conditions;
    let takes = m.wire(1);
    let (judged, seg_ready, none_ahead) = judge(m, segment, seg_valid, window, stop, *takes);
    let load = m.and(judged.ready, *takes);

    let address = m.state("address", ADDRESS_BITS, 0);
    let left = m.state("left", 32, 0);
    let [empty, unchecked, wrong, high_behind, high_same, low_behind] = [
        ("empty", judged.empty),
        ("unchecked", judged.unchecked),
        ("wrong", judged.wrong),
        ("high_behind", judged.high_behind),
        ("high_same", judged.high_same),
        ("low_behind", judged.low_behind),
    ]
    .map(|(name, value)| {
        let state = m.state(name, 1, 0);
        m.drive_when(state, load, value);
        *state
    });
    let checked = m.not(unchecked);
    let behind = m.and(high_same, low_behind);
    let behind = m.or(high_behind, behind);
    let behind = m.and(behind, checked);
    let bad = m.or(wrong, behind);
    let bad = m.label(bad, "bad");

    // Beats up to the boundary of the longest burst, or what is left. Found in `Plan`, and found again as long as the
    // segment stands still.
    let row_bits = bus.burst_beats().ilog2();
    let row = m.slice(*address, 6, row_bits);
    let row = m.extend(row, 8);
    let most = m.constant(bus.burst_beats().into(), 8);
    let boundary = m.sub(most, row);
    let boundary = m.slice(boundary, 0, 7);
    let left_high = m.slice(*left, 7, 25);
    let left_low = m.slice(*left, 0, 7);
    let none_high = m.eq_const(left_high, 0);
    let low = m.extend(left_low, 8);
    let reach = m.add(low, row);
    let farther = m.lt(most, reach);
    let within = m.not(farther);
    let ends_here = m.and(none_high, within);
    let length = m.mux(ends_here, left_low, boundary);
    let (length, ends_here) = match fill_beats {
        None => (length, ends_here),
        Some(beats) => {
            let (fill, filled) = (m.constant(beats, 7), m.eq_const(*left, beats));
            (m.mux(bad, fill, length), m.mux(bad, filled, ends_here))
        }
    };
    let burst = m.state("burst", 7, 0);
    m.drive(burst, length);
    let last = m.state("last", 1, 0);
    m.drive(last, ends_here);

    let control = control::module("bursts", BurstControl::default());
    let control = m.instance(
        "control",
        &control,
        &[
            ("stop", stop),
            ("judged", judged.ready),
            ("empty", empty),
            ("bad", bad),
            ("room", room),
            ("taken", ready),
            ("fill_ready", fill_ready),
            ("last", *last),
        ],
    );
    let [refuse, issue, fill, rests] = ["refuse", "issue", "fill", "idle"].map(|port| m.output_of(&control, port));
    let going_on = m.not(stop);
    let ends = m.all(&[issue, ready, *last]);
    let free = m.or(rests, ends);
    let free = m.and(free, going_on);
    m.connect(takes, free);
    m.label(load, "load");

    let taken = m.and(issue, ready);
    let filled = m.and(fill, fill_ready);
    let moved = m.or(taken, filled);
    let step = m.extend(*burst, 32);
    let left_after = m.sub(*left, step);
    // A burst that is not its segment's last ends at the boundary.
    let after = {
        let offset = m.slice(*address, 0, 6);
        let page = m.slice(*address, 6 + row_bits, ADDRESS_BITS - 6 - row_bits);
        let (page, first) = (m.add_const(page, 1), m.constant(0, row_bits));
        m.cat(&[page, first, offset])
    };
    let changes = m.or(load, moved);
    for (state, first, then) in [(address, judged.address, after), (left, judged.beats, left_after)] {
        let next = m.mux(load, first, then);
        m.drive_when(state, changes, next);
    }

    let address = m.slice(*address, 0, 64);
    let idle = m.and(rests, none_ahead);
    Bursts { seg_ready, valid: issue, address, beats: *burst, taken, fill, refuse, idle }
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
