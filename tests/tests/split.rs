//! Transforms longer than the chip holds, in two passes through host memory: equal to plonky2's, as fast as docs/ntt.md
//! says.

use std::sync::Arc;

use hotloop::{
    cycles::{Engine, InverseSplit, Split},
    Check, Device, Input, LdeRequest, SimFunction, SimOptions,
};
use hotloop_driver::{Descriptor, TransformShape};
use hotloop_regs::{
    descriptor::{FLAG_ACROSS, FLAG_FORWARD},
    scale_table_beats,
};
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

/// Values on a coset of the subgroup, natural order.
fn on_coset(polynomial: &[F], shift: F) -> Vec<u64> {
    let values = PolynomialCoeffs::new(polynomial.to_vec()).coset_fft(shift).values;
    values.iter().map(PrimeField64::to_canonical_u64).collect()
}

#[test]
fn inverse_transforms_longer_than_the_chip_holds() {
    let small = [(10, 9), (13, 1), (15, 1)];
    for (model, lengths) in [("accelerator_small", small), ("accelerator_sim", [(14, 3), (15, 1), (16, 1)])] {
        let device = device(model, Check::Spot);
        for (log_n, columns) in lengths {
            let (polynomials, words) = random(columns, log_n);
            for shift in [F::ONE, F::coset_shift()] {
                let values: Vec<Vec<u64>> = polynomials.iter().map(|p| on_coset(p, shift)).collect();
                let batch = device.inverse(&values, shift.to_canonical_u64()).unwrap();
                assert!(batch.coefficients(|x| x).unwrap() == words, "{model}: 2^{log_n}");
            }
        }
    }
}

/// No room for two blocks at a time, in single beats: five million cycles.
#[test]
fn the_longest_inverse_transform() {
    let device = device("accelerator_small", Check::Off);
    let engine = engine(&device);
    let split = InverseSplit::new(18, engine.max_log);
    assert_eq!(split, InverseSplit { first: 9, second: 9, inner: 0, turns: 0 });
    let (polynomials, words) = random(1, 18);
    let values: Vec<Vec<u64>> = polynomials.iter().map(|p| on_coset(p, F::coset_shift())).collect();
    let before = device.offload();
    let batch = device.inverse(&values, F::coset_shift().to_canonical_u64()).unwrap();
    assert!(batch.coefficients(|x| x).unwrap() == words);
    let (measured, formula) = ((device.offload() - before).cycles, engine.inverse_split(split));
    println!("{measured} cycles, formula {formula}");
    assert!((formula..formula + CONSTANT + (128 << split.first)).contains(&measured), "{measured}, formula {formula}");
}

#[test]
fn extensions_of_values_longer_than_the_chip_holds() {
    let device = device("accelerator_small", Check::Full);
    let shift = F::coset_shift();
    for (log_n, columns, log_blowup, coefficients) in [(10, 9, 1, true), (11, 3, 2, false), (13, 8, 0, true)] {
        let (polynomials, words) = random(columns, log_n);
        let columns: Vec<Vec<u64>> = polynomials.iter().map(|p| on_coset(p, F::ONE)).collect();
        let shift_word = shift.to_canonical_u64();
        let request =
            LdeRequest { columns: &columns, input: Input::Values, log_blowup, shift: shift_word, coefficients };
        let wanted: Vec<Vec<u64>> = polynomials.iter().map(|p| values(p, log_blowup as usize, shift)).collect();
        let batch = device.lde(&request).unwrap();
        assert!(batch.value_columns(|x| x).unwrap() == wanted, "2^{log_n}");
        let kept = batch.coefficients(|x| x).unwrap();
        assert!(kept == if coefficients { words } else { Vec::new() }, "2^{log_n}");
        let committed = device.commit(&request, &[], 3).unwrap();
        assert!(committed.batch.value_columns(|x| x).unwrap() == wanted, "2^{log_n}");
    }
}

/// What a job may take beyond the formula, whatever its length: the way there and back.
const CONSTANT: u64 = 500;

fn engine(device: &Device) -> Engine {
    let engine = Engine::of(device.identity()).unwrap();
    assert_eq!(engine.multipliers(), device.identity().ntt_multipliers, "the netlist's own count");
    engine
}

fn holds(what: &str, measured: u64, formula: u64) {
    println!("{what}: {measured} cycles, formula {formula}");
    assert!((formula..formula + CONSTANT).contains(&measured), "{what}: {measured} cycles, formula {formula}");
}

