//! Lookups: the running sums over tables and over what looks into them (plonk/prover.rs:458, after
//! <https://eprint.iacr.org/2023/107>), and their constraints (plonk/vanishing_poly.rs:541).
//!
//! RE is a Horner sum over a table's rows, which shows that the table is the right one. Sum adds, row after row, each
//! entry's multiplicity over α − (input + A·output), LDC the inverses of what looks: the columns SLDC hold Sum − LDC,
//! several slots to a column. Rows run downwards.

use std::{collections::HashMap, ops::Range};

use plonky2::{
    field::{packed::PackedField, polynomial::PolynomialValues, types::Field, types::PrimeField64},
    gates::{lookup::LookupGate, lookup_table::LookupTableGate},
    iop::{
        target::Target,
        witness::{PartitionWitness, Witness},
    },
    plonk::{
        circuit_builder::NUM_COINS_LOOKUP,
        circuit_data::{CircuitConfig, CommonCircuitData},
        config::GenericConfig,
    },
    util::strided_view::PackedStridedView,
};
use rayon::prelude::*;

use super::data::Circuit;
use crate::{
    error::{ProveError, Result},
    field::{D, F},
};

/// Selectors of lookups (`LookupSelectors`, gates/selectors.rs:31), and of the end of the first table.
const TRANSITION_SUM: usize = 0;
const TRANSITION_LDC: usize = 1;
const INITIAL_SUM: usize = 2;
const LAST_LDC: usize = 3;
pub(super) const FIRST_TABLE_SELECTOR: usize = 4;

/// Slots of a row, in columns of a bounded degree.
#[derive(Clone, Copy, Debug)]
struct Slots {
    looking: usize,
    table: usize,
    /// Columns of SLDC.
    columns: usize,
}

impl Slots {
    /// As `num_slots` of the gates (gates/lookup.rs:58, gates/lookup_table.rs:66).
    fn new(config: &CircuitConfig, lookup_polys: usize) -> Slots {
        let (looking, table) = (config.num_routed_wires / 2, config.num_routed_wires / 3);
        Slots { looking, table, columns: lookup_polys - 1 }
    }

    fn of<C: GenericConfig<D, F = F>>(circuit: &Circuit<'_, C>) -> Slots {
        Slots::new(&circuit.common.config, circuit.common.num_lookup_polys)
    }

    fn looking_of(&self, column: usize, degree: usize) -> Range<usize> {
        column * degree..self.looking.min((column + 1) * degree)
    }

    fn table_of(&self, column: usize) -> Range<usize> {
        let degree = self.table.div_ceil(self.columns);
        self.table.min(column * degree)..self.table.min((column + 1) * degree)
    }
}

/// Columns of a challenge's lookups: RE, and those of SLDC (plonk/circuit_builder.rs:1246).
pub(super) fn columns_of(common: &CommonCircuitData<F, D>, tables: usize) -> usize {
    let looking = common.config.num_routed_wires / 2;
    match tables {
        0 => 0,
        _ => looking.div_ceil(common.quotient_degree_factor - 1) + 1,
    }
}

/// Rows that a table takes.
pub(super) fn rows_of(table: &[(u16, u16)], common: &CommonCircuitData<F, D>) -> usize {
    table.len().div_ceil(common.config.num_routed_wires / 3)
}

/// A challenge's four coins (`LookupChallenges`, plonk/circuit_builder.rs:68).
#[derive(Clone, Copy, Debug)]
pub(super) struct Coins {
    a: F,
    b: F,
    alpha: F,
    delta: F,
}

impl Coins {
    pub fn all(deltas: &[F]) -> Vec<Coins> {
        let coins = |c: &[F]| Coins { a: c[0], b: c[1], alpha: c[2], delta: c[3] };
        deltas.chunks_exact(NUM_COINS_LOOKUP).map(coins).collect()
    }
}

/// Refuses a witness whose lookups are not in their tables, by the entries that `set_lookup_wires`
/// (plonk/prover.rs:37) counts.
pub(super) fn check<C: GenericConfig<D, F = F>>(
    circuit: &Circuit<'_, C>,
    witness: &PartitionWitness<'_, F>,
) -> Result<()> {
    for (i, (table, lookups)) in circuit.common.luts.iter().zip(&circuit.prover.lut_to_lookups).enumerate() {
        let entries: HashMap<u16, u16> = table.iter().copied().collect();
        let value = |target: Target| witness.try_get_target(target).map(|value| value.to_canonical_u64());
        for &(input, output) in lookups {
            let (Some(x), Some(y)) = (value(input), value(output)) else {
                return Err(ProveError::Witness(format!("a lookup into table {i} has no value")));
            };
            if u16::try_from(x).ok().and_then(|x| entries.get(&x)).copied().map(u64::from) != Some(y) {
                return Err(ProveError::Witness(format!("lookup table {i} has no entry ({x}, {y})")));
            }
        }
    }
    Ok(())
}

