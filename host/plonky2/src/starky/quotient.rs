//! The quotient: constraints over the extension on the host, back to coefficients on the device.

use hotloop::{Device, Words};
use plonky2::{
    field::{
        packable::Packable,
        packed::PackedField,
        polynomial::PolynomialCoeffs,
        types::{Field, PrimeField64},
        zero_poly_coset::ZeroPolyOnCoset,
    },
    fri::oracle::PolynomialBatch,
    plonk::config::GenericConfig,
    util::log2_ceil,
};
use rayon::prelude::*;
use starky::{constraint_consumer::ConstraintConsumer, stark::Stark};

use super::constraints::{Constraints, Row, NOT_DIVISIBLE};
use crate::{
    error::{ProveError, Result},
    field::{chunks, coset_shift, element, D, F},
};

type P = <F as Packable>::Packing;

/// Coefficients of the quotients, one after the other, each in chunks of the trace's length; `None` for an AIR
/// without constraints.
pub(super) fn quotient_chunks<C, S>(
    device: &Device,
    constraints: &Constraints<'_, S>,
    trace: &PolynomialBatch<F, C, D>,
    auxiliary: Option<&PolynomialBatch<F, C, D>>,
    alphas: &[F],
) -> Result<Option<Vec<PolynomialCoeffs<F>>>>
where
    C: GenericConfig<D, F = F>,
    S: Stark<F, D>,
{
    let factor = constraints.stark.quotient_degree_factor();
    if factor == 0 {
        return Ok(None);
    }
    let values = quotient_values(constraints, trace, auxiliary, alphas);
    let columns: Vec<Column<'_>> =
        (0..alphas.len()).map(|column| Column { rows: &values, width: alphas.len(), column }).collect();
    let coefficients = device.inverse(&columns, coset_shift())?.coefficients(element)?;
    drop(values);
    let degree = 1 << trace.degree_log;
    let chunks = chunks(coefficients, degree * factor, degree);
    Ok(Some(chunks.ok_or_else(|| ProveError::Unsatisfied { what: NOT_DIVISIBLE.into() })?))
}

/// A column of rows that follow one another.
struct Column<'a> {
    rows: &'a [F],
    width: usize,
    column: usize,
}

impl Words for Column<'_> {
    fn len(&self) -> usize {
        self.rows.len() / self.width
    }

    #[inline]
    fn word(&self, index: usize) -> u64 {
        self.rows[index * self.width + self.column].to_noncanonical_u64()
    }
}

/// The values of the combined constraints over Z_H on the coset, in natural order: a row for each point, a column for each
/// challenge.
fn quotient_values<C, S>(
    constraints: &Constraints<'_, S>,
    trace: &PolynomialBatch<F, C, D>,
    auxiliary: Option<&PolynomialBatch<F, C, D>>,
    alphas: &[F],
) -> Vec<F>
where
    C: GenericConfig<D, F = F>,
    S: Stark<F, D>,
{
    let (degree_bits, rate_bits) = (trace.degree_log, trace.rate_bits);
    let quotient_bits = log2_ceil(constraints.stark.quotient_degree_factor());
    let size = 1usize << (degree_bits + quotient_bits);
    let (step, next_step) = (1 << (rate_bits - quotient_bits), 1 << quotient_bits);
    let vanishing = ZeroPolyOnCoset::<F>::new(degree_bits, quotient_bits);
    let coset = F::cyclic_subgroup_coset_known_order(
        F::primitive_root_of_unity(degree_bits + quotient_bits),
        F::coset_shift(),
        size,
    );
    let g = F::primitive_root_of_unity(degree_bits);
    let last = g.inverse();
    let (first_lagrange, last_lagrange) = lagrange(&coset, &vanishing, degree_bits, g);

    let width = alphas.len();
    let mut values = vec![F::ZERO; size * width];
    values.par_chunks_mut(P::WIDTH * width).enumerate().for_each(|(i, rows)| {
        let start = i * P::WIDTH;
        let range = start..start + P::WIDTH;
        let x = *P::from_slice(&coset[range.clone()]);
        let mut consumer = ConstraintConsumer::new(
            alphas.to_vec(),
            x - last,
            *P::from_slice(&first_lagrange[range.clone()]),
            *P::from_slice(&last_lagrange[range]),
        );
        let next_start = (start + next_step) % size;
        let at = |batch: &PolynomialBatch<F, C, D>, start| batch.get_lde_values_packed::<P>(start, step);
        let auxiliary_at = |start| auxiliary.map_or_else(Vec::new, |batch| at(batch, start));
        let row = Row {
            local: &at(trace, start),
            next: &at(trace, next_start),
            auxiliary: &auxiliary_at(start),
            auxiliary_next: &auxiliary_at(next_start),
        };
        constraints.eval::<F, P, 1>(row, &mut consumer);
        let inverse: P = vanishing.eval_inverse_packed(start);
        for (column, sum) in consumer.accumulators().into_iter().enumerate() {
            for (row, &value) in rows.chunks_exact_mut(width).zip((sum * inverse).as_slice()) {
                row[column] = value;
            }
        }
    });
    values
}

/// The first and the last Lagrange polynomial on the coset, by their closed forms Z_H(x) / (n·(x − 1)) and
/// Z_H(x) / (n·(g·x − 1)), which are the values of upstream's transforms of a selector without a transform.
fn lagrange(coset: &[F], vanishing: &ZeroPolyOnCoset<F>, degree_bits: usize, g: F) -> (Vec<F>, Vec<F>) {
    let n = F::from_canonical_u64(1 << degree_bits);
    let over = |factor: F| -> Vec<F> {
        let denominators: Vec<F> = coset.iter().map(|&x| n * (factor * x - F::ONE)).collect();
        let inverses = F::batch_multiplicative_inverse(&denominators);
        inverses.iter().enumerate().map(|(i, &inverse)| vanishing.eval(i) * inverse).collect()
    };
    debug_assert!(coset.iter().all(|x| x.to_canonical_u64() != 1));
    (over(F::ONE), over(g))
}
