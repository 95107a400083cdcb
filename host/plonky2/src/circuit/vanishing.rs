//! The quotient: the vanishing polynomial over the extension on the host (plonk/vanishing_poly.rs:165 and
//! plonk/prover.rs:605), back to coefficients on the device.

use std::ops::Range;

use hotloop::Device;
use plonky2::{
    field::{
        packable::Packable, packed::PackedField, polynomial::PolynomialCoeffs, types::Field,
        zero_poly_coset::ZeroPolyOnCoset,
    },
    fri::oracle::PolynomialBatch,
    hash::hash_types::HashOut,
    plonk::{config::GenericConfig, vars::EvaluationVarsBaseBatch},
    util::strided_view::PackedStridedView,
};
use rayon::prelude::*;

use super::{
    data::Circuit,
    lookup::{self, Coins},
    permutation::{self, Challenge},
};
use crate::{
    error::{ProveError, Result},
    field::{self, coset_shift, element, Elements, D, F},
};

/// Points at once, as upstream.
const BATCH: usize = 32;

/// What the quotient is of.
pub(super) struct Vanishing<'a, C: GenericConfig<D, F = F>> {
    pub circuit: &'a Circuit<'a, C>,
    pub wires: &'a PolynomialBatch<F, C, D>,
    /// Z, partial products and lookups.
    pub products: &'a PolynomialBatch<F, C, D>,
    pub public_inputs_hash: HashOut<F>,
    pub challenges: &'a [Challenge],
    pub coins: &'a [Coins],
    pub alphas: &'a [F],
}

/// Points of the quotient, and what is known of them beforehand.
struct Points {
    log_rows: usize,
    log_step: usize,
    xs: Vec<F>,
    vanishing: ZeroPolyOnCoset<F>,
    table_sums: Vec<Vec<F>>,
}

