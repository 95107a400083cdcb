//! Transforms longer than the chip holds, in two passes through host memory: equal to plonky2's, as fast as docs/ntt.md
//! says.

use std::sync::Arc;

use hotloop::{Check, Device, Input, LdeRequest, SimFunction, SimOptions};
use hotloop_regs::scale_table_beats;
use hotloop_units as _;
use plonky2::{
    field::{
        goldilocks_field::GoldilocksField as F,
        polynomial::PolynomialCoeffs,
        types::{Field, PrimeField64, Sample},
    },
    util::reverse_index_bits_in_place,
};

fn device(model: &str, check: Check) -> Device {
    let function = SimFunction::open(&SimOptions::model(model)).unwrap();
    let mut options = hotloop_plonky2::options();
    options.check = check;
    Device::from_function(Arc::new(function), options).unwrap()
}

fn random(columns: usize, log_n: usize) -> (Vec<Vec<F>>, Vec<Vec<u64>>) {
    let polynomials: Vec<Vec<F>> = (0..columns).map(|_| F::rand_vec(1 << log_n)).collect();
    let words = polynomials.iter().map(|p| p.iter().map(PrimeField64::to_canonical_u64).collect()).collect();
    (polynomials, words)
}

fn values(polynomial: &[F], log_blowup: usize, shift: F) -> Vec<u64> {
    let polynomial = PolynomialCoeffs::new(polynomial.to_vec()).lde(log_blowup);
    let mut values = polynomial.coset_fft(shift).values;
    reverse_index_bits_in_place(&mut values);
    values.iter().map(PrimeField64::to_canonical_u64).collect()
}

#[test]
fn extensions_longer_than_the_chip_holds() {
    let device = device("accelerator_small", Check::Full);
    assert_eq!((device.identity().lanes, device.identity().max_log), (2, 9));
    let shift = F::coset_shift();
    // 2^14 leaves room for 2^4 neighbours only.
    for (log_n, columns, log_blowup) in [(10, 9, 0), (11, 3, 1), (14, 1, 0)] {
        let (polynomials, words) = random(columns, log_n);
        let request = LdeRequest {
            columns: &words,
            input: Input::Coefficients,
            log_blowup,
            shift: shift.to_canonical_u64(),
            coefficients: false,
        };
        let batch = device.lde(&request).unwrap();
        let wanted: Vec<Vec<u64>> = polynomials.iter().map(|p| values(p, log_blowup as usize, shift)).collect();
        assert!(batch.value_columns(|x| x).unwrap() == wanted, "2^{log_n}");
    }
}

/// The cycles of docs/ntt.md, without the few that do not depend on the length.
fn cycles(log_n: u32, max_log: u32, lanes: u64) -> u64 {
    let (first, second, beat) = (log_n - max_log, max_log, 8 / lanes);
    let on_chip = first + 6.min(max_log - first);
    let across = beat * ((1 << log_n) + (1 << on_chip)) + u64::from(scale_table_beats(on_chip));
    let along = beat * ((1 << log_n) + (1 << second)) + (u64::from(scale_table_beats(second)) << first);
    across + along
}

#[test]
fn the_cycle_formula_holds() {
    const CONSTANT: u64 = 1000;
    for (model, max_log, lengths) in [("accelerator_sim", 13, [14, 15, 16]), ("accelerator_small", 9, [10, 12, 14])] {
        let device = device(model, Check::Spot);
        let lanes = device.identity().lanes;
        for log_n in lengths {
            let (_, words) = random(8, log_n);
            let before = device.offload();
            device.forward(&words, 7).unwrap();
            let (measured, formula) = ((device.offload() - before).cycles, cycles(log_n as u32, max_log, lanes.into()));
            println!("{model}: 2^{log_n} in {measured} cycles, formula {formula}");
            assert!((formula..formula + CONSTANT).contains(&measured), "{model}: 2^{log_n}: {measured}, {formula}");
        }
    }
}
