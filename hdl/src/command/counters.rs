//! The counters of the register map.

use hotloop_regs::{map, Register};

use super::{core::port, decode::Operation};
use crate::{
    bus::Bus,
    datapath::{Module, Sig},
};

/// What is counted, in each cycle.
pub(super) struct Events {
    /// STATUS.BUSY.
    pub working: Sig,
    /// A job is under way.
    pub active: Sig,
    /// A completion was written.
    pub completed: Sig,
    /// A word of the bus was read.
    pub arrives: Sig,
    /// Bytes written.
    pub bytes: Sig,
    /// Permutations finished.
    pub perms: Sig,
    /// A beat entered the butterflies.
    pub ntt_beat: Sig,
}

/// Counters as outputs named after their registers.
pub(super) fn counters(m: &mut Module, bus: Bus, op: Operation, events: &Events) {
    let always = m.constant(1, 1);
    let read = m.shl(events.arrives, bus.bits().ilog2() - 3);
    let hashing = m.any(&[op.permute, op.hash, op.grind, op.commit]);
    let poseidon = m.and(events.active, hashing);
    let transforming = m.or(op.transform, op.commit);
    let ntt = m.and(events.active, transforming);
    for (register, step) in [
        (map::CYCLES, always),
        (map::BUSY_CYCLES, events.working),
        (map::JOBS, events.completed),
        (map::BYTES_READ, read),
        (map::BYTES_WRITTEN, events.bytes),
        (map::PERMUTATIONS, events.perms),
        (map::POSEIDON_CYCLES, poseidon),
        (map::NTT_BEATS, events.ntt_beat),
        (map::NTT_CYCLES, ntt),
    ] {
        total(m, &register, step);
    }
}

fn total(m: &mut Module, register: &Register, step: Sig) {
    let name = port(register);
    let state = m.state(&name, register.width, 0);
    let step = m.reg(step);
    let step = m.extend(step, register.width);
    let next = m.add(*state, step);
    m.drive(state, next);
    m.output(&name, *state);
}
