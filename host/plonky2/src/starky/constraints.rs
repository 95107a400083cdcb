//! A table's constraints, those of its lookups included: over the extension, at a point, and on the rows.

use std::ops::Range;

use hotloop::Check;
use plonky2::{
    field::{
        extension::FieldExtension,
        packable::Packable,
        packed::PackedField,
        polynomial::PolynomialValues,
        types::{Field, Sample},
    },
    hash::hash_types::HashOut,
    iop::challenger::Challenger,
    plonk::{config::Hasher, plonk_common::reduce_with_powers},
    util::log2_ceil,
};
use rayon::prelude::*;
use starky::{
    config::StarkConfig, constraint_consumer::ConstraintConsumer, evaluation_frame::StarkEvaluationFrame,
    proof::StarkOpeningSet, stark::Stark,
};

use super::lookups::{CtlData, Instance};
use crate::{
    error::{ProveError, Result},
    field::{D, F, FE},
};

pub(super) const NOT_DIVISIBLE: &str = "its constraints do not vanish on the rows; `check_trace` names one of them";

type P = <F as Packable>::Packing;

/// All constraints of a table.
#[derive(Debug)]
pub(super) struct Constraints<'a, S> {
    pub stark: &'a S,
    pub lookups: Vec<Instance>,
    pub ctl_data: Option<&'a CtlData>,
    pub public_inputs: &'a [F],
}

/// The values of all columns in a row and the next one: trace, and lookups' columns.
#[derive(Clone, Copy, Debug)]
pub(super) struct Row<'a, P> {
    pub local: &'a [P],
    pub next: &'a [P],
    pub auxiliary: &'a [P],
    pub auxiliary_next: &'a [P],
}

