//! Lookups and cross-table lookups: their columns, computed as starky computes them, and their constraints.

mod columns;
mod cross_table;
mod fractions;
mod text;

pub use cross_table::{get_ctl_data, CtlData};

use plonky2::field::{extension::FieldExtension, packed::PackedField, polynomial::PolynomialValues, types::Field};
use starky::{
    constraint_consumer::ConstraintConsumer,
    lookup::{GrandProductChallenge, Lookup},
};

use self::{
    columns::{Linear, Selector},
    fractions::{batch, inverses, Fractions},
    text::Readable,
};
use crate::{
    error::{ProveError, Result},
    field::F,
};

/// One of an AIR's lookups with one challenge.
#[derive(Clone, Debug)]
pub(crate) struct Instance {
    looking: Fractions,
    table: Linear,
    frequencies: Linear,
}

impl Instance {
    /// Every lookup with every challenge, in starky's order.
    pub fn all(lookups: &[Lookup<F>], challenges: &[F], degree: usize, width: usize) -> Result<Vec<Instance>> {
        let mut instances = Vec::new();
        for lookup in lookups {
            let (columns, filters) = (lookup.columns.len(), lookup.filter_columns.len());
            if columns != filters {
                return Err(ProveError::Shape(format!("a lookup of {columns} columns has {filters} filters")));
            }
            let terms = lookup
                .columns
                .iter()
                .zip(&lookup.filter_columns)
                .map(|(column, filter)| Ok((vec![Linear::read(column)?], Selector::read(filter)?)))
                .collect::<Result<Vec<_>>>()?;
            let (table, frequencies) = (Linear::read(&lookup.table_column)?, Linear::read(&lookup.frequencies_column)?);
            let others = table.width().max(frequencies.width());
            fits(&terms, others, width)?;
            let batch = batch(degree, columns)?;
            for &gamma in challenges {
                let challenge = GrandProductChallenge { beta: F::ONE, gamma };
                let looking = Fractions { terms: terms.clone(), challenge, batch };
                let (table, frequencies) = (table.clone(), frequencies.clone());
                instances.push(Instance { looking, table, frequencies });
            }
        }
        Ok(instances)
    }

    /// Its columns: helpers, then Z.
    pub fn count(&self) -> usize {
        self.looking.terms.len().div_ceil(self.looking.batch) + 1
    }

    /// Helpers, and Z with Z(1) = 0 and Z(gx) = Z(x) + Σ hᵢ(x) − m(x)/(t(x) + γ) (starky-1.1.0 lookup.rs:578).
    ///
    /// # Errors
    /// [`ProveError::Unsatisfied`] if Z does not come back to zero: some value is not in the table, or the frequencies
    /// are wrong.
    pub fn columns(&self, trace: &[PolynomialValues<F>]) -> Result<Vec<PolynomialValues<F>>> {
        let mut columns = self.looking.helpers(trace)?;
        let mut table = self.table.column(trace);
        table.iter_mut().for_each(|value| *value += self.looking.challenge.gamma);
        let table = inverses(&table)?;
        let frequencies = self.frequencies.column(trace);
        let mut z = Vec::with_capacity(table.len());
        let mut sum = F::ZERO;
        for row in 0..table.len() {
            z.push(sum);
            sum += columns.iter().map(|helper| helper.values[row]).sum::<F>() - frequencies[row] * table[row];
        }
        if sum != F::ZERO {
            return Err(ProveError::Unsatisfied {
                what: "a lookup's values are not those of its table, as often as its frequencies say".into(),
            });
        }
        columns.push(z.into());
        Ok(columns)
    }

    /// Its constraints (starky-1.1.0 lookup.rs:747); `columns` are its columns in this row, `next_z` is Z in the next.
    pub fn constrain<FE, P, const D2: usize>(
        &self,
        (local, next): (&[P], &[P]),
        columns: &[P],
        next_z: P,
        consumer: &mut ConstraintConsumer<P>,
    ) where
        FE: FieldExtension<D2, BaseField = F>,
        P: PackedField<Scalar = FE>,
    {
        let (&z, helpers) = match columns.split_last() {
            Some(split) => split,
            None => return,
        };
        self.looking.constrain::<FE, P, D2>((local, next), helpers, consumer);
        // As upstream, what table and frequencies take from the next row does not count here.
        let table = self.table.eval(local, &[]) + FE::from_basefield(self.looking.challenge.gamma);
        let sum = helpers.iter().fold(P::ZEROS, |sum, &helper| sum + helper);
        consumer.constraint_first_row(z);
        consumer.constraint((next_z - z) * table - (sum * table - self.frequencies.eval(local, &[])));
    }
}

/// Whether a table of `width` columns has those that are asked for.
fn fits(terms: &[(Vec<Linear>, Selector)], others: usize, width: usize) -> Result<()> {
    let of = |(columns, filter): &(Vec<Linear>, Selector)| {
        columns.iter().map(Linear::width).max().unwrap_or(0).max(filter.width())
    };
    let asked = terms.iter().map(of).max().unwrap_or(0).max(others);
    if asked > width {
        return Err(ProveError::Shape(format!("a lookup asks for column {}: the table has {width}", asked - 1)));
    }
    Ok(())
}
