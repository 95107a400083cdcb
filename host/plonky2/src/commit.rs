//! Commitments and trees in plonky2's own types.

use hotloop::{Device, Input, LdeRequest, Leaves, Tree, TreeRequest};
use plonky2::{
    field::polynomial::{PolynomialCoeffs, PolynomialValues},
    fri::oracle::PolynomialBatch,
    hash::{
        hash_types::HashOut,
        merkle_tree::{MerkleCap, MerkleTree},
    },
    plonk::config::{GenericConfig, Hasher},
    util::log2_strict,
};

use crate::{
    error::{ProveError, Result},
    field::{coset_shift, element, hash_out, Elements, D, F},
};

/// What `PolynomialBatch::from_values` gives (without blinding), with extension and tree by the device.
pub fn from_values<C, H>(
    device: &Device,
    values: &[PolynomialValues<F>],
    rate_bits: usize,
    cap_height: usize,
) -> Result<PolynomialBatch<F, C, D>>
where
    C: GenericConfig<D, F = F, Hasher = H>,
    H: Hasher<F, Hash = HashOut<F>>,
{
    let columns: Vec<Elements<'_>> = values.iter().map(|column| Elements(&column.values)).collect();
    commit(device, &columns, None, rate_bits, cap_height)
}

/// What `PolynomialBatch::from_coeffs` gives (without blinding), with extension and tree by the device.
pub fn from_coeffs<C, H>(
    device: &Device,
    polynomials: Vec<PolynomialCoeffs<F>>,
    rate_bits: usize,
    cap_height: usize,
) -> Result<PolynomialBatch<F, C, D>>
where
    C: GenericConfig<D, F = F, Hasher = H>,
    H: Hasher<F, Hash = HashOut<F>>,
{
    let taken = polynomials.clone();
    let columns: Vec<Elements<'_>> = polynomials.iter().map(|column| Elements(&column.coeffs)).collect();
    commit(device, &columns, Some(taken), rate_bits, cap_height)
}

fn commit<C, H>(
    device: &Device,
    columns: &[Elements<'_>],
    coefficients: Option<Vec<PolynomialCoeffs<F>>>,
    rate_bits: usize,
    cap_height: usize,
) -> Result<PolynomialBatch<F, C, D>>
where
    C: GenericConfig<D, F = F, Hasher = H>,
    H: Hasher<F, Hash = HashOut<F>>,
{
    let degree = columns.first().map_or(0, |column| column.0.len());
    if !degree.is_power_of_two() {
        return Err(ProveError::Shape(format!("columns have {degree} rows: a power of two is needed")));
    }
    let degree_log = log2_strict(degree);
    let input = if coefficients.is_some() { Input::Coefficients } else { Input::Values };
    let request = LdeRequest {
        columns,
        input,
        log_blowup: rate_bits as u32,
        shift: coset_shift(),
        coefficients: input == Input::Values,
    };
    let levels = tree_levels(degree << rate_bits, cap_height)?;
    let commitment = device.commit(&request, &[], levels)?;
    let polynomials = match coefficients {
        Some(coefficients) => coefficients,
        None => commitment.batch.coefficients(element)?.into_iter().map(PolynomialCoeffs::new).collect(),
    };
    let merkle_tree = merkle_tree(commitment.batch.value_rows(element)?, &commitment.tree);
    Ok(PolynomialBatch { polynomials, merkle_tree, degree_log, rate_bits, blinding: false })
}

/// What `MerkleTree::new` gives, hashed by the device.
pub fn tree<H>(device: &Device, leaves: Vec<Vec<F>>, cap_height: usize) -> Result<MerkleTree<F, H>>
where
    H: Hasher<F, Hash = HashOut<F>>,
{
    let levels = tree_levels(leaves.len(), cap_height)?;
    let rows: Vec<Elements<'_>> = leaves.iter().map(|leaf| Elements(leaf)).collect();
    let tree = device.tree(TreeRequest { leaves: Leaves::Rows(&rows), levels })?;
    Ok(merkle_tree(leaves, &tree))
}

fn tree_levels(leaves: usize, cap_height: usize) -> Result<u32> {
    if !leaves.is_power_of_two() || cap_height > log2_strict(leaves) {
        return Err(ProveError::Shape(format!("a tree of {leaves} leaves has no cap of height {cap_height}")));
    }
    Ok((log2_strict(leaves) - cap_height) as u32)
}

/// From level order to plonky2's order: in the subtree below each element of the cap, pair q of layer i starts at
/// 2·((q << (i + 1)) + 2^i − 1).
fn merkle_tree<H>(leaves: Vec<Vec<F>>, tree: &Tree) -> MerkleTree<F, H>
where
    H: Hasher<F, Hash = HashOut<F>>,
{
    let cap: Vec<HashOut<F>> = tree.cap().iter().map(|&digest| hash_out(digest)).collect();
    let mut digests = vec![HashOut::ZERO; 2 * (leaves.len() - cap.len())];
    let subtree = digests.len() / cap.len();
    for layer in 0..tree.levels() {
        let nodes = tree.level(layer);
        let in_subtree = nodes.len() / cap.len();
        for (i, &digest) in nodes.iter().enumerate() {
            let (cap_index, node) = (i / in_subtree, i % in_subtree);
            let pair = ((node >> 1) << (layer + 1)) + (1 << layer) - 1;
            digests[cap_index * subtree + 2 * pair + (node & 1)] = hash_out(digest);
        }
    }
    MerkleTree { leaves, digests, cap: MerkleCap(cap) }
}
