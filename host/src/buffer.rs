//! Device memory counted in beats.

use hotloop_driver::{DmaBuf, Window};
use hotloop_regs::{BEAT_BYTES, BEAT_WORDS};

use crate::error::Result;

/// Memory shared with the board, addressed by beats.
#[derive(Clone, Debug)]
pub(crate) struct Buffer(pub DmaBuf);

impl Buffer {
    /// The board's address of the first beat.
    pub fn iova(&self) -> u64 {
        self.0.iova()
    }

    /// The board's window of `beats` beats from beat `start`. Callers keep both below 2^32.
    pub fn window(&self, start: usize, beats: usize) -> Result<Window> {
        Ok(self.0.window_at(start as u64 * BEAT_BYTES as u64, beats as u32)?)
    }

    /// Reads words from the start of a beat.
    pub fn read(&self, beat: usize, words: &mut [u64]) -> Result<()> {
        Ok(self.0.read_words(beat as u64 * BEAT_BYTES as u64, words)?)
    }

    /// Writes words from the start of a beat.
    pub fn write(&self, beat: usize, words: &[u64]) -> Result<()> {
        debug_assert!(words.len().is_multiple_of(BEAT_WORDS), "whole beats, so that nothing stale is left in them");
        Ok(self.0.write_words(beat as u64 * BEAT_BYTES as u64, words)?)
    }
}
