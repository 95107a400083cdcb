//! Leaves and trees.

use hotloop_driver::{Descriptor, HashShape};
use hotloop_regs::ParameterSet;

use crate::{
    buffer::Buffer,
    check,
    device::{Device, Job},
    error::{bad_shape, Result},
    offload::Offload,
    panels::Panels,
    words::Words,
};

/// Four words: one digest.
pub type Digest = [u64; 4];

const NAME: &str = "hash";

/// What to hash: one leaf a row.
#[derive(Clone, Copy, Debug)]
pub enum Leaves<'a, W> {
    /// Leaves of equal length.
    Rows(&'a [W]),
    /// Columns of equal length; leaf i is element i of each.
    Columns(&'a [W]),
}

impl<W: Words> Leaves<'_, W> {
    /// (rows, elements in a leaf), or why there are none.
    fn shape(&self) -> Result<(usize, usize)> {
        let (vectors, what) = match self {
            Leaves::Rows(rows) => (rows, "leaf"),
            Leaves::Columns(columns) => (columns, "column"),
        };
        let Some(first) = vectors.first() else { return bad_shape(NAME, format!("there is no {what}")) };
        if let Some((i, other)) = vectors.iter().enumerate().find(|(_, v)| v.len() != first.len()) {
            return bad_shape(NAME, format!("{what} {i} has {} elements, {what} 0 has {}", other.len(), first.len()));
        }
        if first.is_empty() {
            return bad_shape(NAME, format!("{what} 0 is empty"));
        }
        Ok(match self {
            Leaves::Rows(_) => (vectors.len(), first.len()),
            Leaves::Columns(_) => (first.len(), vectors.len()),
        })
    }
}

/// Leaves, and how many tree levels to build above them: a tree of 2^k leaves with a cap of height h has k − h.
#[derive(Clone, Copy, Debug)]
pub struct TreeRequest<'a, W> {
    /// What to hash.
    pub leaves: Leaves<'a, W>,
    /// Levels above the leaves; the number of leaves is a multiple of 2^levels.
    pub levels: u32,
}

/// Digests of leaves and of the levels above them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tree {
    leaves: usize,
    levels: u32,
    digests: Vec<Digest>,
}

impl Tree {
    /// Number of leaves.
    pub fn leaves(&self) -> usize {
        self.leaves
    }

    /// Levels above the leaves.
    pub fn levels(&self) -> u32 {
        self.levels
    }

    /// Digests of one level, 0 = leaves.
    ///
    /// # Panics
    /// If `level` is above [`Tree::levels`].
    pub fn level(&self, level: u32) -> &[Digest] {
        assert!(level <= self.levels, "level {level} of a tree with {}", self.levels);
        let start: usize = (0..level).map(|l| self.leaves >> l).sum();
        &self.digests[start..][..self.leaves >> level]
    }

    /// The last level.
    pub fn cap(&self) -> &[Digest] {
        self.level(self.levels)
    }

    /// All digests, level after level.
    pub fn digests(&self) -> &[Digest] {
        &self.digests
    }
}

/// Digests of a tree.
pub(crate) fn count(rows: usize, levels: u32) -> usize {
    (0..=levels).map(|level| rows >> level).sum()
}

/// Beats that they take.
pub(crate) fn digest_beats(rows: usize, levels: u32) -> usize {
    count(rows, levels).div_ceil(2)
}

/// Permutations for them, with leaves of `width` elements.
pub(crate) fn permutations(set: ParameterSet, rows: usize, width: usize, levels: u32) -> u64 {
    let own_digests = width <= 4 && set.leaf_rule().short_is_digest;
    let blocks = if own_digests { 0 } else { width.div_ceil(8) };
    (rows * blocks + count(rows, levels) - rows) as u64
}

/// A job that hashes whose windows are laid out: run it, then take the tree.
pub(crate) struct PendingTree {
    out: Buffer,
    start: usize,
    rows: usize,
    levels: u32,
}

