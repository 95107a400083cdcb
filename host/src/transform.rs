//! Transforms and low-degree extensions.

use hotloop_driver::{Descriptor, TransformShape};
use hotloop_regs::{
    descriptor::{FLAG_COEFFICIENTS, FLAG_FORWARD, FLAG_INVERSE},
    scale_table_beats, BEAT_WORDS, SCALE_LO_WORDS,
};

use crate::{
    buffer::Buffer,
    check::{self, Before},
    device::{Device, Job},
    error::{bad_shape, Result},
    goldilocks::{canonical, mul, pow, reverse_bits, root},
    offload::Offload,
    panels::Panels,
    split,
    words::Words,
};

pub(crate) const NAME: &str = "transform";

/// What the columns of an extension hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Input {
    /// Values on the subgroup, natural order.
    Values,
    /// Coefficients, constant first.
    Coefficients,
}

/// A low-degree extension of columns of 2^k elements: values on `shift`·⟨w⟩ of 2^(k + `log_blowup`) points.
#[derive(Clone, Copy, Debug)]
pub struct LdeRequest<'a, W> {
    /// Columns of equal length.
    pub columns: &'a [W],
    /// What they hold.
    pub input: Input,
    /// Base-2 logarithm of the blow-up.
    pub log_blowup: u32,
    /// The coset's shift.
    pub shift: u64,
    /// Whether the coefficients are wanted too (of [`Input::Values`]; others have theirs).
    pub coefficients: bool,
}

/// Columns that came out of a transform, in device memory: coefficients, values, or both.
#[derive(Debug)]
pub struct Batch {
    pub(crate) buffer: Buffer,
    columns: usize,
    salts: usize,
    log_n: u32,
    log_blowup: u32,
    has_coefficients: bool,
    has_values: bool,
}

impl Batch {
    /// Columns, without salts.
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// Base-2 logarithm of the number of coefficients.
    pub fn log_n(&self) -> u32 {
        self.log_n
    }

    /// Rows of values: 2^(log_n + log_blowup); 0 after an inverse transform.
    pub fn rows(&self) -> usize {
        if self.has_values {
            1 << (self.log_n + self.log_blowup)
        } else {
            0
        }
    }

    /// Coefficients, a vector for each column, constant first; none where they were not asked for.
    pub fn coefficients<T>(&self, element: impl Fn(u64) -> T) -> Result<Vec<Vec<T>>> {
        self.coefficient_panels().map_or(Ok(Vec::new()), |panels| panels.to_columns(element))
    }

    /// Values, a vector for each row (salts last), in bit-reversed order: row i belongs to the point
    /// shift · w^bitrev(i).
    pub fn value_rows<T>(&self, element: impl Fn(u64) -> T) -> Result<Vec<Vec<T>>> {
        self.leaf_panels().map_or(Ok(Vec::new()), |panels| panels.to_rows(element))
    }

    /// Values as one row-major matrix (salts last in a row), rows in bit-reversed order.
    pub fn value_matrix<T: Clone>(&self, element: impl Fn(u64) -> T) -> Result<Vec<T>> {
        self.leaf_panels().map_or(Ok(Vec::new()), |panels| panels.to_matrix(element))
    }

    /// Coefficients as one row-major matrix, constants in its first row; empty where they were not asked for.
    pub fn coefficient_matrix<T: Clone>(&self, element: impl Fn(u64) -> T) -> Result<Vec<T>> {
        self.coefficient_panels().map_or(Ok(Vec::new()), |panels| panels.to_matrix(element))
    }

    /// Values, a vector for each column (salts last), in bit-reversed order.
    pub fn value_columns<T>(&self, element: impl Fn(u64) -> T) -> Result<Vec<Vec<T>>> {
        self.leaf_panels().map_or(Ok(Vec::new()), |panels| panels.to_columns(element))
    }

    fn stride(&self) -> usize {
        self.rows() + if self.has_coefficients { 1 << self.log_n } else { 0 }
    }