impl<S: Stark<F, D>> Constraints<'_, S> {
    /// All of them, in starky's order (starky-1.1.0 vanishing_poly.rs:27).
    pub fn eval<FE, P, const D2: usize>(&self, row: Row<'_, P>, consumer: &mut ConstraintConsumer<P>)
    where
        FE: FieldExtension<D2, BaseField = F>,
        P: PackedField<Scalar = FE>,
    {
        let Row { local, next, auxiliary, auxiliary_next } = row;
        let inputs: Vec<FE> = self.public_inputs.iter().map(|&input| FE::from_basefield(input)).collect();
        let vars = S::EvaluationFrame::from_values(local, next, &inputs);
        self.stark.eval_packed_generic::<FE, P, D2>(&vars, consumer);
        let mut start = 0;
        for lookup in &self.lookups {
            let end = start + lookup.count();
            let next_z = auxiliary_next[end - 1];
            lookup.constrain::<FE, P, D2>((local, next), &auxiliary[start..end], next_z, consumer);
            start = end;
        }
        if let Some(data) = self.ctl_data {
            let columns = (&auxiliary[start..], &auxiliary_next[start..]);
            data.constrain::<FE, P, D2>((local, next), columns, consumer);
        }
    }

    /// The columns of lookups and cross-table lookups: none if there are none of them.
    pub fn auxiliary_columns(&self, trace: &[PolynomialValues<F>]) -> Result<Vec<PolynomialValues<F>>> {
        let mut columns = Vec::new();
        for lookup in &self.lookups {
            columns.extend(lookup.columns(trace)?);
        }
        columns.extend(self.ctl_data.iter().flat_map(|data| data.columns().cloned()));
        Ok(columns)
    }

    /// Before the quotient: the constraints, evaluated at simulated openings, enter the transcript (starky-1.1.0
    /// prover.rs:300). `auxiliary` is the number of lookups' columns.
    pub fn bind<H: Hasher<F, Hash = HashOut<F>>>(
        &self,
        config: &StarkConfig,
        degree_bits: usize,
        auxiliary: usize,
        challenger: &mut Challenger<F, H>,
    ) {
        let alphas = challenger.get_n_challenges(config.num_challenges);
        let total = 2 * (S::COLUMNS + auxiliary);
        // The first power that constraints do not reach; powers of one challenge stand for several.
        let power = self.stark.constraint_degree().saturating_add(1).max(2);
        let powers = (50 / log2_ceil(power)).saturating_sub(1).max(1);
        let zetas = challenger.get_n_extension_challenges::<D>(total.div_ceil(powers));
        let each = total.min(powers + 1);
        let simulated: Vec<FE> = zetas
            .iter()
            .flat_map(|&zeta| {
                std::iter::successors(Some(zeta), move |previous| Some(previous.exp_u64(power as u64))).take(each)
            })
            .collect();
        let point = challenger.get_extension_challenge::<D>();
        let (local, rest) = simulated.split_at(S::COLUMNS);
        let (next, rest) = rest.split_at(S::COLUMNS);
        let (auxiliary, auxiliary_next) = rest.split_at(auxiliary);
        let values = self.at(point, Row { local, next, auxiliary, auxiliary_next }, &alphas, degree_bits);
        challenger.observe_extension_elements::<D>(&values);
    }

    /// Whether the quotient's openings fit the others, as starky's verifier checks: of a trace that does not satisfy
    /// the constraints they do not. Costs one evaluation, and saves a proof that nobody accepts.
    pub fn check_openings(
        &self,
        openings: &StarkOpeningSet<F, D>,
        zeta: FE,
        alphas: &[F],
        degree_bits: usize,
    ) -> Result<()> {
        let Some(quotients) = &openings.quotient_polys else { return Ok(()) };
        let row = Row {
            local: &openings.local_values,
            next: &openings.next_values,
            auxiliary: openings.auxiliary_polys.as_deref().unwrap_or_default(),
            auxiliary_next: openings.auxiliary_polys_next.as_deref().unwrap_or_default(),
        };
        let values = self.at(zeta, row, alphas, degree_bits);
        let to_degree = zeta.exp_power_of_2(degree_bits);
        let fits = quotients
            .chunks(self.stark.quotient_degree_factor())
            .map(|chunks| (to_degree - FE::ONE) * reduce_with_powers(chunks, to_degree))
            .eq(values);
        if fits {
            return Ok(());
        }
        Err(ProveError::Unsatisfied { what: NOT_DIVISIBLE.into() })
    }

    fn at(&self, point: FE, row: Row<'_, FE>, alphas: &[F], degree_bits: usize) -> Vec<FE> {
        let g = FE::from(F::primitive_root_of_unity(degree_bits));
        let (first, last) = lagrange(degree_bits, point);
        let alphas = alphas.iter().copied().map(FE::from).collect();
        let mut consumer = ConstraintConsumer::<FE>::new(alphas, point - g.inverse(), first, last);
        self.eval::<FE, FE, D>(row, &mut consumer);
        consumer.accumulators()
    }
}

/// The first and the last Lagrange polynomial of the subgroup at `x`.
fn lagrange(log_n: usize, x: FE) -> (FE, FE) {
    let n = FE::from_canonical_usize(1 << log_n);
    let g = FE::from(F::primitive_root_of_unity(log_n));
    let vanishing = x.exp_power_of_2(log_n) - FE::ONE;
    let inverses = FE::batch_multiplicative_inverse(&[n * (x - FE::ONE), n * (g * x - FE::ONE)]);
    (vanishing * inverses[0], vanishing * inverses[1])
}

/// Whether a trace satisfies its AIR: evaluates a random combination of the constraints in every row, and each lookup for
/// a random challenge. The first row in which the constraints do not hold is named; row r is checked together with row
/// r + 1. Cross-table lookups are the other tables' affair.
///
/// # Errors
/// [`ProveError::Unsatisfied`], and [`ProveError::Shape`] for another number of columns, rows or public inputs, or
/// lookups of other columns than there are.
pub fn check_trace<S: Stark<F, D>>(stark: &S, trace: &[PolynomialValues<F>], public_inputs: &[F]) -> Result<()> {
    super::checks::table_shape::<S>(trace, public_inputs)?;
    for lookup in Instance::all(&stark.lookups(), &[F::rand()], stark.constraint_degree(), S::COLUMNS)? {
        lookup.columns(trace)?;
    }
    check_blocks(stark, trace, public_inputs, 1)
}

