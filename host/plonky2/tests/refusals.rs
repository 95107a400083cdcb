//! What is refused by name, before a job is sent where it can be known.

use std::sync::Arc;

use hotloop::{Check, Device, HotloopError, Options};
use hotloop_plonky2::{
    airs::{Fibonacci, PinnedAir, Wide},
    commit, offload, options, starky as hot, ProveError, D, F,
};
use hotloop_regs::map;
use hotloop_tests::model::FunctionalBoard;
use plonky2::{
    field::types::Field,
    hash::hash_types::HashOut,
    iop::challenger::Challenger,
    plonk::config::{GenericConfig, Hasher, PoseidonGoldilocksConfig},
};
use starky::{
    config::StarkConfig,
    cross_table_lookup::{CrossTableLookup, TableWithColumns},
    lookup::{Column, Filter},
};
use system::{on_device, C};
use tables::{squares_trace, traces, Machine, Squares};

#[path = "../examples/common/system.rs"]
#[allow(dead_code)]
mod system;
#[path = "../examples/common/tables.rs"]
#[allow(dead_code)]
mod tables;

fn open(board: &FunctionalBoard, options: Options) -> Device {
    Device::from_function(Arc::new(board.clone()), options).expect("the model opens")
}

fn device() -> Device {
    open(&FunctionalBoard::new(), options())
}

fn config() -> StarkConfig {
    StarkConfig::standard_fast_config()
}

/// Refused by `starky::prove` without a job.
fn refused<S: PinnedAir>(device: &Device, air: S, log_rows: u32, config: &StarkConfig) -> ProveError {
    let (trace, inputs) = air.trace(log_rows);
    let before = device.offload();
    let error = hot::prove::<C, _, _>(device, &air, config, &trace, &inputs).expect_err("refused");
    assert_eq!(device.offload(), before, "{error}");
    error
}

#[test]
fn what_the_board_lacks_is_said_by_name() {
    let board = FunctionalBoard::new();
    board.set_constant(&map::NTT_MAX_LOG_COSETS, 1);
    board.set_constant(&map::NTT_MAX_LOG, 4);
    let device = open(&board, options());
    let mut wide_blowup = config();
    wide_blowup.fri_config.rate_bits = 2;
    match refused(&device, Fibonacci, 4, &wide_blowup) {
        ProveError::Device(HotloopError::DeviceLimit { what, asked: 2, limit: 1, .. }) => {
            assert!(what.contains("blow-up"))
        }
        other => panic!("{other}"),
    }
    // Nor extension and inverse transform of more rows than two passes of 2^4 take.
    let error = refused(&device, Fibonacci, 9, &config());
    assert!(matches!(error, ProveError::Device(HotloopError::DeviceLimit { asked: 9, limit: 8, .. })), "{error}");
    // 2^8 rows it takes, but not 2^9 values of the quotient of constraints of degree 3.
    let error = refused(&device, Wide::<8>, 8, &config());
    assert!(matches!(error, ProveError::Device(HotloopError::DeviceLimit { asked: 9, limit: 8, .. })), "{error}");

    let no_poseidon = FunctionalBoard::new();
    no_poseidon.set_constant(&map::POSEIDON_UNITS, 0);
    let error = refused(&open(&no_poseidon, options()), Fibonacci, 4, &config());
    assert!(matches!(error, ProveError::Device(HotloopError::MissingEngine { engine: "Poseidon", .. })), "{error}");
}

#[test]
fn what_does_not_fit_memory_or_configuration_is_said_by_name() {
    let small = open(&FunctionalBoard::new(), Options { memory_limit: 1 << 20, ..options() });
    let error = refused(&small, Wide::<100>, 12, &config());
    assert!(matches!(error, ProveError::Device(HotloopError::MemoryLimit { limit: 0x10_0000, .. })), "{error}");

    let mut tall_cap = config();
    tall_cap.fri_config.cap_height = 7;
    let error = refused(&device(), Fibonacci, 5, &tall_cap).to_string();
    assert!(error.contains("cap of height 7"), "{error}");
    let mut low = config();
    low.fri_config.rate_bits = 0;
    let error = refused(&device(), Wide::<8>, 5, &low).to_string();
    assert!(error.contains("degree 3") && error.contains("allows 2"), "{error}");
}

