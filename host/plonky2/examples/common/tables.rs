//! Three tables that look things up in each other: a machine that adds, a table of sums, and a table of squares, which
//! also looks its values up in a range of its own.

use plonky2::{
    field::{extension::FieldExtension, packed::PackedField, polynomial::PolynomialValues, types::Field},
    iop::ext_target::ExtensionTarget,
    plonk::circuit_builder::CircuitBuilder,
};
use starky::{
    constraint_consumer::{ConstraintConsumer, RecursiveConstraintConsumer},
    cross_table_lookup::{CrossTableLookup, TableWithColumns},
    evaluation_frame::{StarkEvaluationFrame, StarkFrame},
    lookup::{Column, Filter, Lookup},
    stark::Stark,
};

use hotloop_plonky2::{D, F};

/// What every table here has: a width, constraints natively and in a circuit, and lookups.
macro_rules! table {
    ($name:ty, $columns:expr, $eval:expr, $circuit:expr, $lookups:expr, $requires_ctls:expr) => {
        impl Stark<F, D> for $name {
            type EvaluationFrame<FE, P, const D2: usize>
                = StarkFrame<P, P::Scalar, { $columns }, 0>
            where
                FE: FieldExtension<D2, BaseField = F>,
                P: PackedField<Scalar = FE>;

            type EvaluationFrameTarget = StarkFrame<ExtensionTarget<D>, ExtensionTarget<D>, { $columns }, 0>;

            fn eval_packed_generic<FE, P, const D2: usize>(
                &self,
                vars: &Self::EvaluationFrame<FE, P, D2>,
                consumer: &mut ConstraintConsumer<P>,
            ) where
                FE: FieldExtension<D2, BaseField = F>,
                P: PackedField<Scalar = FE>,
            {
                $eval(vars.get_local_values(), vars.get_next_values(), consumer);
            }

            fn eval_ext_circuit(
                &self,
                builder: &mut CircuitBuilder<F, D>,
                vars: &Self::EvaluationFrameTarget,
                consumer: &mut RecursiveConstraintConsumer<F, D>,
            ) {
                $circuit(builder, vars.get_local_values(), vars.get_next_values(), consumer);
            }

            fn constraint_degree(&self) -> usize {
                3
            }

            fn lookups(&self) -> Vec<Lookup<F>> {
                $lookups
            }

            fn requires_ctls(&self) -> bool {
                $requires_ctls(self)
            }
        }
    };
}

type Circuit = CircuitBuilder<F, D>;
type Target = ExtensionTarget<D>;

/// In rows that are on, z = x + y, and w is the square of the next row's x.
#[derive(Clone, Copy, Debug)]
pub struct Machine;

/// In rows that are on, c = a + b, and d is the square of a.
#[derive(Clone, Copy, Debug)]
pub struct Sums;

/// s is the square of v, and v is in the range of the rows. On its own, or looked up by the others.
#[derive(Clone, Copy, Debug)]
pub struct Squares {
    pub looked_up: bool,
}

/// The first column of every table: whether the row counts.
const ON: usize = 0;
const X: usize = 1;
const Y: usize = 2;
const Z: usize = 3;
const W: usize = 4;
/// In `Squares`: the value, its square, the range, and how often each of it is looked up.
const V: usize = 1;
const S: usize = 2;
const RANGE: usize = 3;
const TIMES: usize = 4;

/// `Machine` and `Sums` constrain alike.
fn sums<P: PackedField>(local: &[P], _: &[P], consumer: &mut ConstraintConsumer<P>) {
    consumer.constraint(local[ON] * local[ON] - local[ON]);
    consumer.constraint(local[X] + local[Y] - local[Z]);
}

fn sums_circuit(
    builder: &mut Circuit,
    local: &[Target],
    _: &[Target],
    consumer: &mut RecursiveConstraintConsumer<F, D>,
) {
    let on = builder.mul_sub_extension(local[ON], local[ON], local[ON]);
    consumer.constraint(builder, on);
    let sum = builder.add_extension(local[X], local[Y]);
    let sum = builder.sub_extension(sum, local[Z]);
    consumer.constraint(builder, sum);
}

fn squares<P: PackedField>(local: &[P], next: &[P], consumer: &mut ConstraintConsumer<P>) {
    consumer.constraint(local[ON] * local[ON] - local[ON]);
    consumer.constraint(local[V] * local[V] - local[S]);
    consumer.constraint_first_row(local[RANGE]);
    consumer.constraint_transition(next[RANGE] - local[RANGE] - P::ONES);
}

