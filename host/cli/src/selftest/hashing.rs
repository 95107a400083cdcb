//! The Poseidon engine, against plonky2's hash.

use hotloop::{Device, GrindRequest, Leaves, TreeRequest, Zeros, STATE_WORDS};
use plonky2::{
    field::{
        goldilocks_field::GoldilocksField as F,
        types::{Field, PrimeField64, Sample},
    },
    hash::{
        merkle_tree::MerkleTree,
        poseidon::{Poseidon, PoseidonHash},
    },
};

use super::{elements, expect, plonky2_leaf, text, Answer};
use crate::random::{columns, words};

pub fn permute(device: &Device, vectors: usize) -> Answer {
    let words = words(STATE_WORDS * vectors.max(1));
    let mut states: Vec<[u64; STATE_WORDS]> =
        words.chunks(STATE_WORDS).map(|s| std::array::from_fn(|i| s[i])).collect();
    let wanted: Vec<[u64; STATE_WORDS]> =
        states.iter().map(|s| F::poseidon(s.map(F::from_noncanonical_u64)).map(|x| x.to_canonical_u64())).collect();
    device.permute(&mut states).map_err(text)?;
    expect("a permutation", &states, &wanted)?;
    Ok(format!("{} states", states.len()))
}

pub fn leaves(device: &Device) -> Answer {
    let tile = device.identity().tile_rows as usize;
    let shapes = [(1, 3), (4, 5), (5, 1), (8, 2), (9, tile + 3), (12, 17), (40, 33), (100, 9)];
    for (width, rows) in shapes {
        let columns = columns(width, rows);
        let digests = device.hash_leaves(Leaves::Columns(&columns)).map_err(text)?;
        let wanted: Vec<[u64; 4]> = (0..rows)
            .map(|i| {
                let row: Vec<u64> = columns.iter().map(|c| c[i]).collect();
                plonky2_leaf(&row)
            })
            .collect();
        expect(&format!("a digest of {width} elements"), &digests, &wanted)?;
    }
    Ok(format!("{} shapes, 1 to 100 elements a leaf", shapes.len()))
}

pub fn trees(device: &Device) -> Answer {
    for (log_rows, width, cap_height) in [(0, 8, 0), (1, 3, 0), (5, 9, 2), (8, 20, 4), (9, 8, 0)] {
        let rows: Vec<Vec<u64>> = (0..1 << log_rows).map(|_| words(width)).collect();
        let tree =
            device.tree(TreeRequest { leaves: Leaves::Rows(&rows), levels: log_rows - cap_height }).map_err(text)?;
        let rows = rows.iter().map(|row| elements(row)).collect();
        let wanted = MerkleTree::<F, PoseidonHash>::new(rows, cap_height as usize);
        let wanted: Vec<[u64; 4]> = wanted.cap.0.iter().map(|h| h.elements.map(|x| x.to_canonical_u64())).collect();
        expect(&format!("the cap over 2^{log_rows} leaves"), &tree.cap().to_vec(), &wanted)?;
    }
    Ok("2^0 to 2^9 leaves, caps of height 0 to 4".into())
}

pub fn grind(device: &Device) -> Answer {
    let state: [u64; STATE_WORDS] = std::array::from_fn(|i| F::rand().to_canonical_u64() ^ i as u64);
    let cases = [
        (0, 7, 8, Zeros::Leading),
        (3, 0, 5, Zeros::Trailing),
        (11, 11, 0, Zeros::Leading),
        (7, 7, 10, Zeros::Trailing),
    ];
    for (position, output_word, bits, zeros) in cases {
        let request = GrindRequest { state, position, output_word, bits, zeros, start: 1, tries: 1 << 20 };
        let nonce = device.grind(&request).map_err(text)?;
        let wanted = (1u64..).find(|&n| {
            let mut s = state.map(F::from_noncanonical_u64);
            s[usize::from(position)] = F::from_canonical_u64(n);
            zeros.count(F::poseidon(s)[usize::from(output_word)].to_canonical_u64()) >= bits
        });
        expect(&format!("the nonce for {bits} {zeros} zeros"), &Some(nonce), &wanted)?;
    }
    Ok("smallest nonces for 0 to 10 leading or trailing zeros".into())
}