/// A hash that is as Poseidon to the compiler.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Reversed;

impl GenericConfig<D> for Reversed {
    type F = F;
    type FE = hotloop_plonky2::FE;
    type Hasher = Reversed;
    type InnerHasher = <C as GenericConfig<D>>::InnerHasher;
}

impl Hasher<F> for Reversed {
    const HASH_SIZE: usize = 32;
    type Hash = HashOut<F>;
    type Permutation = <<C as GenericConfig<D>>::Hasher as Hasher<F>>::Permutation;

    fn hash_no_pad(input: &[F]) -> HashOut<F> {
        let mut input = input.to_vec();
        input.reverse();
        <PoseidonGoldilocksConfig as GenericConfig<D>>::Hasher::hash_no_pad(&input)
    }

    fn two_to_one(left: HashOut<F>, right: HashOut<F>) -> HashOut<F> {
        <PoseidonGoldilocksConfig as GenericConfig<D>>::Hasher::two_to_one(right, left)
    }
}

#[test]
fn another_hash_is_said_by_name() {
    let device = device();
    let (trace, inputs) = Fibonacci.trace(4);
    let error = hot::prove::<Reversed, _, _>(&device, &Fibonacci, &config(), &trace, &inputs).expect_err("refused");
    assert!(matches!(error, ProveError::WrongHash { found } if found.contains("Reversed")), "{error}");
    assert!(matches!(
        commit::from_values::<Reversed, _>(&device, &trace, &[], 1, 4),
        Err(ProveError::WrongHash { .. })
    ));
    assert_eq!(device.offload().jobs, 0);
}

#[test]
fn lookups_that_do_not_hold_are_said_by_name() {
    let device = device();
    let alone = Squares { looked_up: false };
    let good = squares_trace(5, &[3, 1, 4, 1, 5]);
    for (column, row, what) in [
        (4, 1, "as often as its frequencies say"),
        // 37 is not in the range, and its square says that it is 37.
        (1, 2, "a lookup's values are not those of its table"),
        (2, 2, "in row 2"),
    ] {
        let mut broken = good.clone();
        broken[column].values[row] += F::ONE;
        if column == 1 {
            (broken[1].values[row], broken[2].values[row]) =
                (F::from_canonical_u64(37), F::from_canonical_u64(37 * 37));
        }
        let error = hot::prove::<C, _, _>(&device, &alone, &config(), &broken, &[]).expect_err("refused");
        assert!(matches!(error, ProveError::Unsatisfied { .. }) && error.to_string().contains(what), "{error}");
        let error = offload::prove(&device, alone, &config(), broken, &[]).expect_err("refused");
        assert!(matches!(error, ProveError::Unsatisfied { .. }) && error.to_string().contains(what), "{error}");
        assert_eq!(device.offload().jobs, 0);
    }
}

/// Of a long trace a sample of the rows is looked at before work begins; what it misses is said all the same.
#[test]
fn a_wrong_row_of_a_long_trace_is_said_by_name() {
    let (mut trace, inputs) = Fibonacci.trace(13);
    // The second block of rows, of which every other one is looked at.
    trace[0].values[100] += F::ONE;
    for (check, looked_at_first) in [(Check::Spot, false), (Check::Full, true)] {
        let device = open(&FunctionalBoard::new(), Options { check, ..options() });
        let error = hot::prove::<C, _, _>(&device, &Fibonacci, &config(), &trace, &inputs).expect_err("refused");
        let text = error.to_string();
        assert!(matches!(error, ProveError::Unsatisfied { .. }) && text.contains("in row 99"), "{text}");
        assert_eq!(device.offload().jobs == 0, looked_at_first, "{check:?}");
    }
    trace[0].values[100] -= F::ONE;
    trace[1].values[(1 << 13) - 1] += F::ONE;
    let device = device();
    let error = hot::prove::<C, _, _>(&device, &Fibonacci, &config(), &trace, &inputs).expect_err("refused");
    assert!(error.to_string().contains("in row 8190"), "{error}");
    assert_eq!(device.offload().jobs, 0);
}

