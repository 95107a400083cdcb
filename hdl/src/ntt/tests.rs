//! What is worked out when the hardware is generated.

use super::{shift::Factor, stage::Stage, *};
use crate::{config::NttConfig, datapath::Design};

/// Another 2-adic generator, that of older plonky2 and Plonky3: its root of order 64 is 2^39.
const OTHER_GENERATOR: u64 = 1_753_635_133_440_165_772;

fn sets() -> [SetTables; 2] {
    let set = SetTables::plonky2_v1();
    [set.clone(), SetTables { generator: OTHER_GENERATOR, ..set }]
}

fn value(field: &Field, factor: &Factor) -> u64 {
    let first = field.pow(2, factor.shift.into());
    let sum = match factor.second {
        None => first,
        Some((minus, shift)) => {
            let second = field.pow(2, shift.into());
            field.add(first, if minus { field.neg(second) } else { second })
        }
    };
    if factor.negative {
        field.neg(sum)
    } else {
        sum
    }
}

#[test]
fn every_twiddle_of_a_stage_is_one_or_two_powers_of_two() {
    for set in sets() {
        for log in 0..13 {
            let stage = Stage::new(&set, log);
            let order_log = if log < 6 { log + 1 } else { log - 5 };
            assert_eq!(stage.double(), order_log == 7);
            let root = set.root(order_log);
            for (e, factor) in stage.factors.iter().enumerate() {
                assert!(factor.shift < 96 && factor.second.is_none_or(|(_, shift)| shift < 96));
                assert_eq!(value(&set.field, factor), set.field.pow(root, e as u64), "distance 2^{log}, row {e}");
                assert_eq!(factor.second.is_some(), order_log == 7 && e % 2 == 1);
            }
        }
    }
}

#[test]
fn control_words_hold_shifts_and_signs() {
    let factor = Factor { negative: true, shift: 70, second: Some((true, 33)) };
    assert_eq!(factor.control(), 6 | 2 << 5 | 1 << 7 | 1 << 8 | 1 << 13 | 1 << 15 | 1 << 16);
    assert!(factor.control() < 1 << Factor::CONTROL_BITS);
}

#[test]
fn a_number_that_is_no_sum_of_two_powers_is_told() {
    assert_eq!(Factor::of(&Field::GOLDILOCKS, 7_277_203_076_849_721_926), None);
    // Why a chip holds 2^13 rows at most: docs/ntt.md.
    for set in sets() {
        assert_eq!(Factor::of(&set.field, set.root(8)), None);
    }
}

/// The order of [`pipeline`]: stages, the twiddle w^(i2·r) between the groups, stages; against the sum itself.
#[test]
fn two_groups_and_one_twiddle_are_the_transform() {
    for set in sets() {
        let f = set.field;
        for (log, max_log) in [(1, 13), (3, 13), (6, 7), (7, 7), (7, 13), (9, 12)] {
            let n = 1usize << log;
            let x: Vec<u64> = (0..n as u64).map(|i| f.pow(3, 1 + i)).collect();
            let mut y = x.clone();
            let (low, high) = twiddle_tables(&set, max_log);
            for distance_log in (0..log).rev() {
                if distance_log == 5 {
                    for (i, y) in y.iter_mut().enumerate() {
                        let reversed = ((i >> 6) as u32).reverse_bits() >> (32 - (max_log - 6).max(1));
                        let exponent = (i % 64) * if max_log > 6 { reversed as usize } else { 0 };
                        *y = f.mul(*y, f.mul(low[exponent & 127], high[exponent >> 7]));
                    }
                }
                let stage = Stage::new(&set, distance_log);
                let distance = 1 << distance_log;
                for i in (0..n).filter(|i| i & distance == 0) {
                    let (a, b) = (y[i], y[i + distance]);
                    let row = (i % distance) >> if distance_log >= 6 { 6 } else { 0 };
                    let twiddle = stage.factors.get(row).map_or(1, |factor| value(&f, factor));
                    y[i] = f.add(a, b);
                    y[i + distance] = f.mul(f.add(a, f.neg(b)), twiddle);
                }
            }
            let root = set.root(log);
            for (j, &y) in y.iter().enumerate() {
                let k = (j as u32).reverse_bits() >> (32 - log);
                let sum = (0..n).fold(0, |sum, i| f.add(sum, f.mul(x[i], f.pow(root, i as u64 * u64::from(k)))));
                assert_eq!(y, sum, "2^{log} of 2^{max_log}, row {j}");
            }
        }
    }
}

#[test]
fn tables_give_every_power_of_the_root() {
    for set in sets() {
        for max_log in 7..=13 {
            let (low, high) = twiddle_tables(&set, max_log);
            let root = set.root(max_log);
            for e in (0..1usize << max_log).step_by(61) {
                assert_eq!(set.field.mul(low[e & 127], high[e >> 7]), set.field.pow(root, e as u64));
            }
        }
    }
}

#[test]
fn multipliers_are_two_a_lane_and_two() {
    for lanes in [1, 2, 4, 8] {
        let mut config = Config::sim();
        config.ntt.lanes = lanes;
        let design = Design::new(engine(&config));
        assert_eq!(design.instances_of(crate::field::MULTIPLIER_LEAF), u64::from(2 * lanes + 2));
        assert_eq!(multipliers(&config), 2 * lanes + 2);
    }
}

#[test]
fn one_lane_can_do_with_one_multiplier() {
    for (max_log, multiplier) in [7, 8, 10, 13].into_iter().flat_map(|log| (2..6).map(move |latency| (log, latency))) {
        let mut config = Config::sim();
        config.multiplier = crate::field::MultiplierLeaf::Simulated { latency: multiplier };
        config.ntt =
            NttConfig { lanes: 1, sharing: 4, max_log, twiddles: twiddle_tables(&config.set, max_log), ..config.ntt };
        let design = Design::new(engine(&config));
        assert_eq!(design.instances_of(crate::field::MULTIPLIER_LEAF), 1);
        assert_eq!(multipliers(&config), 1);
    }
}
