//! p3-uni-stark with its own parts and with ours: configurations that agree in all parameters, and AIRs.

use hotloop_plonky3::{
    stock_mmcs, BoardPermutation, Device, DeviceChallenger, DeviceDft, DeviceMmcs, StockChallenger, StockMmcs,
};
use p3_air::{Air, AirBuilder, BaseAir, WindowAccess};
use p3_commit::{ExtensionMmcs, Mmcs};
use p3_dft::Radix2Dit;
use p3_field::{extension::BinomialExtensionField, PrimeCharacteristicRing};
use p3_fri::{FriParameters, TwoAdicFriPcs};
use p3_goldilocks::Goldilocks;
use p3_matrix::dense::RowMajorMatrix;
use p3_uni_stark::StarkConfig;

pub type Extension = BinomialExtensionField<Goldilocks, 2>;
type Pcs<Dft, Mmcs> = TwoAdicFriPcs<Goldilocks, Dft, Mmcs, ExtensionMmcs<Goldilocks, Extension, Mmcs>>;
pub type Stock<P> = StarkConfig<Pcs<Radix2Dit<Goldilocks>, StockMmcs<P>>, Extension, StockChallenger<Goldilocks, P>>;
pub type OnDevice<P> = StarkConfig<Pcs<DeviceDft, DeviceMmcs<P>>, Extension, DeviceChallenger<Goldilocks, P>>;

/// FRI as a prover may have it; grinding before each commitment and before the queries.
#[derive(Clone, Copy)]
pub struct Fri {
    pub log_blowup: usize,
    pub max_log_arity: usize,
    pub cap_height: usize,
}

impl Fri {
    fn pcs<Dft, M: Mmcs<Goldilocks>>(self, dft: Dft, mmcs: M) -> Pcs<Dft, M> {
        let parameters = FriParameters {
            log_blowup: self.log_blowup,
            log_final_poly_len: 2,
            max_log_arity: self.max_log_arity,
            num_queries: 30,
            commit_proof_of_work_bits: 3,
            query_proof_of_work_bits: 10,
            mmcs: ExtensionMmcs::new(mmcs.clone()),
        };
        Pcs::new(dft, mmcs, parameters)
    }

    pub fn stock<P: BoardPermutation>(self) -> Stock<P> {
        let pcs = self.pcs(Radix2Dit::default(), stock_mmcs(self.cap_height));
        StarkConfig::new(pcs, StockChallenger::new(P::of_the_board()))
    }

    pub fn on<P: BoardPermutation>(self, device: &Device) -> hotloop_plonky3::Result<OnDevice<P>> {
        let mmcs = DeviceMmcs::new(device.clone(), self.cap_height)?;
        let challenger = DeviceChallenger::new(device.clone(), StockChallenger::new(P::of_the_board()))?;
        Ok(StarkConfig::new(self.pcs(DeviceDft::new(device.clone())?, mmcs), challenger))
    }
}

/// A machine. One type, since bounds on AIRs over generic configurations do not get past the compiler.
#[derive(Clone, Copy)]
pub enum Machine {
    /// a' = b, b' = a + b, from two public values to a third.
    Fibonacci,
    /// So many columns; column c becomes its square plus column c + 1.
    Wide(usize),
}

impl<F> BaseAir<F> for Machine {
    fn width(&self) -> usize {
        match self {
            Machine::Fibonacci => 2,
            Machine::Wide(width) => *width,
        }
    }

    fn num_public_values(&self) -> usize {
        match self {
            Machine::Fibonacci => 3,
            Machine::Wide(_) => 0,
        }
    }
}

impl<AB: AirBuilder> Air<AB> for Machine {
    fn eval(&self, builder: &mut AB) {
        let main = builder.main();
        let (local, next) = (main.current_slice(), main.next_slice());
        match *self {
            Machine::Fibonacci => {
                let public = builder.public_values();
                let (a, b, last) = (public[0], public[1], public[2]);
                builder.when_first_row().assert_eq(local[0], a);
                builder.when_first_row().assert_eq(local[1], b);
                builder.when_transition().assert_eq(next[0], local[1]);
                builder.when_transition().assert_eq(next[1], local[0] + local[1]);
                builder.when_last_row().assert_eq(local[1], last);
            }
            Machine::Wide(width) => {
                for c in 0..width {
                    let square = local[c] * local[c];
                    builder.when_transition().assert_eq(next[c], square + local[(c + 1) % width]);
                }
            }
        }
    }
}

impl Machine {
    /// 2^`log_rows` rows from one of small numbers, and the public values.
    pub fn run(self, log_rows: u32) -> (RowMajorMatrix<Goldilocks>, Vec<Goldilocks>) {
        let width = BaseAir::<Goldilocks>::width(&self);
        let first: Vec<Goldilocks> = (0..width).map(Goldilocks::from_usize).collect();
        let mut row = first.clone();
        let mut values = Vec::new();
        for _ in 0..1 << log_rows {
            values.extend(&row);
            row = match self {
                Machine::Fibonacci => vec![row[1], row[0] + row[1]],
                Machine::Wide(_) => (0..width).map(|c| row[c].square() + row[(c + 1) % width]).collect(),
            };
        }
        let public = match self {
            Machine::Fibonacci => vec![first[0], first[1], values[values.len() - 1]],
            Machine::Wide(_) => Vec::new(),
        };
        (RowMajorMatrix::new(values, width), public)
    }
}
