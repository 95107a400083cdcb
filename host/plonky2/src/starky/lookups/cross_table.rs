//! Cross-table lookups: starky's `get_ctl_data`, and the constraints of one table's part.

use plonky2::{
    field::{extension::FieldExtension, packed::PackedField, polynomial::PolynomialValues, types::Field},
    hash::hash_types::HashOut,
    iop::challenger::Challenger,
    plonk::config::Hasher,
};
use starky::{
    config::StarkConfig,
    constraint_consumer::ConstraintConsumer,
    cross_table_lookup::CrossTableLookup,
    lookup::{get_grand_product_challenge_set, GrandProductChallenge, GrandProductChallengeSet},
};

use super::{
    columns::{Table, TableLookup},
    fits,
    fractions::{batch, Fractions},
    text::Readable,
};
use crate::{
    error::{ProveError, Result},
    field::F,
};

/// One table's part in all cross-table lookups, as `starky::cross_table_lookup::CtlData`.
#[derive(Clone, Debug, Default)]
pub struct CtlData {
    zs: Vec<CtlZ>,
}

/// A partial sum over one table, for one lookup and challenge.
#[derive(Clone, Debug)]
struct CtlZ {
    sum: Fractions,
    helpers: Vec<PolynomialValues<F>>,
    z: PolynomialValues<F>,
}

/// What `starky::cross_table_lookup::get_ctl_data` gives: draws the challenges, and computes each table's helper columns
/// and partial sums from the tables' traces.
///
/// # Errors
/// [`ProveError::Shape`] if a lookup names a table or a column that is not there, looks from one table in two places
/// that are no neighbours, or is over constraints of another degree than 2 or 3, and [`ProveError::UnknownLookup`].
pub fn get_ctl_data<H: Hasher<F, Hash = HashOut<F>>, const N: usize>(
    config: &StarkConfig,
    traces: &[Vec<PolynomialValues<F>>; N],
    lookups: &[CrossTableLookup<F>],
    challenger: &mut Challenger<F, H>,
    max_constraint_degree: usize,
) -> Result<(GrandProductChallengeSet<F>, [CtlData; N])> {
    let lookups = lookups.iter().map(TableLookup::read).collect::<Result<Vec<_>>>()?;
    for lookup in &lookups {
        check(lookup, traces)?;
    }
    let challenges = get_grand_product_challenge_set(challenger, config.num_challenges);
    let mut data = [(); N].map(|()| CtlData::default());
    for TableLookup { looking, looked } in &lookups {
        for &challenge in &challenges.challenges {
            for tables in looking.chunk_by(|a, b| a.table == b.table) {
                let table = tables[0].table;
                data[table].zs.push(CtlZ::new(tables, challenge, &traces[table], max_constraint_degree)?);
            }
            let looked = std::slice::from_ref(looked);
            let table = looked[0].table;
            data[table].zs.push(CtlZ::new(looked, challenge, &traces[table], max_constraint_degree)?);
        }
    }
    Ok((challenges, data))
}

fn check(lookup: &TableLookup, traces: &[Vec<PolynomialValues<F>>]) -> Result<()> {
    let refuse = |what: String| Err(ProveError::Shape(what));
    for Table { table, columns, filter } in lookup.looking.iter().chain([&lookup.looked]) {
        let Some(trace) = traces.get(*table) else {
            return refuse(format!("a cross-table lookup names table {table}: there are {}", traces.len()));
        };
        let rows = trace.first().map_or(0, |column| column.len());
        if rows == 0 || trace.iter().any(|column| column.len() != rows) {
            return refuse(format!("the columns of table {table} have no rows, or different numbers of them"));
        }
        fits(&[(columns.clone(), filter.clone())], 0, trace.len())?;
    }
    // Upstream groups neighbours for the sums, and all of a table for the constraints.
    let mut seen = Vec::new();
    for tables in lookup.looking.chunk_by(|a, b| a.table == b.table) {
        if seen.contains(&tables[0].table) {
            return refuse(format!(
                "a cross-table lookup must name what looks from table {} in a row",
                tables[0].table
            ));
        }
        seen.push(tables[0].table);
    }
    Ok(())
}

