//! The whole way over a serial line: driver, pseudo-terminal, bits, bridge, the accelerator of preset `ecp5-85`.
#![cfg(verilated)]

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use hotloop::{Check, Device, GrindRequest, Input, LdeRequest, Leaves, TreeRequest, Zeros};
use hotloop_driver::{
    Board, BoardOptions, Descriptor, DriverError, FunctionError, JobError, Obstacle, PciFunction, PoolOptions,
    SerialFunction, Window,
};
use hotloop_regs::{map, Error, ParameterSet};
use hotloop_serial_tests::SerialBoard;
use pcie_sys::Tty;
use plonky2::{
    field::{
        goldilocks_field::GoldilocksField as F,
        polynomial::PolynomialValues,
        types::{Field, PrimeField64, Sample},
    },
    fri::oracle::PolynomialBatch,
    hash::poseidon::{Poseidon, PoseidonHash},
    plonk::config::{Hasher, PoseidonGoldilocksConfig},
    util::timing::TimingTree,
};

const SET: ParameterSet = ParameterSet::Plonky2V1;
/// Long enough for a simulated line on a slow machine.
const PATIENT: Duration = Duration::from_secs(20);
/// For questions that have no answer, or whose first answer may be lost.
const SHORT: Duration = Duration::from_secs(3);
const LONG: Duration = Duration::from_secs(200);

fn open(board: &SerialBoard, answer_time: Duration) -> Arc<SerialFunction> {
    Arc::new(SerialFunction::open_with(&board.line(), answer_time).unwrap())
}

