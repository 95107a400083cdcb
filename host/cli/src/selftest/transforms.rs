//! The transform engine, commitments and folding, against plonky2's polynomials and trees.

use hotloop::{Device, Input, LdeRequest};
use hotloop_plonky2::FE;
use plonky2::{
    field::{
        extension::FieldExtension,
        goldilocks_field::GoldilocksField as F,
        polynomial::{PolynomialCoeffs, PolynomialValues},
        types::{Field, PrimeField64, Sample},
    },
    hash::{merkle_tree::MerkleTree, poseidon::PoseidonHash},
    plonk::plonk_common::reduce_with_powers,
    util::reverse_index_bits_in_place,
};

use super::{canonical, elements, expect, text, Answer};
use crate::random::columns;

/// Lengths to try: all up to the preset's, and one that takes two passes.
fn lengths(device: &Device) -> std::ops::RangeInclusive<u32> {
    1..=device.identity().max_log + 1
}

pub fn forward(device: &Device) -> Answer {
    for log_n in lengths(device) {
        let columns = columns(if log_n % 2 == 0 { 9 } else { 3 }, 1 << log_n);
        let shift = F::coset_shift();
        let batch = device.forward(&columns, shift.to_canonical_u64()).map_err(text)?;
        let wanted: Vec<Vec<u64>> = columns.iter().map(|c| extended(c, 0, shift)).collect();
        expect(&format!("a transform of 2^{log_n}"), &batch.value_columns(|x| x).map_err(text)?, &wanted)?;
    }
    Ok(format!("2^1 to 2^{}, on a coset", lengths(device).end()))
}

/// plonky2's values of a polynomial on a coset of 2^`log_blowup` times its length, in bit-reversed order.
fn extended(coefficients: &[u64], log_blowup: usize, shift: F) -> Vec<u64> {
    let coefficients = PolynomialCoeffs::new(elements(coefficients)).lde(log_blowup);
    let mut values = coefficients.coset_fft(shift).values;
    reverse_index_bits_in_place(&mut values);
    canonical(&values)
}

pub fn inverse(device: &Device) -> Answer {
    for log_n in lengths(device) {
        let columns = columns(if log_n % 2 == 0 { 2 } else { 10 }, 1 << log_n);
        for shift in [F::ONE, F::coset_shift()] {
            let batch = device.inverse(&columns, shift.to_canonical_u64()).map_err(text)?;
            let wanted: Vec<Vec<u64>> = columns
                .iter()
                .map(|c| canonical(&PolynomialValues::new(elements(c)).coset_ifft(shift).coeffs))
                .collect();
            expect(&format!("an inverse transform of 2^{log_n}"), &batch.coefficients(|x| x).map_err(text)?, &wanted)?;
        }
    }
    Ok(format!("2^1 to 2^{}, on the subgroup and on a coset", lengths(device).end()))
}

pub fn extensions(device: &Device) -> Answer {
    let max_cosets = device.identity().max_log_cosets;
    for log_n in lengths(device) {
        let log_blowup = log_n % (max_cosets.min(3) + 1);
        let columns = columns(if log_n < 9 { 17 } else { 3 }, 1 << log_n);
        for input in [Input::Values, Input::Coefficients] {
            let coefficients = input == Input::Values;
            let shift = F::coset_shift();
            let request =
                LdeRequest { columns: &columns, input, log_blowup, shift: shift.to_canonical_u64(), coefficients };
            let batch = device.lde(&request).map_err(text)?;
            let polynomials: Vec<Vec<u64>> = columns
                .iter()
                .map(|c| {
                    if coefficients {
                        canonical(&PolynomialValues::new(elements(c)).ifft().coeffs)
                    } else {
                        c.clone()
                    }
                })
                .collect();
            let what = format!("an extension of 2^{log_n} by 2^{log_blowup}");
            let wanted: Vec<Vec<u64>> = polynomials.iter().map(|p| extended(p, log_blowup as usize, shift)).collect();
            expect(&what, &batch.value_columns(|x| x).map_err(text)?, &wanted)?;
            if coefficients {
                expect(&what, &batch.coefficients(|x| x).map_err(text)?, &polynomials)?;
            }
        }
    }
    Ok(format!("2^1 to 2^{}, blow-up 1 to {}", lengths(device).end(), 1 << max_cosets.min(3)))
}

/// Extension and tree in one job; of more rows than the board keeps states of, it reads the values back.
pub fn commitments(device: &Device) -> Answer {
    let (longest, most) = (device.identity().max_log, device.identity().max_log_cosets);
    let largest = device.identity().commit_log;
    let shapes =
        [(1, 0, 3), (1, 2, 5), (4, 1, 4), (5, 1, 8), (6, 3, 17), (8, 1, 29), (longest.min(largest.max(9) - 1), 1, 9)];
    for (log_n, log_blowup, width) in shapes.map(|(log_n, log_blowup, width)| (log_n, most.min(log_blowup), width)) {
        let columns = columns(width, 1 << log_n);
        let shift = F::coset_shift();
        let request = LdeRequest {
            columns: &columns,
            input: Input::Coefficients,
            log_blowup,
            shift: shift.to_canonical_u64(),
            coefficients: false,
        };
        let levels = log_n + log_blowup;
        let commitment = device.commit(&request, &[], levels).map_err(text)?;
        let what = format!("a commitment to {width} columns of 2^{log_n}");
        let values: Vec<Vec<u64>> = columns.iter().map(|c| extended(c, log_blowup as usize, shift)).collect();
        expect(&what, &commitment.batch.value_columns(|x| x).map_err(text)?, &values)?;
        let rows = (0..1 << levels).map(|i| values.iter().map(|c| F::from_canonical_u64(c[i])).collect()).collect();
        let root = MerkleTree::<F, PoseidonHash>::new(rows, 0).cap.0[0].elements.map(|x| x.to_canonical_u64());
        expect(&what, &commitment.tree.cap().to_vec(), &vec![root])?;
    }
    Ok(format!("{} shapes, 3 to 29 columns; hashed on the way up to 2^{largest} rows", shapes.len()))
}

/// FRI's folding, against plonky2's `reduce_with_powers`.
pub fn folding(device: &Device) -> Answer {
    for log_arity in 1..=device.identity().fold_max_log {
        for folded in [1, 4, 9, 200] {
            let components = columns(2, folded << log_arity);
            let [a, b] = [elements(&components[0]), elements(&components[1])];
            let coefficients: Vec<FE> = a.iter().zip(&b).map(|(&a, &b)| FE::from_basefield_array([a, b])).collect();
            let beta = FE::rand();
            let chunks = coefficients.chunks(1 << log_arity);
            let wanted: Vec<[u64; 2]> =
                chunks.map(|c| reduce_with_powers(c, beta).0.map(|x| x.to_canonical_u64())).collect();
            let beta = beta.0.map(|x| x.to_canonical_u64());
            let found = device.fold([&components[0], &components[1]], beta, log_arity).map_err(text)?;
            expect(&format!("a polynomial folded by 2^{log_arity}"), &found, &wanted)?;
        }
    }
    Ok(format!("by 2 to {}, up to 200 coefficients left", 1 << device.identity().fold_max_log))
}
