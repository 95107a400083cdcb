//! `fibonacci`: starky's example. Columns a, b; from row to row a, b becomes b, a + b.

use ::starky::{
    constraint_consumer::{ConstraintConsumer, RecursiveConstraintConsumer},
    evaluation_frame::{StarkEvaluationFrame, StarkFrame},
    stark::Stark,
};
use plonky2::{
    field::{extension::FieldExtension, packed::PackedField, polynomial::PolynomialValues, types::Field},
    iop::ext_target::ExtensionTarget,
    plonk::circuit_builder::CircuitBuilder,
};

use super::{columns, PinnedAir};
use crate::field::{D, F};

const COLUMNS: usize = 2;
/// First a, first b, last b.
const PUBLIC_INPUTS: usize = 3;

/// The Fibonacci sequence from public first values to a public last one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fibonacci;

impl PinnedAir for Fibonacci {
    fn trace(&self, log_rows: u32) -> (Vec<PolynomialValues<F>>, Vec<F>) {
        let first = [F::ZERO, F::ONE];
        let trace = columns(log_rows, first, |&[a, b]| [b, a + b]);
        let last = trace[1].values.last().copied().unwrap_or_default();
        (trace, vec![first[0], first[1], last])
    }
}

impl Stark<F, D> for Fibonacci {
    type EvaluationFrame<E, P, const D2: usize>
        = StarkFrame<P, P::Scalar, COLUMNS, PUBLIC_INPUTS>
    where
        E: FieldExtension<D2, BaseField = F>,
        P: PackedField<Scalar = E>;

    type EvaluationFrameTarget = StarkFrame<ExtensionTarget<D>, ExtensionTarget<D>, COLUMNS, PUBLIC_INPUTS>;

    fn eval_packed_generic<E, P, const D2: usize>(
        &self,
        vars: &Self::EvaluationFrame<E, P, D2>,
        constraints: &mut ConstraintConsumer<P>,
    ) where
        E: FieldExtension<D2, BaseField = F>,
        P: PackedField<Scalar = E>,
    {
        let (now, next, public) = (vars.get_local_values(), vars.get_next_values(), vars.get_public_inputs());
        constraints.constraint_first_row(now[0] - public[0]);
        constraints.constraint_first_row(now[1] - public[1]);
        constraints.constraint_last_row(now[1] - public[2]);
        constraints.constraint_transition(next[0] - now[1]);
        constraints.constraint_transition(next[1] - now[0] - now[1]);
    }

    fn eval_ext_circuit(
        &self,
        builder: &mut CircuitBuilder<F, D>,
        vars: &Self::EvaluationFrameTarget,
        constraints: &mut RecursiveConstraintConsumer<F, D>,
    ) {
        let (now, next, public) = (vars.get_local_values(), vars.get_next_values(), vars.get_public_inputs());
        let first = [builder.sub_extension(now[0], public[0]), builder.sub_extension(now[1], public[1])];
        let last = builder.sub_extension(now[1], public[2]);
        let step = builder.sub_extension(next[0], now[1]);
        let difference = builder.sub_extension(next[1], now[0]);
        let sum = builder.sub_extension(difference, now[1]);
        first.into_iter().for_each(|constraint| constraints.constraint_first_row(builder, constraint));
        constraints.constraint_last_row(builder, last);
        constraints.constraint_transition(builder, step);
        constraints.constraint_transition(builder, sum);
    }

    fn constraint_degree(&self) -> usize {
        2
    }
}