fn driver(function: &Arc<SerialFunction>) -> Board {
    let pool = PoolOptions { chunk_bytes: 1 << 20, ..PoolOptions::default() };
    Board::open_with(function.clone(), BoardOptions { pool, settle: PATIENT, ..BoardOptions::default() }).unwrap()
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

/// A copy of `beats` beats, checked.
fn copy(board: &Board, beats: usize) -> Result<(), DriverError> {
    let (src, dst) = (board.alloc(64 * beats as u64)?, board.alloc(64 * beats as u64)?);
    let words = random(8 * beats);
    src.write_words(0, &words)?;
    dst.fill_zero(0, dst.len())?;
    let job = Descriptor::loopback(SET, src.window(), dst.window(), beats as u32);
    board.submit_and_wait_for(&[job], LONG)?;
    let mut found = vec![0; words.len()];
    dst.read_words(0, &mut found)?;
    assert!(found == words, "{beats} beats");
    Ok(())
}

#[test]
fn every_engine_does_what_plonky2_does() {
    let board = SerialBoard::new();
    let options = hotloop::Options { check: Check::Full, ..hotloop_plonky2::options() };
    let device = Device::from_function(open(&board, PATIENT), options).unwrap();
    assert_eq!(device.identity().preset, "ecp5-85");
    assert_eq!(device.name(), format!("serial:{}", board.line()));

    // Longer than a burst.
    let beats: Vec<[u64; 8]> = random(8 * 40).chunks(8).map(|beat| beat.try_into().unwrap()).collect();
    assert!(device.loopback(&beats).unwrap() == beats);

    let states: Vec<[u64; 12]> = random(12 * 5).chunks(12).map(|state| state.try_into().unwrap()).collect();
    let mut found = states.clone();
    device.permute(&mut found).unwrap();
    for (state, found) in states.iter().zip(&found) {
        assert_eq!(canonical(&F::poseidon(state.map(F::from_canonical_u64))), found);
    }

    let state: [u64; 12] = random(12).try_into().unwrap();
    let request =
        GrindRequest { state, position: 3, output_word: 7, bits: 5, zeros: Zeros::Leading, start: 100, tries: 1 << 12 };
    let fits = |nonce: &u64| {
        let mut words = state.map(F::from_canonical_u64);
        words[3] = F::from_canonical_u64(*nonce);
        F::poseidon(words)[7].to_canonical_u64().leading_zeros() >= 5
    };
    assert_eq!(Some(device.grind(&request).unwrap()), (100..).find(fits));

    let rows: Vec<Vec<u64>> = (0..16).map(|_| random(9)).collect();
    let tree = device.tree(TreeRequest { leaves: Leaves::Rows(&rows), levels: 4 }).unwrap();
    let mut level: Vec<_> = rows.iter().map(|row| PoseidonHash::hash_or_noop(&field(row))).collect();
    let mut all = level.clone();
    for _ in 0..4 {
        level = level.chunks(2).map(|pair| PoseidonHash::two_to_one(pair[0], pair[1])).collect();
        all.extend(&level);
    }
    let wanted: Vec<[u64; 4]> = all.iter().map(|digest| digest.elements.map(|x| x.to_canonical_u64())).collect();
    assert!(tree.digests() == wanted);

    // What a prover commits to: nine columns, blown up by eight, and the tree over them.
    let columns: Vec<Vec<u64>> = (0..9).map(|_| random(16)).collect();
    let request = LdeRequest {
        columns: &columns,
        input: Input::Values,
        log_blowup: 3,
        shift: F::coset_shift().to_canonical_u64(),
        coefficients: true,
    };
    let commitment = device.commit(&request, &[], 7).unwrap();
    let values = columns.iter().map(|column| PolynomialValues::new(field(column))).collect();
    let batch = PolynomialBatch::<F, PoseidonGoldilocksConfig, 2>::from_values(
        values,
        3,
        false,
        0,
        &mut TimingTree::default(),
        None,
    );
    let root = batch.merkle_tree.cap.0[0].elements.map(|x| x.to_canonical_u64());
    assert_eq!(commitment.tree.digests().last(), Some(&root));
}

#[test]
fn registers_memory_outside_and_a_line_with_noise() {
    let board = SerialBoard::new();
    // A host that died in the middle of a frame, and another that only talked.
    let tty = Tty::open(board.path(), 115_200).unwrap();
    let deadline = || Instant::now() + PATIENT;
    tty.write(&[0x7e, 0x03, 0x01, 0x00, 0x55, 0x55, 0x55], deadline()).unwrap();
    drop(tty);
    let tty = Tty::open(board.path(), 3_000_000).unwrap();
    tty.write(&(0..=255).cycle().take(1500).collect::<Vec<u8>>(), deadline()).unwrap();
    drop(tty);

    let function = open(&board, SHORT);
    let mut ones = [0; 4];
    function.region_read(0, 0, &mut ones).unwrap();
    assert_eq!(ones, [0xff; 4], "memory is not enabled yet");
    {
        let driver = driver(&function);
        // Two hosts: the second is told.
        let second = SerialFunction::open_with(&board.line(), SHORT).err();
        assert!(matches!(second, Some(FunctionError::CannotOpen { obstacle: Obstacle::Busy, .. })), "{second:?}");
        let mut magic = [0; 4];
        function.region_read(0, map::MAGIC.offset.into(), &mut magic).unwrap();
        assert_eq!(magic, *b"HOTL");
        // Parts of a word.
        let at = u64::from(map::SCRATCH.offset);
        function.region_write(0, at, &[1, 2, 3, 4]).unwrap();
        function.region_write(0, at + 2, &[9]).unwrap();
        let mut found = [0; 2];
        function.region_read(0, at + 2, &mut found).unwrap();
        assert_eq!(found, [9, 4]);
        // Nobody answers there.
        let mut found = [0; 4];
        function.region_read(0, 0x7ff0, &mut found).unwrap();
        assert_eq!(found, [0xff; 4]);

        copy(&driver, 3).unwrap();
        let (inside, nowhere) = (driver.alloc(64).unwrap(), Window { iova: 0x6000_0000, beats: 1 });
        for (from, to, wanted) in
            [(nowhere, inside.window(), Error::ReadError), (inside.window(), nowhere, Error::WriteError)]
        {
            let job = Descriptor::loopback(SET, from, to, 1);
            let done = driver.submit_unchecked(&[job], LONG);
            let Err(DriverError::Job(JobError { code, .. })) = done else { panic!("{done:?}, not {}", wanted.name()) };
            assert_eq!(code, wanted);
        }
        // A reset over the line leaves a board that works.
        driver.reset().unwrap();
        copy(&driver, 2).unwrap();

        // Bytes that change on their way, both ways: everything that was lost is asked for again.
        board.disturb(1499, 1301);
        copy(&driver, 12).unwrap();
        board.disturb(0, 0);
        assert!(function.garbled() > 0, "no frame was garbled");
        copy(&driver, 2).unwrap();
    }
    // The next one to open it finds it as after power-up.
    drop(function);
    let function = open(&board, SHORT);
    copy(&driver(&function), 1).unwrap();
}

#[test]
fn boards_that_go_away() {
    let mut board = SerialBoard::new();
    let function = open(&board, SHORT);
    let driver = driver(&function);
    copy(&driver, 1).unwrap();

    // Switched off and on: what it knew is gone, and whoever had it open is told.
    board.power_cycle();
    let start = Instant::now();
    while function.check().is_ok() && start.elapsed() < PATIENT {
        std::thread::sleep(Duration::from_millis(5));
    }
    assert!(matches!(function.check(), Err(FunctionError::Gone { .. })));
    assert!(copy(&driver, 1).is_err());
    drop((driver, function));

    // The cable is pulled while a job runs.
    let function = open(&board, SHORT);
    let driver = self::driver(&function);
    let (src, dst) = (driver.alloc(64 * 512).unwrap(), driver.alloc(64 * 512).unwrap());
    let job = Descriptor::loopback(SET, src.window(), dst.window(), 512);
    let start = Instant::now();
    let done = std::thread::scope(|scope| {
        let job = scope.spawn(|| driver.submit_and_wait_for(&[job; 8], LONG));
        std::thread::sleep(Duration::from_millis(300));
        board.unplug();
        job.join().unwrap()
    });
    assert!(matches!(done, Err(DriverError::Function(FunctionError::Gone { .. }))), "{done:?}");
    assert!(start.elapsed() < LONG / 4, "nobody waits for a board that is gone");
    drop((driver, function));

    // No board, and none that answers.
    let open = |line: &str| SerialFunction::open_with(line, Duration::from_millis(50)).err();
    let gone = open(&board.line());
    assert!(matches!(gone, Some(FunctionError::CannotOpen { obstacle: Obstacle::NoLine { .. }, .. })), "{gone:?}");
    let speed = open("/dev/null@31");
    assert!(matches!(speed, Some(FunctionError::CannotOpen { obstacle: Obstacle::Speed { .. }, .. })), "{speed:?}");
    let file = open("/dev/null");
    assert!(matches!(file, Some(FunctionError::CannotOpen { obstacle: Obstacle::NoTerminal { .. }, .. })), "{file:?}");
    let silent = pcie_sys::Pty::new().unwrap();
    let found = open(&silent.path().display().to_string());
    assert!(matches!(found, Some(FunctionError::Silent { attempts: 3, .. })), "{found:?}");
}
