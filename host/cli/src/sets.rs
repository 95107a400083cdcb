//! The other parameter sets in the self-test: each board against the set's own library.
//!
//! Permutation, leaves and parents: plonky2's for `plonky2-v0` (which has plonky2-v1's hash), p3-goldilocks's for the
//! others. Miden's rule for a last block is that it is filled with zeros (miden-stateful-hasher 0.25.1,
//! `src/field_sponge.rs`), so that its digest is Plonky3's of the leaf padded so; tests/sets compares with Miden's own
//! code. Transforms: p3-dft, whose generator and shift all of them have.

use std::sync::{Arc, LazyLock};

use hotloop::{
    goldilocks::reverse_bits, Device, Digest, Input, LdeRequest, Leaves, Options, Reference, TreeRequest, STATE_WORDS,
};
use hotloop_regs::ParameterSet;
use hotloop_sim_sets as _;
use p3_dft::{Radix2Dit, TwoAdicSubgroupDft};
use p3_field::{integers::QuotientMap, Field, PrimeField64};
use p3_goldilocks::{
    default_goldilocks_poseidon2_12,
    poseidon1::{default_goldilocks_poseidon1_12, Poseidon1Goldilocks},
    Goldilocks, Poseidon2Goldilocks,
};
use p3_symmetric::{CryptographicHasher, CryptographicPermutation, PaddingFreeSponge, Permutation};

use crate::{
    random::words,
    selftest::{expect, plonky2_leaf, text, Answer},
};

/// The sets besides plonky2-v1, and their boards.
pub const BOARDS: [(ParameterSet, &str); 4] = [
    (ParameterSet::Plonky2V0, "sim:sim-v0"),
    (ParameterSet::Plonky3Goldilocks, "sim:sim-p3"),
    (ParameterSet::Miden, "sim:sim-mid"),
    (ParameterSet::Plonky3Poseidon2, "sim:sim-mid"),
];

// Made once: Poseidon1's fast form takes matrix inversions.
static POSEIDON1: LazyLock<Poseidon1Goldilocks<12>> = LazyLock::new(default_goldilocks_poseidon1_12);
static POSEIDON2: LazyLock<Poseidon2Goldilocks<12>> = LazyLock::new(default_goldilocks_poseidon2_12);

/// A set's library.
struct Library(ParameterSet);

fn element(word: u64) -> Goldilocks {
    Goldilocks::from_int(word)
}

fn permuted(permutation: &impl Permutation<[Goldilocks; 12]>, state: [u64; STATE_WORDS]) -> [u64; STATE_WORDS] {
    permutation.permute(state.map(element)).map(|x| x.as_canonical_u64())
}

fn sponge(permutation: impl CryptographicPermutation<[Goldilocks; 12]>, leaf: &[u64]) -> Digest {
    let hasher = PaddingFreeSponge::<_, 12, 8, 4>::new(permutation);
    hasher.hash_iter(leaf.iter().map(|&x| element(x))).map(|x| x.as_canonical_u64())
}

impl Reference for Library {
    fn permute(&self, state: &mut [u64; STATE_WORDS]) {
        match self.0 {
            ParameterSet::Plonky2V1 | ParameterSet::Plonky2V0 => hotloop_plonky2::PoseidonReference.permute(state),
            ParameterSet::Plonky3Goldilocks => *state = permuted(&*POSEIDON1, *state),
            ParameterSet::Miden | ParameterSet::Plonky3Poseidon2 => *state = permuted(&*POSEIDON2, *state),
        }
    }
}

impl Library {
    fn leaf(&self, leaf: &[u64]) -> Digest {
        match self.0 {
            ParameterSet::Plonky2V1 | ParameterSet::Plonky2V0 => plonky2_leaf(leaf),
            ParameterSet::Plonky3Goldilocks => sponge(POSEIDON1.clone(), leaf),
            ParameterSet::Plonky3Poseidon2 => sponge(POSEIDON2.clone(), leaf),
            ParameterSet::Miden => {
                let mut padded = leaf.to_vec();
                padded.resize(leaf.len().next_multiple_of(8), 0);
                sponge(POSEIDON2.clone(), &padded)
            }
        }
    }

    fn parent(&self, left: Digest, right: Digest) -> Digest {
        let mut state = [0; STATE_WORDS];
        state[..4].copy_from_slice(&left);
        state[4..8].copy_from_slice(&right);
        self.permute(&mut state);
        [state[0], state[1], state[2], state[3]]
    }
}

/// Everything about one set.
pub fn check(set: ParameterSet, board: &str, vectors: usize) -> Answer {
    let library = Library(set);
    let options = Options { set, reference: Some(Arc::new(Library(set))), ..Options::default() };
    let device = Device::open(board, options).map_err(text)?;
    permute(&device, &library, vectors)?;
    trees(&device, &library)?;
    transforms(&device)?;
    commitments(&device, &library)?;
    let other = Options { set: ParameterSet::Plonky2V1, ..Options::default() };
    match Device::open(board, other) {
        Err(hotloop::HotloopError::MissingSet { .. }) => {}
        Err(error) => return Err(format!("opened for plonky2-v1: {}", text(error))),
        Ok(_) => return Err("opens for plonky2-v1, which it does not hold".into()),
    }
    Ok(format!("{board}: {vectors} states, trees, commitments, transforms to 2^{}", device.identity().max_log))
}