fn squares_circuit(
    builder: &mut Circuit,
    local: &[Target],
    next: &[Target],
    consumer: &mut RecursiveConstraintConsumer<F, D>,
) {
    let on = builder.mul_sub_extension(local[ON], local[ON], local[ON]);
    consumer.constraint(builder, on);
    let square = builder.mul_sub_extension(local[V], local[V], local[S]);
    consumer.constraint(builder, square);
    consumer.constraint_first_row(builder, local[RANGE]);
    let step = builder.sub_extension(next[RANGE], local[RANGE]);
    let step = builder.add_const_extension(step, F::NEG_ONE);
    consumer.constraint_transition(builder, step);
}

table!(Machine, 5, sums, sums_circuit, vec![], |_: &Machine| true);
table!(Sums, 5, sums, sums_circuit, vec![], |_: &Sums| true);
table!(Squares, 5, squares, squares_circuit, vec![range_check()], |table: &Squares| table.looked_up);

/// A row and the next one are both on.
fn both_on() -> Filter<F> {
    Filter::new(vec![(Column::single(ON), Column::single_next_row(ON))], vec![])
}

/// v where the row is on, the next row's v where both are, and 2·on + 1 everywhere: in the range.
fn range_check() -> Lookup<F> {
    Lookup {
        columns: vec![
            Column::single(V),
            Column::single_next_row(V),
            Column::linear_combination_with_constant([(ON, F::TWO)], F::ONE),
        ],
        table_column: Column::single(RANGE),
        frequencies_column: Column::single(TIMES),
        filter_columns: vec![Filter::new_simple(Column::single(ON)), both_on(), Filter::default()],
    }
}

/// What looks into what. The machine looks sums up twice, as x + y and as y + x.
pub fn lookups() -> Vec<CrossTableLookup<F>> {
    let on = || Filter::new_simple(Column::single(ON));
    let columns = |columns: &[usize]| Column::singles(columns).collect::<Vec<_>>();
    let swapped = vec![Column::single(Y), Column::single(X), Column::sum([X, Y])];
    vec![
        CrossTableLookup::new(
            vec![TableWithColumns::new(0, columns(&[X, Y, Z]), on()), TableWithColumns::new(0, swapped, on())],
            TableWithColumns::new(1, columns(&[X, Y, Z]), on()),
        ),
        CrossTableLookup::new(
            vec![
                TableWithColumns::new(0, vec![Column::single_next_row(X), Column::single(W)], both_on()),
                TableWithColumns::new(1, columns(&[X, W]), on()),
            ],
            TableWithColumns::new(2, columns(&[V, S]), on()),
        ),
    ]
}

type Trace = Vec<PolynomialValues<F>>;

fn trace(rows: usize, of: impl Fn(usize) -> [u64; 5]) -> Trace {
    let rows: Vec<[u64; 5]> = (0..rows).map(of).collect();
    let column = |k: usize| rows.iter().map(|row| F::from_canonical_u64(row[k])).collect::<Vec<_>>().into();
    (0..5).map(column).collect()
}

/// `Squares` of 2^`log_rows` rows for these values; with the squares of 0 the rows that are not on.
pub fn squares_trace(log_rows: u32, values: &[u64]) -> Trace {
    let rows = 1 << log_rows;
    assert!(values.len() <= rows && values.iter().all(|&value| value < rows as u64));
    let mut times = vec![0; rows];
    values.iter().for_each(|&value| times[value as usize] += 1);
    values.iter().skip(1).for_each(|&value| times[value as usize] += 1);
    // As `range_check` counts: row rows − 1 is followed by row 0.
    if values.len() == rows {
        times[values[0] as usize] += 1;
    }
    times[3] += values.len() as u64;
    times[1] += (rows - values.len()) as u64;
    trace(rows, |row| {
        let (on, v) = values.get(row).map_or((0, 0), |&value| (1, value));
        [on, v, v * v, row as u64, times[row]]
    })
}

/// Traces of `Machine`, `Sums` and `Squares` of 2^`log_rows`, twice and four times so many rows.
pub fn traces(log_rows: u32) -> [Trace; 3] {
    let rows = 1u64 << log_rows;
    let on = rows as usize - 1;
    let xy = |row: usize| (row as u64 * 5 % rows, (row as u64 * 11 + 3) % rows);
    let machine = trace(rows as usize, |row| {
        let ((x, y), (next_x, _)) = (xy(row), xy(row + 1));
        [u64::from(row < on), x, y, x + y, if row + 1 < on { next_x * next_x } else { 0 }]
    });
    let pairs: Vec<(u64, u64)> = (0..on).map(xy).flat_map(|(x, y)| [(x, y), (y, x)]).collect();
    let sums = trace(2 * rows as usize, |row| pairs.get(row).map_or([0; 5], |&(a, b)| [1, a, b, a + b, a * a]));
    let values: Vec<u64> = (1..on).map(|row| xy(row).0).chain(pairs.iter().map(|pair| pair.0)).collect();
    [machine, sums, squares_trace(log_rows + 2, &values)]
}
