//! The witness: generated, completed, and held against the circuit before it is proved.

use std::panic::{catch_unwind, AssertUnwindSafe};

use plonky2::{
    field::types::{Field, PrimeField64},
    hash::hash_types::HashOut,
    iop::{
        generator::generate_partial_witness,
        witness::{PartialWitness, PartitionWitness, Witness as _},
    },
    plonk::{
        config::{GenericConfig, Hasher},
        prover::set_lookup_wires,
        vars::EvaluationVarsBaseBatch,
    },
};
use rayon::prelude::*;

use super::{data::Circuit, lookup};
use crate::{
    error::{ProveError, Result},
    field::{D, F},
};

fn refuse<T>(what: impl Into<String>) -> Result<T> {
    Err(ProveError::Witness(what.into()))
}

/// All wires, and what of them is public.
pub(super) struct Witness {
    /// A vector for each row of the circuit.
    pub rows: Vec<Vec<F>>,
    pub public_inputs: Vec<F>,
    pub public_inputs_hash: HashOut<F>,
}

/// Runs the circuit's generators, upstream's.
pub(super) fn generate<'a, C: GenericConfig<D, F = F>>(
    circuit: &Circuit<'a, C>,
    inputs: PartialWitness<F>,
) -> Result<PartitionWitness<'a, F>> {
    let (prover, common) = (circuit.prover, circuit.common);
    let targets = prover.representative_map.len();
    let index = |target: &plonky2::iop::target::Target| target.index(common.config.num_wires, common.degree());
    if let Some(target) = inputs.target_values.keys().find(|target| index(target) >= targets) {
        return refuse(format!("{target:?} is no target of this circuit"));
    }
    // Generators are anybody's code, and upstream's panic where, say, a divisor is zero.
    match catch_unwind(AssertUnwindSafe(|| generate_partial_witness(inputs, prover, common))) {
        Ok(witness) => witness.or_else(|error| refuse(format!("{error}: are all inputs set, and do they fit?"))),
        Err(payload) => {
            let text = payload.downcast_ref::<String>().map(String::as_str);
            let text = text.or(payload.downcast_ref::<&str>().copied()).unwrap_or("no reason given");
            refuse(format!("a generator panicked: {text}"))
        }
    }
}

/// Sets the wires of lookups, reads the rows and holds them against every gate's constraints: what is wrong is named by
/// its row and gate.
pub(super) fn complete<C: GenericConfig<D, F = F>>(
    circuit: &Circuit<'_, C>,
    mut witness: PartitionWitness<'_, F>,
) -> Result<Witness> {
    let (prover, common) = (circuit.prover, circuit.common);
    let (wires, degree) = (common.config.num_wires, common.degree());
    let map = witness.representative_map;
    let same_map = std::ptr::eq(map, &prover.representative_map[..]) || map == prover.representative_map;
    if !same_map || (witness.num_wires, witness.degree) != (wires, degree) || witness.values.len() != map.len() {
        return refuse("it was made for another circuit");
    }
    lookup::check(circuit, &witness)?;
    set_lookup_wires(prover, common, &mut witness).or_else(|error| refuse(error.to_string()))?;
    let mut public_inputs = Vec::with_capacity(prover.public_inputs.len());
    for (i, &target) in prover.public_inputs.iter().enumerate() {
        match witness.try_get_target(target) {
            Some(value) => public_inputs.push(value),
            None => return refuse(format!("public input {i} has no value")),
        }
    }
    // `full_witness` (iop/witness.rs:376) by rows: wires that nothing sets are zero.
    let value = |&target: &usize| witness.values.get(target).copied().flatten().unwrap_or(F::ZERO);
    let rows = map[..degree * wires].par_chunks(wires).map(|row| row.iter().map(value).collect()).collect();
    let public_inputs_hash = C::InnerHasher::hash_no_pad(&public_inputs);
    let witness = Witness { rows, public_inputs, public_inputs_hash };
    check_gates(circuit, &witness)?;
    lookup::check_tables(circuit, &witness.rows)?;
    Ok(witness)
}

/// Rows that are held against their gate at once.
const BATCH: usize = 32;

/// Every row against its own gate: a small part of what the quotient evaluates, which is every gate at every point of an
/// extension.
fn check_gates<C: GenericConfig<D, F = F>>(circuit: &Circuit<'_, C>, witness: &Witness) -> Result<()> {
    let polynomials = &circuit.prover.constants_sigmas_commitment.polynomials[circuit.common.constants_range()];
    let constants: Vec<Vec<F>> = polynomials.par_iter().map(|column| column.clone().fft().values).collect();
    let mut rows_of = vec![Vec::new(); circuit.common.gates.len()];
    for row in 0..witness.rows.len() {
        let selectors = constants[..circuit.gate_selectors()].iter().map(|column| column[row].to_canonical_u64());
        match circuit.gate_of(selectors).and_then(|gate| rows_of.get_mut(gate)) {
            Some(rows) => rows.push(row),
            None => return Err(ProveError::Shape(format!("the circuit's row {row} has no gate"))),
        }
    }
    let constants = &constants[circuit.selectors()..];
    let gates = circuit.common.gates.iter().zip(&rows_of).filter(|(gate, _)| gate.0.num_constraints() > 0);
    let batches: Vec<_> = gates.flat_map(|(gate, rows)| rows.chunks(BATCH).map(move |rows| (gate, rows))).collect();
    batches.into_par_iter().try_for_each(|(gate, rows)| {
        let constants: Vec<F> = constants.iter().flat_map(|column| rows.iter().map(|&row| column[row])).collect();
        let wires =
            (0..circuit.common.config.num_wires).flat_map(|j| rows.iter().map(move |&row| witness.rows[row][j]));
        let wires: Vec<F> = wires.collect();
        let vars = EvaluationVarsBaseBatch::new(rows.len(), &constants, &wires, &witness.public_inputs_hash);
        let values = gate.0.eval_unfiltered_base_batch(vars);
        match values.iter().position(|&value| value != F::ZERO) {
            None => Ok(()),
            Some(i) => {
                let (row, constraint) = (rows[i % rows.len()], i / rows.len());
                refuse(format!("row {row} breaks constraint {constraint} of its gate, {}", gate.0.id()))
            }
        }
    })
}