    pub(crate) fn coefficient_panels(&self) -> Option<Panels<'_>> {
        self.has_coefficients.then(|| self.panels(0, 1 << self.log_n, self.columns))
    }

    /// Block `coset` of the values, without salts.
    pub(crate) fn value_panels(&self, coset: usize) -> Panels<'_> {
        let n = 1 << self.log_n;
        self.panels(self.stride() - self.rows() + coset * n, n, self.columns)
    }

    /// All values with salts: what is hashed.
    pub(crate) fn leaf_panels(&self) -> Option<Panels<'_>> {
        let rows = self.rows();
        self.has_values.then(|| self.panels(self.stride() - rows, rows, self.columns + self.salts))
    }

    fn panels(&self, start: usize, rows: usize, columns: usize) -> Panels<'_> {
        Panels { buffer: &self.buffer, start, stride: self.stride(), columns, rows }
    }
}

/// What an extension leaves room for: `salts` columns more in its output, beats behind the panels of input and output.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Room {
    pub salts: usize,
    pub behind_input: usize,
    pub behind_output: usize,
}

/// A transform whose windows are laid out and filled: run the job, then check the batch.
pub(crate) struct Pending {
    pub input: Buffer,
    before: Before,
    // Until the jobs are done the board reads them, and writes between passes.
    _tables: Vec<Buffer>,
    pub batch: Batch,
    shifts: Vec<u64>,
    from_values: bool,
    pub jobs: Vec<Job>,
}

impl Pending {
    pub fn finish(self, device: &Device) -> Result<Batch> {
        drop(self.input);
        check::transform(device, self.before, self.from_values, &self.batch, &self.shifts)?;
        Ok(self.batch)
    }
}

impl Device {
    /// Values of polynomials on `shift`·⟨w⟩, in bit-reversed order.
    pub fn forward<W: Words>(&self, coefficients: &[W], shift: u64) -> Result<Batch> {
        self.lde(&LdeRequest {
            columns: coefficients,
            input: Input::Coefficients,
            log_blowup: 0,
            shift,
            coefficients: false,
        })
    }

    /// Coefficients of polynomials that are given by their values on `shift`·⟨w⟩ in natural order.
    pub fn inverse<W: Words>(&self, values: &[W], shift: u64) -> Result<Batch> {
        let scale = crate::goldilocks::inverse(shift);
        let pending = self.prepare(values, &[scale], FLAG_INVERSE | FLAG_COEFFICIENTS, 0, Room::default())?;
        self.run(&pending.jobs)?;
        pending.finish(self)
    }

    /// A low-degree extension.
    pub fn lde<W: Words>(&self, request: &LdeRequest<'_, W>) -> Result<Batch> {
        let pending = self.extension(request, Room::default())?;
        self.run(&pending.jobs)?;
        pending.finish(self)
    }

    /// Lays an extension out.
    pub(crate) fn extension<W: Words>(&self, request: &LdeRequest<'_, W>, room: Room) -> Result<Pending> {
        let log_n = log_length(request.columns)?;
        self.limit("log2 of the blow-up", request.log_blowup.into(), self.identity().max_log_cosets.into())?;
        if log_n + request.log_blowup > 32 {
            return bad_shape(
                NAME,
                format!("2^{} points: the field has subgroups up to 2^32", log_n + request.log_blowup),
            );
        }
        let w = root(self.set(), log_n + request.log_blowup);
        let shifts: Vec<u64> = (0..1 << request.log_blowup)
            .map(|b| mul(request.shift, pow(w, reverse_bits(b, request.log_blowup) as u64)))
            .collect();
        let flags = match (request.input, request.coefficients) {
            (Input::Coefficients, _) => FLAG_FORWARD,
            (Input::Values, false) => FLAG_INVERSE | FLAG_FORWARD,
            (Input::Values, true) => FLAG_INVERSE | FLAG_FORWARD | FLAG_COEFFICIENTS,
        };
        self.prepare(request.columns, &shifts, flags, request.log_blowup, room)
    }

