//! [`DeviceMmcs`]: Plonky3's Merkle trees over matrices of different heights, hashed on a device.

use hotloop::{Device, Digest, Leaves, ParameterSet, Tree, TreeRequest, Words, STATE_WORDS};
use p3_commit::{BatchOpening, BatchOpeningRef, Mmcs};
use p3_field::Field;
use p3_goldilocks::{
    default_goldilocks_poseidon2_12,
    poseidon1::{default_goldilocks_poseidon1_12, Poseidon1Goldilocks},
    Goldilocks, Poseidon2Goldilocks,
};
use p3_matrix::{Dimensions, Matrix};
use p3_merkle_tree::MerkleTreeMmcs;
use p3_symmetric::{CryptographicPermutation, MerkleCap, PaddingFreeSponge, TruncatedPermutation};

use crate::{
    error::{or_raise, raise, ProveError, Result},
    field::{element, word},
};

type Packing = <Goldilocks as Field>::Packing;

/// The trees of p3-merkle-tree that a device's are equal to: what a verifier takes. Leaves by [`PaddingFreeSponge`], parents
/// by [`TruncatedPermutation`], binary, digests of four elements.
pub type StockMmcs<P> = MerkleTreeMmcs<
    Packing,
    Packing,
    PaddingFreeSponge<P, STATE_WORDS, 8, 4>,
    TruncatedPermutation<P, 2, 4, STATE_WORDS>,
    2,
    4,
>;

/// A permutation of p3-goldilocks that boards have.
pub trait BoardPermutation:
    CryptographicPermutation<[Goldilocks; STATE_WORDS]> + CryptographicPermutation<[Packing; STATE_WORDS]>
{
    /// The parameter set that hashes with it as Plonky3 does.
    const SET: ParameterSet;

    /// With the constants that the boards have.
    fn of_the_board() -> Self;
}

impl BoardPermutation for Poseidon2Goldilocks<STATE_WORDS> {
    const SET: ParameterSet = ParameterSet::Plonky3Poseidon2;

    fn of_the_board() -> Self {
        default_goldilocks_poseidon2_12()
    }
}

impl BoardPermutation for Poseidon1Goldilocks<STATE_WORDS> {
    const SET: ParameterSet = ParameterSet::Plonky3Goldilocks;

    fn of_the_board() -> Self {
        default_goldilocks_poseidon1_12()
    }
}

/// The trees that a verifier takes, with the permutation that the boards have.
pub fn stock_mmcs<P: BoardPermutation>(cap_height: usize) -> StockMmcs<P> {
    let permutation = P::of_the_board();
    StockMmcs::new(PaddingFreeSponge::new(permutation.clone()), TruncatedPermutation::new(permutation), cap_height)
}

/// `MerkleTreeMmcs` with its hashing on a device: the same commitments, openings and proofs, for any prover generic over
/// [`Mmcs`]. Use it inside [`crate::with_device`], which returns the device's errors.
///
/// As in the library, a cap binds no matrix of fewer rows than it has digests.
#[derive(Clone)]
pub struct DeviceMmcs<P> {
    device: Device,
    cap_height: usize,
    stock: StockMmcs<P>,
}

impl<P: BoardPermutation> DeviceMmcs<P> {
    /// Trees with caps of 2^`cap_height` digests, or of a level below the root that a small tree has.
    ///
    /// # Errors
    /// [`ProveError::WrongSet`] if the device hashes otherwise.
    pub fn new(device: Device, cap_height: usize) -> Result<Self> {
        if device.set() != P::SET {
            return Err(ProveError::WrongSet { open: device.set(), needed: P::SET });
        }
        Ok(DeviceMmcs { device, cap_height, stock: stock_mmcs(cap_height) })
    }

    /// Level that is the cap of a tree of so many.
    fn cap_level(&self, levels: usize) -> usize {
        (levels - 1).saturating_sub(self.cap_height)
    }
}