/// [`check_trace`] before a device is given work, as far as `check` says: everything with `Full`, nothing with `Off`. With
/// `Spot` also everything, of a trace of more than [`SPOT_ROWS`] rows so many, spread over it, first and last among them,
/// and no lookups; a fault elsewhere is found by the quotient, which says the row too.
pub(crate) fn check_before<S: Stark<F, D>>(
    check: Check,
    stark: &S,
    trace: &[PolynomialValues<F>],
    public_inputs: &[F],
) -> Result<()> {
    let degree = trace.first().map_or(0, |column| column.len());
    match check {
        Check::Off => Ok(()),
        Check::Spot if degree > SPOT_ROWS => {
            super::checks::table_shape::<S>(trace, public_inputs)?;
            check_blocks(stark, trace, public_inputs, degree / SPOT_ROWS)
        }
        _ => check_trace(stark, trace, public_inputs),
    }
}

/// Rows that [`check_before`] looks at in a long trace.
const SPOT_ROWS: usize = 1 << 12;

/// Looks at every `step`-th block of rows, and at the last one.
fn check_blocks<S: Stark<F, D>>(
    stark: &S,
    trace: &[PolynomialValues<F>],
    public_inputs: &[F],
    step: usize,
) -> Result<()> {
    let degree = trace[0].len();
    let constraints = Constraints { stark, lookups: Vec::new(), ctl_data: None, public_inputs };
    let alpha = F::rand();
    let blocks = degree.div_ceil(BLOCK);
    let mut looked_at: Vec<usize> = (0..blocks).step_by(step).collect();
    looked_at.push(blocks - 1);
    let failed =
        |&block: &usize| first_failure(&constraints, trace, block * BLOCK..degree.min((block + 1) * BLOCK), alpha);
    match looked_at.par_iter().find_map_first(failed) {
        Some(row) => Err(ProveError::Unsatisfied { what: format!("its constraints do not hold in row {row}") }),
        None => Ok(()),
    }
}

/// Rows of [`check_blocks`] at a time: a power of two above any packing's width.
const BLOCK: usize = 64;

/// The first of `rows` in which the combination of the constraints by `alpha` is not zero.
fn first_failure<S: Stark<F, D>>(
    constraints: &Constraints<'_, S>,
    trace: &[PolynomialValues<F>],
    rows: Range<usize>,
    alpha: F,
) -> Option<usize> {
    let (width, degree) = (trace.len(), trace[0].len());
    // These rows and the next one, row by row: columns of a power of two of rows lie badly for caches.
    let mut values = vec![F::ZERO; (rows.len() + 1) * width];
    for (k, column) in trace.iter().enumerate() {
        let next = std::iter::once(&column.values[rows.end % degree]);
        let column = column.values[rows.clone()].iter().chain(next);
        values.iter_mut().skip(k).step_by(width).zip(column).for_each(|(value, &from)| *value = from);
    }
    let pack = |value: &dyn Fn(usize) -> F| -> P {
        let mut packed = P::ZEROS;
        packed.as_slice_mut().iter_mut().enumerate().for_each(|(lane, word)| *word = value(lane));
        packed
    };
    let g = F::primitive_root_of_unity(degree.ilog2() as usize);
    let last = g.inverse();
    let mut x = g.exp_u64(rows.start as u64);
    for first in rows.clone().step_by(P::WIDTH) {
        let row = |at: usize| -> Vec<P> {
            let at = (at - rows.start) * width;
            (0..width).map(|k| pack(&|lane| values[at + lane * width + k])).collect()
        };
        let selector = |of: usize| pack(&|lane| F::from_bool(first + lane == of));
        let z_last = pack(&|lane| x * g.exp_u64(lane as u64) - last);
        x *= g.exp_u64(P::WIDTH as u64);
        let mut consumer = ConstraintConsumer::new(vec![alpha], z_last, selector(0), selector(degree - 1));
        let row = Row { local: &row(first), next: &row(first + 1), auxiliary: &[], auxiliary_next: &[] };
        constraints.eval::<F, P, 1>(row, &mut consumer);
        let failed = |sum: P| sum.as_slice().iter().position(|&value| value != F::ZERO);
        if let Some(lane) = consumer.accumulators().into_iter().find_map(failed) {
            return Some(first + lane);
        }
    }
    None
}
