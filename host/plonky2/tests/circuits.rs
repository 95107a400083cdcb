//! Proofs of circuits equal upstream's, and upstream verifies them.

mod circuit;

use std::sync::Arc;

use circuit::{both, config, lookups, mixed, no_salts, take_leaves, Example, NotingConfig};
use hotloop::{Device, HotloopError, Options};
use hotloop_plonky2::{
    circuit::{prove, prove_with_partition_witness},
    offload::{convert, with_device, OffloadConfig},
    options, ProveError, D, F,
};
use hotloop_tests::model::FunctionalBoard;
use plonky2::{
    field::types::{Field, Sample},
    fri::oracle::SALT_SIZE,
    hash::hash_types::HashOut,
    iop::{
        generator::generate_partial_witness,
        target::Target,
        witness::{PartialWitness, PartitionWitness, WitnessWrite},
    },
    plonk::{
        circuit_builder::CircuitBuilder,
        config::{GenericConfig, Hasher, PoseidonGoldilocksConfig},
        proof::ProofWithPublicInputs,
        prover::prove_with_partition_witness as upstream_with_witness,
    },
    util::{log2_strict, timing::TimingTree},
};

type C = PoseidonGoldilocksConfig;

fn model() -> Device {
    Device::from_function(Arc::new(FunctionalBoard::new()), options()).expect("the model opens")
}

fn simulated() -> Device {
    Device::open("sim", options()).expect("the simulated board opens")
}

/// Ours of a witness.
fn ours<K, H>(
    device: &Device,
    example: &Example<K>,
    witness: PartitionWitness<'_, F>,
    salt: impl FnMut() -> F,
) -> ProofWithPublicInputs<F, K, D>
where
    K: GenericConfig<D, F = F, Hasher = H>,
    H: Hasher<F, Hash = HashOut<F>>,
{
    let (prover, common) = (&example.data.prover_only, &example.data.common);
    prove_with_partition_witness(device, prover, common, witness, salt).expect("a proof").proof
}

fn equals_upstream(device: &Device, example: &Example<C>) {
    let witness = example.witness();
    let proof = ours(device, example, witness.clone(), no_salts);
    assert!(proof.to_bytes() == example.upstream(witness).to_bytes(), "2^{} rows", example.data.common.degree_bits());
    example.data.verify(proof).expect("upstream's verifier accepts it");
}

#[test]
fn arithmetic_hashes_and_range_checks() {
    let example = Example::new(config(false), |builder| mixed(builder, 4));
    equals_upstream(&simulated(), &example);
}

#[test]
fn lookups_into_two_tables() {
    let example = Example::new(config(false), lookups);
    equals_upstream(&simulated(), &example);
}

#[test]
fn no_public_inputs() {
    let example = Example::new(config(false), |builder| mixed(builder, 0));
    assert!(example.data.prover_only.public_inputs.is_empty());
    equals_upstream(&model(), &example);
}

/// Lookups beside everything else, a quotient of another degree, one challenge more, and a blow-up that is more than the
/// quotient needs.
#[test]
fn other_configurations() {
    let mut other = config(false);
    other.num_challenges = 3;
    other.max_quotient_degree_factor = 7;
    other.fri_config.rate_bits = 4;
    other.fri_config.cap_height = 2;
    let example = Example::new(other, both);
    equals_upstream(&model(), &example);
}

#[test]
fn a_circuit_that_verifies_a_proof() {
    let inner = Example::<C>::new(config(false), |builder| mixed(builder, 4));
    let proof = prove(&model(), &inner.data.prover_only, &inner.data.common, inner.inputs.clone()).expect("a proof");
    let mut builder = CircuitBuilder::<F, D>::new(config(false));
    let target = builder.add_virtual_proof_with_pis(&inner.data.common);
    let verifier = builder.constant_verifier_data::<C>(&inner.data.verifier_only);
    builder.verify_proof::<C>(&target, &verifier, &inner.data.common);
    builder.register_public_inputs(&target.public_inputs);
    let mut inputs = PartialWitness::new();
    inputs.set_proof_with_pis_target(&target, &proof.proof).expect("the proof fits");
    let outer = Example::<C> { data: builder.build(), inputs };
    equals_upstream(&model(), &outer);
}

/// Upstream draws salts from the system. What it drew is read from the leaves that it hashed; the same salts then give
/// the same proof.
#[test]
fn zero_knowledge() {
    let example = Example::<NotingConfig>::new(config(true), both);
    let witness = example.witness();
    take_leaves();
    let upstream = example.upstream(witness.clone());
    let leaves = take_leaves();
    let points = example.data.common.lde_size();
    let log_points = log2_strict(points);
    let mut salts = leaves.chunks(points).take(3).flat_map(|leaves| {
        (0..SALT_SIZE).flat_map(move |column| {
            (0..points).map(move |i| {
                let leaf = &leaves[hotloop::goldilocks::reverse_bits(i, log_points as u32)];
                leaf[leaf.len() - SALT_SIZE + column]
            })
        })
    });
    let device = model();
    let proof = ours(&device, &example, witness.clone(), || salts.next().expect("as many salts as upstream's"));
    assert!(proof.to_bytes() == upstream.to_bytes());
    assert!(salts.next().is_none(), "every salt is used");
    example.data.verify(proof.clone()).expect("upstream's verifier accepts it");

    let others = ours(&device, &example, witness, F::rand);
    assert!(others.to_bytes() != proof.to_bytes(), "other salts, another proof");
    example.data.verify(others).expect("upstream's verifier accepts it");
}

