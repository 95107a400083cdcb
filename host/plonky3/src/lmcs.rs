//! Miden's commitments to matrices, hashed on a device.

use hotloop::{Device, Leaves, ParameterSet, Tree, TreeRequest, Words};
use miden_lifted_stark::lmcs::{
    bitrev::BitReversibleMatrix, proof::LeafOpening, row_list::RowList, tree_indices::TreeIndices, utils::aligned_len,
    Lmcs, LmcsError, LmcsTree, OpenedRows,
};
use miden_stark_transcript::{ProverChannel, VerifierChannel};
use p3_matrix::Matrix;
use p3_symmetric::Hash;

use crate::{
    error::{or_raise, ProveError, Result},
    field::{element, options, word, BoardField},
};

/// Elements of a digest.
pub const DIGEST_WORDS: usize = 4;

/// Elements that the sponge takes at a time.
const RATE: usize = 8;

/// `Lmcs` with trees that are hashed on a device: an upstream [`Lmcs`] over Poseidon2 for everything that a verifier does,
/// trees of our own ([`DeviceTree`]) with the same digests and hints.
#[derive(Clone, Debug)]
pub struct DeviceLmcs<L> {
    stock: L,
    device: Device,
}

impl<F: BoardField, L: Lmcs<F = F, Commitment = Hash<F, F, DIGEST_WORDS>>> DeviceLmcs<L> {
    /// Trees of `stock` on `device`.
    ///
    /// # Errors
    /// [`ProveError::WrongSet`] if the device is not open for [`ParameterSet::Miden`]; [`ProveError::OtherHash`] if `stock`
    /// hashes otherwise (RPO, BLAKE3, …).
    pub fn new(stock: L, device: Device) -> Result<Self> {
        let needed = ParameterSet::Miden;
        if device.set() != needed {
            return Err(ProveError::WrongSet { open: device.set(), needed });
        }
        // One permutation tells a hash from all others.
        let mut state: [u64; hotloop::STATE_WORDS] = std::array::from_fn(|i| if i < RATE { i as u64 } else { 0 });
        let row: Vec<F> = state[..RATE].iter().map(|&word| element(word)).collect();
        if let Some(reference) = options(needed).reference {
            reference.permute(&mut state);
        }
        let digest: [F; DIGEST_WORDS] = std::array::from_fn(|i| element(state[i]));
        if stock.alignment() != RATE || stock.hash([&row[..]]) != Hash::from(digest) {
            return Err(ProveError::OtherHash { needed });
        }
        Ok(DeviceLmcs { stock, device })
    }

    fn tree<M: BitReversibleMatrix<F>>(&self, leaves: Vec<M>, alignment: usize) -> DeviceTree<F, M::BitRev> {
        or_raise(ascending(&leaves));
        let leaves: Vec<M::BitRev> = leaves.into_iter().map(BitReversibleMatrix::bit_reverse_rows).collect();
        let digests = or_raise(digests(&self.device, &leaves));
        DeviceTree { leaves, digests, alignment, field: std::marker::PhantomData }
    }
}

impl<F: BoardField, L: Lmcs<F = F, Commitment = Hash<F, F, DIGEST_WORDS>>> Lmcs for DeviceLmcs<L> {
    type F = F;
    type Commitment = L::Commitment;
    type Tree<Stored: Matrix<F>> = DeviceTree<F, Stored>;
    type BatchProof = L::BatchProof;

    fn build_tree<M: BitReversibleMatrix<F>>(&self, leaves: Vec<M>) -> Self::Tree<M::BitRev> {
        self.tree(leaves, 1)
    }

    fn build_aligned_tree<M: BitReversibleMatrix<F>>(&self, leaves: Vec<M>) -> Self::Tree<M::BitRev> {
        self.tree(leaves, self.alignment())
    }

    fn hash<'a, I: IntoIterator<Item = &'a [F]>>(&self, rows: I) -> Self::Commitment
    where
        F: 'a,
    {
        self.stock.hash(rows)
    }

    fn compress(&self, left: Self::Commitment, right: Self::Commitment) -> Self::Commitment {
        self.stock.compress(left, right)
    }

    fn open_batch<Ch: VerifierChannel<F = F, Commitment = Self::Commitment>>(
        &self,
        commitment: &Self::Commitment,
        widths: &[usize],
        indices: &TreeIndices,
        channel: &mut Ch,
    ) -> Result<OpenedRows<F>, LmcsError> {
        self.stock.open_batch(commitment, widths, indices, channel)
    }

    fn read_batch_proof<Ch: VerifierChannel<F = F, Commitment = Self::Commitment>>(
        &self,
        widths: &[usize],
        indices: &TreeIndices,
        channel: &mut Ch,
    ) -> Result<Self::BatchProof, LmcsError> {
        self.stock.read_batch_proof(widths, indices, channel)
    }

    fn alignment(&self) -> usize {
        self.stock.alignment()
    }
}

/// A tree over matrices of powers of two of rows, shortest first, in bit-reversed order; leaf i, in domain order, has row
/// bitrev(i) >> k of each, where k lifts the matrix to the height of the last (miden-lifted-stark 0.25.1,
/// `src/lmcs/lifted_tree.rs:38`).
#[derive(Debug)]
pub struct DeviceTree<F, M> {
    leaves: Vec<M>,
    digests: Tree,
    alignment: usize,
    field: std::marker::PhantomData<F>,
}

