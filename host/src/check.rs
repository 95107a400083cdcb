//! Checks on results. Every function here says what is wrong, or nothing; none corrects.

use hotloop_regs::{LastBlock, LeafRule, BEAT_WORDS};

use crate::{
    device::Device,
    error::{HotloopError, Result},
    fold::{extension_mul, Extension},
    goldilocks::{
        add, canonical, inverse, invert_all, mul, pow, reduce, reverse_bits, root, sub, transform as host_transform,
        ORDER,
    },
    options::{Check, Reference},
    panels::Panels,
    permute::{GrindRequest, STATE_WORDS},
    transform::Batch,
    tree::{Digest, Tree},
    words::Words,
};

/// Leaves, paths and states that a spot check looks at.
pub const SPOT_SAMPLES: usize = 4;

/// Refuses a hash job that could not be checked, before it runs.
pub(crate) fn needs_reference(device: &Device, job: &'static str) -> Result<()> {
    match (device.options().check, &device.options().reference) {
        (Check::Off, _) | (_, Some(_)) => Ok(()),
        (_, None) => Err(HotloopError::NoReference { job }),
    }
}

fn reference(device: &Device) -> Option<&dyn Reference> {
    if device.options().check == Check::Off {
        return None;
    }
    device.options().reference.as_deref()
}

fn random() -> Result<u64> {
    let mut bytes = [0; 8];
    getrandom::getrandom(&mut bytes).map_err(|error| HotloopError::Randomness(error.to_string()))?;
    Ok(u64::from_le_bytes(bytes))
}

/// Positions below `count` to look at: some drawn at random, or all.
fn positions(device: &Device, count: usize) -> Result<Vec<usize>> {
    if device.options().check == Check::Full || count <= SPOT_SAMPLES {
        return Ok((0..count).collect());
    }
    (0..SPOT_SAMPLES).map(|_| Ok((random()? % count as u64) as usize)).collect()
}

pub(crate) fn states(device: &Device, before: &[[u64; STATE_WORDS]], after: &[[u64; STATE_WORDS]]) -> Result<()> {
    let Some(reference) = reference(device) else { return Ok(()) };
    for i in positions(device, before.len())? {
        let mut state = before[i];
        reference.permute(&mut state);
        if state != after[i] {
            return Err(device.wrong("permute", format!("state {i}")));
        }
    }
    Ok(())
}

/// The nonce found is one; when all is checked, none in `first .. end` is.
pub(crate) fn nonce(device: &Device, request: &GrindRequest, first: u64, end: u64, found: Option<u64>) -> Result<()> {
    let Some(reference) = reference(device) else { return Ok(()) };
    let has_zeros = |nonce| {
        let mut state = request.state;
        state[usize::from(request.position)] = nonce;
        reference.permute(&mut state);
        request.zeros.count(state[usize::from(request.output_word)]) >= request.bits
    };
    if let Some(nonce) = found.filter(|&nonce| !has_zeros(nonce)) {
        return Err(device.wrong("grind", format!("nonce {nonce} has too few {} zeros", request.zeros)));
    }
    if device.options().check == Check::Full {
        if let Some(missed) = (first..end).find(|&nonce| has_zeros(nonce)) {
            return Err(device.wrong("grind", format!("nonce {missed} was passed over")));
        }
    }
    Ok(())
}

/// Some coefficients, or all, by Horner's rule.
pub(crate) fn fold<W: Words>(
    device: &Device,
    coefficients: [&W; 2],
    beta: Extension,
    arity: usize,
    folded: &[Extension],
) -> Result<()> {
    if device.options().check == Check::Off {
        return Ok(());
    }
    for i in positions(device, folded.len())? {
        let wanted = (i * arity..(i + 1) * arity).rev().fold([0; 2], |sum, at| {
            let product = extension_mul(sum, beta);
            [0, 1].map(|k| add(product[k], canonical(coefficients[k].word(at))))
        });
        if folded[i] != wanted {
            return Err(device.wrong("fold", format!("coefficient {i}")));
        }
    }
    Ok(())
}

fn leaf_digest(reference: &dyn Reference, rule: LeafRule, leaf: &[u64]) -> Digest {
    let mut state = [0; STATE_WORDS];
    if rule.short_is_digest && leaf.len() <= 4 {
        for (word, &element) in state.iter_mut().zip(leaf) {
            *word = canonical(element);
        }
    } else {
        for block in leaf.chunks(8) {
            state[..block.len()].copy_from_slice(block);
            if rule.last_block == LastBlock::Zeroed {
                state[block.len()..8].fill(0);
            }
            reference.permute(&mut state);
        }
    }
    [state[0], state[1], state[2], state[3]]
}

fn parent_digest(reference: &dyn Reference, [left, right]: [Digest; 2]) -> Digest {
    let mut state = [0; STATE_WORDS];
    state[..4].copy_from_slice(&left);
    state[4..8].copy_from_slice(&right);
    reference.permute(&mut state);
    [state[0], state[1], state[2], state[3]]
}

