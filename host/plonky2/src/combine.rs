//! Sums over many polynomials of the base field with weights in the extension: openings, and what FRI is run on. Products
//! are reduced once a sum, not one by one, and every coefficient is read once.

use ::starky::proof::StarkOpeningSet;
use plonky2::{
    field::{
        extension::FieldExtension,
        polynomial::PolynomialCoeffs,
        types::{Field, PrimeField64},
    },
    fri::oracle::PolynomialBatch,
    plonk::config::GenericConfig,
};
use rayon::prelude::*;

use crate::field::{D, F, FE};

/// Coefficients of a block: with the powers of two points it stays in the first-level cache.
const BLOCK: usize = 512;

/// Columns that are summed in registers.
const GROUP: usize = 8;

/// A sum of products, to be reduced: a number of 128 bits, and how often it went beyond.
#[derive(Clone, Copy, Default)]
struct Sum {
    low: u128,
    carries: u64,
}

impl Sum {
    #[inline]
    fn add(&mut self, a: F, b: F) {
        let product = u128::from(a.to_noncanonical_u64()) * u128::from(b.to_noncanonical_u64());
        let (low, carry) = self.low.overflowing_add(product);
        self.low = low;
        self.carries += u64::from(carry);
    }

    /// 2^128 is −2^32. There are fewer than 2^32 products.
    #[inline]
    fn value(self) -> F {
        F::from_noncanonical_u128(self.low) - F::from_noncanonical_u64(self.carries << 32)
    }
}

/// The values of every polynomial at every point: a vector for each point.
pub(crate) fn evaluate(polynomials: &[PolynomialCoeffs<F>], points: &[FE]) -> Vec<Vec<FE>> {
    let tables: Vec<Vec<[F; D]>> = points.iter().map(|point| powers(*point, BLOCK)).collect();
    let steps: Vec<FE> = points.iter().map(|point| point.exp_u64(BLOCK as u64)).collect();
    let values: Vec<Vec<FE>> = polynomials
        .par_iter()
        .map(|polynomial| {
            let mut values = vec![FE::ZERO; points.len()];
            for block in polynomial.coeffs.chunks(BLOCK).rev() {
                for ((value, table), &step) in values.iter_mut().zip(&tables).zip(&steps) {
                    let mut sums = [Sum::default(); D];
                    for (&coefficient, power) in block.iter().zip(table) {
                        sums[0].add(coefficient, power[0]);
                        sums[1].add(coefficient, power[1]);
                    }
                    *value = *value * step + element(sums);
                }
            }
            values
        })
        .collect();
    (0..points.len()).map(|point| values.iter().map(|of| of[point]).collect()).collect()
}

/// What `StarkOpeningSet::new` gives (`starky/src/proof.rs:225`), from the same arguments.
#[allow(clippy::too_many_arguments)]
pub(crate) fn opening_set<C: GenericConfig<D, F = F>>(
    zeta: FE,
    g: F,
    trace: &PolynomialBatch<F, C, D>,
    auxiliary: Option<&PolynomialBatch<F, C, D>>,
    quotient: Option<&PolynomialBatch<F, C, D>>,
    lookup_columns: usize,
    requires_ctl: bool,
    ctl_polys: &[usize],
) -> StarkOpeningSet<F, D> {
    let at = |batch: &PolynomialBatch<F, C, D>, points: &[FE]| evaluate(&batch.polynomials, points).into_iter();
    let both = [zeta, FieldExtension::<D>::scalar_mul(&zeta, g)];
    let (mut of_trace, mut of_auxiliary) = (at(trace, &both), auxiliary.map(|batch| at(batch, &both)));
    let mut auxiliary_at = || of_auxiliary.as_mut().and_then(Iterator::next);
    let first = lookup_columns + ctl_polys.iter().sum::<usize>();
    let at_one = |batch: &PolynomialBatch<F, C, D>| {
        batch.polynomials.iter().skip(first).map(|polynomial| polynomial.coeffs.iter().copied().sum()).collect()
    };
    StarkOpeningSet {
        local_values: of_trace.next().unwrap_or_default(),
        next_values: of_trace.next().unwrap_or_default(),
        auxiliary_polys: auxiliary_at(),
        auxiliary_polys_next: auxiliary_at(),
        ctl_zs_first: auxiliary.filter(|_| requires_ctl).map(at_one),
        quotient_polys: quotient.and_then(|batch| at(batch, &[zeta]).next()),
    }
}