#[test]
fn zero_knowledge_on_the_simulated_board() {
    let example = Example::<C>::new(config(true), lookups);
    let device = simulated();
    let witness = example.witness();
    let counter = || {
        let mut x = F::ONE;
        move || {
            x = x * F::from_canonical_u64(0x9E37_79B9_7F4A_7C15) + F::ONE;
            x
        }
    };
    let first = ours(&device, &example, witness.clone(), counter());
    assert!(
        first.to_bytes() == ours(&device, &example, witness, counter()).to_bytes(),
        "the same salts, the same proof"
    );
    example.data.verify(first).expect("upstream's verifier accepts it");
    let proved = prove(&device, &example.data.prover_only, &example.data.common, example.inputs.clone());
    example.data.verify(proved.expect("a proof").proof).expect("with the system's salts");
}

/// Upstream's own prover, with its trees and grinding on the device.
#[test]
fn unmodified() {
    for zero_knowledge in [false, true] {
        let plain = Example::<C>::new(config(zero_knowledge), both);
        let witness = plain.witness();
        let (proof, report) = with_device(&model(), config(false).fri_config.proof_of_work_bits, || {
            let example = Example::<OffloadConfig>::new(config(zero_knowledge), both);
            let (prover, common) = (&example.data.prover_only, &example.data.common);
            let witness = PartitionWitness { representative_map: &prover.representative_map, ..witness.clone() };
            let proof = upstream_with_witness(prover, common, witness, &mut TimingTree::default())
                .map_err(|error| ProveError::Prover(error.to_string()))?;
            convert::<_, ProofWithPublicInputs<F, C, D>>(&proof)
        })
        .expect("a proof");
        assert!(report.offload.permutations > 100 * report.host_permutations, "{report:?}");
        if !zero_knowledge {
            assert!(proof.to_bytes() == plain.upstream(witness).to_bytes());
        }
        plain.data.verify(proof).expect("upstream's verifier accepts it");
    }
}

fn refused(example: &Example<C>, inputs: PartialWitness<F>) -> String {
    let board = FunctionalBoard::new();
    let device = Device::from_function(Arc::new(board.clone()), options()).expect("the model opens");
    let before = board.doorbells();
    let proved = prove(&device, &example.data.prover_only, &example.data.common, inputs);
    assert_eq!(board.doorbells(), before, "refused before the device has work");
    match proved {
        Err(ProveError::Witness(text)) => text,
        other => panic!("{other:?}"),
    }
}

fn with(inputs: &PartialWitness<F>, change: impl Fn(usize, F) -> Option<F>) -> PartialWitness<F> {
    let mut targets: Vec<(Target, F)> = inputs.target_values.iter().map(|(&target, &value)| (target, value)).collect();
    targets.sort_by_key(|&(target, _)| target.index(0, 0));
    let mut changed = PartialWitness::new();
    for (i, (target, value)) in targets.into_iter().enumerate() {
        if let Some(value) = change(i, value) {
            changed.set_target(target, value).expect("set once");
        }
    }
    changed
}

#[test]
fn inputs_that_do_not_fit_are_refused_by_name() {
    let example = Example::<C>::new(config(false), |builder| mixed(builder, 4));
    let missing = with(&example.inputs, |i, value| (i != 3).then_some(value));
    assert!(refused(&example, missing).contains("generators weren't run"));
    let out_of_range =
        with(&example.inputs, |i, value| Some(if i == 4 { F::from_canonical_u64(1 << 41) } else { value }));
    let text = refused(&example, out_of_range);
    assert!(text.contains("row") || text.contains("generators"), "{text}");
    let division_by_zero = with(&example.inputs, |i, value| Some(if i == 2 { F::ZERO } else { value }));
    let text = refused(&example, division_by_zero);
    assert!(text.contains("panicked") || text.contains("generators"), "{text}");
    let mut foreign = example.inputs.clone();
    foreign.set_target(Target::VirtualTarget { index: 1 << 30 }, F::ONE).expect("set once");
    assert!(refused(&example, foreign).contains("no target of this circuit"));

    let example = Example::<C>::new(config(false), lookups);
    let not_in_the_table =
        with(&example.inputs, |i, value| Some(if i == 0 { F::from_canonical_u64(2) } else { value }));
    assert!(refused(&example, not_in_the_table).contains("generators weren't run"));
}

