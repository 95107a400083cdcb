//! Between a prover's vectors and panels of eight columns in device memory: blocked copies, one block of rows at a
//! time, so that every block is read and written while it is in the first-level cache.

use hotloop_regs::BEAT_WORDS;

use crate::{buffer::Buffer, error::Result, words::Words};

/// Rows of a block: 4 KiB of panel.
const BLOCK_ROWS: usize = 64;

/// Panels in a buffer: `columns` columns of `rows` rows. Column c is word c mod 8 of panel c / 8; panels start at beat
/// `start`, `stride` beats apart; row r of a panel is its beat r.
#[derive(Clone, Copy)]
pub(crate) struct Panels<'a> {
    pub buffer: &'a Buffer,
    pub start: usize,
    pub stride: usize,
    pub columns: usize,
    pub rows: usize,
}

impl Panels<'_> {
    /// How many panels there are.
    pub fn count(&self) -> usize {
        self.columns.div_ceil(BEAT_WORDS)
    }

    /// Beats from the first to the last that belongs to these panels.
    pub fn window(&self) -> usize {
        (self.count() - 1) * self.stride + self.rows
    }

    fn beat(&self, panel: usize, row: usize) -> usize {
        self.start + panel * self.stride + row
    }

    /// Writes columns; words of the last panel that have no column become zero.
    pub fn write_columns<W: Words>(&self, columns: &[W]) -> Result<()> {
        self.write_columns_and(columns, |_, _, _| {})
    }

    /// Writes columns, and hands every block to `visit` as [`Panels::for_each_block`] would afterwards, but panels in
    /// order, and in each panel blocks in order.
    pub fn write_columns_and<W: Words>(
        &self,
        columns: &[W],
        mut visit: impl FnMut(usize, usize, &[u64]),
    ) -> Result<()> {
        for (panel, group) in columns.chunks(BEAT_WORDS).enumerate() {
            let mut parts = [[0; BLOCK_ROWS]; BEAT_WORDS];
            let mut block = [[0; BEAT_WORDS]; BLOCK_ROWS];
            for first in (0..self.rows).step_by(BLOCK_ROWS) {
                let count = BLOCK_ROWS.min(self.rows - first);
                for (part, column) in parts.iter_mut().zip(group) {
                    column.copy_to(first, &mut part[..count]);
                }
                for (row, beat) in block[..count].iter_mut().enumerate() {
                    *beat = std::array::from_fn(|k| parts[k][row]);
                }
                let beats = block[..count].as_flattened();
                self.buffer.write(self.beat(panel, first), beats)?;
                visit(first, panel, beats);
            }
        }
        Ok(())
    }

    /// Writes `columns` as the last of these columns; the others stay as they are.
    pub fn append_columns<W: Words>(&self, columns: &[W]) -> Result<()> {
        for (c, column) in (self.columns - columns.len()..).zip(columns) {
            for row in 0..self.rows {
                let mut beat = [0; BEAT_WORDS];
                let at = self.beat(c / BEAT_WORDS, row);
                // A panel that begins here was written by nobody before.
                if c % BEAT_WORDS != 0 {
                    self.buffer.read(at, &mut beat)?;
                }
                beat[c % BEAT_WORDS] = column.word(row);
                self.buffer.write(at, &beat)?;
            }
        }
        Ok(())
    }

    /// Writes rows; words of the last panel that have no column become zero.
    pub fn write_rows<W: Words>(&self, rows: &[W]) -> Result<()> {
        for (group, first) in rows.chunks(BLOCK_ROWS).zip((0..).step_by(BLOCK_ROWS)) {
            for panel in 0..self.count() {
                let from = panel * BEAT_WORDS;
                let count = BEAT_WORDS.min(self.columns - from);
                let mut block = [0u64; BLOCK_ROWS * BEAT_WORDS];
                for (row, beat) in group.iter().zip(block.chunks_exact_mut(BEAT_WORDS)) {
                    for (k, word) in beat[..count].iter_mut().enumerate() {
                        *word = row.word(from + k);
                    }
                }
                self.buffer.write(self.beat(panel, first), &block[..group.len() * BEAT_WORDS])?;
            }
        }
        Ok(())
    }

    /// Hands every block of rows of every panel to `visit(first row, panel, beats)`: blocks in order, and in each
    /// block panels in order. Beats are whole, also where the last panel has fewer columns.
    pub fn for_each_block(&self, mut visit: impl FnMut(usize, usize, &[u64])) -> Result<()> {
        let mut block = [0u64; BLOCK_ROWS * BEAT_WORDS];
        for first in (0..self.rows).step_by(BLOCK_ROWS) {
            let count = BLOCK_ROWS.min(self.rows - first);
            for panel in 0..self.count() {
                let beats = &mut block[..count * BEAT_WORDS];
                self.buffer.read(self.beat(panel, first), beats)?;
                visit(first, panel, beats);
            }
        }
        Ok(())
    }

    /// One row.
    pub fn row(&self, row: usize) -> Result<Vec<u64>> {
        let mut words = vec![0; self.count() * BEAT_WORDS];
        for (panel, beat) in words.chunks_exact_mut(BEAT_WORDS).enumerate() {
            self.buffer.read(self.beat(panel, row), beat)?;
        }
        words.truncate(self.columns);
        Ok(words)
    }

    /// Everything, as rows.
    pub fn to_rows<T>(self, element: impl Fn(u64) -> T) -> Result<Vec<Vec<T>>> {
        let width = self.count() * BEAT_WORDS;
        let mut block = vec![0; BLOCK_ROWS * width];
        let mut out = Vec::with_capacity(self.rows);
        for first in (0..self.rows).step_by(BLOCK_ROWS) {
            let count = BLOCK_ROWS.min(self.rows - first);
            for panel in 0..self.count() {
                for (row, words) in block.chunks_exact_mut(width).take(count).enumerate() {
                    let beat = &mut words[panel * BEAT_WORDS..][..BEAT_WORDS];
                    self.buffer.read(self.beat(panel, first + row), beat)?;
                }
            }
            // A row is allocated when it is filled: its memory is in the cache once.
            let rows = block.chunks_exact(width).take(count);
            out.extend(rows.map(|row| row[..self.columns].iter().map(|&word| element(word)).collect::<Vec<T>>()));
        }
        Ok(out)
    }

    /// Everything, as one row-major matrix.
    pub fn to_matrix<T: Clone>(self, element: impl Fn(u64) -> T) -> Result<Vec<T>> {
        let width = self.columns;
        let mut out = vec![element(0); self.rows * width];
        self.for_each_block(|first, panel, beats| {
            let from = panel * BEAT_WORDS;
            let count = BEAT_WORDS.min(width - from);
            let rows = out[first * width..].chunks_exact_mut(width);
            for (row, beat) in rows.zip(beats.chunks_exact(BEAT_WORDS)) {
                for (value, &word) in row[from..from + count].iter_mut().zip(beat) {
                    *value = element(word);
                }
            }
        })?;
        Ok(out)
    }

    /// Everything, as columns.
    pub fn to_columns<T>(self, element: impl Fn(u64) -> T) -> Result<Vec<Vec<T>>> {
        let mut out: Vec<Vec<T>> = Vec::with_capacity(self.columns);
        let mut block = [[0; BEAT_WORDS]; BLOCK_ROWS];
        for panel in 0..self.count() {
            let group = BEAT_WORDS.min(self.columns - out.len());
            let mut columns: Vec<Vec<T>> = (0..group).map(|_| Vec::with_capacity(self.rows)).collect();
            for first in (0..self.rows).step_by(BLOCK_ROWS) {
                let beats = &mut block[..BLOCK_ROWS.min(self.rows - first)];
                self.buffer.read(self.beat(panel, first), beats.as_flattened_mut())?;
                for (k, column) in columns.iter_mut().enumerate() {
                    column.extend(beats.iter().map(|beat| element(beat[k])));
                }
            }
            out.append(&mut columns);
        }
        Ok(out)
    }
}
