//! A preset with a bus of 64 bits does all that one of 512 bits does: every kind of job, with stalls on all channels, and
//! jobs in error. Commitments on it are in `commit.rs`.

use std::{sync::Arc, time::Duration};

use hotloop::{
    Check, Device, GrindRequest, Input, LdeRequest, Leaves, LinkOptions, SimFunction, SimOptions, TreeRequest, Zeros,
};
use hotloop_driver::{Descriptor, DriverError, HashShape};
use hotloop_regs::{Error, Opcode};
use hotloop_units as _;
use plonky2::{
    field::{
        goldilocks_field::GoldilocksField as F,
        polynomial::{PolynomialCoeffs, PolynomialValues},
        types::{Field, PrimeField64, Sample},
    },
    hash::poseidon::{Poseidon, PoseidonHash},
    plonk::config::Hasher,
    util::reverse_index_bits_in_place,
};

const LONG: Duration = Duration::from_secs(300);

fn device(stall_seed: Option<u64>) -> Device {
    let link = LinkOptions { read_latency: 20, stall_seed, ..LinkOptions::default() };
    let function = SimFunction::open(&SimOptions { link, ..SimOptions::model("accelerator_ecp5_85") }).unwrap();
    let mut options = hotloop_plonky2::options();
    options.check = Check::Off;
    Device::from_function(Arc::new(function), options).unwrap()
}

fn random(count: usize) -> Vec<u64> {
    F::rand_vec(count).iter().map(PrimeField64::to_canonical_u64).collect()
}

fn field(words: &[u64]) -> Vec<F> {
    words.iter().map(|&word| F::from_canonical_u64(word)).collect()
}

fn canonical(elements: &[F]) -> Vec<u64> {
    elements.iter().map(PrimeField64::to_canonical_u64).collect()
}

#[test]
fn copies_permutations_nonces_and_trees() {
    for stalls in [None, Some(7)] {
        let device = device(stalls);
        // Longer than a burst, and than what the reader holds.
        let beats: Vec<[u64; 8]> = random(8 * 150).chunks(8).map(|beat| beat.try_into().unwrap()).collect();
        assert!(device.loopback(&beats).unwrap() == beats);

        let states: Vec<[u64; 12]> = random(12 * 23).chunks(12).map(|state| state.try_into().unwrap()).collect();
        let mut found = states.clone();
        device.permute(&mut found).unwrap();
        for (state, found) in states.iter().zip(&found) {
            assert_eq!(canonical(&F::poseidon(state.map(F::from_canonical_u64))), found);
        }

        let state: [u64; 12] = random(12).try_into().unwrap();
        let request = GrindRequest {
            state,
            position: 3,
            output_word: 7,
            bits: 6,
            zeros: Zeros::Leading,
            start: 100,
            tries: 1 << 12,
        };
        let fits = |nonce: &u64| {
            let mut words = state.map(F::from_canonical_u64);
            words[3] = F::from_canonical_u64(*nonce);
            F::poseidon(words)[7].to_canonical_u64().leading_zeros() >= 6
        };
        assert_eq!(Some(device.grind(&request).unwrap()), (100..).find(fits));

        for (log_rows, width) in [(0, 9), (4, 3), (5, 8), (9, 21)] {
            let rows: Vec<Vec<u64>> = (0..1 << log_rows).map(|_| random(width)).collect();
            let tree = device.tree(TreeRequest { leaves: Leaves::Rows(&rows), levels: log_rows }).unwrap();
            let mut level: Vec<_> = rows.iter().map(|row| PoseidonHash::hash_or_noop(&field(row))).collect();
            let mut all = level.clone();
            for _ in 0..log_rows {
                level = level.chunks(2).map(|pair| PoseidonHash::two_to_one(pair[0], pair[1])).collect();
                all.extend(&level);
            }
            let wanted: Vec<[u64; 4]> =
                all.iter().map(|digest| digest.elements.map(|x| x.to_canonical_u64())).collect();
            assert!(tree.digests() == wanted, "2^{log_rows} rows of {width}");
        }
    }
}

