//! Commitments and trees in plonky2's own types.

use hotloop::{goldilocks::reverse_bits, Commitment, Device, Input, LdeRequest, Leaves, Tree, TreeRequest, Words};
use plonky2::{
    field::{
        polynomial::{PolynomialCoeffs, PolynomialValues},
        types::{PrimeField64, Sample},
    },
    fri::oracle::{PolynomialBatch, SALT_SIZE},
    hash::{
        hash_types::HashOut,
        merkle_tree::{MerkleCap, MerkleTree},
    },
    plonk::config::{GenericConfig, Hasher},
    util::log2_strict,
};

use crate::{
    error::{ProveError, Result},
    field::{coset_shift, element, hash_out, right_set, Elements, D, F},
};

/// What `PolynomialBatch::from_values` gives, with extension and tree by the device: without blinding if `salts` is empty,
/// else blinded with these (see [`random_salts`]).
pub fn from_values<C, H>(
    device: &Device,
    values: &[PolynomialValues<F>],
    salts: &[Vec<F>],
    rate_bits: usize,
    cap_height: usize,
) -> Result<PolynomialBatch<F, C, D>>
where
    C: GenericConfig<D, F = F, Hasher = H>,
    H: Hasher<F, Hash = HashOut<F>>,
{
    let columns: Vec<&[F]> = values.iter().map(|column| &column.values[..]).collect();
    let commitment = commit(device, &columns, salts, Input::Values, rate_bits, cap_height)?;
    let polynomials = commitment.batch.coefficients(element)?.into_iter().map(PolynomialCoeffs::new).collect();
    batch(commitment, polynomials, !salts.is_empty(), rate_bits)
}

/// What `PolynomialBatch::from_coeffs` gives, with extension and tree by the device; `salts` as for [`from_values`].
pub fn from_coeffs<C, H>(
    device: &Device,
    polynomials: Vec<PolynomialCoeffs<F>>,
    salts: &[Vec<F>],
    rate_bits: usize,
    cap_height: usize,
) -> Result<PolynomialBatch<F, C, D>>
where
    C: GenericConfig<D, F = F, Hasher = H>,
    H: Hasher<F, Hash = HashOut<F>>,
{
    let columns: Vec<&[F]> = polynomials.iter().map(|column| &column.coeffs[..]).collect();
    let commitment = commit(device, &columns, salts, Input::Coefficients, rate_bits, cap_height)?;
    batch(commitment, polynomials, !salts.is_empty(), rate_bits)
}

/// Salts for the blinding of columns of `degree` rows, as upstream draws them: [`SALT_SIZE`] columns of random elements, in
/// the natural order of the extension.
pub fn random_salts(degree: usize, rate_bits: usize) -> Vec<Vec<F>> {
    (0..SALT_SIZE).map(|_| F::rand_vec(degree << rate_bits)).collect()
}

/// A column as the device takes it: as it is, or a salt column, whose order is that of the rows.
enum Column<'a> {
    Plain(&'a [F]),
    Salt(&'a [F]),
}

impl Words for Column<'_> {
    fn len(&self) -> usize {
        let (Column::Plain(column) | Column::Salt(column)) = self;
        column.len()
    }

    #[inline]
    fn word(&self, index: usize) -> u64 {
        match self {
            Column::Plain(column) => column[index].to_noncanonical_u64(),
            Column::Salt(column) => column[reverse_bits(index, column.len().ilog2())].to_noncanonical_u64(),
        }
    }

    #[inline]
    fn copy_to(&self, first: usize, out: &mut [u64]) {
        match self {
            Column::Plain(column) => {
                out.iter_mut().zip(&column[first..]).for_each(|(word, x)| *word = x.to_noncanonical_u64());
            }
            Column::Salt(_) => (first..).zip(out).for_each(|(index, word)| *word = self.word(index)),
        }
    }
}