/// For each batch Σ alpha^j · polynomial j, as upstream's `ReducingFactor::reduce_polys_base` (`util/reducing.rs:79`). A
/// batch that is how another one begins, as all but one are in starky, is summed once for both.
pub(crate) fn compose(batches: &[Vec<&[F]>], alpha: FE) -> Vec<Vec<FE>> {
    let same = |a: &[&[F]], b: &[&[F]]| a.iter().zip(b).all(|(a, b)| std::ptr::eq(*a, *b));
    let mut done: Vec<Option<Vec<FE>>> = vec![None; batches.len()];
    let mut order: Vec<usize> = (0..batches.len()).collect();
    order.sort_by_key(|&batch| batches[batch].len());
    for (position, &batch) in order.iter().enumerate() {
        let columns = &batches[batch];
        // The longest one before that begins like this.
        let begins = |other: &&usize| !batches[**other].is_empty() && same(&batches[**other], columns);
        let begun = order[..position].iter().rev().find(begins);
        let (mut sums, from) = match begun.and_then(|&other| Some((done[other].clone()?, batches[other].len()))) {
            Some(begun) => begun,
            None => (vec![FE::ZERO; columns.first().map_or(0, |column| column.len())], 0),
        };
        add_columns(&mut sums, &columns[from..], &powers(alpha, columns.len())[from..]);
        done[batch] = Some(sums);
    }
    done.into_iter().map(Option::unwrap_or_default).collect()
}

fn add_columns(sums: &mut [FE], columns: &[&[F]], weights: &[[F; D]]) {
    sums.par_chunks_mut(BLOCK).enumerate().for_each(|(block, sums)| {
        let first = block * BLOCK;
        for (columns, weights) in columns.chunks(GROUP).zip(weights.chunks(GROUP)) {
            let parts: Vec<&[F]> = columns.iter().map(|column| &column[first..first + sums.len()]).collect();
            match <&[&[F]; GROUP]>::try_from(&parts[..]) {
                Ok(parts) => add_group(sums, parts, weights),
                Err(_) => parts.iter().zip(weights).for_each(|(part, weight)| add_group(sums, &[part], &[*weight])),
            }
        }
    });
}

fn add_group<const N: usize>(sums: &mut [FE], columns: &[&[F]; N], weights: &[[F; D]]) {
    for (i, sum) in sums.iter_mut().enumerate() {
        let mut parts = [Sum::default(); D];
        for (column, weight) in columns.iter().zip(weights) {
            parts[0].add(column[i], weight[0]);
            parts[1].add(column[i], weight[1]);
        }
        *sum += element(parts);
    }
}

fn element([a, b]: [Sum; D]) -> FE {
    plonky2::field::extension::quadratic::QuadraticExtension([a.value(), b.value()])
}

fn powers(base: FE, count: usize) -> Vec<[F; D]> {
    base.powers().take(count).map(|power| power.0).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use plonky2::{
        field::types::{Field64, Sample},
        util::reducing::ReducingFactor,
    };

    /// Random ones, and values that are not canonical or make every product as large as it can be.
    fn polynomials(count: usize, length: usize) -> Vec<PolynomialCoeffs<F>> {
        let mut polynomials: Vec<_> = (0..count).map(|_| PolynomialCoeffs::new(F::rand_vec(length))).collect();
        polynomials[0].coeffs.fill(F::from_noncanonical_u64(u64::MAX));
        polynomials[count - 1].coeffs.fill(F::from_canonical_u64(F::ORDER - 1));
        polynomials
    }

    #[test]
    fn sums_of_the_largest_products_do_not_wrap() {
        let largest = F::from_noncanonical_u64(u64::MAX);
        let mut sum = Sum::default();
        (0..5000).for_each(|_| sum.add(largest, largest));
        assert_eq!(sum.value(), largest * largest * F::from_canonical_u64(5000));
    }

    #[test]
    fn values_are_those_of_plonky2() {
        for (count, length) in [(1, 1), (3, 100), (9, BLOCK), (20, 4 * BLOCK), (2, BLOCK + 1)] {
            let (polynomials, points) = (polynomials(count, length), [FE::rand(), FE::rand(), FE::ZERO]);
            for (point, values) in points.iter().zip(evaluate(&polynomials, &points)) {
                let wanted: Vec<FE> = polynomials.iter().map(|p| p.to_extension::<D>().eval(*point)).collect();
                assert_eq!(values, wanted);
            }
        }
    }

    #[test]
    fn compositions_are_those_of_plonky2() {
        for (count, length) in [(1, 2), (5, BLOCK), (21, 2 * BLOCK)] {
            let (polynomials, alpha) = (polynomials(count, length), FE::rand());
            let columns: Vec<&[F]> = polynomials.iter().map(|p| &p.coeffs[..]).collect();
            let last = columns[count / 2..].to_vec();
            let batches = [columns.clone(), columns[..count / 2].to_vec(), last, columns[..count.min(2)].to_vec()];
            for (batch, sums) in batches.iter().zip(compose(&batches, alpha)) {
                let batch: Vec<_> = batch.iter().map(|column| PolynomialCoeffs::new(column.to_vec())).collect();
                assert_eq!(sums, ReducingFactor::new(alpha).reduce_polys_base::<F, D>(&batch).coeffs);
            }
        }
    }
}
