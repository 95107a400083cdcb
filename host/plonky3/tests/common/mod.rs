//! Simulated boards for the sets of Plonky3.

#![allow(dead_code)]

use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};

use hotloop_plonky3::{options, Device, ParameterSet};
use hotloop_sim_sets as _;
use p3_field::integers::QuotientMap;
use p3_goldilocks::Goldilocks;
use p3_matrix::dense::RowMajorMatrix;

static POSEIDON1: LazyLock<Mutex<Device>> = LazyLock::new(|| Mutex::new(open(ParameterSet::Plonky3Goldilocks)));
static POSEIDON2: LazyLock<Mutex<Device>> = LazyLock::new(|| Mutex::new(open(ParameterSet::Plonky3Poseidon2)));

pub fn open(set: ParameterSet) -> Device {
    Device::open("sim", options(set)).expect("the simulated board")
}

/// The board of a set, one test at a time, so that what it did is that test's.
pub fn board(set: ParameterSet) -> MutexGuard<'static, Device> {
    let board = match set {
        ParameterSet::Plonky3Goldilocks => &POSEIDON1,
        _ => &POSEIDON2,
    };
    board.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Numbers that look random, the same in every run (the constants are Knuth's MMIX).
pub fn words(seed: u64) -> impl Iterator<Item = u64> {
    let mut x = seed;
    std::iter::repeat_with(move || {
        x = x.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        x ^ x >> 29
    })
}

pub fn matrix(seed: u64, height: usize, width: usize) -> RowMajorMatrix<Goldilocks> {
    let values = words(seed).take(height * width).map(Goldilocks::from_int).collect();
    RowMajorMatrix::new(values, width)
}