/// In a system of tables constraints are checked by the openings, at no cost, and then the row is looked for.
#[test]
fn tables_that_do_not_satisfy_their_constraints_are_said_by_name() {
    let device = device();
    for (table, column, row, what) in [(0, 3, 6, "in row 6"), (1, 0, 9, "in row 9"), (2, 3, 20, "in row 19")] {
        let mut traces = traces(4);
        traces[table][column].values[row] += F::TWO;
        let error = on_device(&device, &config(), &traces).expect_err("refused");
        let text = error.to_string();
        assert!(matches!(error, ProveError::Unsatisfied { .. }), "{text}");
        // The third table's range is also looked up.
        assert!(text.contains(what) || (table == 2 && text.contains("a lookup's values")), "{text}");
    }
}

#[test]
fn tables_and_lookups_that_do_not_go_together_are_said_by_name() {
    let device = device();
    let traces = traces(4);
    let one = |table, column| TableWithColumns::new(table, vec![Column::single(column)], Filter::default());
    let data = |lookups: &[CrossTableLookup<F>], degree| {
        let mut challenger = Challenger::new();
        hot::get_ctl_data::<<C as GenericConfig<D>>::Hasher, 3>(&config(), &traces, lookups, &mut challenger, degree)
    };
    for (lookup, degree, what) in [
        (CrossTableLookup::new(vec![one(0, 1)], one(3, 1)), 3, "names table 3"),
        (CrossTableLookup::new(vec![one(0, 5)], one(1, 1)), 3, "column 5"),
        (CrossTableLookup::new(vec![one(0, 1), one(1, 1), one(0, 2)], one(2, 1)), 3, "in a row"),
        (CrossTableLookup::new(vec![one(0, 1), one(0, 2), one(0, 3)], one(2, 1)), 4, "degree 4"),
        (CrossTableLookup::new(vec![one(0, 1)], one(2, 1)), 1, "degree 1"),
    ] {
        let error = data(&[lookup], degree).expect_err("refused").to_string();
        assert!(error.contains(what), "{error}");
    }

    // The data of another degree, of another table, none at all.
    let twice = [CrossTableLookup::new(vec![one(0, 1), one(0, 2)], one(1, 1))];
    let (challenges, of_degree_2) = data(&twice, 2).expect("data");
    let (_, of_degree_3) = data(&twice, 3).expect("data");
    let commitment = commit::from_values::<C, _>(&device, &traces[0], &[], 1, 4).expect("committed");
    let before = device.offload();
    for (data, what) in [
        (Some(&of_degree_2[0]), "give `get_ctl_data` this degree"),
        (Some(&of_degree_3[1]), "not 16"),
        (Some(&of_degree_3[2]), "no cross-table lookup names"),
        (None, "requires cross-table lookups"),
    ] {
        let mut challenger = Challenger::new();
        let error = hot::prove_with_commitment::<C, _, _>(
            &device,
            &Machine,
            &config(),
            &traces[0],
            &commitment,
            data,
            Some(&challenges),
            &mut challenger,
            &[],
            None,
            None,
        )
        .expect_err("refused")
        .to_string();
        assert!(error.contains(what), "{error}");
    }
    assert_eq!(device.offload(), before);
    // Another table's commitment.
    let error = hot::prove_with_commitment::<C, _, _>(
        &device,
        &Machine,
        &config(),
        &traces[1],
        &commitment,
        Some(&of_degree_3[1]),
        Some(&challenges),
        &mut Challenger::new(),
        &[],
        None,
        None,
    )
    .expect_err("refused")
    .to_string();
    assert!(error.contains("a commitment to 5 columns of 2^4 rows"), "{error}");
}