/// Random leaves and their paths to the cap, or all leaves and parents.
pub(crate) fn tree(device: &Device, leaves: Panels<'_>, tree: &Tree) -> Result<()> {
    let Some(reference) = reference(device) else { return Ok(()) };
    if let Some(i) = tree.digests().iter().flatten().position(|&word| word >= ORDER) {
        return Err(device.wrong("hash", format!("word {} of digest {} is not canonical", i % 4, i / 4)));
    }
    let parent = |level: u32, i: usize| {
        let below = tree.level(level - 1);
        if parent_digest(reference, [below[2 * i], below[2 * i + 1]]) == tree.level(level)[i] {
            return Ok(());
        }
        Err(device.wrong("hash", format!("digest {i} of level {level}")))
    };
    let all = device.options().check == Check::Full;
    for i in positions(device, tree.leaves())? {
        if leaf_digest(reference, device.set().leaf_rule(), &leaves.row(i)?) != tree.level(0)[i] {
            return Err(device.wrong("hash", format!("leaf {i}")));
        }
        if !all {
            (1..=tree.levels()).try_for_each(|level| parent(level, i >> level))?;
        }
    }
    if all {
        (1..=tree.levels()).try_for_each(|level| (0..tree.level(level).len()).try_for_each(|i| parent(level, i)))?;
    }
    Ok(())
}

/// What is kept of a transform's input until its results are there, for these may take its place.
pub(crate) enum Before {
    Nothing,
    /// Random weights of the columns, and for each row the columns' sum with them.
    Combined {
        weights: Vec<u64>,
        sums: Vec<u64>,
    },
    Everything(Vec<Vec<u64>>),
}

/// Writes the columns of a transform to its input, and keeps what its check needs.
pub(crate) fn write_input<W: Words>(device: &Device, input: Panels<'_>, columns: &[W]) -> Result<Before> {
    match device.options().check {
        Check::Off => input.write_columns(columns).map(|()| Before::Nothing),
        Check::Spot => {
            let weights = weights(columns.len())?;
            let mut sums = vec![0; input.rows];
            input.write_columns_and(columns, |first, panel, beats| {
                accumulate(&mut sums[first..], &weights[panel * BEAT_WORDS..], beats);
            })?;
            Ok(Before::Combined { weights, sums })
        }
        Check::Full => {
            input.write_columns(columns)?;
            input.to_columns(canonical).map(Before::Everything)
        }
    }
}

/// Compares input and results of a transform: at a random point, or everywhere.
///
/// `shifts` are the cosets' shifts, or the scale of an inverse transform's coefficients.
pub(crate) fn transform(
    device: &Device,
    before: Before,
    from_values: bool,
    batch: &Batch,
    shifts: &[u64],
) -> Result<()> {
    match before {
        Before::Nothing => Ok(()),
        Before::Combined { weights, sums } => at_a_point(device, &weights, &sums, from_values, batch, shifts),
        Before::Everything(columns) => everywhere(device, columns, from_values, batch, shifts),
    }
}

/// The columns, combined with random weights, are one polynomial: its values at a random point, from the input and from
/// every part of the result, must be the same. Wrong results pass with a chance below 2^-61 + N/p for each coset. The board
/// reaches neither the weights, which are drawn before the job, nor the point, which is drawn after it.
fn at_a_point(
    device: &Device,
    weights: &[u64],
    combined: &[u64],
    from_values: bool,
    batch: &Batch,
    shifts: &[u64],
) -> Result<()> {
    let set = device.set();
    let (log_n, n) = (batch.log_n(), combined.len());
    // A point on one of the cosets would divide by zero: two draws in 2^32 at most.
    let z = loop {
        let z = canonical(random()?);
        let on_coset = |shift: u64| pow(z, n as u64) == pow(shift, n as u64);
        if z != 0 && !on_coset(1) && !shifts.iter().any(|&shift| on_coset(shift)) {
            break z;
        }
    };
    let natural = |i: usize| i;
    let reversed = |i: usize| reverse_bits(i, log_n);
    let w = root(set, log_n);
    let result = |panels| match combine(panels, weights)? {
        (sums, true) => Ok(sums),
        (_, false) => Err(device.wrong("transform", "a value is not canonical")),
    };
    let expected = if from_values { interpolate(combined, z, 1, w, natural) } else { horner(combined, z) };
    if let Some(panels) = batch.coefficient_panels() {
        // An inverse transform alone scales coefficient i by shift^i.
        let point = if batch.rows() == 0 { mul(z, inverse(shifts[0])) } else { z };
        if horner(&result(panels)?, point) != expected {
            return Err(device.wrong("transform", "coefficients"));
        }
    }
    if batch.rows() > 0 {
        for (coset, &shift) in shifts.iter().enumerate() {
            let values = result(batch.value_panels(coset))?;
            if interpolate(&values, z, shift, w, reversed) != expected {
                return Err(device.wrong("transform", format!("values on coset {coset}")));
            }
        }
    }
    Ok(())
}