/// Leaf `index`, in domain order: the rows that belong to it, each filled with zeros to a multiple of the rate, as the
/// sponge absorbs them (miden-stateful-hasher 0.25.1, `src/field_sponge.rs:45`).
struct Leaf<'a, F, M> {
    matrices: &'a [Lifted<'a, M>],
    index: usize,
    field: std::marker::PhantomData<F>,
}

/// A matrix of a tree: its first element in a leaf, and how many of a leaf's bits number its rows.
struct Lifted<'a, M> {
    matrix: &'a M,
    width: usize,
    start: usize,
    end: usize,
    log_rows: u32,
}

impl<F: BoardField, M: Matrix<F>> Words for Leaf<'_, F, M> {
    fn len(&self) -> usize {
        self.matrices.last().map_or(0, |last| last.start + last.width)
    }

    #[inline]
    fn word(&self, index: usize) -> u64 {
        let Some(lifted) = self.matrices.iter().find(|lifted| index < lifted.end) else { return 0 };
        let column = index - lifted.start;
        if column >= lifted.width {
            return 0;
        }
        lifted.matrix.get(row(self.index, lifted.log_rows), column).map_or(0, word)
    }
}

/// Row of a matrix of 2^`log_rows` rows in bit-reversed order that belongs to leaf `index`: of the leaf's number, the lowest
/// bits reversed, which is bitrev(index) >> k of all of them.
fn row(index: usize, log_rows: u32) -> usize {
    hotloop::goldilocks::reverse_bits(index & ((1 << log_rows) - 1), log_rows)
}

/// Refuses matrices that make no tree.
fn ascending<F: BoardField, M: Matrix<F>>(leaves: &[M]) -> Result<()> {
    let mut before = 1;
    for (matrix, height) in leaves.iter().map(Matrix::height).enumerate() {
        if !height.is_power_of_two() || height < before {
            return Err(ProveError::Leaves { matrix, height, before });
        }
        before = height;
    }
    Ok(())
}

fn digests<F: BoardField, M: Matrix<F>>(device: &Device, leaves: &[M]) -> Result<Tree> {
    let (mut matrices, mut start) = (Vec::with_capacity(leaves.len()), 0);
    for matrix in leaves {
        let width = matrix.width();
        let end = start + aligned_len(width, RATE);
        matrices.push(Lifted { matrix, width, start, end, log_rows: matrix.height().ilog2() });
        start = end;
    }
    let levels = matrices.last().map_or(0, |last| last.log_rows);
    let rows: Vec<Leaf<'_, F, M>> =
        (0..1 << levels).map(|index| Leaf { matrices: &matrices, index, field: std::marker::PhantomData }).collect();
    Ok(device.tree(TreeRequest { leaves: Leaves::Rows(&rows), levels })?)
}

impl<F: BoardField, M: Matrix<F>> DeviceTree<F, M> {
    fn opened(&self, index: usize, widths: Vec<usize>) -> RowList<F> {
        let mut elements = Vec::with_capacity(widths.iter().sum());
        for (matrix, &width) in self.leaves.iter().zip(&widths) {
            let end = elements.len() + width;
            elements.extend(matrix.row(row(index, matrix.height().ilog2())).into_iter().flatten());
            elements.resize(end, F::ZERO);
        }
        RowList::new(elements, widths)
    }

    fn digest(&self, level: u32, position: usize) -> Hash<F, F, DIGEST_WORDS> {
        Hash::from(self.digests.level(level)[position].map(element))
    }
}

impl<F: BoardField, M: Matrix<F>> LmcsTree<F, Hash<F, F, DIGEST_WORDS>, M> for DeviceTree<F, M> {
    fn root(&self) -> Hash<F, F, DIGEST_WORDS> {
        self.digest(self.digests.levels(), 0)
    }

    fn height(&self) -> usize {
        self.digests.leaves()
    }

    fn leaves(&self) -> &[M] {
        &self.leaves
    }

    fn rows(&self, index: usize) -> RowList<F> {
        self.opened(index, self.widths())
    }

    fn aligned_rows(&self, index: usize) -> RowList<F> {
        self.opened(index, self.aligned_widths())
    }

    fn alignment(&self) -> usize {
        self.alignment
    }

    fn widths(&self) -> Vec<usize> {
        self.leaves.iter().map(Matrix::width).collect()
    }

    /// Rows of the leaves, then what is missing of their paths (`src/lmcs/config.rs:33`).
    fn prove_batch<Ch>(&self, indices: &TreeIndices, channel: &mut Ch)
    where
        Ch: ProverChannel<F = F, Commitment = Hash<F, F, DIGEST_WORDS>>,
    {
        for &index in indices.iter() {
            LeafOpening { rows: self.aligned_rows(index), salt: [] }.write_to_channel(channel);
        }
        for node in indices.missing_siblings() {
            channel.hint_commitment(self.digest(self.digests.levels() - node.depth() as u32, node.position()));
        }
    }
}