/// Refuses a witness whose rows do not hold the tables.
pub(super) fn check_tables<C: GenericConfig<D, F = F>>(circuit: &Circuit<'_, C>, rows: &[Vec<F>]) -> Result<()> {
    if !circuit.has_lookups() {
        return Ok(());
    }
    let slots = Slots::of(circuit);
    for (i, (table, at)) in circuit.common.luts.iter().zip(&circuit.prover.lookup_rows).enumerate() {
        let there =
            (at.last_lut_gate..=at.first_lut_gate).rev().flat_map(|row| (0..slots.table).map(move |s| (row, s)));
        for ((row, s), (input, output)) in there.zip(padded(table, slots.table)) {
            let wires = &rows[row];
            let found =
                (wires[LookupTableGate::wire_ith_looked_inp(s)], wires[LookupTableGate::wire_ith_looked_out(s)]);
            if found != (F::from_canonical_u16(input), F::from_canonical_u16(output)) {
                return Err(ProveError::Witness(format!("row {row} does not hold lookup table {i}")));
            }
        }
    }
    Ok(())
}

/// A table with its first entry in what is left of its last row.
fn padded(table: &[(u16, u16)], slots: usize) -> impl Iterator<Item = (u16, u16)> + '_ {
    let length = table.len().next_multiple_of(slots);
    table.iter().copied().chain(std::iter::repeat(table[0])).take(length)
}

/// What RE is at the end of each table (`get_lut_poly`, plonk/vanishing_poly.rs:27, at δ).
pub(super) fn table_sums<C: GenericConfig<D, F = F>>(circuit: &Circuit<'_, C>, coins: &Coins) -> Vec<F> {
    let slots = Slots::of(circuit);
    let entry = |(x, y): (u16, u16)| F::from_canonical_u16(x) + coins.b * F::from_canonical_u16(y);
    let sum =
        |table: &[(u16, u16)]| padded(table, slots.table).fold(F::ZERO, |sum, pair| sum * coins.delta + entry(pair));
    circuit.common.luts.iter().map(|table| sum(table)).collect()
}

/// Values of RE and of SLDC for all challenges. `rows` is the witness.
pub(super) fn columns<C: GenericConfig<D, F = F>>(
    circuit: &Circuit<'_, C>,
    rows: &[Vec<F>],
    coins: &[Coins],
) -> Result<Vec<PolynomialValues<F>>> {
    let mut columns = Vec::with_capacity(circuit.lookup_columns());
    for coins in coins {
        columns.extend(of_challenge(circuit, rows, coins)?.into_iter().map(PolynomialValues::new));
    }
    Ok(columns)
}

fn of_challenge<C: GenericConfig<D, F = F>>(
    circuit: &Circuit<'_, C>,
    rows: &[Vec<F>],
    coins: &Coins,
) -> Result<Vec<Vec<F>>> {
    let slots = Slots::of(circuit);
    let degree = circuit.common.quotient_degree_factor - 1;
    let mut columns = vec![vec![F::ZERO; rows.len()]; slots.columns + 1];
    for at in &circuit.prover.lookup_rows {
        let table = at.last_lut_gate..at.first_lut_gate + 1;
        let sums = row_sums(&rows[table.clone()], |row| {
            let combined = (0..slots.table).map(|s| coins.alpha - looked(row, s, coins.a));
            let inverses = inverses(combined.collect())?;
            let sum = |s: usize| row[LookupTableGate::wire_ith_multiplicity(s)] * inverses[s];
            Ok((0..slots.columns).map(|column| slots.table_of(column).map(sum).sum()).collect())
        })?;
        for (row, sums) in table.zip(&sums).rev() {
            columns[0][row] =
                (0..slots.table).fold(columns[0][row + 1], |sum, s| sum * coins.delta + looked(&rows[row], s, coins.b));
            step(&mut columns, row, sums);
        }
        let looking = at.last_lu_gate..at.last_lut_gate;
        let sums = row_sums(&rows[looking.clone()], |row| {
            let combined = (0..slots.looking).map(|s| coins.alpha - looks(row, s, coins.a));
            let inverses = inverses(combined.collect())?;
            let sum = |column| -slots.looking_of(column, degree).map(|s| inverses[s]).sum::<F>();
            Ok((0..slots.columns).map(sum).collect())
        })?;
        for (row, sums) in looking.zip(&sums).rev() {
            step(&mut columns, row, sums);
        }
    }
    Ok(columns)
}