/// Every wire that a constraint sees, changed behind the generators' back.
#[test]
fn witnesses_that_break_the_circuit_are_refused_by_name() {
    for lookup in [false, true] {
        let example =
            Example::<C>::new(config(false), |builder| if lookup { lookups(builder) } else { mixed(builder, 4) });
        let (prover, common) = (&example.data.prover_only, &example.data.common);
        let witness = generate_partial_witness(example.inputs.clone(), prover, common).expect("a witness");
        let device = model();
        let set: Vec<usize> = (0..witness.values.len()).filter(|&i| witness.values[i].is_some()).collect();
        let (mut refused, mut free) = (0, 0);
        for &i in set.iter().step_by(set.len() / 60) {
            let mut broken = witness.clone();
            broken.values[i] = broken.values[i].map(|value| value + F::ONE);
            match prove_with_partition_witness(&device, prover, common, broken, no_salts) {
                Err(ProveError::Witness(_)) => refused += 1,
                // The wires that upstream fills at random.
                Ok(proved) => {
                    example.data.verify(proved.proof).expect("valid");
                    free += 1;
                }
                Err(other) => panic!("{other:?}"),
            }
        }
        assert!(refused > free, "{refused} refused, {free} free");
    }
    let example = Example::<C>::new(config(false), |builder| mixed(builder, 4));
    let other = Example::<C>::new(config(false), lookups);
    let proved = prove_with_partition_witness(
        &model(),
        &other.data.prover_only,
        &other.data.common,
        example.witness(),
        no_salts,
    );
    assert!(matches!(proved, Err(ProveError::Witness(text)) if text.contains("another circuit")));
    let mut empty = example.witness();
    empty.values.fill(None);
    let proved =
        prove_with_partition_witness(&model(), &example.data.prover_only, &example.data.common, empty, no_salts);
    assert!(matches!(proved, Err(ProveError::Witness(text)) if text.contains("public input 0 has no value")));
}

#[test]
fn what_the_board_lacks_is_said_before_work_begins() {
    let example = Example::<C>::new(config(false), |builder| mixed(builder, 4));
    let attempt = |board: &FunctionalBoard, options: Options| {
        let device = Device::from_function(Arc::new(board.clone()), options).expect("the model opens");
        let before = board.doorbells();
        let proved = prove(&device, &example.data.prover_only, &example.data.common, example.inputs.clone());
        assert_eq!(board.doorbells(), before);
        proved.expect_err("refused")
    };
    let board = FunctionalBoard::new();
    board.set_constant(&hotloop_regs::map::NTT_MAX_LOG_COSETS, 2);
    assert!(matches!(
        attempt(&board, options()),
        ProveError::Device(HotloopError::DeviceLimit { what: "log2 of the blow-up", .. })
    ));
    let small = Options { memory_limit: 1 << 19, ..options() };
    assert!(matches!(attempt(&FunctionalBoard::new(), small), ProveError::Device(HotloopError::MemoryLimit { .. })));
    let board = FunctionalBoard::new();
    board.set_constant(&hotloop_regs::map::SETS, 3);
    let set = Options { set: hotloop::ParameterSet::Plonky2V0, ..options() };
    assert!(matches!(attempt(&board, set), ProveError::WrongSet { .. }));
}

#[test]
fn circuits_that_cannot_be_proved_are_refused() {
    let attempt = |change: fn(&mut Example<C>)| {
        let mut example = Example::<C>::new(config(false), |builder| mixed(builder, 4));
        change(&mut example);
        match prove(&model(), &example.data.prover_only, &example.data.common, example.inputs) {
            Err(ProveError::Shape(text)) => text,
            other => panic!("{other:?}"),
        }
    };
    assert!(attempt(|e| e.data.common.quotient_degree_factor = 9).contains("blow-up"));
    assert!(attempt(|e| e.data.common.quotient_degree_factor = 80).contains("routed"));
    assert!(attempt(|e| e.data.common.fri_params.config.cap_height = 20).contains("configuration"));
    assert!(attempt(|e| e.data.prover_only.sigmas.truncate(3)).contains("belong"));
    assert!(attempt(|e| e.data.common.num_partial_products = 3).contains("belong"));
    assert!(attempt(|e| e.data.common.num_lookup_polys = 1).contains("tables"));
    assert!(attempt(|e| e.data.common.gates.truncate(1)).contains("selectors"));
    assert!(attempt(|e| e.data.prover_only.constants_sigmas_commitment.polynomials.clear()).contains("mock_build"));
    let lookups = Example::<C>::new(config(false), lookups);
    let mut data = lookups.data;
    data.prover_only.lookup_rows[0].first_lut_gate = usize::MAX;
    match prove(&model(), &data.prover_only, &data.common, lookups.inputs) {
        Err(ProveError::Shape(text)) => assert!(text.contains("tables")),
        other => panic!("{other:?}"),
    }
}
