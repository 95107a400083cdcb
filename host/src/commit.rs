//! Commitments: extension and tree, in one job where the chip holds the columns.

use hotloop_driver::{CommitShape, Descriptor, TransformShape};
use hotloop_regs::{
    descriptor::{FLAG_COEFFICIENTS, FLAG_FORWARD, MAX_SALTS},
    BEAT_WORDS,
};

use crate::{
    check,
    device::{Device, Job},
    error::{bad_shape, HotloopError, Result},
    offload::Offload,
    panels::Panels,
    split,
    transform::{Batch, Input, LdeRequest, Pending, Room},
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

/// What crosses the link for a commitment in one job, in bytes, its descriptor and completion included: the formula of
/// docs/jobs.md, and what the board's own counters show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CommitBytes {
    /// Read by the board.
    pub to_device: u64,
    /// Written by the board.
    pub from_device: u64,
    /// Of `to_device`: values that it wrote before, as it has more rows than states on chip.
    pub read_back: u64,
}

impl std::fmt::Display for CommitBytes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} bytes to the board, {} back", self.to_device, self.from_device)?;
        if self.read_back > 0 {
            write!(
                f,
                "; {} of those to the board are values read back: more rows than its chip keeps",
                self.read_back
            )?;
        }
        Ok(())
    }
}

/// A salt column, or a place that belongs to a column of values.
struct Salt<'a, W>(Option<&'a W>);

impl<W: Words> Words for Salt<'_, W> {
    fn len(&self) -> usize {
        self.0.map_or(0, Words::len)
    }

    fn word(&self, index: usize) -> u64 {
        self.0.map_or(0, |salt| salt.word(index))
    }
}

impl Device {
    /// A low-degree extension and the tree over its rows. `salts` are columns as long as the extension, in its
    /// (bit-reversed) order, appended to every row for blinding. The tree has `levels` levels above the leaves.
    ///
    /// Columns that the chip holds ([`crate::Identity::max_log`]) are one job. Values are hashed as they leave the transform
    /// if there are no more rows than [`crate::Identity::commit_log`] says, else the board reads them back:
    /// [`Device::commit_bytes`]. Longer columns are the jobs of their transforms and one that hashes.
    pub fn commit<W: Words>(&self, request: &LdeRequest<'_, W>, salts: &[W], levels: u32) -> Result<Commitment> {
        self.needs_ntt(NAME)?;
        self.needs_poseidon(NAME)?;
        check::needs_reference(self, NAME)?;
        let length = request.columns.first().map_or(0, Words::len);
        // What is wrong with the columns or the blow-up is said where they are laid out.
        let points = (length as u64).checked_shl(request.log_blowup).unwrap_or(0) as usize;
        if let Some(salt) = salts.iter().find(|salt| salt.len() != points) {
            return bad_shape(NAME, format!("a salt column has {} elements, the extension {points}", salt.len()));
        }
        if levels >= usize::BITS || !points.is_multiple_of(1 << levels) {
            return bad_shape(NAME, format!("{points} leaves are not a multiple of 2^{levels}"));
        }
        if length > 1 << self.identity().max_log {
            return self.commit_in_passes(request, salts, levels);
        }
        self.limit("salts of a leaf", salts.len() as u64, MAX_SALTS.into())?;
        self.limit("elements in a leaf", (request.columns.len() + salts.len()) as u64, u16::MAX.into())?;
        let mut shape = shape(request, salts.len(), levels);
        let tail = digest_beats(points, levels);
        let salt_beats = shape.salt_panels() as usize * points;
        let room = Room { salts: salts.len(), behind_input: salt_beats, behind_output: tail };
        let pending = self.extension(request, room)?;
        let Some(leaves) = pending.batch.leaf_panels() else { return bad_shape(NAME, "there are no values") };
        let [job] = pending.jobs[..] else { return bad_shape(NAME, "the chip does not hold these columns") };
        shape.transform = job.descriptor.transform_shape();
        place_salts(&pending, leaves, salts, shape)?;

        let inputs = shape.transform.panels as usize * shape.transform.src_stride as usize;
        let src = pending.input.window(0, inputs + salt_beats)?;
        let start = shape.digest_start() as usize;
        let dst = pending.batch.buffer.window(0, start + tail)?;
        let bytes = self.link_bytes(shape);
        let mut work = job.work;
        work += Offload {
            permutations: permutations(self.set(), points, leaves.columns, levels),
            bytes_to_device: salt_beats as u64 * 64,
            bytes_read_back: bytes.read_back,
            bytes_from_device: count(points, levels) as u64 * 32,
            ..Offload::default()
        };
        let descriptor = Descriptor::commit(self.set(), src, dst, job.descriptor.param, shape);
        self.run(&[Job { name: NAME, descriptor, work }])?;
        let tree = PendingTree::at(pending.batch.buffer.clone(), start, points, levels).finish(self, leaves)?;
        Ok(Commitment { batch: pending.finish(self)?, tree })
    }

