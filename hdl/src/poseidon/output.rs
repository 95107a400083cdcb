//! What leaves the engine, as beats.

use super::{engine::Job, fifo::hold};
use crate::{
    datapath::{Module, Sig},
    field::canonical,
};

/// What may leave the engine.
pub(super) struct Outgoing<'a> {
    /// The job.
    pub job: &'a Job,
    /// Rows are still to leave the units.
    pub still_active: Sig,
    /// The port.
    pub out_ready: Sig,
    /// A digest, from the units or, of a short leaf, from the input.
    pub digest_valid: Sig,
    /// Its words.
    pub digest: Vec<Sig>,
    /// A state from the units.
    pub result_valid: Sig,
    /// Its words.
    pub result: Vec<Sig>,
    /// Grinding: ready, found, value.
    pub answer: (Sig, Sig, Sig),
}

/// What the engine must know of its output.
pub(super) struct Output {
    /// A digest can be taken.
    pub digest_ready: Sig,
    /// The second beat of a state leaves now.
    pub state_done: Sig,
    /// The job goes on.
    pub stays_busy: Sig,
}

/// Digests in pairs, states in two beats, the answer in one; canonical, through one register.
pub(super) fn output(m: &mut Module, o: &Outgoing<'_>) -> Output {
    let job = o.job;
    let valid = m.state("out_valid", 1, 0);
    let empty = m.not(*valid);
    let free = m.or(empty, o.out_ready);
    let none_active = m.not(o.still_active);
    let hashes = m.or(job.sponge, job.copy);

    let waiting = m.state("digest_waits", 1, 0);
    let alone = m.not(*waiting);
    let digest_ready = m.or(alone, free);
    let digest = m.and(o.digest_valid, digest_ready);
    let keeps = m.and(digest, alone);
    let pairs = m.and(digest, *waiting);
    let odd = m.all(&[job.busy, hashes, none_active, *waiting, free]);
    let held: Vec<Sig> = o.digest.iter().map(|&word| hold(m, keeps, word)).collect();
    let ends = m.or(pairs, odd);
    let (no, yes) = (m.constant(0, 1), m.constant(1, 1));
    let next = m.choose(&[(keeps, yes), (ends, no)], *waiting);
    m.drive(waiting, next);

    let second = m.state("second_half", 1, 0);
    let state = m.all(&[job.busy, job.permute, o.result_valid, free]);
    let state_done = m.and(state, *second);
    let other = m.not(*second);
    m.drive_when(second, state, other);

    let answered = m.state("answered", 1, 0);
    let not_yet = m.not(*answered);
    let (drained, found, value) = o.answer;
    let answer = m.all(&[job.busy, job.grind, drained, not_yet, free]);
    let next = m.or(*answered, answer);
    let next = m.mux(job.start, no, next);
    m.drive(answered, next);

    let load = m.any(&[pairs, odd, state, answer]);
    let waits = m.not(free);
    let next = m.or(load, waits);
    m.drive(valid, next);
    let zero = m.constant(0, 64);
    let words: Vec<Sig> = (0..8)
        .map(|i| {
            let upper = o.result.get(8 + i).copied().unwrap_or(zero);
            let from_state = m.mux(*second, upper, o.result[i]);
            let from_digest = if i < 4 { held[i] } else { m.gate(pairs, o.digest[i - 4]) };
            let from_state = m.mux(job.permute, from_state, from_digest);
            let from_state = canonical(m, from_state);
            let from_grind = match i {
                0 => m.extend(found, 64),
                1 => value,
                _ => zero,
            };
            let word = m.mux(job.grind, from_grind, from_state);
            hold(m, load, word)
        })
        .collect();
    let data = m.pack(&words);
    let half = hold(m, load, odd);
    m.output("out_valid", *valid);
    m.output("out_data", data);
    m.output("out_half", half);

    let all_left = m.and(none_active, alone);
    let complete = m.mux(job.grind, *answered, all_left);
    let finished = m.and(complete, free);
    let unfinished = m.not(finished);
    let stays_busy = m.and(job.busy, unfinished);
    Output { digest_ready, state_done, stays_busy }
}
