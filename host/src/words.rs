//! How a prover's own vectors become words of panels, without a copy in between.

/// One column or one row of field elements, read as 64-bit words. Any 64 bits are accepted: the board reduces.
///
/// An adapter implements it on a wrapper of its prover's vectors, so that elements go straight to device memory.
pub trait Words {
    /// Number of elements.
    fn len(&self) -> usize;

    /// Element `index`, below [`Words::len`].
    fn word(&self, index: usize) -> u64;

    /// Elements from `first` on, as many as `out` has room for.
    #[inline]
    fn copy_to(&self, first: usize, out: &mut [u64]) {
        for (i, word) in out.iter_mut().enumerate() {
            *word = self.word(first + i);
        }
    }

    /// Whether there are no elements.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl Words for [u64] {
    fn len(&self) -> usize {
        <[u64]>::len(self)
    }

    #[inline]
    fn word(&self, index: usize) -> u64 {
        self[index]
    }
}

impl Words for Vec<u64> {
    fn len(&self) -> usize {
        Vec::len(self)
    }

    #[inline]
    fn word(&self, index: usize) -> u64 {
        self[index]
    }
}

impl<W: Words + ?Sized> Words for &W {
    fn len(&self) -> usize {
        (**self).len()
    }

    #[inline]
    fn word(&self, index: usize) -> u64 {
        (**self).word(index)
    }

    #[inline]
    fn copy_to(&self, first: usize, out: &mut [u64]) {
        (**self).copy_to(first, out)
    }
}