impl CtlData {
    /// Helper columns of each partial sum.
    pub fn num_ctl_helper_polys(&self) -> Vec<usize> {
        self.zs.iter().map(|z| z.helpers.len()).collect()
    }

    /// All helper columns, then all partial sums: the order in which they are committed to.
    pub(crate) fn columns(&self) -> impl Iterator<Item = &PolynomialValues<F>> {
        self.zs.iter().flat_map(|z| &z.helpers).chain(self.zs.iter().map(|z| &z.z))
    }

    /// Whether this is for a table of `rows` rows and `width` columns, and constraints of degree `degree`.
    pub(crate) fn check(&self, rows: usize, width: usize, degree: usize) -> Result<()> {
        if self.zs.is_empty() {
            return Err(ProveError::Shape("no cross-table lookup names the table, but the AIR requires one".into()));
        }
        for z in &self.zs {
            if z.z.len() != rows {
                let of = z.z.len();
                return Err(ProveError::Shape(format!("cross-table lookups of a table of {of} rows, not {rows}")));
            }
            fits(&z.sum.terms, 0, width)?;
            let terms = z.sum.terms.len();
            // Upstream computes helper columns for the degree that `get_ctl_data` is told, and constrains them for the AIR's.
            let degree_fits = terms == 1 || batch(degree, terms)?.min(terms) == z.sum.batch.min(terms);
            if !degree_fits {
                return Err(ProveError::Shape(format!(
                    "cross-table lookups for constraints of another degree than the AIR's {degree}: give `get_ctl_data` \
                     this degree"
                )));
            }
        }
        Ok(())
    }

    /// The constraints (starky-1.1.0 cross_table_lookup.rs:531); `columns` and `next_columns` as [`Self::columns`].
    pub(crate) fn constrain<FE, P, const D2: usize>(
        &self,
        (local, next): (&[P], &[P]),
        (columns, next_columns): (&[P], &[P]),
        consumer: &mut ConstraintConsumer<P>,
    ) where
        FE: FieldExtension<D2, BaseField = F>,
        P: PackedField<Scalar = FE>,
    {
        let zs = columns.len() - self.zs.len();
        let mut start = 0;
        for (CtlZ { sum, helpers, .. }, at) in self.zs.iter().zip(zs..) {
            let helpers = &columns[start..start + helpers.len()];
            start += helpers.len();
            let (z, next_z) = (columns[at], next_columns[at]);
            if !helpers.is_empty() {
                sum.constrain::<FE, P, D2>((local, next), helpers, consumer);
                let helpers = helpers.iter().fold(P::ZEROS, |sum, &helper| sum + helper);
                consumer.constraint_last_row(z - helpers);
                consumer.constraint_transition(z - next_z - helpers);
            } else if let Some((terms, filter)) = sum.terms.first() {
                let combined = sum.combine::<FE, P, D2>(terms, local, next);
                let filter = filter.eval(local, next);
                consumer.constraint_last_row(combined * z - filter);
                consumer.constraint_transition(combined * (z - next_z) - filter);
            }
        }
    }
}

impl CtlZ {
    /// The sum over `tables`, which are the same table, from each row to the last (starky-1.1.0
    /// cross_table_lookup.rs:375). A single fraction needs no helper.
    fn new(
        tables: &[Table],
        challenge: GrandProductChallenge<F>,
        trace: &[PolynomialValues<F>],
        degree: usize,
    ) -> Result<CtlZ> {
        let terms = tables.iter().map(|table| (table.columns.clone(), table.filter.clone())).collect();
        let sum = Fractions { terms, challenge, batch: batch(degree, tables.len())? };
        let mut helpers = sum.helpers(trace)?;
        let rows = trace[0].len();
        let mut z = vec![F::ZERO; rows];
        let mut total = F::ZERO;
        for row in (0..rows).rev() {
            total += helpers.iter().map(|helper| helper.values[row]).sum::<F>();
            z[row] = total;
        }
        if tables.len() == 1 {
            helpers.clear();
        }
        Ok(CtlZ { sum, helpers, z: z.into() })
    }
}
