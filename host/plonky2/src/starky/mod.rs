//! starky's prover with every extension, tree, inverse transform and the grinding on the device.
//!
//! [`prove`] is for one table, with or without lookups. Systems of tables with cross-table lookups run the loop that
//! they run with starky, with [`from_values`], [`get_ctl_data`] and [`prove_with_commitment`] from here.

mod checks;
mod constraints;
mod lookups;
mod quotient;

pub use self::{
    constraints::check_trace,
    lookups::{get_ctl_data, CtlData},
};
pub(crate) use checks::shape;
pub(crate) use constraints::check_before;

use std::time::{Duration, Instant};

use ::starky::{
    config::StarkConfig,
    lookup::{get_grand_product_challenge_set, GrandProductChallengeSet},
    proof::{StarkOpeningSet, StarkProof, StarkProofWithPublicInputs},
    stark::Stark,
};
use hotloop::{Check, Device};
use plonky2::{
    field::{polynomial::PolynomialValues, types::Field},
    fri::oracle::PolynomialBatch,
    hash::hash_types::HashOut,
    iop::challenger::Challenger,
    plonk::config::{GenericConfig, Hasher},
};

use self::{constraints::Constraints, lookups::Instance, quotient::quotient_chunks};
use crate::{
    combine::opening_set,
    commit::{from_coeffs, from_values},
    error::{ProveError, Result},
    field::{D, F, FE},
    fri::prove_openings_padded,
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
/// `trace` holds a column for each of the AIR's, of equal length, a power of two.
///
/// # Errors
/// [`ProveError::Shape`] and [`ProveError::Device`] before work begins if trace, AIR, configuration and board do not go
/// together, [`ProveError::Unsatisfied`] for a trace that does not satisfy the AIR: before work begins as far as the
/// device's [`hotloop::Check`] goes (a sample of the rows of a long trace, unless it is `Full`), else at the quotient; with
/// `Off` maybe nowhere.
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
    let (degree_bits, _) = shape(stark, config, trace, public_inputs)?;
    let (rate_bits, cap_height) = (config.fri_config.rate_bits, config.fri_config.cap_height);
    let columns = [S::COLUMNS, stark.num_lookup_helper_columns(config)];
    checks::device(device, stark, config, &columns, degree_bits)?;
    let mut watch = Stopwatch::new();
    check_before(device.options().check, stark, trace, public_inputs)?;
    watch.lap("trace check");

    let commitment = from_values::<C, H>(device, trace, &[], rate_bits, cap_height)?;
    watch.lap("trace commitment");
    let mut challenger = Challenger::<F, H>::new();
    challenger.observe_elements(public_inputs);
    config.observe(&mut challenger);
    challenger.observe_cap(&commitment.merkle_tree.cap);
    let table = Table { stark, config, trace, commitment: &commitment, public_inputs };
    let proof = table.prove(device, None, None, &mut challenger, (None, None), &mut watch)?;
    Ok(Proved { proof, stages: watch.laps })
}

/// Proves one table as `starky::prover::prove_with_commitment` does, with the same result, on a device; its parameters
/// are upstream's. `trace_commitment` is that of [`crate::commit::from_values`], or upstream's own; `ctl_data` and
/// `ctl_challenges` are those of [`get_ctl_data`]. The configuration must have been observed.
///
/// # Errors
/// As [`prove`].
#[allow(clippy::too_many_arguments)] // Upstream's.
pub fn prove_with_commitment<C, H, S>(
    device: &Device,
    stark: &S,
    config: &StarkConfig,
    trace: &[PolynomialValues<F>],
    trace_commitment: &PolynomialBatch<F, C, D>,
    ctl_data: Option<&CtlData>,
    ctl_challenges: Option<&GrandProductChallengeSet<F>>,
    challenger: &mut Challenger<F, H>,
    public_inputs: &[F],
    final_poly_coeff_len: Option<usize>,
    max_num_query_steps: Option<usize>,
) -> Result<StarkProofWithPublicInputs<F, C, D>>
where
    C: GenericConfig<D, F = F, Hasher = H>,
    H: Hasher<F, Hash = HashOut<F>>,
    S: Stark<F, D>,
{
    let table = Table { stark, config, trace, commitment: trace_commitment, public_inputs };
    let padding = (final_poly_coeff_len, max_num_query_steps);
    table.prove(device, ctl_data, ctl_challenges, challenger, padding, &mut Stopwatch::new())
}

/// A table, committed to.
struct Table<'a, C: GenericConfig<D, F = F>, S> {
    stark: &'a S,
    config: &'a StarkConfig,
    trace: &'a [PolynomialValues<F>],
    commitment: &'a PolynomialBatch<F, C, D>,
    public_inputs: &'a [F],
}

