//! What is refused by name before work begins, and where upstream would panic.

use hotloop::Device;
use plonky2::{
    field::{packable::Packable, packed::PackedField, polynomial::PolynomialValues},
    fri::{oracle::PolynomialBatch, FriParams},
    plonk::config::GenericConfig,
    util::{log2_ceil, log2_strict},
};
use starky::{config::StarkConfig, stark::Stark};

use super::lookups::CtlData;
use crate::{
    error::{ProveError, Result},
    field::{right_set, D, F},
};

fn refuse<T>(what: String) -> Result<T> {
    Err(ProveError::Shape(what))
}

/// Columns, rows and public inputs; the base-2 logarithm of the rows.
pub(super) fn table_shape<S: Stark<F, D>>(trace: &[PolynomialValues<F>], public_inputs: &[F]) -> Result<usize> {
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
    // Constraints are evaluated in so many rows at once.
    let least = <F as Packable>::Packing::WIDTH;
    if degree < least {
        return refuse(format!("{degree} rows: {least} are the least"));
    }
    Ok(log2_strict(degree))
}

/// What upstream's prover asserts, and what it would index out of range for.
pub(crate) fn shape<S: Stark<F, D>>(
    stark: &S,
    config: &StarkConfig,
    trace: &[PolynomialValues<F>],
    public_inputs: &[F],
) -> Result<(usize, FriParams)> {
    let degree_bits = table_shape::<S>(trace, public_inputs)?;
    let (rate_bits, cap_height) = (config.fri_config.rate_bits, config.fri_config.cap_height);
    let degree_limit = 1usize.checked_shl(rate_bits as u32).unwrap_or(usize::MAX).saturating_add(1);
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
    if fri_params.total_arities() > degree_bits.min(degree_bits + rate_bits - cap_height) {
        return refuse(format!("FRI's reductions are too many for 2^{degree_bits} rows"));
    }
    Ok((degree_bits, fri_params))
}

/// Whether the device can commit to tables of so many columns, and transform the quotients: engines, length, blow-up and
/// memory.
pub(super) fn device<S: Stark<F, D>>(
    device: &Device,
    stark: &S,
    config: &StarkConfig,
    columns: &[usize],
    degree_bits: usize,
) -> Result<()> {
    right_set(device)?;
    for &columns in [stark.num_quotient_polys(config)].iter().chain(columns).filter(|&&columns| columns > 0) {
        device.check_commit(columns, degree_bits as u32, config.fri_config.rate_bits as u32)?;
    }
    let quotient_bits = log2_ceil(stark.quotient_degree_factor().max(1));
    device.check_commit(config.num_challenges, (degree_bits + quotient_bits) as u32, 0)?;
    Ok(())
}

/// Whether trace, its commitment and its cross-table lookups belong together.
pub(super) fn table<C, S>(
    stark: &S,
    config: &StarkConfig,
    degree_bits: usize,
    commitment: &PolynomialBatch<F, C, D>,
    ctl_data: Option<&CtlData>,
) -> Result<()>
where
    C: GenericConfig<D, F = F>,
    S: Stark<F, D>,
{
    let (columns, rate_bits) = (commitment.polynomials.len(), commitment.rate_bits);
    if (columns, commitment.degree_log, rate_bits) != (S::COLUMNS, degree_bits, config.fri_config.rate_bits)
        || commitment.merkle_tree.leaves.len() != 1 << (degree_bits + rate_bits)
    {
        return refuse(format!(
            "a commitment to {columns} columns of 2^{} rows with 2^{rate_bits} cosets: the trace has {} of \
             2^{degree_bits}, the configuration 2^{}",
            commitment.degree_log,
            S::COLUMNS,
            config.fri_config.rate_bits
        ));
    }
    match (ctl_data, stark.requires_ctls()) {
        (Some(data), true) => data.check(1 << degree_bits, S::COLUMNS, stark.constraint_degree()),
        (None, false) => Ok(()),
        (None, true) => refuse("the AIR requires cross-table lookups: prove it with `get_ctl_data`'s".into()),
        (Some(_), false) => refuse("cross-table lookups for an AIR whose `requires_ctls` says no".into()),
    }
}
