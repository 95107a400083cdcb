//! Transforms and extensions on a device.

use hotloop::{goldilocks::root, Device, Input, LdeRequest, ParameterSet};
use p3_dft::{Radix2Dit, TwoAdicSubgroupDft};
use p3_matrix::{
    bitrev::{BitReversalPerm, BitReversedMatrixView, BitReversibleMatrix},
    dense::RowMajorMatrix,
    Matrix,
};

use crate::{
    error::{or_raise, raise, ProveError, Result},
    field::{element, word, BoardField, Column},
};

/// Matrices of fewer rows are transformed by p3-dft on the host: a job costs more than they do.
pub const DEVICE_ROWS: usize = 1 << 4;

/// `TwoAdicSubgroupDft` on a device. Values come out in bit-reversed order, as the board gives them, and are shown in
/// natural order by a view; [`BitReversibleMatrix::bit_reverse_rows`] takes the view away at no cost.
///
/// Coefficients whose last rows are zero, as provers pad them for a larger domain, run as an extension of the others.
/// Matrices of fewer than [`DEVICE_ROWS`] rows (or no columns) stay on the host, as in p3-dft.
///
/// The trait's methods return no errors: a device's, such as [`hotloop::HotloopError::DeviceLimit`] for a matrix beyond the
/// board's limits, unwinds with a [`ProveError`] as payload.
#[derive(Clone, Debug, Default)]
pub struct DeviceDft {
    device: Option<Device>,
}

impl DeviceDft {
    /// Transforms on `device`, whose parameter set has Plonky3's roots of unity.
    ///
    /// # Errors
    /// [`ProveError::WrongSet`].
    pub fn new(device: Device) -> Result<DeviceDft> {
        let needed = ParameterSet::Plonky3Goldilocks;
        if root(device.set(), 32) != root(needed, 32) {
            return Err(ProveError::WrongSet { open: device.set(), needed });
        }
        Ok(DeviceDft { device: Some(device) })
    }

    fn device(&self) -> &Device {
        self.device.as_ref().unwrap_or_else(|| raise(ProveError::NoDevice { what: "DeviceDft" }))
    }

    fn extend<F: BoardField>(&self, columns: &[Column<'_, F>], input: Input, log_blowup: u32, shift: F) -> Vec<F> {
        let request = LdeRequest { columns, input, log_blowup, shift: word(shift), coefficients: false };
        or_raise(self.device().lde(&request).and_then(|batch| batch.value_matrix(element)))
    }
}

/// Whether a matrix stays on the host.
fn is_small<F: BoardField>(matrix: &RowMajorMatrix<F>) -> bool {
    matrix.width == 0 || matrix.height() < DEVICE_ROWS
}

/// Base-2 logarithm of the part of a matrix's rows that matters: all but 1 / 2^this of them are zero; at most `most`, and no
/// more than leaves [`DEVICE_ROWS`].
fn log_padding<F: BoardField>(matrix: &RowMajorMatrix<F>, most: u32) -> u32 {
    let used = matrix.values.iter().rposition(|value| !value.is_zero()).map_or(0, |last| last / matrix.width + 1);
    let rows = used.next_power_of_two().max(DEVICE_ROWS);
    (matrix.height() / rows).checked_ilog2().unwrap_or(0).min(most)
}

impl<F: BoardField> TwoAdicSubgroupDft<F> for DeviceDft {
    type Evaluations = BitReversedMatrixView<RowMajorMatrix<F>>;

    fn dft_batch(&self, mat: RowMajorMatrix<F>) -> Self::Evaluations {
        self.coset_dft_batch(mat, F::ONE)
    }

    fn coset_dft_batch(&self, mat: RowMajorMatrix<F>, shift: F) -> Self::Evaluations {
        if is_small(&mat) {
            return view(Radix2Dit::default().coset_dft_batch(mat, shift));
        }
        let padding = log_padding(&mat, self.device().identity().max_log_cosets);
        let used = mat.values.len() >> padding;
        let columns = Column::all(&mat.values[..used], mat.width);
        let values = self.extend(&columns, Input::Coefficients, padding, shift);
        BitReversalPerm::new_view(RowMajorMatrix::new(values, mat.width))
    }

    fn idft_batch(&self, mat: RowMajorMatrix<F>) -> RowMajorMatrix<F> {
        self.coset_idft_batch(mat, F::ONE)
    }

    fn coset_idft_batch(&self, mat: RowMajorMatrix<F>, shift: F) -> RowMajorMatrix<F> {
        if is_small(&mat) {
            return Radix2Dit::default().coset_idft_batch(mat, shift);
        }
        let columns = Column::all(&mat.values, mat.width);
        let batch = self.device().inverse(&columns, word(shift));
        let values = or_raise(batch.and_then(|batch| batch.coefficient_matrix(element)));
        RowMajorMatrix::new(values, mat.width)
    }

    fn coset_lde_batch(&self, mat: RowMajorMatrix<F>, added_bits: usize, shift: F) -> Self::Evaluations {
        if is_small(&mat) {
            return view(Radix2Dit::default().coset_lde_batch(mat, added_bits, shift));
        }
        let columns = Column::all(&mat.values, mat.width);
        let log_blowup = u32::try_from(added_bits).unwrap_or(u32::MAX);
        let values = self.extend(&columns, Input::Values, log_blowup, shift);
        BitReversalPerm::new_view(RowMajorMatrix::new(values, mat.width))
    }
}

/// A matrix of the host as the device would give it.
fn view<F: BoardField>(evaluations: impl BitReversibleMatrix<F>) -> BitReversedMatrixView<RowMajorMatrix<F>> {
    BitReversalPerm::new_view(evaluations.bit_reverse_rows().to_row_major_matrix())
}
