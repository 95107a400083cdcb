//! The engines between reader and writer.

use std::rc::Rc;

use super::{decode::Operation, plan::Plan, tee::tee};
use crate::{
    bus::Bus,
    datapath::{Instance, Module, Sig},
};

/// The engines that a board has.
pub(crate) struct Parts {
    pub poseidon: Option<Rc<Module>>,
    pub ntt: Option<Rc<Module>>,
    pub fold: Option<Rc<Module>>,
}

impl Parts {
    /// Their names; each has a clock of its own.
    pub(crate) fn names(&self) -> Vec<&'static str> {
        let named = [("poseidon", &self.poseidon), ("ntt", &self.ntt), ("fold", &self.fold)];
        named.into_iter().filter(|(_, engine)| engine.is_some()).map(|(name, _)| name).collect()
    }
}

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

/// Places the engines between reader and writer; loopback is a wire. Where an engine is missing stand
/// zeros: its opcodes never get here. In a commit job the reader feeds the transform
/// engine, that one both writer and Poseidon engine, and the latter the writer at the end.
#[allow(clippy::too_many_arguments)]
pub(super) fn engines(
    m: &mut Module,
    plan: &Plan,
    op: Operation,
    (preparing, decode, active, moving): (Sig, Sig, Sig, Sig),
    start: Sig,
    input: (Sig, Sig),
    out_ready: Sig,
    (bus, parts): (Bus, &Parts),
) -> Engines {
    let (in_valid, in_data) = input;
    let in_valid = m.and(in_valid, moving);
    let commit = plan.commit;
    let (ntt_valid, ntt_data, values_ready) = (m.wire(1), m.wire(bus.bits()), m.wire(1));
    let tee_valid = m.and(*ntt_valid, commit);
    let salt_valid = m.and(in_valid, commit);
    let extra = m.and(plan.on_chip, plan.extra);
    let tee_ports = [
        ("start", start),
        ("coefficients", plan.coefficients),
        ("length", plan.length),
        ("panel_beats", plan.panel_beats),
        ("panels", plan.panels),
        ("merge", plan.merge),
        ("extra", extra),
        ("hashes", plan.on_chip),
        ("columns", plan.columns),
        ("in_valid", tee_valid),
        ("in_data", *ntt_data),
        ("salt_valid", salt_valid),
        ("salt_data", in_data),
        ("out_ready", out_ready),
        ("values_ready", *values_ready),
    ];
    let commits = parts.poseidon.is_some() && parts.ntt.is_some();
    let tee = commits.then(|| m.instance("tee", &tee(bus), &tee_ports));
    let of = |m: &mut Module, engine: &Option<Instance>, port: &str, width: u32| match engine {
        Some(engine) => m.output_of(engine, port),
        None => m.constant(0, width),
    };
    let [tee_ready, salt_ready, panel_valid, values_valid, panels_done] =
        ["in_ready", "salt_ready", "out_valid", "values_valid", "done"].map(|port| of(m, &tee, port, 1));
    let [panel_beat, values_data] = ["out_data", "values_data"].map(|port| of(m, &tee, port, bus.bits()));

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
    ports.extend([("mode", plan.mode), ("rows", plan.rows), ("width", plan.width), ("zeroed", plan.zeroed)]);
    let poseidon = parts.poseidon.as_ref().map(|engine| m.instance("poseidon", engine, &ports));
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
    let ntt = parts.ntt.as_ref().map(|engine| m.instance("ntt", engine, &ports));
    let ports = [
        ("start", m.and(start, op.fold)),
        ("in_valid", m.and(in_valid, op.fold)),
        ("in_data", in_data),
        ("out_ready", m.and(out_ready, op.fold)),
        ("log_arity", m.slice(plan.log_n, 0, 3)),
        ("rows", plan.panels),
    ];
    let fold = parts.fold.as_ref().map(|engine| m.instance("fold", engine, &ports));
    // An engine, at rest, begins every job as it comes out of reset: a job's cycles do not depend on what was before.
    // While a job is decoded the plan is not yet of its first level, but a commit job needs both.
    let reset = m.own_reset();
    // From a register of each engine's own, for it goes far; a job is prepared for longer than that takes.
    let fresh = m.or(reset, decode);
    let mut fresh = m.reg(fresh);
    let commit_begins = m.and(preparing, op.commit);
    let [transforms, hashes] = [plan.transform, plan.hashing].map(|mine| m.or(mine, commit_begins));
    for (part, engine, mine) in [("poseidon", &poseidon, hashes), ("ntt", &ntt, transforms), ("fold", &fold, op.fold)] {
        if let Some(engine) = engine {
            gate_clock(m, part, engine, active, mine);
            m.reset_by(engine, fresh);
            fresh = m.reg(fresh);
        }
    }
    let ntt_out = of(m, &ntt, "out_valid", 1);
    let ntt_beat = of(m, &ntt, "out_data", bus.bits());
    let [ntt_in, poseidon_in, fold_in] = [&ntt, &poseidon, &fold].map(|engine| of(m, engine, "in_ready", 1));
    for (wire, sig) in [(ntt_valid, ntt_out), (ntt_data, ntt_beat), (values_ready, poseidon_in)] {
        m.connect(wire, sig);
    }

    // The transform engine has taken all of its input before the first salt comes.
    let salt_ready = m.and(salt_ready, commit);
    let transform_in = m.or(ntt_in, salt_ready);
    let in_ready =
        m.choose(&[(plan.transform, transform_in), (plan.hashing, poseidon_in), (op.fold, fold_in)], out_ready);
    // A commit's panels, then its digests.
    let panels_left = m.not(panels_done);
    let panels_go = m.and(commit, panels_left);
    let poseidon_out = of(m, &poseidon, "out_valid", 1);
    let (fold_out, fold_beat) = (of(m, &fold, "out_valid", 1), of(m, &fold, "out_data", bus.bits()));
    let out_valid = m.choose(
        &[(panels_go, panel_valid), (plan.hashing, poseidon_out), (plan.transform, ntt_out), (op.fold, fold_out)],
        in_valid,
    );
    let poseidon_beat = of(m, &poseidon, "out_data", bus.bits());
    let out_data = m.choose(
        &[(panels_go, panel_beat), (plan.hashing, poseidon_beat), (op.transform, ntt_beat), (op.fold, fold_beat)],
        in_data,
    );
    let half = of(m, &poseidon, "out_half", 1);
    let not_panels = m.not(panels_go);
    let half = m.all(&[half, plan.hashing, not_panels]);
    // The half that is not written, or its words one by one.
    let (upper, lower) = (m.not(half), m.constant(1, 1));
    let out_keep = match bus {
        Bus::Wide => m.pack(&[lower, lower, upper, upper]),
        Bus::Narrow => upper,
    };
    let busy = [&poseidon, &ntt, &fold].map(|engine| of(m, engine, "busy", 1));
    let busy = m.any(&busy);
    let perms = of(m, &poseidon, "perms", 2);
    let beat = of(m, &ntt, "beat", 1);
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
