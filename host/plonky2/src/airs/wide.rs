//! `wide`: as many columns as a real machine has. From row to row column k becomes c[k]·c[k+1] + c[k+2], indices
//! modulo the number of columns; with the transition's factor the constraints have degree 3.

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

/// First value of the first column, and its last.
const PUBLIC_INPUTS: usize = 2;

/// The seed of the trace that `prove` generates.
const SEED: u64 = 0x0048_6f74_6c6f_6f70;

/// `N` columns, each driven by itself and its two neighbours. Row 0 is seed, seed + 1, …, seed + N − 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wide<const N: usize>;

impl<const N: usize> PinnedAir for Wide<N> {
    fn trace(&self, log_rows: u32) -> (Vec<PolynomialValues<F>>, Vec<F>) {
        let seed = F::from_canonical_u64(SEED);
        let first = std::array::from_fn(|k| seed + F::from_canonical_usize(k));
        let trace =
            columns::<N>(log_rows, first, |row| std::array::from_fn(|k| row[k] * row[(k + 1) % N] + row[(k + 2) % N]));
        let last = trace[0].values.last().copied().unwrap_or_default();
        (trace, vec![seed, last])
    }
}

impl<const N: usize> Stark<F, D> for Wide<N> {
    type EvaluationFrame<E, P, const D2: usize>
        = StarkFrame<P, P::Scalar, N, PUBLIC_INPUTS>
    where
        E: FieldExtension<D2, BaseField = F>,
        P: PackedField<Scalar = E>;

    type EvaluationFrameTarget = StarkFrame<ExtensionTarget<D>, ExtensionTarget<D>, N, PUBLIC_INPUTS>;

    fn eval_packed_generic<E, P, const D2: usize>(
        &self,
        vars: &Self::EvaluationFrame<E, P, D2>,
        constraints: &mut ConstraintConsumer<P>,
    ) where
        E: FieldExtension<D2, BaseField = F>,
        P: PackedField<Scalar = E>,
    {
        let (now, next, public) = (vars.get_local_values(), vars.get_next_values(), vars.get_public_inputs());
        for (k, &value) in now.iter().enumerate() {
            constraints.constraint_first_row(value - public[0] - E::from_canonical_usize(k));
        }
        constraints.constraint_last_row(now[0] - public[1]);
        for k in 0..N {
            constraints.constraint_transition(next[k] - now[k] * now[(k + 1) % N] - now[(k + 2) % N]);
        }
    }

    fn eval_ext_circuit(
        &self,
        builder: &mut CircuitBuilder<F, D>,
        vars: &Self::EvaluationFrameTarget,
        constraints: &mut RecursiveConstraintConsumer<F, D>,
    ) {
        let (now, next, public) = (vars.get_local_values(), vars.get_next_values(), vars.get_public_inputs());
        for (k, &value) in now.iter().enumerate() {
            let wanted = builder.add_const_extension(public[0], F::from_canonical_usize(k));
            let constraint = builder.sub_extension(value, wanted);
            constraints.constraint_first_row(builder, constraint);
        }
        let last = builder.sub_extension(now[0], public[1]);
        constraints.constraint_last_row(builder, last);
        for k in 0..N {
            let step = builder.mul_add_extension(now[k], now[(k + 1) % N], now[(k + 2) % N]);
            let constraint = builder.sub_extension(next[k], step);
            constraints.constraint_transition(builder, constraint);
        }
    }

    fn constraint_degree(&self) -> usize {
        3
    }
}
