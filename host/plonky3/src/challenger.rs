//! [`DeviceChallenger`]: Plonky3's `DuplexChallenger`, which grinds on a device.

use hotloop::{grind_tries, Device, GrindRequest, HotloopError, Zeros, STATE_WORDS};
use p3_challenger::{
    CanFinalizeDigest, CanObserve, CanSample, CanSampleBits, CanSampleUniformBits, DuplexChallenger, FieldChallenger,
    GrindingChallenger, ResamplingError,
};
use p3_symmetric::CryptographicPermutation;

use crate::{
    error::{or_raise, raise, ProveError, Result},
    field::{element, options, word, BoardField},
};

/// The sponge's rate.
const RATE: usize = 8;

/// The challenger that a device's is equal to.
pub type StockChallenger<F, P> = DuplexChallenger<F, P, STATE_WORDS, RATE>;

/// A [`DuplexChallenger`] whose search for a proof-of-work witness runs on a device; everything else is the library's. Use it
/// inside [`crate::with_device`], which returns the device's errors.
///
/// Witnesses are the smallest there are: those that p3-challenger's own search finds when it runs in one thread.
#[derive(Clone, Debug)]
pub struct DeviceChallenger<F: BoardField, P: CryptographicPermutation<[F; STATE_WORDS]>> {
    stock: StockChallenger<F, P>,
    device: Device,
}

impl<F: BoardField, P: CryptographicPermutation<[F; STATE_WORDS]>> DeviceChallenger<F, P> {
    /// A challenger that goes on where `stock` is.
    ///
    /// # Errors
    /// [`ProveError::WrongPermutation`] if the device's is another than `stock`'s.
    pub fn new(device: Device, stock: StockChallenger<F, P>) -> Result<Self> {
        let set = device.set();
        let mut words: [u64; STATE_WORDS] = std::array::from_fn(|i| i as u64);
        let wanted = stock.permutation.permute(words.map(element)).map(word);
        // Not the device's own options: what they have for reference is the caller's.
        match options(set).reference {
            Some(reference) => reference.permute(&mut words),
            None => return Err(ProveError::WrongPermutation { set }),
        }
        if words != wanted {
            return Err(ProveError::WrongPermutation { set });
        }
        Ok(DeviceChallenger { stock, device })
    }

    /// The witness that [`GrindingChallenger::grind`] gives: see p3-challenger 0.5.4, `src/grinding_challenger.rs:96`. It is
    /// the next element observed, and the word that is sampled first has to end with zeros.
    fn witness(&self, bits: usize) -> Result<F> {
        let StockChallenger { sponge_state, input_buffer, .. } = &self.stock;
        let mut state = sponge_state.map(word);
        for (slot, &observed) in state.iter_mut().zip(input_buffer) {
            *slot = word(observed);
        }
        // The library refuses 2^bits beyond the field's order.
        if bits > 63 {
            let reason = format!("{bits} bits of proof of work: at most 63");
            return Err(HotloopError::BadShape { job: "grind", reason }.into());
        }
        let request = GrindRequest {
            state,
            position: input_buffer.len() as u8,
            output_word: (RATE - 1) as u8,
            bits: bits as u32,
            zeros: Zeros::Trailing,
            start: 0,
            tries: grind_tries(bits as u32),
        };
        Ok(element(self.device.grind(&request)?))
    }
}

impl<F, P, T> CanObserve<T> for DeviceChallenger<F, P>
where
    F: BoardField,
    P: CryptographicPermutation<[F; STATE_WORDS]>,
    StockChallenger<F, P>: CanObserve<T>,
{
    fn observe(&mut self, value: T) {
        self.stock.observe(value);
    }
}

impl<F, P, T> CanSample<T> for DeviceChallenger<F, P>
where
    F: BoardField,
    P: CryptographicPermutation<[F; STATE_WORDS]>,
    StockChallenger<F, P>: CanSample<T>,
{
    fn sample(&mut self) -> T {
        self.stock.sample()
    }
}

impl<F: BoardField, P: CryptographicPermutation<[F; STATE_WORDS]>> CanSampleBits<usize> for DeviceChallenger<F, P> {
    fn sample_bits(&mut self, bits: usize) -> usize {
        self.stock.sample_bits(bits)
    }
}

impl<F, P> CanSampleUniformBits<F> for DeviceChallenger<F, P>
where
    F: BoardField,
    P: CryptographicPermutation<[F; STATE_WORDS]>,
    StockChallenger<F, P>: CanSampleUniformBits<F>,
{
    fn sample_uniform_bits<const RESAMPLE: bool>(&mut self, bits: usize) -> Result<usize, ResamplingError> {
        self.stock.sample_uniform_bits::<RESAMPLE>(bits)
    }
}

impl<F: BoardField, P: CryptographicPermutation<[F; STATE_WORDS]>> FieldChallenger<F> for DeviceChallenger<F, P> {}

impl<F, P> CanFinalizeDigest for DeviceChallenger<F, P>
where
    F: BoardField,
    P: CryptographicPermutation<[F; STATE_WORDS]>,
    StockChallenger<F, P>: CanFinalizeDigest,
{
    type Digest = <StockChallenger<F, P> as CanFinalizeDigest>::Digest;

    fn finalize(self) -> Self::Digest {
        self.stock.finalize()
    }
}

impl<F: BoardField, P: CryptographicPermutation<[F; STATE_WORDS]>> GrindingChallenger for DeviceChallenger<F, P> {
    type Witness = F;

    fn grind(&mut self, bits: usize) -> F {
        if bits == 0 {
            return F::ZERO;
        }
        let witness = or_raise(self.witness(bits));
        // Moves the transcript on, as the library's search does, and looks at what an unchecked device found.
        if self.check_witness(bits, witness) {
            return witness;
        }
        let detail = format!("{witness} is no proof of work of {bits} bits");
        raise(HotloopError::CheckFailed { job: "grind", device: self.device.name().into(), detail })
    }
}