    fn prepare<W: Words>(
        &self,
        columns: &[W],
        shifts: &[u64],
        flags: u16,
        log_blowup: u32,
        room: Room,
    ) -> Result<Pending> {
        let log_n = log_length(columns)?;
        if shifts.iter().any(|&shift| canonical(shift) == 0) {
            return bad_shape(NAME, "a coset's shift is zero");
        }
        self.needs_ntt(NAME)?;
        let max_log = self.identity().max_log;
        self.limit("log2 of a transform's length", log_n.into(), split::longest(max_log).into())?;
        let n = 1usize << log_n;
        let (has_coefficients, has_values) = (flags & FLAG_COEFFICIENTS != 0, flags & FLAG_FORWARD != 0);
        let stride = if has_coefficients { n } else { 0 } + if has_values { n << log_blowup } else { 0 };
        let panels = columns.len().div_ceil(BEAT_WORDS);
        let all_panels = (columns.len() + room.salts).div_ceil(BEAT_WORDS);
        let (inputs, outputs) = (panels * n + room.behind_input, all_panels * stride + room.behind_output);
        self.limit("input beats", inputs as u64, u32::MAX.into())?;
        self.limit("output beats", outputs as u64, u32::MAX.into())?;

        let buffer = self.allocate(outputs)?;
        let salts = room.salts;
        let batch = Batch { buffer, columns: columns.len(), salts, log_n, log_blowup, has_coefficients, has_values };
        let (from_values, shifts) = (flags & FLAG_INVERSE != 0, shifts.to_vec());
        if log_n > max_log {
            // What passes read once, their results may take the place of: columns go where those of the last job will be.
            let start = if has_coefficients { 0 } else { stride - n };
            let input = Panels { buffer: &batch.buffer, start, stride, columns: columns.len(), rows: n };
            let request = split::Request { log_n, shifts: &shifts, flags };
            let (tables, jobs) = split::passes(self, input, &request)?;
            let before = check::write_input(self, input, columns)?;
            let input = batch.buffer.clone();
            return Ok(Pending { input, before, _tables: tables, batch, shifts, from_values, jobs });
        }
        let input = self.allocate(inputs)?;
        let tables = self.scale_tables(&shifts, log_n)?;
        let shape = TransformShape {
            panels: panels as u32,
            log_n: log_n as u8,
            log_cosets: log_blowup as u8,
            log_inner: 0,
            flags,
            src_stride: n as u32,
            dst_stride: stride as u32,
        };
        let (src, dst) = (input.window(0, panels * n)?, batch.buffer.window(0, panels * stride)?);
        let transforms = u64::from(flags & FLAG_INVERSE != 0) + if has_values { 1 << log_blowup } else { 0 };
        let work = Offload {
            butterflies: columns.len() as u64 * transforms * (n as u64 / 2) * u64::from(log_n),
            bytes_to_device: bytes_of(panels * n) + bytes_of(shifts.len() * scale_table_beats(log_n) as usize),
            bytes_from_device: bytes_of(panels * stride),
            ..Offload::default()
        };
        let job =
            Job { name: NAME, descriptor: Descriptor::transform(self.set(), src, dst, tables.iova(), shape), work };
        let panels = Panels { buffer: &input, start: 0, stride: n, columns: columns.len(), rows: n };
        let before = check::write_input(self, panels, columns)?;
        Ok(Pending { input, before, _tables: vec![tables], batch, shifts, from_values, jobs: vec![job] })
    }

    /// A table for each shift: see docs/jobs.md.
    fn scale_tables(&self, shifts: &[u64], log_n: u32) -> Result<Buffer> {
        let beats = scale_table_beats(log_n) as usize;
        let tables = self.allocate(shifts.len() * beats)?;
        for (b, &shift) in shifts.iter().enumerate() {
            let mut words = vec![0; beats * BEAT_WORDS];
            let (low, high) = words.split_at_mut(SCALE_LO_WORDS);
            fill_powers(low, shift);
            fill_powers(&mut high[..1 << log_n.saturating_sub(6)], pow(shift, SCALE_LO_WORDS as u64));
            tables.write(b * beats, &words)?;
        }
        Ok(tables)
    }
}

pub(crate) fn bytes_of(beats: usize) -> u64 {
    beats as u64 * 64
}

pub(crate) fn fill_powers(words: &mut [u64], base: u64) {
    let mut power = 1;
    for word in words {
        *word = power;
        power = mul(power, base);
    }
}

fn log_length<W: Words>(columns: &[W]) -> Result<u32> {
    let Some(first) = columns.first() else { return bad_shape(NAME, "there is no column") };
    let length = first.len();
    if let Some((i, other)) = columns.iter().enumerate().find(|(_, column)| column.len() != length) {
        return bad_shape(NAME, format!("column {i} has {} elements, column 0 has {length}", other.len()));
    }
    if !length.is_power_of_two() || !(2..=1 << 31).contains(&length) {
        return bad_shape(NAME, format!("columns have {length} elements: a power of two from 2 to 2^31 is needed"));
    }
    Ok(length.ilog2())
}
