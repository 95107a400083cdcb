//! Commitments: extension and tree, in one job where the board has room for it.

use hotloop_driver::{CommitShape, Descriptor, Window};
use hotloop_regs::BEAT_WORDS;

use crate::{
    check,
    device::{Device, Job},
    error::{bad_shape, Result},
    offload::Offload,
    transform::{Batch, LdeRequest},
    tree::{count, digest_beats, permutations, PendingTree, Tree},
    words::Words,
};

const NAME: &str = "commit";

/// A low-degree extension with the tree over its rows.
#[derive(Debug)]
pub struct Commitment {
    /// The columns.
    pub batch: Batch,
    /// The tree; leaf i is row i of [`Batch::value_rows`].
    pub tree: Tree,
}

impl Device {
    /// A low-degree extension and the tree over its rows. `salts` are columns as long as the extension, appended to every
    /// row for blinding. The tree has `levels` levels above the leaves.
    ///
    /// Without salts, with columns and as many rows as the board keeps on chip ([`crate::Identity::commit_log`]), this is
    /// one job: values are hashed as they leave the transform. Otherwise they go through device memory from a transform to a hash
    /// job, without the host.
    pub fn commit<W: Words>(&self, request: &LdeRequest<'_, W>, salts: &[W], levels: u32) -> Result<Commitment> {
        self.needs_ntt(NAME)?;
        self.needs_poseidon(NAME)?;
        check::needs_reference(self, NAME)?;
        if self.fits_one_job(request, salts, levels) {
            return self.commit_at_once(request, levels);
        }
        let pending = self.extension(request, salts.len(), 0)?;
        let rows = pending.batch.rows();
        if let Some(salt) = salts.iter().find(|salt| salt.len() != rows) {
            return bad_shape(NAME, format!("a salt column has {} elements, the extension {rows}", salt.len()));
        }
        let Some(leaves) = pending.batch.leaf_panels() else { return bad_shape(NAME, "there are no values") };
        let (tree, hash) = PendingTree::new(self, leaves, levels)?;
        if salts.is_empty() {
            let jobs: Vec<Job> = pending.jobs.iter().copied().chain([hash]).collect();
            self.run(&jobs)?;
        } else {
            // The last panel of values is written whole by the board, so salts can only follow it.
            self.run(&pending.jobs)?;
            leaves.append_columns(salts)?;
            self.run(&[hash])?;
        }
        let tree = tree.finish(self, leaves)?;
        Ok(Commitment { batch: pending.finish(self)?, tree })
    }

    /// What is wrong with a request is said on the way through two jobs.
    fn fits_one_job<W: Words>(&self, request: &LdeRequest<'_, W>, salts: &[W], levels: u32) -> bool {
        let length = request.columns.first().map_or(0, Words::len);
        let Some(log_n) = length.checked_ilog2() else { return false };
        let log_rows = log_n.saturating_add(request.log_blowup);
        let width = request.columns.len();
        salts.is_empty()
            && log_n <= self.identity().max_log
            && log_rows <= self.identity().commit_log
            && levels <= log_rows
            && width <= usize::from(u16::MAX)
    }

    fn commit_at_once<W: Words>(&self, request: &LdeRequest<'_, W>, levels: u32) -> Result<Commitment> {
        let (width, points) = (request.columns.len(), request.columns[0].len() << request.log_blowup);
        let tail = digest_beats(points, levels);
        let pending = self.extension(request, 0, tail)?;
        let Some(leaves) = pending.batch.leaf_panels() else { return bad_shape(NAME, "there are no values") };
        let [job] = pending.jobs[..] else { unreachable!("a transform that the chip holds is one job") };
        let transform = job.descriptor;
        let shape = CommitShape { transform: transform.transform_shape(), width: width as u16, levels: levels as u8 };
        let start = width.div_ceil(BEAT_WORDS) * leaves.stride;
        let dst = pending.batch.buffer.window(0, start + tail)?;
        let src = Window { iova: transform.src, beats: transform.src_beats };
        let mut work = job.work;
        work += Offload {
            permutations: permutations(self.set(), points, width, levels),
            bytes_from_device: count(points, levels) as u64 * 32,
            ..Offload::default()
        };
        let descriptor = Descriptor::commit(self.set(), src, dst, transform.param, shape);
        self.run(&[Job { name: NAME, descriptor, work }])?;
        let tree = PendingTree::at(pending.batch.buffer.clone(), start, points, levels).finish(self, leaves)?;
        Ok(Commitment { batch: pending.finish(self)?, tree })
    }
}