/// On the chip, and in two passes each way, which take turns, bring tables of their own, and turn.
#[test]
fn transforms_that_fit_and_that_are_split() {
    let device = device(Some(8));
    let shift = F::coset_shift();
    for (log_n, columns) in [(1, 3), (6, 9), (9, 2), (10, 2)] {
        let polynomials: Vec<PolynomialCoeffs<F>> =
            (0..columns).map(|_| PolynomialCoeffs::new(F::rand_vec(1 << log_n))).collect();
        let coefficients: Vec<Vec<u64>> = polynomials.iter().map(|p| canonical(&p.coeffs)).collect();
        let extended = |log_blowup: usize| -> Vec<Vec<u64>> {
            let values = polynomials.iter().map(|p| {
                let mut values: PolynomialValues<F> = p.lde(log_blowup).coset_fft(shift);
                reverse_index_bits_in_place(&mut values.values);
                canonical(&values.values)
            });
            values.collect()
        };
        let what = format!("2^{log_n} × {columns}");
        let shift_word = shift.to_canonical_u64();
        let request = |columns, input, log_blowup| LdeRequest {
            columns,
            input,
            log_blowup,
            shift: shift_word,
            coefficients: input == Input::Values,
        };
        let batch = device.lde(&request(&coefficients, Input::Coefficients, 1)).unwrap();
        assert!(batch.value_columns(|x| x).unwrap() == extended(1), "{what}");

        let values: Vec<Vec<u64>> = polynomials.iter().map(|p| canonical(&p.clone().fft().values)).collect();
        let batch = device.lde(&request(&values, Input::Values, 2)).unwrap();
        assert!(batch.value_columns(|x| x).unwrap() == extended(2), "{what}, from values");
        assert!(batch.coefficients(|x| x).unwrap() == coefficients, "{what}, from values");

        let on_coset: Vec<Vec<u64>> =
            polynomials.iter().map(|p| canonical(&p.clone().coset_fft(shift).values)).collect();
        let batch = device.inverse(&on_coset, shift_word).unwrap();
        assert!(batch.coefficients(|x| x).unwrap() == coefficients, "{what}, inverse");
    }
}

/// What may not be read is zeros on the way, what may not be written is dropped: the board goes on.
#[test]
fn jobs_in_error_leave_the_board_usable() {
    let device = device(Some(9));
    let (board, set) = (device.board(), device.set());
    let [src, dst] = [(); 2].map(|()| board.alloc(64 * 70).unwrap());
    let words = random(8 * 70);
    src.write_words(0, &words).unwrap();
    let window = |beats| (src.window_at(0, beats).unwrap(), dst.window_at(0, beats).unwrap());
    let (from, to) = window(70);
    let copy = Descriptor::loopback(set, from, to, 70);
    let shape = HashShape { rows: 35, width: 13, levels: 0, src_stride: 35 };
    for (what, job, code) in [
        ("no opcode", Descriptor { opcode: 99, ..copy }, Error::BadOpcode),
        ("too little input", Descriptor { src_beats: 33, ..copy }, Error::OutOfWindow),
        ("too little room", Descriptor { dst_beats: 69, ..copy }, Error::OutOfWindow),
        ("a source that is not mapped", Descriptor { src: 1 << 62, ..copy }, Error::ReadError),
        ("a destination that is not mapped", Descriptor { dst: 1 << 62, ..copy }, Error::WriteError),
        (
            "leaves that are not mapped",
            Descriptor { src: 1 << 62, ..Descriptor::hash(set, from, to, shape) },
            Error::ReadError,
        ),
        (
            "digests without room",
            Descriptor { dst_beats: 17, ..Descriptor::hash(set, from, to, shape) },
            Error::OutOfWindow,
        ),
        ("an engine that is not there", Descriptor { opcode: Opcode::Fold as u8, ..copy }, Error::BadOpcode),
        ("no flags", Descriptor { opcode: Opcode::Transform as u8, ..copy }, Error::BadShape),
    ] {
        match board.submit_unchecked(&[job], LONG) {
            Err(DriverError::Job(error)) => assert_eq!(error.code, code, "{what}"),
            other => panic!("{what}: {other:?}"),
        }
        dst.write_words(0, &vec![0; words.len()]).unwrap();
        board.submit_and_wait_for(&[copy], LONG).unwrap();
        let mut found = vec![0; words.len()];
        dst.read_words(0, &mut found).unwrap();
        assert!(found == words, "after {what}");
    }
}
