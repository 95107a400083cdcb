//! The engines between reader and writer.

use std::rc::Rc;

use super::{core::GATED, decode::Operation, plan::Plan, tee::tee};
use crate::{
    bus::DATA_BITS,
    datapath::{Instance, Module, Sig},
};

/// Base-2 logarithm of the cycles for which an engine's clock runs on after its work: longer than any pipeline, so that
/// nothing stops half-way.
const RUN_ON_LOG: u32 = 9;

/// What the engines give, of the one at work.
pub(super) struct Engines {
    pub in_ready: Sig,
    pub out_valid: Sig,
    pub out_data: Sig,
    pub out_keep: Sig,
    pub busy: Sig,
    pub perms: Sig,
    pub beat: Sig,
}

/// Places the engines between reader and writer; loopback is a wire. In a commit job the reader feeds the transform
/// engine, that one both writer and Poseidon engine, and the latter the writer at the end.
#[allow(clippy::too_many_arguments)]
pub(super) fn engines(
    m: &mut Module,
    plan: &Plan,
    op: Operation,
    (decode, active): (Sig, Sig),
    start: Sig,
    input: (Sig, Sig),
    out_ready: Sig,
    (poseidon, ntt): (&Rc<Module>, &Rc<Module>),
) -> Engines {
    let (in_valid, in_data) = input;
    let in_valid = m.and(in_valid, active);
    let commit = plan.commit;
    let (ntt_valid, ntt_data, values_ready) = (m.wire(1), m.wire(DATA_BITS), m.wire(1));
    let tee_valid = m.and(*ntt_valid, commit);
    let tee = m.instance(
        "tee",
        &tee(),
        &[
            ("start", start),
            ("coefficients", plan.coefficients),
            ("length", plan.length),
            ("panel_beats", plan.panel_beats),
            ("panels", plan.panels),
            ("in_valid", tee_valid),
            ("in_data", *ntt_data),
            ("out_ready", out_ready),
            ("values_ready", *values_ready),
        ],
    );
    let [tee_ready, panel_valid, values_valid, values_data, panels_done] =
        ["in_ready", "out_valid", "values_valid", "values_data", "done"].map(|port| m.output_of(&tee, port));

    let valid = m.mux(commit, values_valid, in_valid);
    let digests_go = {
        let alone = m.not(commit);
        let turn = m.or(alone, panels_done);
        m.and(out_ready, turn)
    };
    let mut ports = vec![
        ("start", m.and(start, plan.hashing)),
        ("in_valid", m.and(valid, plan.hashing)),
        ("in_data", m.mux(commit, values_data, in_data)),
        ("out_ready", m.and(digests_go, plan.hashing)),
    ];
    ports.extend([("mode", plan.mode), ("rows", plan.rows), ("width", plan.width)]);
    let poseidon = m.instance("poseidon", poseidon, &ports);
    let takes = m.mux(commit, tee_ready, out_ready);
    let ports = [
        ("start", m.and(start, plan.transform)),
        ("in_valid", m.and(in_valid, plan.transform)),
        ("in_data", in_data),
        ("out_ready", m.and(takes, plan.transform)),
        ("inverse", plan.inverse),
        ("forward", plan.forward),
        ("coefficients", plan.coefficients),
        ("own_tables", plan.own_tables),
        ("log_n", plan.log_n),
        ("log_cosets", plan.log_cosets),
        ("log_inner", plan.log_inner),
        ("panels", plan.panels),
    ];
    let ntt = m.instance("ntt", ntt, &ports);
    // An engine, at rest, begins every job as it comes out of reset: a job's cycles do not depend on what was before.
    // While a job is decoded the plan does not yet know its level, but a commit job needs both.
    let reset = m.own_reset();
    let fresh = m.or(reset, decode);
    let commit_begins = m.and(decode, op.commit);
    let transforms = m.or(plan.transform, commit_begins);
    for (part, engine, mine) in [(GATED[0], &poseidon, plan.hashing), (GATED[1], &ntt, transforms)] {
        gate_clock(m, part, engine, active, mine);
        m.reset_by(engine, fresh);
    }
    for (wire, engine, port) in
        [(ntt_valid, &ntt, "out_valid"), (ntt_data, &ntt, "out_data"), (values_ready, &poseidon, "in_ready")]
    {
        let sig = m.output_of(engine, port);
        m.connect(wire, sig);
    }

    let of_poseidon = |m: &mut Module, port: &str| m.output_of(&poseidon, port);
    let of_ntt = |m: &mut Module, port: &str| m.output_of(&ntt, port);
    let (a, b) = (of_ntt(m, "in_ready"), of_poseidon(m, "in_ready"));
    let in_ready = m.choose(&[(plan.transform, a), (plan.hashing, b)], out_ready);
    // A commit's panels, then its digests.
    let panels_left = m.not(panels_done);
    let panels_go = m.and(commit, panels_left);
    let (a, b) = (of_poseidon(m, "out_valid"), of_ntt(m, "out_valid"));
    let out_valid = m.choose(&[(panels_go, panel_valid), (plan.hashing, a), (op.transform, b)], in_valid);
    let (a, b) = (of_poseidon(m, "out_data"), of_ntt(m, "out_data"));
    let out_data = m.choose(&[(panels_go, b), (plan.hashing, a), (op.transform, b)], in_data);
    let half = of_poseidon(m, "out_half");
    let not_panels = m.not(panels_go);
    let half = m.all(&[half, plan.hashing, not_panels]);
    let (upper, lower) = (m.not(half), m.constant(1, 1));
    let out_keep = m.pack(&[lower, lower, upper, upper]);
    let busy = {
        let (a, b) = (m.output_of(&poseidon, "busy"), m.output_of(&ntt, "busy"));
        m.or(a, b)
    };
    let perms = m.output_of(&poseidon, "perms");
    let beat = m.output_of(&ntt, "beat");
    Engines { in_ready, out_valid, out_data, out_keep, busy, perms, beat }
}

/// Gives an engine its own clock, which runs while the job is `mine` and a while longer.
fn gate_clock(m: &mut Module, part: &str, engine: &Instance, active: Sig, mine: Sig) {
    let clock = m.input(&format!("clk_{part}"), 1);
    m.clock_by(engine, clock);
    let working = m.and(active, mine);
    let left = m.state(&format!("{part}_runs_on"), RUN_ON_LOG, 0);
    let stopped = m.eq_const(*left, 0);
    let one = m.constant(1, RUN_ON_LOG);
    let fewer = m.sub(*left, one);
    let all = m.constant((1 << RUN_ON_LOG) - 1, RUN_ON_LOG);
    let next = m.choose(&[(working, all), (stopped, *left)], fewer);
    m.drive(left, next);
    let running = m.not(stopped);
    let run = m.or(working, running);
    m.output(&format!("run_{part}"), run);
}