/// Matrices, and the digests of a tree over them.
pub struct MmcsTree<M> {
    matrices: Vec<M>,
    /// Levels from the leaves up to the root, each padded with a digest of zeros if its length is odd and not 1.
    levels: Vec<Vec<Digest>>,
}

impl<P: BoardPermutation> Mmcs<Goldilocks> for DeviceMmcs<P> {
    type ProverData<M> = MmcsTree<M>;
    type Commitment = <StockMmcs<P> as Mmcs<Goldilocks>>::Commitment;
    type Proof = <StockMmcs<P> as Mmcs<Goldilocks>>::Proof;
    type Error = <StockMmcs<P> as Mmcs<Goldilocks>>::Error;

    fn commit<M: Matrix<Goldilocks>>(&self, inputs: Vec<M>) -> (Self::Commitment, MmcsTree<M>) {
        let levels = or_raise(levels(&self.device, &inputs));
        let cap = &levels[self.cap_level(levels.len())];
        // As `MerkleTree::cap`, p3-merkle-tree 0.5.4, `src/merkle_tree.rs`: without the padding.
        let count = cap.len().min(1 << (levels.len() - 1 - self.cap_level(levels.len())));
        let cap = MerkleCap::new(cap[..count].iter().map(|digest| digest.map(element)).collect());
        (cap, MmcsTree { matrices: inputs, levels })
    }

    fn open_batch<M: Matrix<Goldilocks>>(
        &self,
        index: usize,
        prover_data: &MmcsTree<M>,
    ) -> BatchOpening<Goldilocks, Self> {
        let MmcsTree { matrices, levels } = prover_data;
        let tallest = self.get_max_height(prover_data);
        let row = |matrix: &M| {
            let shift = log2_ceil(tallest) - log2_ceil(matrix.height());
            matrix.row(index >> shift).map(|row| row.into_iter().collect())
        };
        let Some(rows) = matrices.iter().map(row).collect::<Option<Vec<Vec<Goldilocks>>>>() else {
            raise(ProveError::Matrices { reason: format!("there is no row {index}: the tallest has {tallest}") })
        };
        let below = &levels[..self.cap_level(levels.len())];
        let path = below.iter().enumerate().map(|(level, digests)| digests[index >> level ^ 1].map(element));
        BatchOpening::new(rows, path.collect())
    }

    fn get_matrices<'a, M: Matrix<Goldilocks>>(&self, prover_data: &'a MmcsTree<M>) -> Vec<&'a M> {
        prover_data.matrices.iter().collect()
    }

    fn verify_batch(
        &self,
        commit: &Self::Commitment,
        dimensions: &[Dimensions],
        index: usize,
        batch_opening: BatchOpeningRef<'_, Goldilocks, Self>,
    ) -> Result<(), Self::Error> {
        let BatchOpeningRef { opened_values, opening_proof } = batch_opening;
        self.stock.verify_batch(commit, dimensions, index, BatchOpeningRef::new(opened_values, opening_proof))
    }
}

/// One column of a matrix.
struct Column<'a, M> {
    matrix: &'a M,
    column: usize,
}

impl<'a, M: Matrix<Goldilocks>> Column<'a, M> {
    /// All columns, matrix by matrix.
    fn all(matrices: &[&'a M]) -> Vec<Self> {
        let mut columns = Vec::new();
        for &matrix in matrices {
            columns.extend((0..matrix.width()).map(|column| Column { matrix, column }));
        }
        columns
    }
}

impl<M: Matrix<Goldilocks>> Words for Column<'_, M> {
    fn len(&self) -> usize {
        self.matrix.height()
    }

    #[inline]
    fn word(&self, index: usize) -> u64 {
        self.matrix.get(index, self.column).map_or(0, word)
    }
}

fn log2_ceil(height: usize) -> u32 {
    height.next_power_of_two().trailing_zeros()
}