impl<C, H, S> Table<'_, C, S>
where
    C: GenericConfig<D, F = F, Hasher = H>,
    H: Hasher<F, Hash = HashOut<F>>,
    S: Stark<F, D>,
{
    fn prove(
        &self,
        device: &Device,
        ctl_data: Option<&CtlData>,
        ctl_challenges: Option<&GrandProductChallengeSet<F>>,
        challenger: &mut Challenger<F, H>,
        padding: (Option<usize>, Option<usize>),
        watch: &mut Stopwatch,
    ) -> Result<StarkProofWithPublicInputs<F, C, D>> {
        let Table { stark, config, trace, commitment, public_inputs } = *self;
        let (degree_bits, fri_params) = shape(stark, config, trace, public_inputs)?;
        let (rate_bits, cap_height) = (config.fri_config.rate_bits, config.fri_config.cap_height);
        checks::table(stark, config, degree_bits, commitment, ctl_data)?;
        let ctl_helpers = ctl_data.map(CtlData::num_ctl_helper_polys).unwrap_or_default();
        let lookup_columns = stark.num_lookup_helper_columns(config);
        let columns = lookup_columns + ctl_helpers.iter().sum::<usize>() + ctl_helpers.len();
        checks::device(device, stark, config, &[columns], degree_bits)?;

        let lookups = stark.lookups();
        let betas: Vec<F> = match ctl_challenges {
            _ if lookups.is_empty() => Vec::new(),
            Some(set) => set.challenges.iter().map(|challenge| challenge.beta).collect(),
            None => {
                let set = get_grand_product_challenge_set(challenger, config.num_challenges);
                set.challenges.iter().map(|challenge| challenge.beta).collect()
            }
        };
        if !lookups.is_empty() && betas.len() != config.num_challenges {
            let (found, wanted) = (betas.len(), config.num_challenges);
            return Err(ProveError::Shape(format!("{found} challenges: the configuration says {wanted}")));
        }
        let lookups = Instance::all(&lookups, &betas, stark.constraint_degree(), S::COLUMNS)?;
        let constraints = Constraints { stark, lookups, ctl_data, public_inputs };
        let auxiliary = constraints.auxiliary_columns(trace)?;
        watch.lap("lookup columns");
        let auxiliary = match &auxiliary[..] {
            [] => None,
            columns => Some(from_values::<C, H>(device, columns, &[], rate_bits, cap_height)?),
        };
        if let Some(auxiliary) = &auxiliary {
            challenger.observe_cap(&auxiliary.merkle_tree.cap);
            watch.lap("lookup commitment");
        }

        let width = auxiliary.as_ref().map_or(0, |auxiliary| auxiliary.polynomials.len());
        constraints.bind(config, degree_bits, width, challenger);
        let alphas = challenger.get_n_challenges(config.num_challenges);
        // Which row it is costs as much as the quotient, and is asked for only here.
        let unsatisfied = |error| match error {
            ProveError::Unsatisfied { .. } => check_trace(stark, trace, public_inputs).err().unwrap_or_else(|| {
                ProveError::Prover(
                    "the trace satisfies its AIR, the quotient does not fit it: the device computed something else, or \
                     the cross-table data are another trace's"
                        .into(),
                )
            }),
            other => other,
        };
        let chunks =
            quotient_chunks(device, &constraints, commitment, auxiliary.as_ref(), &alphas).map_err(unsatisfied)?;
        watch.lap("quotient");
        let quotient = match chunks {
            Some(chunks) => Some(from_coeffs::<C, H>(device, chunks, &[], rate_bits, cap_height)?),
            None => None,
        };
        if let Some(quotient) = &quotient {
            challenger.observe_cap(&quotient.merkle_tree.cap);
        }
        watch.lap("quotient commitment");

        let zeta = challenger.get_extension_challenge::<D>();
        if zeta.exp_power_of_2(degree_bits) == FE::ONE {
            return Err(ProveError::Prover("the opening point is in the subgroup".into()));
        }
        let g = F::primitive_root_of_unity(degree_bits);
        let openings = opening_set(
            zeta,
            g,
            commitment,
            auxiliary.as_ref(),
            quotient.as_ref(),
            lookup_columns,
            stark.requires_ctls(),
            &ctl_helpers,
        );
        if device.options().check != Check::Off {
            constraints.check_openings(&openings, zeta, &alphas, degree_bits).map_err(unsatisfied)?;
        }
        observe_openings(&openings, challenger);
        watch.lap("openings");

        let oracles: Vec<&PolynomialBatch<F, C, D>> =
            std::iter::once(commitment).chain(&auxiliary).chain(&quotient).collect();
        let instance = stark.fri_instance(zeta, g, ctl_helpers.iter().sum(), ctl_helpers, config);
        let opening_proof =
            prove_openings_padded(device, &instance, &oracles, challenger, &fri_params, padding.0, padding.1)?;
        watch.lap("opening proof");

        let cap = |batch: PolynomialBatch<F, C, D>| batch.merkle_tree.cap;
        let proof = StarkProof {
            trace_cap: commitment.merkle_tree.cap.clone(),
            auxiliary_polys_cap: auxiliary.map(cap),
            quotient_polys_cap: quotient.map(cap),
            openings,
            opening_proof,
        };
        Ok(StarkProofWithPublicInputs { proof, public_inputs: public_inputs.to_vec() })
    }
}

/// As `StarkOpeningSet::to_fri_openings`, which is private: all values at zeta, then all at g·zeta, then the partial
/// sums of cross-table lookups at 1.
fn observe_openings<H: Hasher<F>>(openings: &StarkOpeningSet<F, D>, challenger: &mut Challenger<F, H>) {
    let StarkOpeningSet {
        local_values,
        next_values,
        auxiliary_polys,
        auxiliary_polys_next,
        ctl_zs_first,
        quotient_polys,
    } = openings;
    let at_zeta = [Some(local_values), auxiliary_polys.as_ref(), quotient_polys.as_ref()];
    let at_next = [Some(next_values), auxiliary_polys_next.as_ref()];
    for values in at_zeta.into_iter().chain(at_next).flatten() {
        challenger.observe_extension_elements::<D>(values);
    }
    for &value in ctl_zs_first.iter().flatten() {
        challenger.observe_extension_element::<D>(&value.into());
    }
}

/// Times stages.
pub(crate) struct Stopwatch {
    last: Instant,
    pub laps: Vec<(&'static str, Duration)>,
}

impl Stopwatch {
    pub fn new() -> Self {
        Stopwatch { last: Instant::now(), laps: Vec::new() }
    }

    pub fn lap(&mut self, name: &'static str) {
        let now = Instant::now();
        self.laps.push((name, now - self.last));
        self.last = now;
    }
}