fn commit(
    device: &Device,
    columns: &[&[F]],
    salts: &[Vec<F>],
    input: Input,
    rate_bits: usize,
    cap_height: usize,
) -> Result<Commitment> {
    right_set(device)?;
    let degree = columns.first().map_or(0, |column| column.len());
    if !degree.is_power_of_two() {
        return Err(ProveError::Shape(format!("columns have {degree} rows: a power of two is needed")));
    }
    let points = degree << rate_bits;
    if !salts.is_empty() && (salts.len() != SALT_SIZE || salts.iter().any(|salt| salt.len() != points)) {
        return Err(ProveError::Shape(format!("blinding takes {SALT_SIZE} columns of {points} salts")));
    }
    let columns: Vec<Column<'_>> = columns.iter().map(|column| Column::Plain(column)).collect();
    let salts: Vec<Column<'_>> = salts.iter().map(|salt| Column::Salt(salt)).collect();
    let request = LdeRequest {
        columns: &columns,
        input,
        log_blowup: rate_bits as u32,
        shift: coset_shift(),
        coefficients: input == Input::Values,
    };
    Ok(device.commit(&request, &salts, tree_levels(points, cap_height)?)?)
}

fn batch<C, H>(
    Commitment { batch, tree }: Commitment,
    polynomials: Vec<PolynomialCoeffs<F>>,
    blinding: bool,
    rate_bits: usize,
) -> Result<PolynomialBatch<F, C, D>>
where
    C: GenericConfig<D, F = F, Hasher = H>,
    H: Hasher<F, Hash = HashOut<F>>,
{
    // The rows come last: with them is the most memory in use.
    let (digests, cap) = digests(tree);
    let merkle_tree = MerkleTree { leaves: batch.value_rows(element)?, digests, cap };
    let degree_log = batch.log_n() as usize;
    Ok(PolynomialBatch { polynomials, merkle_tree, degree_log, rate_bits, blinding })
}

/// What `MerkleTree::new` gives, hashed by the device.
pub fn tree<H>(device: &Device, leaves: Vec<Vec<F>>, cap_height: usize) -> Result<MerkleTree<F, H>>
where
    H: Hasher<F, Hash = HashOut<F>>,
{
    let levels = tree_levels(leaves.len(), cap_height)?;
    let rows: Vec<Elements<'_>> = leaves.iter().map(|leaf| Elements(leaf)).collect();
    let tree = device.tree(TreeRequest { leaves: Leaves::Rows(&rows), levels })?;
    let (digests, cap) = digests(tree);
    Ok(MerkleTree { leaves, digests, cap })
}

fn tree_levels(leaves: usize, cap_height: usize) -> Result<u32> {
    if !leaves.is_power_of_two() || cap_height > log2_strict(leaves) {
        return Err(ProveError::Shape(format!("a tree of {leaves} leaves has no cap of height {cap_height}")));
    }
    Ok((log2_strict(leaves) - cap_height) as u32)
}

/// From level order to plonky2's order: in the subtree below each element of the cap, pair q of layer i starts at
/// 2·((q << (i + 1)) + 2^i − 1).
fn digests<H>(tree: Tree) -> (Vec<HashOut<F>>, MerkleCap<F, H>)
where
    H: Hasher<F, Hash = HashOut<F>>,
{
    let cap: Vec<HashOut<F>> = tree.cap().iter().map(|&digest| hash_out(digest)).collect();
    // Every element of the cap has 2^levels leaves and 2·(2^levels − 1) digests below it.
    let mut digests = vec![HashOut::ZERO; 2 * (tree.leaves() - cap.len())];
    let below = (2usize << tree.levels()) - 2;
    for layer in 0..tree.levels() {
        let nodes = tree.level(layer).chunks_exact(1 << (tree.levels() - layer));
        for (nodes, digests) in nodes.zip(digests.chunks_exact_mut(below)) {
            let pairs = digests.chunks_exact_mut(2).skip((1 << layer) - 1).step_by(2 << layer);
            for (to, from) in pairs.zip(nodes.as_chunks::<2>().0) {
                to.copy_from_slice(&from.map(hash_out));
            }
        }
    }
    (digests, MerkleCap(cap))
}
