//! Sums of fractions filter / (combination + γ) over columns of a table: what lookups and cross-table lookups by
//! logarithmic derivatives are made of (starky-1.1.0 lookup.rs:578-720).

use plonky2::{
    field::{extension::FieldExtension, packed::PackedField, polynomial::PolynomialValues, types::Field},
    plonk::plonk_common::reduce_with_powers,
};
use rayon::prelude::*;
use starky::{constraint_consumer::ConstraintConsumer, lookup::GrandProductChallenge};

use super::columns::{Linear, Selector};
use crate::{
    error::{ProveError, Result},
    field::F,
};

/// Fractions with one challenge, and how many of them a helper column adds up: [`batch`].
#[derive(Clone, Debug)]
pub(crate) struct Fractions {
    pub terms: Vec<(Vec<Linear>, Selector)>,
    pub challenge: GrandProductChallenge<F>,
    pub batch: usize,
}

/// Fractions that one helper column adds up (starky-1.1.0 lookup.rs:433), for constraints of this degree; `most` is the
/// number of fractions of the longest sum.
pub(crate) fn batch(constraint_degree: usize, most: usize) -> Result<usize> {
    let batch = constraint_degree.checked_sub(1).unwrap_or(1);
    if batch == 0 || batch.min(most) > 2 {
        return Err(ProveError::Shape(format!(
            "constraints of degree {constraint_degree} over {most} columns that are looked up: starky's lookups take \
             degrees 2 and 3"
        )));
    }
    Ok(batch)
}

impl Fractions {
    /// Of each batch of fractions the sum, in every row.
    pub fn helpers(&self, trace: &[PolynomialValues<F>]) -> Result<Vec<PolynomialValues<F>>> {
        let fractions: Vec<Vec<F>> = self
            .terms
            .par_iter()
            .map(|(columns, filter)| self.fraction(trace, columns, filter))
            .collect::<Result<_>>()?;
        let sum = |mut sum: Vec<F>, term: &Vec<F>| {
            sum.iter_mut().zip(term).for_each(|(sum, &value)| *sum += value);
            sum
        };
        let zero = || vec![F::ZERO; trace[0].len()];
        Ok(fractions.chunks(self.batch).map(|chunk| chunk.iter().fold(zero(), sum).into()).collect())
    }

    fn fraction(&self, trace: &[PolynomialValues<F>], columns: &[Linear], filter: &Selector) -> Result<Vec<F>> {
        let mut denominators = vec![F::ZERO; trace[0].len()];
        for column in columns.iter().rev() {
            let values = column.column(trace);
            denominators.iter_mut().zip(values).for_each(|(sum, value)| *sum = *sum * self.challenge.beta + value);
        }
        denominators.iter_mut().for_each(|sum| *sum += self.challenge.gamma);
        let mut fractions = inverses(&denominators)?;
        fractions.iter_mut().zip(filter.column(trace)).for_each(|(fraction, filter)| *fraction *= filter);
        Ok(fractions)
    }

    /// Constrains `helpers` to be the sums.
    pub fn constrain<FE, P, const D2: usize>(
        &self,
        (local, next): (&[P], &[P]),
        helpers: &[P],
        consumer: &mut ConstraintConsumer<P>,
    ) where
        FE: FieldExtension<D2, BaseField = F>,
        P: PackedField<Scalar = FE>,
    {
        for (terms, &helper) in self.terms.chunks(self.batch).zip(helpers) {
            // Σ fᵢ/cᵢ = h, times Π cᵢ.
            let mut product = P::ONES;
            let mut numerator = P::ZEROS;
            for (columns, filter) in terms {
                let combined = self.combine(columns, local, next);
                numerator = numerator * combined + filter.eval(local, next) * product;
                product *= combined;
            }
            consumer.constraint(product * helper - numerator);
        }
    }

    /// One fraction's denominator.
    pub fn combine<FE, P, const D2: usize>(&self, columns: &[Linear], local: &[P], next: &[P]) -> P
    where
        FE: FieldExtension<D2, BaseField = F>,
        P: PackedField<Scalar = FE>,
    {
        let values: Vec<P> = columns.iter().map(|column| column.eval(local, next)).collect();
        reduce_with_powers(&values, FE::from_basefield(self.challenge.beta)) + FE::from_basefield(self.challenge.gamma)
    }
}

/// Inverses, all at once.
pub(crate) fn inverses(values: &[F]) -> Result<Vec<F>> {
    if values.iter().any(Field::is_zero) {
        // A chance of rows / 2^64, at which upstream panics.
        return Err(ProveError::Prover("a lookup's challenge hit one of its values: change the trace".into()));
    }
    Ok(F::batch_multiplicative_inverse(values))
}
