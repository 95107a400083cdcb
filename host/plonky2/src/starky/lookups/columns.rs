//! Linear combinations of a table's columns, and filters: starky's `Column` and `Filter`, with their formulas
//! (starky-1.1.0 lookup.rs:73-120, 291-345).

use plonky2::field::{extension::FieldExtension, packed::PackedField, polynomial::PolynomialValues, types::Field};

use crate::field::F;

/// A linear combination of columns in a row and the next one, plus a constant.
#[derive(Clone, Debug)]
pub(crate) struct Linear {
    pub local: Vec<(usize, F)>,
    pub next: Vec<(usize, F)>,
    pub constant: F,
}

/// Products and sums of linear combinations: 1 in rows that count, else 0.
#[derive(Clone, Debug)]
pub(crate) struct Selector {
    pub products: Vec<(Linear, Linear)>,
    pub terms: Vec<Linear>,
}

/// Columns and a filter of one table.
#[derive(Clone, Debug)]
pub(crate) struct Table {
    pub table: usize,
    pub columns: Vec<Linear>,
    pub filter: Selector,
}

/// One cross-table lookup.
#[derive(Clone, Debug)]
pub(crate) struct TableLookup {
    pub looking: Vec<Table>,
    pub looked: Table,
}

impl Linear {
    /// In one row, or a packing of rows.
    pub fn eval<FE, P, const D2: usize>(&self, local: &[P], next: &[P]) -> P
    where
        FE: FieldExtension<D2, BaseField = F>,
        P: PackedField<Scalar = FE>,
    {
        let sum = |pairs: &[(usize, F)], row: &[P]| {
            pairs.iter().map(|&(column, factor)| row[column] * FE::from_basefield(factor)).sum::<P>()
        };
        sum(&self.local, local) + sum(&self.next, next) + FE::from_basefield(self.constant)
    }

    /// In every row of a table.
    pub fn column(&self, trace: &[PolynomialValues<F>]) -> Vec<F> {
        let rows = trace[0].len();
        let mut sums = vec![self.constant; rows];
        for (pairs, ahead) in [(&self.local, 0), (&self.next, 1)] {
            for &(column, factor) in pairs {
                let values = trace[column].values.iter().cycle().skip(ahead);
                sums.iter_mut().zip(values).for_each(|(sum, &value)| *sum += value * factor);
            }
        }
        sums
    }

    /// Columns that a table must have for it.
    pub fn width(&self) -> usize {
        self.local.iter().chain(&self.next).map(|&(column, _)| column.saturating_add(1)).max().unwrap_or(0)
    }
}

impl Selector {
    /// In one row, or a packing of rows.
    pub fn eval<FE, P, const D2: usize>(&self, local: &[P], next: &[P]) -> P
    where
        FE: FieldExtension<D2, BaseField = F>,
        P: PackedField<Scalar = FE>,
    {
        self.products.iter().map(|(a, b)| a.eval(local, next) * b.eval(local, next)).sum::<P>()
            + self.terms.iter().map(|term| term.eval(local, next)).sum::<P>()
    }

    /// In every row of a table.
    pub fn column(&self, trace: &[PolynomialValues<F>]) -> Vec<F> {
        let mut sums = vec![F::ZERO; trace[0].len()];
        for (a, b) in &self.products {
            let (a, b) = (a.column(trace), b.column(trace));
            sums.iter_mut().zip(a.iter().zip(&b)).for_each(|(sum, (&a, &b))| *sum += a * b);
        }
        for term in &self.terms {
            sums.iter_mut().zip(term.column(trace)).for_each(|(sum, value)| *sum += value);
        }
        sums
    }

    /// Columns that a table must have for it.
    pub fn width(&self) -> usize {
        let products = self.products.iter().flat_map(|(a, b)| [a, b]);
        products.chain(&self.terms).map(Linear::width).max().unwrap_or(0)
    }
}
