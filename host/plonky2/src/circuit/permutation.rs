//! The argument for the copy constraints: Z and its partial products (plonk/prover.rs:393, util/partial_products.rs).

use plonky2::{
    field::{packed::PackedField, polynomial::PolynomialValues, types::Field},
    plonk::config::GenericConfig,
    util::strided_view::PackedStridedView,
};
use rayon::prelude::*;

use super::data::Circuit;
use crate::{
    error::{ProveError, Result},
    field::{D, F},
};

/// Rows whose denominators are inverted together.
const BLOCK: usize = 64;

/// A challenge pair, with β·k_j for each routed wire j.
pub(super) struct Challenge {
    beta: F,
    gamma: F,
    beta_k: Vec<F>,
}

impl Challenge {
    /// One for each β and γ.
    pub fn all(k_is: &[F], betas: &[F], gammas: &[F]) -> Vec<Challenge> {
        let one =
            |(&beta, &gamma): (&F, &F)| Challenge { beta, gamma, beta_k: k_is.iter().map(|&k| beta * k).collect() };
        betas.iter().zip(gammas).map(one).collect()
    }

    /// The products over the routed wires of a chunk: of `wire + β·k·x + γ`, and of `wire + β·σ + γ`.
    #[inline]
    fn products<P: PackedField<Scalar = F>>(&self, x: P, wires: impl Iterator<Item = (usize, P, P)>) -> (P, P) {
        wires.fold((P::ONES, P::ONES), |(numerator, denominator), (j, wire, sigma)| {
            let shifted = wire + self.gamma;
            (numerator * (shifted + x * self.beta_k[j]), denominator * (shifted + sigma * self.beta))
        })
    }
}

/// Values of Z for all challenges, then of the partial products, challenge by challenge. `rows` is the witness.
pub(super) fn columns<C: GenericConfig<D, F = F>>(
    circuit: &Circuit<'_, C>,
    rows: &[Vec<F>],
    challenges: &[Challenge],
) -> Result<Vec<PolynomialValues<F>>> {
    let (mut zs, mut partials) = (Vec::new(), Vec::new());
    for challenge in challenges {
        let mut columns = of_challenge(circuit, rows, challenge)?.into_iter().map(PolynomialValues::new);
        zs.extend(columns.next());
        partials.extend(columns);
    }
    zs.append(&mut partials);
    Ok(zs)
}

/// Z, and the partial products between a row's Z and the next one's.
fn of_challenge<C: GenericConfig<D, F = F>>(
    circuit: &Circuit<'_, C>,
    rows: &[Vec<F>],
    challenge: &Challenge,
) -> Result<Vec<Vec<F>>> {
    let (prover, degree) = (circuit.prover, circuit.common.quotient_degree_factor);
    let blocks: Vec<Vec<F>> = rows
        .par_chunks(BLOCK)
        .zip(prover.sigmas.par_chunks(BLOCK))
        .zip(prover.subgroup.par_chunks(BLOCK))
        .map(|((rows, sigmas), xs)| {
            let (mut numerators, mut denominators) = (Vec::new(), Vec::new());
            for ((row, sigmas), &x) in rows.iter().zip(sigmas).zip(xs) {
                for (start, sigmas) in sigmas.chunks(degree).enumerate().map(|(i, chunk)| (i * degree, chunk)) {
                    let wires = sigmas.iter().enumerate().map(|(j, &sigma)| (start + j, row[start + j], sigma));
                    let (numerator, denominator) = challenge.products(x, wires);
                    numerators.push(numerator);
                    denominators.push(denominator);
                }
            }
            if denominators.contains(&F::ZERO) {
                return Err(ProveError::Prover("a challenge meets a wire's value: prove again".into()));
            }
            let inverses = F::batch_multiplicative_inverse(&denominators);
            Ok(numerators.into_iter().zip(inverses).map(|(numerator, inverse)| numerator * inverse).collect())
        })
        .collect::<Result<_>>()?;

    let chunks = circuit.chunks();
    let mut columns = vec![Vec::with_capacity(rows.len()); chunks];
    let mut z = F::ONE;
    for quotients in blocks.iter().flat_map(|block| block.chunks(chunks)) {
        for (column, &quotient) in columns.iter_mut().zip(quotients) {
            column.push(z);
            z *= quotient;
        }
    }
    if z != F::ONE {
        return Err(ProveError::Witness("the copy constraints do not hold".into()));
    }
    Ok(columns)
}

/// The permutation's columns at some points, and at the points of their next rows.
pub(super) struct Openings<'a, P: PackedField<Scalar = F>> {
    pub wires: PackedStridedView<'a, P>,
    pub sigmas: PackedStridedView<'a, P>,
    pub local: PackedStridedView<'a, P>,
    pub next: PackedStridedView<'a, P>,
}

/// Terms of the vanishing polynomial: L_0·(Z − 1) of every challenge, then each step from Z over the partial products
/// to the next row's Z (plonk/vanishing_poly.rs:249, util/partial_products.rs:57).
pub(super) fn terms<P: PackedField<Scalar = F>>(
    challenges: &[Challenge],
    degree: usize,
    x: P,
    first_lagrange: P,
    at: &Openings<'_, P>,
    terms: &mut Vec<P>,
) {
    terms.extend((0..challenges.len()).map(|i| first_lagrange * (at.local[i] - P::ONES)));
    let routed = at.sigmas.len();
    let chunks = routed.div_ceil(degree);
    for (i, challenge) in challenges.iter().enumerate() {
        let mut previous = at.local[i];
        for chunk in 0..chunks {
            let next = match chunk + 1 == chunks {
                true => at.next[i],
                false => at.local[challenges.len() + i * (chunks - 1) + chunk],
            };
            let range = chunk * degree..routed.min((chunk + 1) * degree);
            let (numerator, denominator) = challenge.products(x, range.map(|j| (j, at.wires[j], at.sigmas[j])));
            terms.push(previous * numerator - next * denominator);
            previous = next;
        }
    }
}