/// Matrices by height, the tallest first; those of one height in their order. p3-merkle-tree 0.5.4 refuses the same heights,
/// `src/mmcs.rs`: each is the tallest's divided by a power of two, rounded up.
fn by_height<M: Matrix<Goldilocks>>(matrices: &[M]) -> Result<Vec<Vec<&M>>> {
    let refuse = |reason| Err(ProveError::Matrices { reason });
    let Some(tallest) = matrices.iter().map(Matrix::height).max() else { return refuse("there is none".into()) };
    let mut sorted: Vec<&M> = matrices.iter().collect();
    sorted.sort_by_key(|matrix| std::cmp::Reverse(matrix.height()));
    for matrix in &sorted {
        let height = matrix.height();
        if height == 0 || matrix.width() == 0 {
            return refuse(format!("one is of {height} rows of {} elements", matrix.width()));
        }
        let fits = tallest.div_ceil(1 << (log2_ceil(tallest) - log2_ceil(height)));
        if height != fits {
            return refuse(format!("one has {height} rows, which beside {tallest} would have to be {fits}"));
        }
    }
    Ok(sorted.chunk_by(|a, b| a.height() == b.height()).map(<[&M]>::to_vec).collect())
}

/// How many levels one job builds above `rows` digests: up to where shorter matrices come in, or a digest of zeros.
fn levels_above(mut rows: usize, comes_in: Option<usize>) -> u32 {
    let mut levels = 0;
    while rows > 1 && rows.is_multiple_of(2) && comes_in != Some(log2_ceil(rows) as usize) {
        rows /= 2;
        levels += 1;
    }
    levels
}

/// A tree's levels, as `MerkleTree::new` of p3-merkle-tree 0.5.4, `src/merkle_tree.rs`, has them. The rows of each height are
/// hashed in one job, all heights with one doorbell; then come jobs over pairs of digests, each for as many levels as follow
/// from one another: one for each height below the first, and one wherever a level is padded.
fn levels<M: Matrix<Goldilocks>>(device: &Device, matrices: &[M]) -> Result<Vec<Vec<Digest>>> {
    let groups = by_height(matrices)?;
    let heights: Vec<usize> = groups.iter().map(|group| log2_ceil(group[0].height()) as usize).collect();
    let columns: Vec<Vec<Column<'_, M>>> = groups.iter().map(|group| Column::all(group)).collect();
    let mut shorter = heights[1..].iter().copied();
    let mut comes_in = shorter.next();
    let requests: Vec<TreeRequest<'_, Column<'_, M>>> = columns
        .iter()
        .enumerate()
        .map(|(i, columns)| TreeRequest {
            leaves: Leaves::Columns(columns),
            levels: if i == 0 { levels_above(groups[0][0].height(), comes_in) } else { 0 },
        })
        .collect();
    let mut hashed = device.trees(&requests)?.into_iter();
    let Some(mut tree) = hashed.next() else { return Ok(Vec::new()) };
    let mut levels: Vec<Vec<Digest>> = Vec::new();
    loop {
        levels.extend((0..tree.levels()).map(|level| tree.level(level).to_vec()));
        let mut top = tree.cap().to_vec();
        let mut pairs: Vec<Digest> = Vec::new();
        if comes_in == Some(log2_ceil(top.len()) as usize) {
            // A parent of each digest and that of the row beside it, or of zeros where there is no row.
            let rows = hashed.next();
            let rows = rows.as_ref().map_or(&[][..], Tree::cap).iter().copied().chain(std::iter::repeat([0; 4]));
            pairs.extend(top.iter().zip(rows).flat_map(|(digest, row)| [*digest, row]));
            comes_in = shorter.next();
        } else {
            if top.len() > 1 && top.len() % 2 == 1 {
                top.push([0; 4]);
            }
            levels.push(top);
            let top = &levels[levels.len() - 1];
            if top.len() == 1 {
                return Ok(levels);
            }
            pairs.extend(top);
        }
        let pairs: Vec<&[u64]> = pairs.as_flattened().chunks_exact(8).collect();
        let levels = levels_above(pairs.len(), comes_in);
        tree = device.tree(TreeRequest { leaves: Leaves::Rows(&pairs), levels })?;
    }
}
