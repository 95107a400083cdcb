//! starky's prover with every extension, tree, inverse transform and the grinding on the device.

mod quotient;

use std::time::{Duration, Instant};

use ::starky::{
    config::StarkConfig,
    constraint_consumer::ConstraintConsumer,
    evaluation_frame::StarkEvaluationFrame,
    proof::{StarkProof, StarkProofWithPublicInputs},
    stark::Stark,
};
use hotloop::Device;
use plonky2::{
    field::{polynomial::PolynomialValues, types::Field},
    fri::{oracle::PolynomialBatch, FriParams},
    hash::hash_types::HashOut,
    iop::challenger::Challenger,
    plonk::config::{GenericConfig, Hasher},
    util::{log2_ceil, log2_strict},
};

use self::quotient::quotient_chunks;
use crate::{
    combine::opening_set,
    commit::{from_coeffs, from_values},
    error::{ProveError, Result},
    field::{right_set, D, F, FE},
    fri::prove_openings,
};

/// A proof, and what its prover did besides.
#[derive(Clone, Debug)]
pub struct Proved<C: GenericConfig<D, F = F>> {
    /// The proof.
    pub proof: StarkProofWithPublicInputs<F, C, D>,
    /// Wall-clock time of each stage, in order.
    pub stages: Vec<(&'static str, Duration)>,
}

/// Proves as `starky::prover::prove` does, with the same result, on a device.
///
/// `trace` holds a column for each of the AIR's, of equal length, a power of two. A trace that does not satisfy the
/// AIR gives a proof that does not verify, or [`ProveError::Prover`].
///
/// # Errors
/// [`ProveError::NotOffloaded`] for lookups and cross-table lookups, [`ProveError::Shape`], [`ProveError::Device`].
pub fn prove<C, H, S>(
    device: &Device,
    stark: &S,
    config: &StarkConfig,
    trace: &[PolynomialValues<F>],
    public_inputs: &[F],
) -> Result<Proved<C>>
where
    C: GenericConfig<D, F = F, Hasher = H>,
    H: Hasher<F, Hash = HashOut<F>>,
    S: Stark<F, D>,
{
    right_set(device)?;
    if stark.uses_lookups() || stark.requires_ctls() {
        return Err(ProveError::NotOffloaded { what: "lookups and cross-table lookups" });
    }
    let (degree_bits, fri_params) = shape(stark, config, trace, public_inputs)?;
    let (rate_bits, cap_height) = (config.fri_config.rate_bits, config.fri_config.cap_height);
    let mut watch = Stopwatch::new();

    let trace_commitment = from_values::<C, H>(device, trace, &[], rate_bits, cap_height)?;
    watch.lap("trace commitment");

    let mut challenger = Challenger::<F, H>::new();
    challenger.observe_elements(public_inputs);
    config.observe(&mut challenger);
    challenger.observe_cap(&trace_commitment.merkle_tree.cap);
    bind_constraints(stark, config, degree_bits, public_inputs, &mut challenger);
    let alphas = challenger.get_n_challenges(config.num_challenges);

    let chunks = quotient_chunks(device, stark, &trace_commitment, public_inputs, &alphas, degree_bits, rate_bits)?;
    watch.lap("quotient");
    let quotient_commitment = match chunks {
        Some(chunks) => Some(from_coeffs::<C, H>(device, chunks, &[], rate_bits, cap_height)?),
        None => None,
    };
    watch.lap("quotient commitment");
    if let Some(commitment) = &quotient_commitment {
        challenger.observe_cap(&commitment.merkle_tree.cap);
    }

    let zeta = challenger.get_extension_challenge::<D>();
    if zeta.exp_power_of_2(degree_bits) == FE::ONE {
        return Err(ProveError::Prover("the opening point is in the subgroup".into()));
    }
    let g = F::primitive_root_of_unity(degree_bits);
    let openings = opening_set(zeta, g, &trace_commitment, None, quotient_commitment.as_ref(), 0, false, &[]);
    // As `StarkOpeningSet::to_fri_openings`, which is private: all values at zeta, then all at g·zeta.
    challenger.observe_extension_elements::<D>(&openings.local_values);
    challenger.observe_extension_elements::<D>(openings.quotient_polys.as_deref().unwrap_or_default());
    challenger.observe_extension_elements::<D>(&openings.next_values);
    watch.lap("openings");

    let oracles: Vec<&PolynomialBatch<F, C, D>> =
        std::iter::once(&trace_commitment).chain(&quotient_commitment).collect();
    let instance = stark.fri_instance(zeta, g, 0, vec![], config);
    let opening_proof = prove_openings(device, &instance, &oracles, &mut challenger, &fri_params)?;
    watch.lap("opening proof");

    let proof = StarkProof {
        trace_cap: trace_commitment.merkle_tree.cap.clone(),
        auxiliary_polys_cap: None,
        quotient_polys_cap: quotient_commitment.map(|commitment| commitment.merkle_tree.cap),
        openings,
        opening_proof,
    };
    Ok(Proved {
        proof: StarkProofWithPublicInputs { proof, public_inputs: public_inputs.to_vec() },
        stages: watch.laps,
    })
}

/// What upstream's prover asserts, and what it would index out of range for.
pub(crate) fn shape<S: Stark<F, D>>(
    stark: &S,
    config: &StarkConfig,
    trace: &[PolynomialValues<F>],
    public_inputs: &[F],
) -> Result<(usize, FriParams)> {
    let refuse = |what: String| Err(ProveError::Shape(what));
    let degree = trace.first().map_or(0, |column| column.len());
    if trace.len() != S::COLUMNS || public_inputs.len() != S::PUBLIC_INPUTS {
        let (columns, inputs) = (trace.len(), public_inputs.len());
        return refuse(format!(
            "{columns} columns and {inputs} public inputs: the AIR has {} and {}",
            S::COLUMNS,
            S::PUBLIC_INPUTS
        ));
    }
    if !degree.is_power_of_two() || trace.iter().any(|column| column.len() != degree) {
        return refuse(format!("columns must all have the same power of two of rows; the first has {degree}"));
    }
    let degree_bits = log2_strict(degree);
    let (rate_bits, cap_height) = (config.fri_config.rate_bits, config.fri_config.cap_height);
    let degree_limit = (1 << rate_bits) + 1;
    if stark.constraint_degree() > degree_limit {
        return refuse(format!(
            "constraints of degree {}: this blow-up allows {degree_limit}",
            stark.constraint_degree()
        ));
    }
    if degree_bits + rate_bits < cap_height {
        return refuse(format!("2^{degree_bits} rows are too few for a cap of height {cap_height}"));
    }
    let fri_params = config.fri_params(degree_bits);
    if fri_params.total_arities() > degree_bits + rate_bits - cap_height {
        return refuse(format!("FRI's reductions are too many for 2^{degree_bits} rows"));
    }
    Ok((degree_bits, fri_params))
}

/// Before the quotient: the constraints, evaluated at simulated openings, enter the challenger.
fn bind_constraints<H, S>(
    stark: &S,
    config: &StarkConfig,
    degree_bits: usize,
    public_inputs: &[F],
    challenger: &mut Challenger<F, H>,
) where
    H: Hasher<F, Hash = HashOut<F>>,
    S: Stark<F, D>,
{
    let alphas = challenger.get_n_challenges(config.num_challenges);
    let total = S::COLUMNS * 2;
    // The first power that constraints do not reach; powers of one challenge stand for several.
    let power = stark.constraint_degree().saturating_add(1).max(2);
    let powers = (50 / log2_ceil(power)).saturating_sub(1).max(1);
    let zetas: Vec<FE> = (0..total.div_ceil(powers)).map(|_| challenger.get_extension_challenge::<D>()).collect();
    let each = total.min(powers + 1);
    let simulated: Vec<FE> = zetas
        .iter()
        .flat_map(|&zeta| {
            std::iter::successors(Some(zeta), move |previous| Some(previous.exp_u64(power as u64))).take(each)
        })
        .collect();
    let point = challenger.get_extension_challenge::<D>();

    let (first, last) = lagrange(degree_bits, point);
    let mut consumer = ConstraintConsumer::<FE>::new(
        alphas.into_iter().map(FE::from).collect(),
        point - FE::from(F::primitive_root_of_unity(degree_bits).inverse()),
        first,
        last,
    );
    let inputs: Vec<FE> = public_inputs.iter().copied().map(FE::from).collect();
    let vars = S::EvaluationFrame::from_values(&simulated[..S::COLUMNS], &simulated[S::COLUMNS..total], &inputs);
    stark.eval_packed_generic::<FE, FE, D>(&vars, &mut consumer);
    challenger.observe_extension_elements::<D>(&consumer.accumulators());
}

/// The first and the last Lagrange polynomial of the subgroup at `x`.
fn lagrange(log_n: usize, x: FE) -> (FE, FE) {
    let n = FE::from_canonical_usize(1 << log_n);
    let g = FE::from(F::primitive_root_of_unity(log_n));
    let vanishing = x.exp_power_of_2(log_n) - FE::ONE;
    let inverses = FE::batch_multiplicative_inverse(&[n * (x - FE::ONE), n * (g * x - FE::ONE)]);
    (vanishing * inverses[0], vanishing * inverses[1])
}

struct Stopwatch {
    last: Instant,
    laps: Vec<(&'static str, Duration)>,
}

impl Stopwatch {
    fn new() -> Self {
        Stopwatch { last: Instant::now(), laps: Vec::new() }
    }

    fn lap(&mut self, name: &'static str) {
        let now = Instant::now();
        self.laps.push((name, now - self.last));
        self.last = now;
    }
}
