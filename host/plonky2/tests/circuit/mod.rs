//! Small circuits, upstream's proofs of them, and a configuration that notes what upstream hashes.

use std::sync::{Arc, Mutex, PoisonError};

use hotloop_plonky2::{D, F, FE};
use plonky2::{
    field::types::Field,
    hash::{
        hash_types::HashOut,
        poseidon::{PoseidonHash, PoseidonPermutation},
    },
    iop::{
        generator::generate_partial_witness,
        target::Target,
        witness::{PartialWitness, PartitionWitness, WitnessWrite},
    },
    plonk::{
        circuit_builder::CircuitBuilder,
        circuit_data::{CircuitConfig, CircuitData},
        config::{GenericConfig, Hasher},
        proof::ProofWithPublicInputs,
        prover::prove_with_partition_witness,
    },
    util::timing::TimingTree,
};

pub type Builder = CircuitBuilder<F, D>;

/// A circuit and inputs that satisfy it.
pub struct Example<C: GenericConfig<D, F = F>> {
    pub data: CircuitData<F, C, D>,
    pub inputs: PartialWitness<F>,
}

/// A circuit's targets that are to be set, with values.
type Inputs = Vec<(Target, F)>;

impl<C: GenericConfig<D, F = F>> Example<C> {
    pub fn new(config: CircuitConfig, make: impl FnOnce(&mut Builder) -> Inputs) -> Self {
        let mut builder = Builder::new(config);
        let set = make(&mut builder);
        let data = builder.build::<C>();
        let mut inputs = PartialWitness::new();
        set.into_iter().for_each(|(target, value)| inputs.set_target(target, value).expect("set once"));
        Example { data, inputs }
    }

    pub fn witness(&self) -> PartitionWitness<'_, F> {
        generate_partial_witness(self.inputs.clone(), &self.data.prover_only, &self.data.common).expect("a witness")
    }

    /// Upstream's proof, in one thread: with more, its nonce is any.
    pub fn upstream(&self, witness: PartitionWitness<'_, F>) -> ProofWithPublicInputs<F, C, D> {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().expect("a thread");
        let (prover, common) = (&self.data.prover_only, &self.data.common);
        let prove = || prove_with_partition_witness(prover, common, witness, &mut TimingTree::default());
        pool.install(prove).expect("upstream proves")
    }
}

/// plonky2's standard configuration. With zero knowledge it asks for two queries only: each is blinded with rows, and
/// the 28 of the standard make 2^14 of them.
pub fn config(zero_knowledge: bool) -> CircuitConfig {
    let mut config = CircuitConfig { zero_knowledge, ..CircuitConfig::standard_recursion_config() };
    if zero_knowledge {
        config.fri_config.num_query_rounds = 2;
        config.security_bits = 2 * config.fri_config.rate_bits + config.fri_config.proof_of_work_bits as usize;
    }
    config
}

/// Arithmetic, hashes and range checks with copies between them; `public` of the hashes' words are public.
pub fn mixed(builder: &mut Builder, public: usize) -> Inputs {
    let inputs = builder.add_virtual_targets(8);
    for &input in &inputs {
        builder.range_check(input, 40);
    }
    let mut sum = builder.constant(F::from_canonical_u64(3));
    for _ in 0..30 {
        sum = builder.mul_add(sum, inputs[0], inputs[1]);
        sum = builder.div(sum, inputs[2]);
    }
    let mut words = inputs.clone();
    words.push(sum);
    for _ in 0..12 {
        words = builder.hash_n_to_hash_no_pad::<PoseidonHash>(words).elements.to_vec();
        let square = builder.square(words[0]);
        words.push(square);
    }
    builder.register_public_inputs(&words[..public]);
    inputs.into_iter().enumerate().map(|(i, target)| (target, F::from_canonical_usize(1000 * i + 7))).collect()
}

/// Two tables: one of one row, looked into a hundred times, and one of several rows, which is looked into five times.
pub fn lookups(builder: &mut Builder) -> Inputs {
    let small = builder.add_lookup_table_from_pairs(Arc::new((0..16).map(|x| (x + 5, x * x)).collect()));
    let large = builder.add_lookup_table_from_pairs(Arc::new((0..100).map(|x| (x * 3, 65_535 - x)).collect()));
    let (x, y) = (builder.add_virtual_target(), builder.add_virtual_target());
    let mut sum = builder.zero();
    for _ in 0..100 {
        let output = builder.add_lookup_from_index(x, small);
        sum = builder.add(sum, output);
    }
    for i in 0..5 {
        let looking = builder.add_const(y, F::from_canonical_u64(3 * i));
        let output = builder.add_lookup_from_index(looking, large);
        sum = builder.mul(sum, output);
    }
    builder.register_public_input(sum);
    vec![(x, F::from_canonical_u64(9)), (y, F::from_canonical_u64(33))]
}

/// [`mixed`] and [`lookups`] in one circuit.
pub fn both(builder: &mut Builder) -> Inputs {
    let mut inputs = mixed(builder, 4);
    inputs.extend(lookups(builder));
    inputs
}

/// Poseidon, noting every leaf of every tree.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NotingConfig;

impl GenericConfig<D> for NotingConfig {
    type F = F;
    type FE = FE;
    type Hasher = NotingHasher;
    type InnerHasher = PoseidonHash;
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotingHasher;

static LEAVES: Mutex<Vec<Vec<F>>> = Mutex::new(Vec::new());

/// Leaves since the last call. For one test in a process: upstream's prover in one thread hashes them in order.
pub fn take_leaves() -> Vec<Vec<F>> {
    std::mem::take(&mut *LEAVES.lock().unwrap_or_else(PoisonError::into_inner))
}

impl Hasher<F> for NotingHasher {
    const HASH_SIZE: usize = 32;
    type Hash = HashOut<F>;
    type Permutation = PoseidonPermutation<F>;

    fn hash_no_pad(input: &[F]) -> HashOut<F> {
        PoseidonHash::hash_no_pad(input)
    }

    fn hash_or_noop(inputs: &[F]) -> HashOut<F> {
        LEAVES.lock().unwrap_or_else(PoisonError::into_inner).push(inputs.to_vec());
        PoseidonHash::hash_or_noop(inputs)
    }

    fn two_to_one(left: HashOut<F>, right: HashOut<F>) -> HashOut<F> {
        PoseidonHash::two_to_one(left, right)
    }
}

/// A salt source that cannot be asked.
pub fn no_salts() -> F {
    panic!("a circuit without zero knowledge draws no salts")
}