fn permute(device: &Device, library: &Library, vectors: usize) -> Result<(), String> {
    let words = words(STATE_WORDS * vectors.max(1));
    let mut states = words.as_chunks::<STATE_WORDS>().0.to_vec();
    let mut wanted = states.clone();
    wanted.iter_mut().for_each(|state| library.permute(state));
    device.permute(&mut states).map_err(text)?;
    expect("a permutation", &states, &wanted)
}

fn trees(device: &Device, library: &Library) -> Result<(), String> {
    for width in [1, 4, 5, 8, 9, 20, 33] {
        let leaves: Vec<Vec<u64>> = (0..64).map(|_| words(width)).collect();
        let tree = device.tree(TreeRequest { leaves: Leaves::Rows(&leaves), levels: 4 }).map_err(text)?;
        let mut wanted: Vec<Digest> = leaves.iter().map(|leaf| library.leaf(leaf)).collect();
        for level in 0..=4 {
            expect(&format!("level {level} over leaves of {width}"), &tree.level(level), &&wanted[..])?;
            wanted = wanted.chunks_exact(2).map(|pair| library.parent(pair[0], pair[1])).collect();
        }
    }
    Ok(())
}

/// Extension, salts and tree in one job: values of p3-dft, leaves and parents of the set's library.
fn commitments(device: &Device, library: &Library) -> Result<(), String> {
    let dft = Radix2Dit::<Goldilocks>::default();
    let shift = Goldilocks::GENERATOR;
    for (log_n, log_blowup, width, salts) in [(1, 0, 3, 0), (5, 1, 9, 0), (6, 2, 13, 4), (4, 3, 16, 4), (7, 1, 6, 8)] {
        let columns: Vec<Vec<u64>> = (0..width).map(|_| words(1 << log_n)).collect();
        let salts: Vec<Vec<u64>> = (0..salts).map(|_| words(1 << (log_n + log_blowup))).collect();
        let extended = columns.iter().map(|column| {
            let mut padded: Vec<Goldilocks> = column.iter().map(|&x| element(x)).collect();
            padded.resize(column.len() << log_blowup, Goldilocks::default());
            dft.coset_dft(padded, shift)
        });
        let extended: Vec<Vec<Goldilocks>> = extended.collect();
        let log_rows = log_n + log_blowup;
        let row = |i: usize| {
            let values = extended.iter().map(|column| column[reverse_bits(i, log_rows)].as_canonical_u64());
            values.chain(salts.iter().map(|salt| salt[i])).collect::<Vec<u64>>()
        };
        let rows: Vec<Vec<u64>> = (0..1 << log_rows).map(row).collect();
        let request = LdeRequest {
            columns: &columns,
            input: Input::Coefficients,
            log_blowup,
            shift: shift.as_canonical_u64(),
            coefficients: false,
        };
        let commitment = device.commit(&request, &salts, log_rows).map_err(text)?;
        let what = format!("a commitment to {width} columns of 2^{log_n} with {} salts", salts.len());
        expect(&what, &commitment.batch.value_rows(|x| x).map_err(text)?, &rows)?;
        let mut wanted: Vec<Digest> = rows.iter().map(|row| library.leaf(row)).collect();
        for level in 0..=log_rows {
            expect(&format!("level {level} of {what}"), &commitment.tree.level(level), &&wanted[..])?;
            wanted = wanted.chunks_exact(2).map(|pair| library.parent(pair[0], pair[1])).collect();
        }
    }
    Ok(())
}

fn transforms(device: &Device) -> Result<(), String> {
    let dft = Radix2Dit::<Goldilocks>::default();
    let shift = Goldilocks::GENERATOR;
    for log_n in 1..=device.identity().max_log {
        let column = words(1 << log_n);
        let elements: Vec<Goldilocks> = column.iter().map(|&x| element(x)).collect();
        let canonical = |values: Vec<Goldilocks>| values.iter().map(|x| x.as_canonical_u64()).collect::<Vec<u64>>();
        let columns = [column];
        let batch = device.forward(&columns, shift.as_canonical_u64()).map_err(text)?;
        let natural = canonical(dft.coset_dft(elements.clone(), shift));
        let reversed = (0..natural.len()).map(|i| natural[hotloop::goldilocks::reverse_bits(i, log_n)]).collect();
        let what = format!("a transform of 2^{log_n}");
        expect(&what, &batch.value_columns(|x| x).map_err(text)?, &vec![reversed])?;
        let batch = device.inverse(&columns, shift.as_canonical_u64()).map_err(text)?;
        let wanted = canonical(dft.coset_idft(elements, shift));
        expect(&format!("the inverse of {what}"), &batch.coefficients(|x| x).map_err(text)?, &vec![wanted])?;
    }
    Ok(())
}