/// A random weight for each column, and zeros for what the last panel has besides. They are below 2^61, so that the eight
/// products of a beat add up to less than 2^128.
fn weights(columns: usize) -> Result<Vec<u64>> {
    let mut bytes = vec![0; columns * 8];
    getrandom::getrandom(&mut bytes).map_err(|error| HotloopError::Randomness(error.to_string()))?;
    let mut weights: Vec<u64> = bytes.as_chunks().0.iter().map(|&word| u64::from_le_bytes(word) >> 3).collect();
    weights.resize(columns.next_multiple_of(BEAT_WORDS), 0);
    Ok(weights)
}

/// Adds to the sum of each row what one panel has of it; gives the largest word.
fn accumulate(sums: &mut [u64], weights: &[u64], beats: &[u64]) -> u64 {
    let Some(weights) = weights.first_chunk::<BEAT_WORDS>() else { return 0 };
    let mut largest = 0;
    for (sum, beat) in sums.iter_mut().zip(beats.as_chunks::<BEAT_WORDS>().0) {
        let mut total = 0;
        for (&word, &weight) in beat.iter().zip(weights) {
            total += u128::from(word) * u128::from(weight);
            largest = largest.max(word);
        }
        *sum = add(*sum, reduce(total));
    }
    largest
}

/// For each row the columns' weighted sum; and whether every value is canonical.
fn combine(panels: Panels<'_>, weights: &[u64]) -> Result<(Vec<u64>, bool)> {
    let mut sums = vec![0; panels.rows];
    let mut largest = 0;
    panels.for_each_block(|first, panel, beats| {
        largest = largest.max(accumulate(&mut sums[first..], &weights[panel * BEAT_WORDS..], beats));
    })?;
    Ok((sums, largest < ORDER))
}

fn horner(coefficients: &[u64], z: u64) -> u64 {
    coefficients.iter().rev().fold(0, |value, &coefficient| add(mul(value, z), coefficient))
}

/// The value at `z` of the polynomial with `values` on shift·⟨w⟩, where value i belongs to shift · w^order(i).
fn interpolate(values: &[u64], z: u64, shift: u64, w: u64, order: impl Fn(usize) -> usize) -> u64 {
    let n = values.len() as u64;
    let mut points = vec![0; values.len()];
    let mut point = canonical(shift);
    for slot in &mut points {
        *slot = point;
        point = mul(point, w);
    }
    let mut inverses: Vec<u64> = points.iter().map(|&x| sub(z, x)).collect();
    invert_all(&mut inverses);
    let sum = values.iter().enumerate().fold(0, |sum, (i, &value)| {
        let i = order(i);
        add(sum, mul(mul(points[i], inverses[i]), value))
    });
    let shift_n = pow(shift, n);
    mul(mul(sub(pow(z, n), shift_n), inverse(mul(shift_n, n))), sum)
}

/// Every value again on the host.
fn everywhere(
    device: &Device,
    mut polynomials: Vec<Vec<u64>>,
    from_values: bool,
    batch: &Batch,
    shifts: &[u64],
) -> Result<()> {
    let (set, n) = (device.set(), 1 << batch.log_n());
    if from_values {
        let factor = inverse(n as u64);
        for column in &mut polynomials {
            host_transform(set, column);
            column[1..].reverse();
            column.iter_mut().for_each(|value| *value = mul(*value, factor));
        }
    }
    let scaled = |polynomial: &[u64], shift: u64| {
        let mut power = 1;
        let scale = |&coefficient: &u64| {
            let product = mul(coefficient, power);
            power = mul(power, shift);
            product
        };
        polynomial.iter().map(scale).collect::<Vec<u64>>()
    };
    if let Some(panels) = batch.coefficient_panels() {
        let shift = if batch.rows() == 0 { shifts[0] } else { 1 };
        for (c, (found, polynomial)) in panels.to_columns(|word| word)?.iter().zip(&polynomials).enumerate() {
            let wanted = scaled(polynomial, shift);
            if let Some(i) = (0..n).find(|&i| found[i] != wanted[i]) {
                return Err(device.wrong("transform", format!("coefficient {i} of column {c}")));
            }
        }
    }
    for (coset, &shift) in shifts.iter().enumerate().take(batch.rows() / n) {
        for (c, (found, polynomial)) in
            batch.value_panels(coset).to_columns(|word| word)?.iter().zip(&polynomials).enumerate()
        {
            let mut wanted = scaled(polynomial, shift);
            host_transform(set, &mut wanted);
            if let Some(i) = (0..n).find(|&i| found[i] != wanted[reverse_bits(i, batch.log_n())]) {
                return Err(device.wrong("transform", format!("value {i} of column {c} on coset {coset}")));
            }
        }
    }
    Ok(())
}