impl<C: GenericConfig<D, F = F>> Vanishing<'_, C> {
    /// For each challenge the values of the vanishing polynomial over Z_H on the coset, in natural order.
    pub fn quotients(&self) -> Vec<Vec<F>> {
        let (log_rows, log_quotient) = (self.circuit.common.degree_bits(), self.circuit.quotient_bits());
        let size = 1usize << (log_rows + log_quotient);
        let root = F::primitive_root_of_unity(log_rows + log_quotient);
        let points = Points {
            log_rows,
            log_step: self.circuit.common.config.fri_config.rate_bits - log_quotient,
            xs: F::cyclic_subgroup_coset_known_order(root, F::coset_shift(), size),
            vanishing: ZeroPolyOnCoset::new(log_rows, log_quotient),
            table_sums: self.coins.iter().map(|coins| lookup::table_sums(self.circuit, coins)).collect(),
        };
        let starts: Vec<usize> = (0..size).step_by(BATCH).collect();
        let batches: Vec<Vec<F>> = starts
            .into_par_iter()
            .map(|start| {
                let range = start..size.min(start + BATCH);
                match range.len().is_multiple_of(<F as Packable>::Packing::WIDTH) {
                    true => self.batch::<<F as Packable>::Packing>(&points, range),
                    false => self.batch::<F>(&points, range),
                }
            })
            .collect();
        let of = |challenge: usize| {
            batches.iter().flat_map(move |batch| batch.chunks(batch.len() / self.alphas.len()).nth(challenge)).flatten()
        };
        (0..self.alphas.len()).map(|challenge| of(challenge).copied().collect()).collect()
    }

    /// The quotients' values at some neighbouring points, challenge after challenge.
    fn batch<P: PackedField<Scalar = F>>(&self, points: &Points, range: Range<usize>) -> Vec<F> {
        let (circuit, common) = (self.circuit, self.circuit.common);
        let n = range.len();
        let next = range.start + points.xs.len() / (1 << points.log_rows);
        let gather = |batch, start| gather(batch, start, n, points);
        let constants_sigmas = gather(&circuit.prover.constants_sigmas_commitment, range.start);
        let wires = gather(self.wires, range.start);
        let (local, next) = (gather(self.products, range.start), gather(self.products, next));

        let (constants, sigmas) = constants_sigmas.split_at(common.num_constants * n);
        let selectors = &constants[circuit.gate_selectors() * n..circuit.selectors() * n];
        let vars = EvaluationVarsBaseBatch::new(n, constants, &wires, &self.public_inputs_hash);
        let gate_constraints = circuit.gate_constraints(vars);

        let xs = &points.xs[range.clone()];
        let rows = F::from_canonical_usize(1 << points.log_rows);
        let denominators: Vec<F> = xs.iter().map(|&x| rows * (x - F::ONE)).collect();
        let inverses = F::batch_multiplicative_inverse(&denominators);

        let mut values = vec![F::ZERO; n * self.alphas.len()];
        let mut terms = Vec::new();
        for at in (0..n).step_by(P::WIDTH) {
            let view = |columns| PackedStridedView::<P>::new(columns, n, at);
            let lanes = |values: &[F]| *P::from_slice(&values[at..at + P::WIDTH]);
            let i = range.start + at;
            let mut vanishing = P::ZEROS;
            vanishing.as_slice_mut().iter_mut().enumerate().for_each(|(j, z)| *z = points.vanishing.eval(i + j));

            terms.clear();
            let openings = permutation::Openings {
                wires: view(&wires),
                sigmas: view(sigmas),
                local: view(&local),
                next: view(&next),
            };
            let first_lagrange = vanishing * lanes(&inverses);
            permutation::terms(
                self.challenges,
                common.quotient_degree_factor,
                lanes(xs),
                first_lagrange,
                &openings,
                &mut terms,
            );
            let lookup_polys = common.num_lookup_polys * n;
            for ((c, coins), table_sums) in self.coins.iter().enumerate().zip(&points.table_sums) {
                let start = circuit.permutation_columns() * n + c * lookup_polys;
                let openings = lookup::Openings {
                    wires: view(&wires),
                    selectors: view(selectors),
                    local: view(&local[start..start + lookup_polys]),
                    next: view(&next[start..start + lookup_polys]),
                };
                let degree = common.quotient_degree_factor - 1;
                lookup::terms(&common.config, degree, coins, table_sums, &openings, &mut terms);
            }

            let inverse: P = points.vanishing.eval_inverse_packed(i);
            for (value, &alpha) in values.chunks_exact_mut(n).zip(self.alphas) {
                let gates = view(&gate_constraints);
                let sum = gates.iter().rev().fold(P::ZEROS, |sum, &term| sum * alpha + term);
                let sum = terms.iter().rev().fold(sum, |sum, &term| sum * alpha + term);
                value[at..at + P::WIDTH].copy_from_slice((sum * inverse).as_slice());
            }
        }
        values
    }
}

/// Coefficients of the quotients, one after the other, each in chunks of the circuit's length.
pub(super) fn chunks<C: GenericConfig<D, F = F>>(
    device: &Device,
    circuit: &Circuit<'_, C>,
    values: &[Vec<F>],
) -> Result<Vec<PolynomialCoeffs<F>>> {
    let columns: Vec<Elements<'_>> = values.iter().map(|column| Elements(column)).collect();
    let coefficients = device.inverse(&columns, coset_shift())?.coefficients(element)?;
    let chunks = field::chunks(coefficients, circuit.common.quotient_degree(), circuit.common.degree());
    chunks.ok_or_else(|| ProveError::Witness("the quotient's degree is too high".into()))
}

/// Rows of an extension from point `start` (modulo their number) on, column by column, without salts.
fn gather<C>(batch: &PolynomialBatch<F, C, D>, start: usize, n: usize, points: &Points) -> Vec<F>
where
    C: GenericConfig<D, F = F>,
{
    let rows: Vec<&[F]> =
        (start..start + n).map(|i| batch.get_lde_values(i % points.xs.len(), 1 << points.log_step)).collect();
    let mut columns = Vec::with_capacity(n * batch.polynomials.len());
    for column in 0..batch.polynomials.len() {
        columns.extend(rows.iter().map(|row| row[column]));
    }
    columns
}