fn looked(row: &[F], slot: usize, coin: F) -> F {
    row[LookupTableGate::wire_ith_looked_inp(slot)] + coin * row[LookupTableGate::wire_ith_looked_out(slot)]
}

fn looks(row: &[F], slot: usize, coin: F) -> F {
    row[LookupGate::wire_ith_looking_inp(slot)] + coin * row[LookupGate::wire_ith_looking_out(slot)]
}

fn inverses(values: Vec<F>) -> Result<Vec<F>> {
    if values.contains(&F::ZERO) {
        return Err(ProveError::Prover("a challenge meets a lookup's value: prove again".into()));
    }
    Ok(F::batch_multiplicative_inverse(&values))
}

fn row_sums(rows: &[Vec<F>], sums: impl Fn(&[F]) -> Result<Vec<F>> + Sync) -> Result<Vec<Vec<F>>> {
    rows.par_iter().map(|row| sums(row)).collect()
}

/// A row of SLDC, from the last column of the row before it (which is below it) over its own columns.
fn step(columns: &mut [Vec<F>], row: usize, sums: &[F]) {
    let mut sum = columns[sums.len()][row + 1];
    for (column, &more) in columns[1..].iter_mut().zip(sums) {
        sum += more;
        column[row] = sum;
    }
}

/// What the constraints of one challenge take at some points.
pub(super) struct Openings<'a, P: PackedField<Scalar = F>> {
    pub wires: PackedStridedView<'a, P>,
    /// The selectors of lookups.
    pub selectors: PackedStridedView<'a, P>,
    /// RE and SLDC of this challenge.
    pub local: PackedStridedView<'a, P>,
    pub next: PackedStridedView<'a, P>,
}

/// Terms of the vanishing polynomial for one challenge; `table_sums` as [`table_sums`] gives them.
pub(super) fn terms<P: PackedField<Scalar = F>>(
    config: &CircuitConfig,
    degree: usize,
    coins: &Coins,
    table_sums: &[F],
    at: &Openings<'_, P>,
    terms: &mut Vec<P>,
) {
    let slots = Slots::new(config, at.local.len());
    let (selectors, re) = (&at.selectors, at.local[0]);
    let looked = |s: usize, coin: F| {
        at.wires[LookupTableGate::wire_ith_looked_inp(s)] + at.wires[LookupTableGate::wire_ith_looked_out(s)] * coin
    };
    let looks = |s: usize| {
        at.wires[LookupGate::wire_ith_looking_inp(s)] + at.wires[LookupGate::wire_ith_looking_out(s)] * coins.a
    };
    let alpha = P::from(coins.alpha);

    terms.push(selectors[LAST_LDC] * at.local[slots.columns]);
    terms.push(selectors[INITIAL_SUM] * at.local[1]);
    terms.push(selectors[INITIAL_SUM] * re);
    terms.extend(table_sums.iter().enumerate().map(|(i, &sum)| selectors[FIRST_TABLE_SELECTOR + i] * (re - sum)));
    let sum = (0..slots.table).fold(at.next[0], |sum, s| sum * coins.delta + looked(s, coins.b));
    terms.push(selectors[TRANSITION_SUM] * (re - sum));

    let mut previous = at.next[slots.columns];
    for column in 0..slots.columns {
        let here = at.local[column + 1];
        let step = here - previous;
        // Π d_i, and Σ m_i · Π d_j over j ≠ i: the denominator and the numerator of Σ m_i / d_i.
        let add = |(product, sum): (P, P), m: P, d: P| (product * d, sum * d + product * m);
        let (product, sum) = slots.table_of(column).fold((P::ONES, P::ZEROS), |fraction, s| {
            add(fraction, at.wires[LookupTableGate::wire_ith_multiplicity(s)], alpha - looked(s, coins.a))
        });
        terms.push(selectors[TRANSITION_SUM] * (product * step - sum));
        let (product, sum) = slots
            .looking_of(column, degree)
            .fold((P::ONES, P::ZEROS), |fraction, s| add(fraction, P::ONES, alpha - looks(s)));
        terms.push(selectors[TRANSITION_LDC] * (product * step + sum));
        previous = here;
    }
}