    /// Whether [`Device::commit`] of so many columns of 2^`log_n` values, with coefficients wanted, has a chance: see
    /// [`Device::check_commit_of`].
    pub fn check_commit(&self, columns: usize, log_n: u32, log_blowup: u32) -> Result<()> {
        self.check_commit_of(Input::Values, columns, log_n, log_blowup)
    }

    /// Whether [`Device::commit`] of so many columns of 2^`log_n` elements (salts are columns too), with coefficients
    /// wanted if they are values, has a chance: engines, lengths and memory, by the same limits and errors. For provers,
    /// to ask before they make a trace; what other buffers take at the time is not known before.
    pub fn check_commit_of(&self, input: Input, columns: usize, log_n: u32, log_blowup: u32) -> Result<()> {
        self.needs_ntt(NAME)?;
        self.needs_poseidon(NAME)?;
        let max_log = self.identity().max_log;
        self.limit("log2 of a transform's length", log_n.into(), split::longest(max_log).into())?;
        self.limit("log2 of the blow-up", log_blowup.into(), self.identity().max_log_cosets.into())?;
        let (rows, points) = (1u64 << log_n, 1u64 << (log_n + log_blowup));
        let in_passes = log_n > max_log;
        let kept = if input == Input::Values { rows } else { 0 };
        // One job reads its input elsewhere than it writes; passes need room for a panel between them.
        let (read, between) = if in_passes { (0, kept) } else { (rows, 0) };
        let panels = (columns as u64).div_ceil(BEAT_WORDS as u64);
        // Digests of the leaves and of the tree above them: less than two a leaf, two a beat.
        let beats = panels.saturating_mul(read + kept + points).saturating_add(between + points);
        let (asked, limit) = (beats.saturating_mul(64), self.options().memory_limit);
        if asked > limit {
            return Err(HotloopError::MemoryLimit { asked, in_use: 0, limit });
        }
        Ok(())
    }

    /// What crosses the link for [`Device::commit`] of columns that the chip holds.
    pub fn commit_bytes<W: Words>(&self, request: &LdeRequest<'_, W>, salts: usize, levels: u32) -> CommitBytes {
        self.link_bytes(shape(request, salts, levels))
    }

    fn link_bytes(&self, shape: CommitShape) -> CommitBytes {
        let commit_log = self.identity().commit_log;
        let (to_device, from_device) = shape.link_bytes(commit_log);
        CommitBytes { to_device, from_device, read_back: 64 * shape.beats_read_back(commit_log) }
    }

    /// Columns that take a transform in two passes, each of several jobs, have their values in order only at the end.
    fn commit_in_passes<W: Words>(&self, request: &LdeRequest<'_, W>, salts: &[W], levels: u32) -> Result<Commitment> {
        let pending = self.extension(request, Room { salts: salts.len(), ..Room::default() })?;
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
}

/// What a request covers. Lengths that do not fit a descriptor are refused elsewhere.
fn shape<W: Words>(request: &LdeRequest<'_, W>, salts: usize, levels: u32) -> CommitShape {
    let columns = request.columns.len();
    let keeps = request.input == Input::Values && request.coefficients;
    let transform = TransformShape {
        panels: columns.div_ceil(BEAT_WORDS) as u32,
        log_n: request.columns.first().and_then(|column| column.len().checked_ilog2()).unwrap_or(0) as u8,
        log_cosets: request.log_blowup as u8,
        flags: FLAG_FORWARD | if keeps { FLAG_COEFFICIENTS } else { 0 },
        ..TransformShape::default()
    };
    CommitShape { transform, width: columns as u16, levels: levels as u8, salts: salts as u8 }
}

/// Writes salts where docs/jobs.md has them: behind the input's panels, and those of a panel of their own to the output
/// too.
fn place_salts<W: Words>(pending: &Pending, leaves: Panels<'_>, salts: &[W], shape: CommitShape) -> Result<()> {
    if salts.is_empty() {
        return Ok(());
    }
    let columns = usize::from(shape.width) % BEAT_WORDS;
    let places: Vec<Salt<'_, W>> =
        (0..columns).map(|_| Salt(None)).chain(salts.iter().map(|s| Salt(Some(s)))).collect();
    let (panels, rows) = (shape.transform.panels as usize, leaves.rows);
    let start = panels * shape.transform.src_stride as usize;
    Panels { buffer: &pending.input, start, stride: rows, columns: places.len(), rows }.write_columns(&places)?;
    let alone = if shape.merges_salts() { places.get(BEAT_WORDS..).unwrap_or_default() } else { &places };
    if !alone.is_empty() {
        let start = leaves.start + panels * leaves.stride;
        Panels { start, columns: alone.len(), ..leaves }.write_columns(alone)?;
    }
    Ok(())
}