impl PendingTree {
    /// Allocates the digests of `leaves` and describes the job.
    pub fn new(device: &Device, leaves: Panels<'_>, levels: u32) -> Result<(PendingTree, Job)> {
        let Panels { rows, columns: width, .. } = leaves;
        if levels >= usize::BITS || rows % (1 << levels) != 0 {
            return bad_shape(NAME, format!("{rows} leaves are not a multiple of 2^{levels}"));
        }
        device.limit("elements in a leaf", width as u64, u64::from(u16::MAX))?;
        device.limit("leaves", rows as u64, u64::from(u32::MAX))?;
        device.limit("input beats", leaves.window() as u64, u64::from(u32::MAX))?;
        device.limit("input stride", leaves.stride as u64, u64::from(u32::MAX))?;
        let digests = count(rows, levels);
        device.limit("output beats", digests.div_ceil(2) as u64, u64::from(u32::MAX))?;
        let out = device.allocate(digests.div_ceil(2))?;
        let shape = HashShape {
            rows: rows as u32,
            width: width as u16,
            levels: levels as u8,
            src_stride: leaves.stride as u32,
        };
        let src = leaves.buffer.window(leaves.start, leaves.window())?;
        let descriptor = Descriptor::hash(device.set(), src, out.window(0, digests.div_ceil(2))?, shape);
        let work = Offload {
            permutations: permutations(device.set(), rows, width, levels),
            bytes_to_device: (leaves.count() * rows * 64) as u64,
            bytes_from_device: digests as u64 * 32,
            ..Offload::default()
        };
        let job = Job { name: NAME, descriptor, work };
        Ok((PendingTree::at(out, 0, rows, levels), job))
    }

    /// The digests of `rows` leaves that a job will write to beat `start` of a buffer.
    pub fn at(out: Buffer, start: usize, rows: usize, levels: u32) -> PendingTree {
        PendingTree { out, start, rows, levels }
    }

    /// Reads the digests after the job, and checks them.
    pub fn finish(self, device: &Device, leaves: Panels<'_>) -> Result<Tree> {
        let mut digests = vec![[0; 4]; count(self.rows, self.levels)];
        self.out.read(self.start, digests.as_flattened_mut())?;
        let tree = Tree { leaves: self.rows, levels: self.levels, digests };
        check::tree(device, leaves, &tree)?;
        Ok(tree)
    }
}

impl Device {
    /// Digests of rows, by the set's rule ([`hotloop_regs::LeafRule`]): with plonky2's sets a leaf of at most four
    /// elements is its own digest.
    pub fn hash_leaves<W: Words>(&self, leaves: Leaves<'_, W>) -> Result<Vec<Digest>> {
        Ok(self.tree(TreeRequest { leaves, levels: 0 })?.digests)
    }

    /// Hashes leaves and the levels above them.
    pub fn tree<W: Words>(&self, request: TreeRequest<'_, W>) -> Result<Tree> {
        let mut trees = self.trees(std::slice::from_ref(&request))?;
        trees.pop().map_or_else(|| bad_shape(NAME, "there is no tree"), Ok)
    }

    /// Hashes several trees with one doorbell.
    pub fn trees<W: Words>(&self, requests: &[TreeRequest<'_, W>]) -> Result<Vec<Tree>> {
        self.needs_poseidon(NAME)?;
        check::needs_reference(self, NAME)?;
        let (mut inputs, mut pending, mut jobs) = (Vec::new(), Vec::new(), Vec::new());
        for request in requests {
            let (rows, columns) = request.leaves.shape()?;
            let beats = columns.div_ceil(8).saturating_mul(rows);
            inputs.push((self.allocate(beats)?, rows, columns));
        }
        let panels: Vec<Panels<'_>> = inputs
            .iter()
            .map(|(buffer, rows, columns)| Panels { buffer, start: 0, stride: *rows, columns: *columns, rows: *rows })
            .collect();
        for (request, panels) in requests.iter().zip(&panels) {
            let (tree, job) = PendingTree::new(self, *panels, request.levels)?;
            match request.leaves {
                Leaves::Rows(rows) => panels.write_rows(rows)?,
                Leaves::Columns(columns) => panels.write_columns(columns)?,
            }
            pending.push(tree);
            jobs.push(job);
        }
        self.run(&jobs)?;
        pending.into_iter().zip(&panels).map(|(tree, panels)| tree.finish(self, *panels)).collect()
    }
}
