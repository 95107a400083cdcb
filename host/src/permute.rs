//! Permutations of states, loopback, grinding.

use std::fmt;

use hotloop_driver::Descriptor;
use hotloop_regs::{descriptor::GRIND_TRAILING_BIT, BEAT_WORDS};

use crate::{
    check,
    device::{Device, Job},
    error::{bad_shape, HotloopError, Result},
    offload::Offload,
};

/// Words of a sponge state.
pub const STATE_WORDS: usize = 12;

/// Beats of a state: words 0–7; words 8–11 and four ignored.
const STATE_BEATS: usize = 2;

/// At which end of a word zeros are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Zeros {
    /// The highest bits, as plonky2 has it (1.1.0, `fri/prover.rs:153`).
    Leading,
    /// The lowest bits, as Plonky3 and Miden have it (p3-challenger 0.5.4, `src/grinding_challenger.rs:127`).
    Trailing,
}

impl Zeros {
    /// How many of a word's bits at this end are zero.
    pub const fn count(self, word: u64) -> u32 {
        match self {
            Zeros::Leading => word.leading_zeros(),
            Zeros::Trailing => word.trailing_zeros(),
        }
    }
}

impl fmt::Display for Zeros {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Zeros::Leading => "leading",
            Zeros::Trailing => "trailing",
        })
    }
}

/// Nonces to try before giving up where `bits` zero bits are wanted: without one among 2^8 times the expected number (a chance
/// of e^-256) the board is wrong, and a search without an end would hide it.
pub const fn grind_tries(bits: u32) -> u64 {
    let log = bits.saturating_add(8);
    1 << if log < 63 { log } else { 63 }
}

/// A search for a nonce.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GrindRequest {
    /// The sponge's state; the word at `position` is overwritten.
    pub state: [u64; STATE_WORDS],
    /// Where the nonce goes, below 12.
    pub position: u8,
    /// The word of the permuted state that is looked at, below 12.
    pub output_word: u8,
    /// Zero bits wanted in the canonical output word, at most 64.
    pub bits: u32,
    /// At which end of it.
    pub zeros: Zeros,
    /// First nonce tried.
    pub start: u64,
    /// Most nonces to try. They stay below the field's order.
    pub tries: u64,
}

impl Device {
    /// Permutes every state in place.
    pub fn permute(&self, states: &mut [[u64; STATE_WORDS]]) -> Result<()> {
        const NAME: &str = "permute";
        self.needs_poseidon(NAME)?;
        check::needs_reference(self, NAME)?;
        if states.is_empty() {
            return Ok(());
        }
        let beats = states.len() * STATE_BEATS;
        self.limit("states", states.len() as u64, u64::from(u32::MAX) / 2)?;
        let (input, output) = (self.allocate(beats)?, self.allocate(beats)?);
        for (i, state) in states.iter().enumerate() {
            let mut words = [0; STATE_BEATS * BEAT_WORDS];
            words[..STATE_WORDS].copy_from_slice(state);
            input.write(i * STATE_BEATS, &words)?;
        }
        let (src, dst) = (input.window(0, beats)?, output.window(0, beats)?);
        let bytes = beats as u64 * 64;
        let work = Offload {
            permutations: states.len() as u64,
            bytes_to_device: bytes,
            bytes_from_device: bytes,
            ..Offload::default()
        };
        let descriptor = Descriptor::permute(self.set(), src, dst, states.len() as u32);
        self.run(&[Job { name: NAME, descriptor, work }])?;
        let mut results = vec![[0; STATE_WORDS]; states.len()];
        for (i, result) in results.iter_mut().enumerate() {
            output.read(i * STATE_BEATS, result)?;
        }
        check::states(self, states, &results)?;
        states.copy_from_slice(&results);
        Ok(())
    }

    /// Sends whole beats through the board and back; for tests of the link.
    pub fn loopback(&self, beats: &[[u64; BEAT_WORDS]]) -> Result<Vec<[u64; BEAT_WORDS]>> {
        const NAME: &str = "loopback";
        if beats.is_empty() {
            return Ok(Vec::new());
        }
        self.limit("beats", beats.len() as u64, u64::from(u32::MAX))?;
        let (input, output) = (self.allocate(beats.len())?, self.allocate(beats.len())?);
        input.write(0, beats.as_flattened())?;
        let (src, dst) = (input.window(0, beats.len())?, output.window(0, beats.len())?);
        let bytes = beats.len() as u64 * 64;
        let work = Offload { bytes_to_device: bytes, bytes_from_device: bytes, ..Offload::default() };
        let descriptor = Descriptor::loopback(self.set(), src, dst, beats.len() as u32);
        self.run(&[Job { name: NAME, descriptor, work }])?;
        let mut back = vec![[0; BEAT_WORDS]; beats.len()];
        output.read(0, back.as_flattened_mut())?;
        if back != beats {
            return Err(self.wrong(NAME, "a beat came back changed"));
        }
        Ok(back)
    }

    /// The smallest nonce from `start` whose permuted state has the zeros asked for. The search goes to the
    /// board in ranges that nearly always hit at the first, so that a wait has a sensible bound.
    pub fn grind(&self, request: &GrindRequest) -> Result<u64> {
        const NAME: &str = "grind";
        self.needs_poseidon(NAME)?;
        check::needs_reference(self, NAME)?;
        let GrindRequest { state, position, output_word, bits, zeros, start, tries } = *request;
        if usize::from(position) >= STATE_WORDS || usize::from(output_word) >= STATE_WORDS || bits > 64 {
            return bad_shape(
                NAME,
                format!("position {position}, output word {output_word}, {bits} bits: at most 11, 11, 64"),
            );
        }
        let end = start.saturating_add(tries).min(crate::goldilocks::ORDER);
        let trailing = u64::from(zeros == Zeros::Trailing) << GRIND_TRAILING_BIT;
        let (parameters, output) = (self.allocate(2)?, self.allocate(1)?);
        let range = 1u64 << (bits + 3).clamp(10, 24);
        let mut first = start;
        while first < end {
            let count = range.min(end - first);
            let mut words = [0; 2 * BEAT_WORDS];
            words[..STATE_WORDS].copy_from_slice(&state);
            words[12] = first;
            words[13] = count;
            words[14] = u64::from(position) | u64::from(output_word) << 8 | u64::from(bits) << 16 | trailing;
            parameters.write(0, &words)?;
            let descriptor = Descriptor::grind(self.set(), parameters.iova(), output.window(0, 1)?);
            let work = Offload { bytes_to_device: 128, bytes_from_device: 64, ..Offload::default() };
            self.run(&[Job { name: NAME, descriptor, work }])?;
            let mut result = [0; 2];
            output.read(0, &mut result)?;
            let [found, nonce] = result;
            if found == 0 {
                self.add_permutations(count);
                check::nonce(self, request, first, first + count, None)?;
                first += count;
            } else if found != 1 || !(first..first + count).contains(&nonce) {
                return Err(self.wrong(NAME, format!("nonce {nonce} (found = {found}) outside the range")));
            } else {
                self.add_permutations(nonce - first + 1);
                check::nonce(self, request, first, nonce, Some(nonce))?;
                return Ok(nonce);
            }
        }
        Err(HotloopError::NoNonce { bits, zeros, start, tried: end.saturating_sub(start) })
    }
}
