//! What leaves the engine of a narrow bus, word by word.

use super::{
    engine::Job,
    step::{Step, WORD_BITS},
};
use crate::datapath::{Module, Sig};

/// What may leave the engine.
pub(super) struct Outgoing<'a> {
    /// The job.
    pub job: &'a Job,
    /// Rows are still to come.
    pub still_active: Sig,
    /// A word waits, and which, canonical.
    pub waiting: Sig,
    pub word: Sig,
    /// That one or one behind it, which may go elsewhere.
    pub under_way: Sig,
    /// The port.
    pub out_ready: Sig,
    /// Grinding: ready, found, value.
    pub answer: (Sig, Sig, Sig),
}

/// Words, and those that fill their beats up, through one relay. Gives whether the word that waits is taken
/// and whether the job goes on.
pub(super) fn output(m: &mut Module, o: &Outgoing<'_>) -> (Sig, Sig) {
    let job = o.job;
    let (any, leaving) = (m.wire(1), m.wire(65));
    let left = Step::new(m, "leaving", *any, *leaving);
    m.connect(left.goes, o.out_ready);
    let free = left.free;
    let load = m.wire(1);
    // A state and what fills it up are two beats, a digest is half of one.
    let place = m.state("out_place", WORD_BITS, 0);
    let (plus, zero) = (m.add_const(*place, 1), m.constant(0, WORD_BITS));
    let next = m.mux(*load, plus, *place);
    let next = m.mux(job.start, zero, next);
    m.drive(place, next);
    let nothing_waits = m.not(o.under_way);
    let none_active = m.not(o.still_active);
    let hashes = m.or(job.sponge, job.copy);
    let [half, in_beat] = [m.bit(*place, 2), m.bit(*place, 3)];
    let in_state = m.and(half, in_beat);
    let of_state = m.and(job.permute, in_state);
    let of_digest = m.all(&[hashes, half, none_active, nothing_waits]);
    let fills = m.or(of_state, of_digest);
    let fills = m.and(job.busy, fills);

    let answered = m.state("answered", 1, 0);
    let not_yet = m.not(*answered);
    let (drained, found, value) = o.answer;
    let answers = m.all(&[job.busy, drained, not_yet]);
    let low = m.slice(*place, 0, 3);
    let last = m.eq_const(low, 7);
    let answer_ends = m.all(&[answers, free, last]);
    let next = m.or(*answered, answer_ends);
    let begins = m.not(job.start);
    let next = m.and(begins, next);
    m.drive(answered, next);

    let found = m.extend(found, 64);
    let nothing = m.constant(0, 64);
    let (is_first, is_second) = (m.eq_const(low, 0), m.eq_const(low, 1));
    let answer = m.choose(&[(is_first, found), (is_second, value)], nothing);
    let no_fill = m.not(fills);
    let word = m.gate(no_fill, o.word);
    let word = m.mux(answers, answer, word);
    let loads = m.any(&[fills, answers, o.waiting]);
    m.connect(any, loads);
    let loads = m.and(loads, free);
    m.connect(load, loads);
    let taken = m.all(&[o.waiting, no_fill, free]);
    let unwritten = m.and(fills, hashes);
    let word = m.cat(&[unwritten, word]);
    m.connect(leaving, word);
    let data = m.slice(left.word, 0, 64);
    let half = m.bit(left.word, 64);
    m.output("out_valid", left.valid);
    m.output("out_data", data);
    m.output("out_half", half);

    let whole = {
        let low = m.eq_const(low, 0);
        let beats = m.eq_const(*place, 0);
        m.mux(job.permute, beats, low)
    };
    let all_left = m.all(&[none_active, nothing_waits, whole]);
    let complete = m.mux(job.grind, *answered, all_left);
    let nothing_leaves = m.not(left.valid);
    let finished = m.and(complete, nothing_leaves);
    let unfinished = m.not(finished);
    (taken, m.and(job.busy, unfinished))
}