#[test]
fn the_cycle_formula_holds() {
    for (model, lengths) in [("accelerator_sim", [14, 15, 16]), ("accelerator_small", [10, 12, 14])] {
        let device = device(model, Check::Spot);
        let engine = engine(&device);
        for log_n in lengths {
            let (_, words) = random(8, log_n);
            let before = device.offload();
            device.forward(&words, 7).unwrap();
            let split = Split::forward(log_n as u32, engine.max_log);
            holds(&format!("{model}: 2^{log_n}"), (device.offload() - before).cycles, engine.forward_split(split));

            let before = device.offload();
            device.inverse(&words, 7).unwrap();
            let measured = (device.offload() - before).cycles;
            let split = InverseSplit::new(log_n as u32, engine.max_log);
            let groups = 1 << (split.first - split.turns);
            let formula = engine.inverse_split(split);
            println!("{model}: inverse 2^{log_n}: {measured} cycles, formula {formula}, {groups} groups");
            assert!((formula..formula + CONSTANT + 128 * groups).contains(&measured), "{model}: inverse 2^{log_n}");
        }
    }
}

/// The first pass with every length of bursts: at 2^24 = 2^12 × 2^12 they are two beats long on a chip of 2^13.
#[test]
fn the_cycle_formula_holds_for_short_bursts() {
    for model in ["accelerator_sim", "accelerator_small"] {
        let device = device(model, Check::Off);
        let (engine, board) = (engine(&device), device.board());
        let split = |first, second, inner| Split { first, second, inner };
        for split in [split(7, 7, 0), split(6, 8, 0), split(7, 7, 1), split(6, 7, 1), split(6, 6, 2)] {
            let on_chip = split.first + split.inner;
            let beats = 1 << split.log_n();
            let [data, tables] = [beats, scale_table_beats(on_chip)].map(|beats| {
                let buffer = board.alloc(u64::from(beats) * 64).unwrap();
                buffer.write_words(0, &vec![1; 8 * beats as usize]).unwrap();
                buffer
            });
            let window = data.window_at(0, beats).unwrap();
            let shape = TransformShape {
                panels: 1 << (split.second - split.inner),
                log_n: on_chip as u8,
                log_inner: split.inner as u8,
                flags: FLAG_FORWARD | FLAG_ACROSS,
                src_stride: 1 << split.second,
                dst_stride: 1 << split.second,
                ..TransformShape::default()
            };
            let job = Descriptor::transform(device.set(), window, window, tables.iova(), shape);
            let cycles = board.submit_and_wait(&[job]).unwrap()[0].cycles;
            holds(&format!("{model}: across {split:?}"), cycles, engine.across(split));
        }
    }
}

#[test]
fn the_cycle_formula_holds_on_the_chip() {
    for model in ["accelerator_sim", "accelerator_small"] {
        let device = device(model, Check::Off);
        let engine = engine(&device);
        let cycles = |run: &dyn Fn()| {
            let before = device.offload();
            run();
            (device.offload() - before).cycles
        };
        for (log_n, panels, log_blowup) in [(7, 3, 1), (9, 2, 2), (engine.max_log as usize, 2, 1)] {
            let (_, words) = random(8 * panels as usize, log_n);
            let what = |kind| format!("{model}: {kind}, {panels} panels of 2^{log_n}, blow-up 2^{log_blowup}");
            let extend = |input| {
                let request = LdeRequest { columns: &words, input, log_blowup, shift: 7, coefficients: false };
                cycles(&|| drop(device.lde(&request).unwrap()))
            };
            let log = log_n as u32;
            holds(&what("forward"), extend(Input::Coefficients), engine.forward(log, panels, log_blowup));
            holds(&what("extension"), extend(Input::Values), engine.extension(log, panels, log_blowup));
            let inverse = cycles(&|| drop(device.inverse(&words, 7).unwrap()));
            holds(&what("inverse"), inverse, engine.inverse(log, panels));
        }
    }
}

/// Eight lanes, 2^24 as 2^12 × 2^12: the figure that docs/ntt.md states.
#[test]
fn the_figure_of_a_long_transform() {
    let engine = Engine { lanes: 8, max_log: 13, sharing: 1 };
    let utilisation = |split| {
        let cycles = engine.forward_split(split);
        (8u64 << split.log_n()) as f64 / (cycles * u64::from(engine.multipliers())) as f64
    };
    let square = Split::of(12, 12, engine.max_log);
    assert_eq!(square.inner, 1);
    for split in [square, Split::forward(24, engine.max_log)] {
        println!("{split:?}: {:.4}", utilisation(split));
        assert!(utilisation(split) >= 0.21);
    }
}
